//! The tabs of a browser whose logins get in each other's way.
//!
//! Some CAS servers delete an unused ticket when another tab of the browser gets one. Tabs that begin again at once would
//! delete each other's tickets again. So they begin again one by one, until one of them signs in: the others then find
//! its session. They wait in the browser, since a request that waits here would keep a connection from the others.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::session::LoginValue;

/// How long a tab has for its way to the CAS server and back before the next one may go.
const APART: Duration = Duration::from_secs(2);

/// How many browsers are known at once. Each has brought two tickets that were refused.
const MAX: usize = 1_024;

/// When a tab of each browser went last, by the secret that the browser's logins are tied to.
#[derive(Default)]
pub(crate) struct Tabs(Mutex<HashMap<LoginValue, Instant>>);

impl Tabs {
    /// Whether a tab of this browser may go now. If so, the next one may in two seconds.
    pub(crate) fn may_go(&self, browser: LoginValue) -> bool {
        let now = Instant::now();
        let mut went = self.went();
        went.retain(|_, went| now.duration_since(*went) < APART);
        if went.contains_key(&browser) {
            return false;
        }
        if went.len() < MAX {
            went.insert(browser, now);
        }
        true
    }

    fn went(&self) -> MutexGuard<'_, HashMap<LoginValue, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The secrets are what ties logins to browsers.
impl fmt::Debug for Tabs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Tabs");
        f.field("browsers", &self.went().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_tabs_of_a_browser_go_one_by_one() {
        let tabs = Tabs::default();
        assert!(tabs.may_go([1; 16]));
        assert!(tabs.may_go([2; 16]), "another browser");
        advance(Duration::from_millis(1_999)).await;
        assert!(!tabs.may_go([1; 16]));
        advance(Duration::from_millis(1)).await;
        assert!(tabs.may_go([1; 16]));
        assert!(!tabs.may_go([1; 16]));
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_browsers_are_known_and_the_others_are_let_go() {
        let tabs = Tabs::default();
        for n in 0..2_000_u16 {
            let browser = [n.to_be_bytes(); 8].concat().try_into().unwrap();
            assert!(tabs.may_go(browser), "{n}");
        }
        assert_eq!(tabs.went().len(), MAX);
        advance(APART).await;
        assert!(tabs.may_go([0; 16]));
        assert_eq!(tabs.went().len(), 1);
    }

    #[test]
    fn the_secrets_are_not_printed() {
        assert_eq!(format!("{:?}", Tabs::default()), "Tabs { browsers: 0 }");
    }
}
