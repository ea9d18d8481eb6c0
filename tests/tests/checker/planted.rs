//! Histories with a planted fault, and the same without it.

use std::time::Duration;

use cas_layer_tests::{
    checker::{
        check::{Rule, check},
        history::{Action, Fault, History, Line, Micros, Operation, Outcome, Process, Promises},
    },
    suite::trial,
};
use libtest_mimic::Trial;

macro_rules! tests {
    ($($name:ident),+ $(,)?) => {
        vec![$(trial(concat!("planted::", stringify!($name)), async || $name())),+]
    };
}

pub(crate) fn trials() -> Vec<Trial> {
    tests![
        a_clean_history_has_no_violation,
        an_ended_session_that_is_live_where_it_ended_is_found_at_once,
        an_ended_session_that_is_live_elsewhere_is_found_after_the_delay,
        a_busy_machine_raises_no_alarm,
        an_ended_session_that_comes_back_with_a_new_process_is_found_if_the_registry_outlives_it,
        a_message_ends_nothing_that_was_opened_by_a_process_before_if_the_registry_does_not_outlive_it,
        an_end_that_nobody_answered_proves_nothing,
        an_end_that_is_known_in_one_place_is_known_everywhere_in_the_end,
        a_loss_excuses_only_who_cannot_know,
        a_session_that_is_lost_is_found,
        clocks_that_are_far_apart_excuse_a_lost_session,
        the_end_of_all_ends_what_was_opened_before,
        the_end_of_all_after_a_restart_ends_what_was_opened_before_if_the_clock_has_not_gone_back,
        the_end_of_all_ends_nothing_that_is_opened_later,
        a_node_that_is_cut_off_is_not_sure_of_what_is_opened_elsewhere_just_then,
        the_end_of_all_without_an_answer_proves_nothing,
        a_page_of_somebody_else_is_found,
        a_process_that_does_not_answer_in_the_end_is_found,
        processes_that_disagree_in_the_end_are_found,
        a_history_is_the_same_after_it_was_written,
        a_violation_shows_its_lines,
    ]
}

const SECOND: Micros = 1_000_000;

const A: Process = Process { node: 0, run: 0 };
const B: Process = Process { node: 1, run: 0 };
/// The process that comes after `B`.
const B2: Process = Process { node: 1, run: 1 };

/// What happened, step by step. Each request takes a millisecond.
struct Story(History);

impl Story {
    /// Session 1 of alice is opened on A at 1 s.
    fn new() -> Self {
        let promises = Promises {
            delay: Duration::from_secs(3),
            outlives_process: true,
            lifetime: Duration::from_secs(8 * 3600),
        };
        let mut story = Self(History {
            promises,
            lines: Vec::new(),
        });
        for (process, from, to) in [(A, 0, None), (B, 0, Some(50)), (B2, 51, None)] {
            let to = to.map(|to: u64| to * SECOND);
            let from = from * SECOND;
            story.0.lines.push(Line::Process { process, from, to });
        }
        story.asks(1, A, Action::SignIn, Outcome::Done)
    }

    fn asks(mut self, at: u64, process: Process, action: Action, outcome: Outcome) -> Self {
        let is_all = action == Action::EndAll;
        self.0.lines.push(Line::Operation(Operation {
            action,
            session: (!is_all).then_some(1),
            user: "alice".to_owned(),
            process,
            clock: 0,
            asked: at * SECOND,
            answered: at * SECOND + 1_000,
            outcome,
            detail: String::new(),
            stall: 0,
        }));
        self
    }

    fn reads(self, at: u64, process: Process, outcome: Outcome) -> Self {
        self.asks(at, process, Action::Read, outcome)
    }

    /// Changes the last request.
    fn but(mut self, change: impl FnOnce(&mut Operation)) -> Self {
        match self.0.lines.last_mut() {
            Some(Line::Operation(operation)) => change(operation),
            _ => panic!("no request"),
        }
        self
    }

    fn line(mut self, line: Line) -> Self {
        self.0.lines.push(line);
        self
    }

    fn settled(self, at: u64) -> Self {
        self.line(Line::Settled { at: at * SECOND })
    }

    fn loss(self, from: u64, to: u64) -> Self {
        self.line(Line::Fault(Fault {
            name: "redis-empty".to_owned(),
            detail: String::new(),
            from: from * SECOND,
            to: Some(to * SECOND),
            loses: true,
        }))
    }

    fn rules(&self) -> Vec<Rule> {
        check(&self.0).iter().map(|it| it.rule).collect()
    }

    fn is_clean(&self) {
        assert_eq!(self.rules(), []);
    }

    fn breaks(&self, rule: Rule) {
        assert_eq!(self.rules(), [rule]);
    }
}

use Action::{EndAll, SignOut, SingleLogout};
use Outcome::{Done, DoneHere, Ended, Failed, Live, SomebodyElse, Unknown};

