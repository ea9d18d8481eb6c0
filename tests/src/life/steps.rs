//! What can happen, and random sequences of it.

use proptest::{prelude::*, sample::select};

use super::model::{Moment, Seconds};

/// Who shows a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Browser(usize),
    /// Somebody with a copy of a cookie and nothing else. 0 is the newest cookie that was issued, to whomever.
    Copy(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    Back,
    /// Through this browser.
    Front(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Opens the page that requires a user.
    Use(Who),
    /// Opens a page that anybody may see.
    Look(Who),
    /// A browser begins as many logins as there are users here, and then comes back with a ticket for each.
    SignIn {
        browser: usize,
        users: Vec<&'static str>,
        /// Whether a message comes for the first ticket before the ticket does. It leaves no trace.
        told_early: bool,
        /// Whether they are tabs that all come back before any of them has an answer. Only of a browser that is not
        /// signed in.
        at_once: bool,
    },
    SignOut(Who),
    EndAll(Who),
    /// The CAS server says that sessions are over. 0 is the newest.
    Message {
        sessions: Vec<usize>,
        channel: Channel,
    },
    /// Somebody deletes all cookies of a browser.
    ClearCookies(usize),
    Advance(Seconds),
    Rewind(Seconds),
    /// The clock is moved to a moment of somebody's cookie, or to a second before it.
    GoTo {
        who: Who,
        moment: Moment,
        before: bool,
    },
    /// The app starts again with these keys, and the same registry.
    Keys(Vec<u8>),
}

pub(super) const BROWSERS: usize = 3;
pub(super) const USERS: [&str; 2] = ["alice", "bob"];

/// The keys at the beginning.
pub(super) const FIRST_KEYS: [u8; 1] = [1];

/// How far the clock is moved.
const TIMES: [Seconds; 8] = [1, 30, 100, 200, 301, 600, 900, 2_000];

const MOMENTS: [Moment; 5] = [
    Moment::Due,
    Moment::Idle,
    Moment::Over,
    Moment::Apart,
    Moment::Ahead,
];

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![
        (0..BROWSERS).prop_map(Who::Browser),
        (0..6_usize).prop_map(Who::Copy),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let users = prop_oneof![
        4 => select(&USERS[..]).prop_map(|user| vec![user]),
        1 => prop::collection::vec(select(&USERS[..]), 2..=3),
    ];
    let channel = prop_oneof![Just(Channel::Back), (0..BROWSERS).prop_map(Channel::Front)];
    let (told_early, at_once) = (prop::bool::weighted(0.2), prop::bool::ANY);
    let sign_in = (0..BROWSERS, users, told_early, at_once).prop_map(
        |(browser, users, told_early, at_once)| Step::SignIn {
            browser,
            users,
            told_early,
            at_once,
        },
    );
    let message = (prop::collection::vec(0..5_usize, 1..=2), channel)
        .prop_map(|(sessions, channel)| Step::Message { sessions, channel });
    let keys = select(vec![
        vec![1],
        vec![2, 1],
        vec![2],
        vec![1, 2],
        vec![3, 2, 1],
    ]);
    let go_to = (who(), select(&MOMENTS[..]), prop::bool::ANY).prop_map(|(who, moment, before)| {
        Step::GoTo {
            who,
            moment,
            before,
        }
    });
    prop_oneof![
        6 => sign_in,
        8 => who().prop_map(Step::Use),
        4 => who().prop_map(Step::Look),
        2 => who().prop_map(Step::SignOut),
        1 => who().prop_map(Step::EndAll),
        3 => message,
        1 => (0..BROWSERS).prop_map(Step::ClearCookies),
        3 => select(&TIMES[..]).prop_map(Step::Advance),
        1 => select(&TIMES[..]).prop_map(Step::Rewind),
        4 => go_to,
        1 => keys.prop_map(Step::Keys),
    ]
}

/// What happens to one app, one after another.
pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..=40)
}
