//! Looks for an order of calls that gives the answers which were seen.

use std::collections::HashSet;

use super::model::{Answer, Call, State};

/// A call that was answered. The times count what happened, one by one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) call: Call,
    pub(super) answer: Answer,
    pub(super) began_at: u64,
    pub(super) answered_at: u64,
}

/// Whether there is an order. At most 64 calls.
pub(super) fn has_order(events: &[Event]) -> bool {
    assert!(events.len() <= 64, "too many calls: {}", events.len());
    let all = u64::MAX
        .checked_shr(64 - u32::try_from(events.len()).unwrap())
        .unwrap_or(0);
    let mut seen = HashSet::new();
    let mut ahead = vec![(0_u64, State::default())];
    while let Some((done, state)) = ahead.pop() {
        if done == all {
            return true;
        }
        if !seen.insert((done, state)) {
            continue;
        }
        let left = || (0..events.len()).filter(move |n| done & 1 << n == 0);
        let first_answer = left().map(|n| events[n].answered_at).min().unwrap_or(0);
        for n in left().filter(|&n| events[n].began_at <= first_answer) {
            let next = state.after(events[n].call, events[n].answer);
            ahead.extend(next.into_iter().map(|state| (done | 1 << n, state)));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Call = Call::Open {
        session: 0,
        in_family: true,
    };
    const MESSAGE: Call = Call::EndIfOpened(0);
    const BEGUN: (Call, Answer) = (Call::Begin(0), Answer::Done);

    fn asked(number: u64, says: bool) -> (Call, Answer) {
        let call = Call::IsEnded {
            session: 0,
            number,
            in_family: true,
        };
        (call, Answer::Says(says))
    }

    /// Groups of calls, one group after another. Those of a group are all at the same time.
    fn holds(groups: &[&[(Call, Answer)]]) -> bool {
        let mut events = Vec::new();
        for (time, group) in (0..).zip(groups) {
            events.extend(group.iter().map(|&(call, answer)| Event {
                call,
                answer,
                began_at: 2 * time,
                answered_at: 2 * time + 1,
            }));
        }
        has_order(&events)
    }

    #[test]
    fn of_calls_at_the_same_time_either_comes_first() {
        let opened = (OPEN, Answer::Live(1));
        let found = (MESSAGE, Answer::Says(true));
        let missed = (MESSAGE, Answer::Says(false));
        assert!(holds(&[]));
        assert!(holds(&[&[BEGUN], &[opened, found], &[asked(1, true)]]));
        assert!(holds(&[&[BEGUN], &[(OPEN, Answer::Ended), found]]));
        assert!(holds(&[&[BEGUN, missed], &[opened], &[asked(1, false)]]));
        assert!(holds(&[
            &[BEGUN],
            &[opened],
            &[found, missed, asked(1, false)]
        ]));
        let all = (Call::EndAll, Answer::Done);
        assert!(holds(&[&[BEGUN], &[opened, all], &[asked(1, true)]]));
        assert!(holds(&[&[BEGUN], &[opened, all], &[asked(1, false)]]));
        // Whether a message is remembered that nobody waits for is open.
        let abandoned = (Call::Abandon(0), Answer::Done);
        for answer in [Answer::Ended, Answer::Live(1)] {
            assert!(holds(&[
                &[BEGUN],
                &[found],
                &[abandoned],
                &[BEGUN],
                &[(OPEN, answer)]
            ]));
        }
    }

    #[test]
    fn what_no_order_gives_is_found() {
        let opened = (OPEN, Answer::Live(1));
        let found = (MESSAGE, Answer::Says(true));
        let missed = (MESSAGE, Answer::Says(false));
        let signed_out = (Call::End(0), Answer::Done);
        let all = (Call::EndAll, Answer::Done);
        let second = [BEGUN, (OPEN, Answer::Live(1))];
        let wrong: [&[&[(Call, Answer)]]; 9] = [
            // A message is lost.
            &[&[BEGUN], &[opened], &[missed]],
            &[&[BEGUN], &[opened], &[found], &[asked(1, false)]],
            // It overtook the opening, and the session opens all the same.
            &[&[BEGUN], &[found], &[opened]],
            // It is told to two callers.
            &[&[BEGUN], &[opened], &[found, found]],
            &[&[BEGUN], &[signed_out], &[found]],
            // What was seen to have ended is live again.
            &[
                &[BEGUN],
                &[opened],
                &[signed_out, asked(1, true)],
                &[asked(1, false)],
            ],
            &[&[BEGUN], &[opened], &[all], &[asked(1, false)]],
            // Numbers do not grow.
            &[&[BEGUN], &[opened], &second],
            &[&[BEGUN], &[(OPEN, Answer::Ended)]],
        ];
        for groups in wrong {
            assert!(!holds(groups), "{groups:?}");
        }
    }
}
