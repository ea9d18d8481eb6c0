//! Looks for an order of calls that gives the answers which were seen.

use std::collections::HashSet;

use super::model::{Answer, Call, Part, Promise, State};

/// A call that was answered. The times count what happened, one by one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) call: Call,
    pub(super) answer: Answer,
    /// Which node was called.
    pub(super) node: usize,
    pub(super) began_at: u64,
    pub(super) answered_at: u64,
}

/// A part of a call. It is done between these times, and after the part before it.
struct Step {
    event: Event,
    part: Part,
    after: Option<usize>,
    done_by: u64,
}

impl Step {
    fn all(events: &[Event], promise: Promise) -> Vec<Self> {
        let mut steps = Vec::new();
        for &event in events {
            let is_late = promise == Promise::Shared && matches!(event.call, Call::Abandon(_));
            let done_by = if is_late { u64::MAX } else { event.answered_at };
            let mut after = None;
            for &part in Part::of(event.call, event.answer, promise) {
                let step = Self {
                    event,
                    part,
                    after,
                    done_by,
                };
                after = Some(steps.len());
                steps.push(step);
            }
        }
        steps
    }
}

/// Whether there is an order. At most 64 parts of calls.
pub(super) fn has_order(events: &[Event], promise: Promise) -> bool {
    let steps = Step::all(events, promise);
    assert!(steps.len() <= 64, "too many calls: {}", steps.len());
    let all = u64::MAX
        .checked_shr(64 - u32::try_from(steps.len()).unwrap())
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
        let is_done = |n: usize| done & 1 << n != 0;
        let left = || (0..steps.len()).filter(|&n| !is_done(n));
        let first = left().map(|n| steps[n].done_by).min().unwrap_or(0);
        for n in left() {
            let Step {
                event, part, after, ..
            } = steps[n];
            if event.began_at <= first && after.is_none_or(is_done) {
                let next = state.after(part, event.call, event.answer, event.node);
                ahead.extend(next.into_iter().map(|state| (done | 1 << n, state)));
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{
        super::model::{
            Cookie,
            Promise::{OneStep, Shared},
        },
        *,
    };

    type Answered = (Call, Answer);

    const MESSAGE: Call = Call::EndIfOpened(0);
    const BEGUN: Answered = (Call::Begin(0), Answer::Done);
    const ABANDONED: Answered = (Call::Abandon(0), Answer::Done);
    const OPENED: Answered = opened(0, Answer::Live(1));
    const FOUND: Answered = (MESSAGE, Answer::Says(true));
    const MISSED: Answered = (MESSAGE, Answer::Says(false));
    const SIGNED_OUT: Answered = (Call::End(0), Answer::Done);
    const ALL: Answered = (Call::EndAll, Answer::Done);

    const fn opened(session: usize, answer: Answer) -> Answered {
        let in_family = true;
        (Call::Open { session, in_family }, answer)
    }

    const fn asked(number: u64, says: bool) -> Answered {
        (Call::IsEnded(cookie(0, number)), Answer::Says(says))
    }

    const fn cookie(session: usize, number: u64) -> Cookie {
        Cookie {
            session,
            number,
            in_family: true,
        }
    }

    fn event((call, answer): Answered, node: usize, began_at: u64, answered_at: u64) -> Event {
        Event {
            call,
            answer,
            node,
            began_at,
            answered_at,
        }
    }

    /// Groups of calls, one group after another. Those of a group are all at the same time.
    fn holds(groups: &[&[Answered]]) -> bool {
        let mut events = Vec::new();
        for (time, group) in (0..).zip(groups) {
            let group = group.iter();
            events.extend(group.map(|&answered| event(answered, 0, 2 * time, 2 * time + 1)));
        }
        has_order(&events, OneStep)
    }

    /// Calls of two nodes, one after another.
    fn follow(calls: &[(usize, Answered)]) -> bool {
        let calls = (0..).zip(calls);
        let events: Vec<_> = calls
            .map(|(time, &(node, answered))| event(answered, node, 2 * time, 2 * time + 1))
            .collect();
        has_order(&events, Shared)
    }

    #[test]
    fn of_calls_at_the_same_time_either_comes_first() {
        assert!(holds(&[]));
        assert!(holds(&[&[BEGUN], &[OPENED, FOUND], &[asked(1, true)]]));
        let refused = opened(0, Answer::Ended);
        assert!(holds(&[&[BEGUN], &[refused, FOUND]]));
        assert!(holds(&[&[BEGUN, MISSED], &[OPENED], &[asked(1, false)]]));
        assert!(holds(&[
            &[BEGUN],
            &[OPENED],
            &[FOUND, MISSED, asked(1, false)]
        ]));
        assert!(holds(&[&[BEGUN], &[OPENED, ALL], &[asked(1, true)]]));
        assert!(holds(&[&[BEGUN], &[OPENED, ALL], &[asked(1, false)]]));
        // Whether a message is remembered that nobody waits for is open.
        for answer in [Answer::Ended, Answer::Live(1)] {
            assert!(holds(&[
                &[BEGUN],
                &[FOUND],
                &[ABANDONED],
                &[BEGUN],
                &[opened(0, answer)]
            ]));
        }
    }

    #[test]
    fn what_no_order_gives_is_found() {
        let second = [BEGUN, OPENED];
        let refused = opened(0, Answer::Ended);
        let wrong: [&[&[Answered]]; 9] = [
            // A message is lost.
            &[&[BEGUN], &[OPENED], &[MISSED]],
            &[&[BEGUN], &[OPENED], &[FOUND], &[asked(1, false)]],
            // It overtook the opening, and the session opens all the same.
            &[&[BEGUN], &[FOUND], &[OPENED]],
            // It is told to two callers.
            &[&[BEGUN], &[OPENED], &[FOUND, FOUND]],
            &[&[BEGUN], &[SIGNED_OUT], &[FOUND]],
            // What was seen to have ended is live again.
            &[
                &[BEGUN],
                &[OPENED],
                &[SIGNED_OUT, asked(1, true)],
                &[asked(1, false)],
            ],
            &[&[BEGUN], &[OPENED], &[ALL], &[asked(1, false)]],
            // Numbers do not grow.
            &[&[BEGUN], &[OPENED], &second],
            &[&[BEGUN], &[refused]],
        ];
        for groups in wrong {
            assert!(!holds(groups), "{groups:?}");
        }
    }

    /// `is_ended` is ahead of the others, or behind them.
    #[test]
    fn a_node_may_go_by_an_end_that_is_under_way() {
        let later = opened(1, Answer::Live(2));
        let later_asked = (Call::IsEnded(cookie(1, 2)), Answer::Says(true));
        for (ending, inner) in [
            (SIGNED_OUT, [asked(1, true), FOUND]),
            (FOUND, [MISSED, asked(1, true)]),
            (ALL, [asked(1, true), later]),
        ] {
            let mut events = vec![
                event(BEGUN, 0, 0, 1),
                event((Call::Begin(1), Answer::Done), 0, 0, 1),
                event(OPENED, 0, 2, 3),
                event(ending, 0, 4, 9),
                event(inner[0], 0, 5, 6),
                event(inner[1], 0, 7, 8),
            ];
            if ending == ALL {
                events.push(event(later_asked, 0, 10, 11));
            }
            assert!(has_order(&events, Shared), "{ending:?}");
            let is_strict = ending == FOUND;
            assert_eq!(has_order(&events, OneStep), is_strict, "{ending:?}");
            // Not beyond its answer.
            events.push(event(asked(1, false), 0, 10, 11));
            assert!(!has_order(&events, Shared), "{ending:?}");
        }
        assert!(follow(&[(0, BEGUN), (0, ABANDONED), (0, FOUND)]));
        assert!(!holds(&[&[BEGUN], &[ABANDONED], &[FOUND]]));
    }

    #[test]
    fn other_nodes_follow_later() {
        let start = [(0, BEGUN), (0, OPENED), (0, SIGNED_OUT)];
        let at_last = |says| {
            let call = Call::HasEnded(cookie(0, 1));
            (1, (call, Answer::Says(says)))
        };
        let with = |more: &[_]| follow(&[&start, more].concat());
        let (live, over) = ((1, asked(1, false)), (1, asked(1, true)));
        assert!(with(&[live, over, at_last(true)]));
        let wrong: [&[(usize, Answered)]; 6] = [
            &[over, live],
            // It is told that it had ended.
            &[(1, MISSED), live],
            &[(1, BEGUN), (1, opened(0, Answer::Ended)), live],
            // The calls to the store are steps on all nodes.
            &[(1, FOUND)],
            &[(1, BEGUN), (1, opened(0, Answer::Live(2)))],
            &[at_last(false)],
        ];
        for more in wrong {
            assert!(!with(more), "{more:?}");
        }
    }

    #[test]
    fn a_family_ends_at_once_on_every_node() {
        let start = [
            (0, BEGUN),
            (0, OPENED),
            (0, (Call::Begin(1), Answer::Done)),
            (0, opened(1, Answer::Live(2))),
            (0, FOUND),
        ];
        let sibling = |says| (1, (Call::IsEnded(cookie(1, 2)), Answer::Says(says)));
        for (first, second, is_right) in [
            (sibling(true), (1, asked(1, true)), true),
            (sibling(false), (1, asked(1, true)), true),
            ((1, asked(1, true)), sibling(false), false),
        ] {
            let calls = [&start, &[first, second][..]].concat();
            assert_eq!(follow(&calls), is_right);
        }
    }
}
