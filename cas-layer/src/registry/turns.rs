//! Limits how many messages that name sessions are looked up at once.

use std::sync::Arc;

use super::{
    LogoutSender, RegistryError, RegistryErrorKind,
    sender::{LogoutShare, SourceId},
};
use crate::turns;

/// How many messages of each share are looked up at once.
const AT_ONCE: usize = 8;

/// How many more of each share wait for that.
const WAITING: usize = 1_024;

/// Each share has turns of its own, and its sources take turns.
#[derive(Clone, Debug)]
pub(crate) struct Turns(Arc<[turns::Turns<Option<SourceId>>; LogoutShare::COUNT]>);

/// Somebody's turn, until it is dropped.
pub(crate) type Turn = turns::Slot<Option<SourceId>>;

impl Turns {
    pub(crate) fn new() -> Self {
        let turns = |_| turns::Turns::new(AT_ONCE, WAITING);
        Self(Arc::new(std::array::from_fn(turns)))
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// [`RegistryErrorKind::Full`]: this source has too many waiting, or all places are taken.
    pub(crate) async fn take(&self, sender: LogoutSender) -> Result<Turn, RegistryError> {
        let asked = self.0[sender.share().index()].ask(sender.source());
        let turn = match asked {
            Some(asked) => asked.slot().await,
            None => None,
        };
        turn.ok_or_else(too_many)
    }
}

fn too_many() -> RegistryError {
    RegistryError::new(
        RegistryErrorKind::Full,
        "too many messages about sessions come at once",
    )
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    type Taking = Pin<Box<dyn Future<Output = Result<Turn, RegistryError>>>>;

    fn take(turns: &Turns, sender: LogoutSender) -> Taking {
        let turns = turns.clone();
        let mut taking: Taking = Box::pin(async move { turns.take(sender).await });
        // It waits in line from its first poll on.
        match poll(&mut taking) {
            Poll::Pending => taking,
            Poll::Ready(done) => Box::pin(async move { done }),
        }
    }

    fn poll(taking: &mut Taking) -> Poll<Result<Turn, RegistryError>> {
        taking
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
    }

    fn has_turn(taking: &mut Taking) -> Option<Turn> {
        match poll(taking) {
            Poll::Ready(turn) => Some(turn.unwrap()),
            Poll::Pending => None,
        }
    }

    fn front(n: u32) -> LogoutSender {
        LogoutSender::front_channel(Some(SourceId::of(&n)))
    }

    #[test]
    fn a_flood_of_one_share_takes_no_turn_of_another() {
        let turns = Turns::new();
        let mut flood: Vec<_> = (0..5_000).map(|_| take(&turns, front(1))).collect();
        let held: Vec<_> = flood[..AT_ONCE].iter_mut().map(has_turn).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(has_turn(&mut flood[AT_ONCE]).is_none());
        for other in [
            LogoutSender::back_channel(None),
            LogoutSender::app(),
            LogoutSender::listed(Some(SourceId::of(&1))),
        ] {
            assert!(has_turn(&mut take(&turns, other)).is_some());
        }
        // Beyond its bound nobody waits.
        let refused = poll(&mut flood[AT_ONCE + WAITING]);
        assert!(
            matches!(refused, Poll::Ready(Err(error)) if error.kind() == RegistryErrorKind::Full)
        );
    }

    #[test]
    fn sources_of_a_share_take_turns_and_a_newcomer_finds_room() {
        let turns = Turns::new();
        let mut flood: Vec<_> = (0..AT_ONCE + WAITING)
            .map(|_| take(&turns, front(1)))
            .collect();
        let mut held: Vec<_> = flood[..AT_ONCE].iter_mut().filter_map(has_turn).collect();
        let mut newcomer = take(&turns, front(2));
        // One of the flood had to go, and the newcomer is second in line.
        assert!(matches!(
            poll(flood.last_mut().unwrap()),
            Poll::Ready(Err(_))
        ));
        held.pop();
        assert!(has_turn(&mut newcomer).is_none());
        held.pop();
        assert!(has_turn(&mut newcomer).is_some());
    }

    #[test]
    fn whoever_goes_away_leaves_their_turn_to_the_next() {
        let turns = Turns::new();
        let mut first: Vec<_> = (0..AT_ONCE).map(|_| take(&turns, front(1))).collect();
        let held: Vec<_> = first.iter_mut().filter_map(has_turn).collect();
        let gone = take(&turns, front(2));
        let given = take(&turns, front(3));
        let mut last = take(&turns, front(4));
        drop(gone);
        drop(held);
        // It was given its turn and never looked.
        drop(given);
        assert!(has_turn(&mut last).is_some());
        drop(last);
        let mut all: Vec<_> = (0..AT_ONCE).map(|_| take(&turns, front(5))).collect();
        assert!(all.iter_mut().map(has_turn).all(|turn| turn.is_some()));
    }
}