fn a_clean_history_has_no_violation() {
    for end in [SignOut, SingleLogout, EndAll] {
        Story::new()
            .reads(2, A, Live)
            .reads(3, B, Live)
            .reads(4, B, Failed)
            .asks(5, A, end, Done)
            .reads(6, A, Ended)
            // Not heard of yet.
            .reads(7, B, Live)
            .reads(20, B, Ended)
            .settled(60)
            .reads(61, A, Ended)
            .reads(62, B2, Ended)
            .is_clean();
    }
}

fn an_ended_session_that_is_live_where_it_ended_is_found_at_once() {
    for (end, outcome) in [
        (SignOut, Done),
        (SignOut, DoneHere),
        (SingleLogout, Done),
        (EndAll, Done),
        (EndAll, DoneHere),
    ] {
        let ended = || Story::new().asks(5, A, end, outcome);
        ended().reads(6, A, Live).breaks(Rule::ComesBack);
        // Asked before it was answered.
        ended().reads(5, A, Live).is_clean();
    }
}

fn an_ended_session_that_is_live_elsewhere_is_found_after_the_delay() {
    for end in [SignOut, SingleLogout, EndAll] {
        let ended = || Story::new().asks(5, A, end, Done);
        ended().reads(9, B, Live).is_clean();
        ended().reads(10, B, Live).breaks(Rule::ComesBack);
    }
}

fn a_busy_machine_raises_no_alarm() {
    let ended = || Story::new().asks(5, A, SignOut, Done);
    let late = 3 * SECOND;
    let stall = |at: u64| Line::Stall {
        at: at * SECOND,
        late,
    };
    ended().line(stall(8)).reads(11, B, Live).is_clean();
    ended()
        .reads(11, B, Live)
        .but(|read| read.stall = late)
        .is_clean();
    // Not without end, and not because of some other time.
    ended()
        .line(stall(8))
        .reads(13, B, Live)
        .breaks(Rule::ComesBack);
    ended()
        .line(stall(4))
        .reads(11, B, Live)
        .breaks(Rule::ComesBack);
    ended()
        .line(stall(40))
        .reads(11, B, Live)
        .breaks(Rule::ComesBack);
}

fn an_ended_session_that_comes_back_with_a_new_process_is_found_if_the_registry_outlives_it() {
    let mut story = Story::new().asks(5, B, SignOut, Done).reads(60, B2, Live);
    story.breaks(Rule::ComesBack);
    story.0.promises.outlives_process = false;
    story.is_clean();
}

fn a_message_ends_nothing_that_was_opened_by_a_process_before_if_the_registry_does_not_outlive_it()
{
    let ended = |end| {
        let mut story = Story::new().asks(60, B2, end, Done).reads(61, B2, Live);
        story.breaks(Rule::ComesBack);
        story.0.promises.outlives_process = false;
        story
    };
    ended(SingleLogout).is_clean();
    // The cookie says which session it is.
    ended(SignOut).breaks(Rule::ComesBack);
}

fn an_end_that_nobody_answered_proves_nothing() {
    for outcome in [Failed, Unknown] {
        let ended = || Story::new().asks(5, A, SignOut, outcome);
        ended().reads(20, A, Live).is_clean();
        ended().reads(20, A, Ended).is_clean();
    }
}

fn an_end_that_is_known_in_one_place_is_known_everywhere_in_the_end() {
    let ended = |at| Story::new().asks(5, at, SignOut, DoneHere);
    ended(A)
        .reads(40, B, Live)
        .settled(60)
        .reads(61, B2, Ended)
        .is_clean();
    ended(A)
        .settled(60)
        .reads(61, B2, Live)
        .breaks(Rule::ComesBack);
    // It has died with what it knew.
    ended(B).settled(60).reads(61, B2, Live).is_clean();
}

fn a_loss_excuses_only_who_cannot_know() {
    // B is there all the time.
    let ended = || Story::new().asks(5, A, SignOut, Done).loss(20, 21);
    ended().reads(22, B, Live).breaks(Rule::ComesBack);
    // A new process cannot know it from a store that has lost it, for a while.
    let ended = || Story::new().asks(5, A, SignOut, Done).loss(50, 52);
    ended().reads(55, B2, Live).is_clean();
    ended().reads(63, B2, Live).breaks(Rule::ComesBack);
    // What ends while it is lost takes a while too.
    let ended = || Story::new().asks(21, A, SignOut, Done).loss(20, 24);
    ended().reads(30, B, Live).is_clean();
    ended().reads(35, B, Live).breaks(Rule::ComesBack);
}

fn a_session_that_is_lost_is_found() {
    Story::new().reads(2, B, Ended).breaks(Rule::IsLost);
    // Asked for its end later.
    Story::new()
        .reads(2, B, Ended)
        .asks(5, A, SignOut, Done)
        .breaks(Rule::IsLost);
}

fn clocks_that_are_far_apart_excuse_a_lost_session() {
    let read = |clock| {
        Story::new()
            .reads(2, B, Ended)
            .but(|read| read.clock = clock)
    };
    read(-240).breaks(Rule::IsLost);
    read(-3_600).is_clean();
    read(3_600).breaks(Rule::IsLost);
    read(9 * 3_600).is_clean();
}

