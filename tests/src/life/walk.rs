//! Takes steps at an app, and has the model judge each answer.

use super::{
    model::{Change, CookieNo, Model, Page, Seconds, Seen, SessionNo, Verdict, Wrong},
    steps::{BROWSERS, Channel, FIRST_KEYS, Step, Who},
};

/// Who shows a session cookie to an app.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shows<'c> {
    /// What the app knows of its browsers, it keeps itself.
    Browser(usize),
    /// A cookie of this value and nothing else.
    Copy(&'c str),
}

/// How a browser comes back with several tickets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Logins {
    /// A message came for the first ticket before.
    pub(super) told_early: bool,
    /// Each shows the cookies that the browser had when all logins had begun.
    pub(super) at_once: bool,
}

/// What came of logins that a browser began together.
#[derive(Clone, Debug)]
pub(super) struct SignedIn {
    /// The browser was told that it goes in circles, and its user deleted its cookies.
    pub(super) cleared: bool,
    /// For each ticket.
    pub(super) changes: Vec<Change>,
}

/// An app with browsers.
#[allow(async_fn_in_trait, reason = "it is used on one thread")]
pub(super) trait App {
    /// In the registry, sealed.
    fn keeps_attributes(&self) -> bool;

    async fn show(&mut self, who: Shows<'_>, page: Page) -> Result<Seen, Wrong>;

    /// A browser begins a login for each user, and comes back with a ticket for each. Each that opens a session is the
    /// next [`SessionNo`].
    async fn sign_in(
        &mut self,
        browser: usize,
        users: &[&'static str],
        how: Logins,
    ) -> Result<SignedIn, Wrong>;

    async fn sign_out(&mut self, who: Shows<'_>) -> Result<Change, Wrong>;

    /// Whether the app says that all sessions ended.
    async fn end_all(&mut self, who: Shows<'_>) -> Result<bool, Wrong>;

    /// Whether it is certain that they ended.
    async fn message(
        &mut self,
        sessions: &[SessionNo],
        channel: Channel,
    ) -> Result<(bool, Change), Wrong>;

    fn clear_cookies(&mut self, browser: usize);

    /// The clock was moved to here.
    fn clock_shows(&mut self, now: Seconds);

    /// It starts again with these keys.
    fn restart(&mut self, keys: &[u8]);
}

struct Walk<'a, A> {
    app: &'a mut A,
    model: Model,
    /// The values of all cookies that were issued.
    values: Vec<String>,
    /// The session cookie of each browser.
    held: [Option<CookieNo>; BROWSERS],
}

/// Takes all steps, and then looks at every cookie that was ever issued.
pub(super) async fn walk<A: App>(app: &mut A, now: Seconds, steps: &[Step]) -> Result<(), Wrong> {
    let model = Model::new(now, &FIRST_KEYS, app.keeps_attributes());
    let mut walk = Walk {
        app,
        model,
        values: Vec::new(),
        held: [None; BROWSERS],
    };
    for (number, step) in steps.iter().enumerate() {
        let taken = walk.take(step).await;
        taken.map_err(|wrong| format!("step {number}, {step:?}: {wrong}"))?;
    }
    let everybody = (0..BROWSERS).map(Who::Browser);
    for who in everybody.chain((0..walk.values.len()).map(Who::Copy)) {
        let seen = walk.show(who, Page::Public).await;
        seen.map_err(|wrong| format!("in the end, {who:?}: {wrong}"))?;
    }
    Ok(())
}

impl<A: App> Walk<'_, A> {
    async fn take(&mut self, step: &Step) -> Result<(), Wrong> {
        match step {
            &Step::Use(who) => self.show(who, Page::Protected).await,
            &Step::Look(who) => self.show(who, Page::Public).await,
            Step::SignIn {
                browser,
                users,
                told_early,
                at_once,
            } => {
                let how = Logins {
                    told_early: *told_early,
                    at_once: *at_once,
                };
                self.sign_in(*browser, users, how).await
            }
            &Step::SignOut(who) => {
                let Some((shows, cookie)) = find(who, &self.held, &self.values) else {
                    return Ok(());
                };
                let change = self.app.sign_out(shows).await?;
                if let Some(cookie) = cookie {
                    self.model.signed_out(cookie);
                }
                self.follow(who, &change)
            }
            &Step::EndAll(who) => {
                let Some((shows, cookie)) = find(who, &self.held, &self.values) else {
                    return Ok(());
                };
                let done = self.app.end_all(shows).await?;
                self.model.ended_all(cookie, done)
            }
            Step::Message { sessions, channel } => self.message(sessions, *channel).await,
            &Step::ClearCookies(browser) => {
                self.app.clear_cookies(browser);
                self.held[browser] = None;
                Ok(())
            }
            Step::Advance(by) => {
                self.clock_shows(self.model.now() + by);
                Ok(())
            }
            Step::Rewind(by) => {
                self.clock_shows(self.model.now() - by);
                Ok(())
            }
            &Step::GoTo {
                who,
                moment,
                before,
            } => {
                if let Some((_, Some(cookie))) = find(who, &self.held, &self.values) {
                    let time = self.model.time_of(cookie, moment) - Seconds::from(before);
                    self.clock_shows(time);
                }
                Ok(())
            }
            Step::Keys(keys) => {
                self.app.restart(keys);
                self.model.keys_are(keys);
                Ok(())
            }
        }
    }

    fn clock_shows(&mut self, now: Seconds) {
        self.app.clock_shows(now);
        self.model.clock_shows(now);
    }

    async fn show(&mut self, who: Who, page: Page) -> Result<(), Wrong> {
        let Some((shows, cookie)) = find(who, &self.held, &self.values) else {
            return Ok(());
        };
        let seen = self.app.show(shows, page).await?;
        self.model.showed(cookie, page, &seen)?;
        self.follow(who, &seen.change)
    }

    async fn sign_in(
        &mut self,
        browser: usize,
        users: &[&'static str],
        mut how: Logins,
    ) -> Result<(), Wrong> {
        // Whether the browser has a session is certain from here on.
        self.show(Who::Browser(browser), Page::Protected).await?;
        let begun_at = self.model.now();
        let accepted = |cookie| self.model.verdict(cookie) == Verdict::Accepted;
        let is_signed_in = self.held[browser].is_some_and(accepted);
        how.at_once &= !is_signed_in;
        let SignedIn { cleared, changes } = self.app.sign_in(browser, users, how).await?;
        if cleared {
            if is_signed_in {
                return Err("a user with a good session is told of circles".to_owned());
            }
            self.held[browser] = None;
        }
        let (before, first) = (self.held[browser], self.model.sessions());
        for (user, change) in users.iter().zip(&changes) {
            let set = matches!(change, Change::Set(_));
            let signed_in = if how.at_once {
                self.model.signed_in_at_once(user, before, first, set)
            } else {
                let shown = self.held[browser];
                self.model.signed_in(user, shown, begun_at, set)
            };
            signed_in.map_err(|wrong| format!("{user}: {wrong}"))?;
            self.follow(Who::Browser(browser), change)?;
        }
        Ok(())
    }

    async fn message(&mut self, newest: &[usize], channel: Channel) -> Result<(), Wrong> {
        let count = self.model.sessions();
        let named = newest.iter().filter(|&&nth| nth < count);
        let named: Vec<_> = named.map(|nth| count - 1 - nth).collect();
        if named.is_empty() {
            return Ok(());
        }
        let (sure, change) = self.app.message(&named, channel).await?;
        self.model.told(&named, sure);
        match channel {
            Channel::Back => Ok(()),
            Channel::Front(browser) => self.follow(Who::Browser(browser), &change),
        }
    }

    /// What an answer makes of the cookies. Of a cookie that it sets, the model knows already.
    fn follow(&mut self, who: Who, change: &Change) -> Result<(), Wrong> {
        let holds = match change {
            Change::Kept => return Ok(()),
            Change::Cleared => None,
            Change::Set(value) => {
                self.values.push(value.clone());
                if self.values.len() != self.model.cookies() {
                    return Err("a cookie that nobody expects".to_owned());
                }
                Some(self.values.len() - 1)
            }
        };
        if let Who::Browser(browser) = who {
            self.held[browser] = holds;
        }
        Ok(())
    }
}

/// Somebody as the app and as the model knows them. `None` if there is no such cookie yet.
fn find<'v>(
    who: Who,
    held: &[Option<CookieNo>; BROWSERS],
    values: &'v [String],
) -> Option<(Shows<'v>, Option<CookieNo>)> {
    Some(match who {
        Who::Browser(browser) => (Shows::Browser(browser), held[browser]),
        Who::Copy(nth) => {
            let cookie = values.len().checked_sub(nth + 1)?;
            (Shows::Copy(&values[cookie]), Some(cookie))
        }
    })
}