fn the_end_of_all_ends_what_was_opened_before() {
    Story::new()
        .asks(5, B, EndAll, Done)
        .reads(20, A, Live)
        .breaks(Rule::ComesBack);
    // Opened meanwhile, so before or after.
    let meanwhile = |outcome| {
        Story::new()
            .asks(1, B, EndAll, Done)
            .but(|all| all.answered += 10)
            .reads(20, A, outcome)
    };
    meanwhile(Live).is_clean();
    meanwhile(Ended).is_clean();
}

fn the_end_of_all_after_a_restart_ends_what_was_opened_before_if_the_clock_has_not_gone_back() {
    let story = |clock| {
        let story = Story::new().but(|opened| opened.clock = clock);
        let mut story = story.asks(60, B2, EndAll, Done).reads(62, B2, Live);
        story.breaks(Rule::ComesBack);
        story.0.promises.outlives_process = false;
        story
    };
    story(0).breaks(Rule::ComesBack);
    story(30).breaks(Rule::ComesBack);
    story(240).is_clean();
    // The clock was set meanwhile, and numbers do not go back with it.
    let mut set = story(0).reads(1, A, Live).but(|read| read.clock = 240);
    set.is_clean();
    set.0.promises.outlives_process = true;
    set.breaks(Rule::ComesBack);
}

fn the_end_of_all_ends_nothing_that_is_opened_later() {
    for outcome in [Done, Failed] {
        Story::new()
            .asks(0, B, EndAll, outcome)
            .reads(20, A, Ended)
            .breaks(Rule::IsLost);
    }
}

fn a_node_that_is_cut_off_is_not_sure_of_what_is_opened_elsewhere_just_then() {
    let all = |process| {
        Story::new()
            .asks(0, process, EndAll, DoneHere)
            .reads(20, A, Ended)
    };
    all(B).is_clean();
    // It knows what it has opened itself.
    all(A).breaks(Rule::IsLost);
    // And may not know what was opened just before.
    let before = |process| {
        Story::new()
            .asks(2, process, EndAll, DoneHere)
            .reads(3, process, Live)
    };
    before(B).is_clean();
    before(A).breaks(Rule::ComesBack);
    // Everybody has heard of it.
    Story::new()
        .but(|opened| (opened.asked, opened.answered) = (11 * SECOND, 11 * SECOND))
        .asks(0, B, EndAll, DoneHere)
        .reads(20, A, Ended)
        .breaks(Rule::IsLost);
}

fn the_end_of_all_without_an_answer_proves_nothing() {
    for (at, outcome) in [(0, Live), (0, Ended), (5, Live), (5, Ended)] {
        Story::new()
            .asks(at, B, EndAll, Unknown)
            .reads(20, A, outcome)
            .is_clean();
    }
}

fn a_page_of_somebody_else_is_found() {
    Story::new()
        .reads(2, A, SomebodyElse)
        .breaks(Rule::SomebodyElse);
}

fn a_process_that_does_not_answer_in_the_end_is_found() {
    for outcome in [Failed, Unknown] {
        Story::new().reads(5, A, outcome).settled(60).is_clean();
        Story::new()
            .settled(60)
            .reads(61, A, outcome)
            .breaks(Rule::NoAnswer);
    }
}

fn processes_that_disagree_in_the_end_are_found() {
    let perhaps = || Story::new().asks(5, A, SignOut, Unknown);
    perhaps()
        .reads(58, A, Live)
        .settled(60)
        .reads(61, A, Ended)
        .reads(61, B2, Ended)
        .is_clean();
    perhaps()
        .settled(60)
        .reads(61, A, Live)
        .reads(61, B2, Ended)
        .breaks(Rule::Disagree);
}

fn a_history_is_the_same_after_it_was_written() {
    let story = Story::new()
        .asks(5, A, EndAll, DoneHere)
        .reads(6, B, Ended)
        .loss(7, 8)
        .settled(60);
    let text = story.0.to_json();
    assert_eq!(text.lines().count(), story.0.lines.len() + 1);
    assert_eq!(History::from_json(&text).unwrap(), story.0);
    let without_promises = text.split_once('\n').unwrap().1;
    assert!(History::from_json(without_promises).is_err());
    assert!(History::from_json("").is_err());
    assert!(History::from_json("{").is_err());
}

fn a_violation_shows_its_lines() {
    let story = Story::new()
        .loss(4, 5)
        .loss(30, 31)
        .asks(5, A, SingleLogout, Done)
        .reads(6, A, Live);
    let violations = check(&story.0);
    let [violation] = &*violations else {
        panic!("{violations:?}");
    };
    let text = violation.to_string();
    assert!(text.contains("session 1 was ended"), "{text}");
    // Its sign-in, its end, the read, and the fault at that time.
    assert_eq!(violation.lines.len(), 4, "{text}");
}
