//! A registry that does one thing after another, as its contract says.

/// How many sessions there are in a round. They are of one account, and some of one family.
pub(super) const SESSIONS: usize = 2;

/// How many nodes there are at most.
pub(super) const NODES: usize = 2;

/// What a registry promises of calls at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Each call is one step.
    OneStep,
    /// The store takes each call in one step. `is_ended` may see an end at any time while the call is under way, and on other
    /// nodes some time later. An `abandon` is done some time later. A session that ends while it is being opened may be
    /// answered as ended, even if it was open in the store for a moment.
    Shared,
}

/// A call. Sessions go by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Begin(usize),
    Abandon(usize),
    Open {
        session: usize,
        in_family: bool,
    },
    End(usize),
    EndFamily,
    /// `end_if_opened` with one id: it may be seen that the ends of several come one after another.
    EndIfOpened(usize),
    EndAll,
    /// `is_ended` with a cookie.
    IsEnded(Cookie),
    /// The same when every node has heard of everything.
    HasEnded(Cookie),
}

/// What a cookie says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cookie {
    pub(super) session: usize,
    pub(super) number: u64,
    pub(super) in_family: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    /// Of `open`: live, with this number.
    Live(u64),
    /// Of `open`.
    Ended,
    /// Of `end_if_opened`: whether the session was returned. Of `is_ended`: whether it has ended.
    Says(bool),
}

/// A part of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The node goes by an end that it has not told the store yet.
    Note,
    /// The store does it.
    Record,
    /// The node goes by what the store has done.
    Learn,
    /// All of these at once.
    Whole,
}

impl Part {
    /// The parts of a call, one after another.
    pub(super) fn of(call: Call, answer: Answer, promise: Promise) -> &'static [Self] {
        match (promise, call) {
            (Promise::OneStep, _) => &[Self::Whole],
            (_, Call::End(_) | Call::EndFamily) => &[Self::Note, Self::Record],
            (_, Call::EndAll) => &[Self::Note, Self::Record, Self::Learn],
            (_, Call::EndIfOpened(_) | Call::Open { .. })
                if matches!(answer, Answer::Says(true) | Answer::Ended) =>
            {
                &[Self::Record, Self::Learn]
            }
            _ => &[Self::Record],
        }
    }
}

#[allow(
    clippy::struct_excessive_bools,
    reason = "each says something by itself"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Session {
    /// How many callbacks are on their way.
    begun: u8,
    /// A message came for them.
    is_told: bool,
    is_open: bool,
    in_family: bool,
    has_ended: bool,
    /// By a message, and its family with it.
    ended_with_family: bool,
}

/// Which ends a node goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Node {
    sessions: [bool; SESSIONS],
    family: bool,
    /// All sessions up to this number.
    up_to: u64,
    /// How many ends of all sessions it has not told the store yet. It goes by numbers of its own then.
    supposes: u8,
}

impl Node {
    fn goes_by(&self, cookie: Cookie) -> bool {
        self.sessions[cookie.session]
            || cookie.in_family && self.family
            || cookie.number <= self.up_to
    }
}

/// What a registry knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct State {
    sessions: [Session; SESSIONS],
    family_has_ended: bool,
    last_number: u64,
    /// All sessions up to this number have ended.
    ended_up_to: u64,
    nodes: [Node; NODES],
}

impl State {
    /// What the registry may know after this part of a call to a node, if that may be its answer.
    pub(super) fn after(self, part: Part, call: Call, answer: Answer, node: usize) -> Vec<Self> {
        match part {
            Part::Note => vec![self.noted(call, node)],
            Part::Record => self.recorded(call, answer, node),
            Part::Learn => self.learned(call, answer, node).into_iter().collect(),
            Part::Whole => {
                let recorded = self.noted(call, node).recorded(call, answer, node);
                let recorded = recorded.into_iter();
                recorded
                    .filter_map(|it| it.learned(call, answer, node))
                    .collect()
            }
        }
    }

    fn noted(mut self, call: Call, node: usize) -> Self {
        let node = &mut self.nodes[node];
        match call {
            Call::End(session) => node.sessions[session] = true,
            Call::EndFamily => node.family = true,
            Call::EndAll => node.supposes += 1,
            _ => {}
        }
        self
    }

    fn learned(mut self, call: Call, answer: Answer, node: usize) -> Option<Self> {
        let node = &mut self.nodes[node];
        match (call, answer) {
            // It may have been open in the store, and have ended since.
            (Call::Open { session, .. }, Answer::Ended) => {
                node.sessions[session] |= self.sessions[session].has_ended;
                return node.sessions[session].then_some(self);
            }
            (Call::EndIfOpened(session), _) => {
                let Session {
                    has_ended,
                    ended_with_family,
                    ..
                } = self.sessions[session];
                node.sessions[session] |= has_ended;
                node.family |= ended_with_family;
            }
            (Call::EndAll, _) => node.up_to = node.up_to.max(self.ended_up_to),
            _ => {}
        }
        Some(self)
    }

    fn recorded(mut self, call: Call, answer: Answer, node: usize) -> Vec<Self> {
        match (call, answer) {
            (Call::Begin(session), Answer::Done) => self.sessions[session].begun += 1,
            (Call::Abandon(session), Answer::Done) => {
                self.sessions[session].begun -= 1;
                let remembers = self;
                let session = &mut self.sessions[session];
                // Nobody is on their way any more who has to hear of a message. It may be forgotten.
                if session.begun == 0 && session.is_told {
                    session.is_told = false;
                    return vec![remembers, self];
                }
            }
            (Call::Open { session, in_family }, answer) => {
                return self.opened(session, in_family, answer, node);
            }
            (Call::End(session), Answer::Done) => self.end(session),
            (Call::EndFamily, Answer::Done) => self.family_has_ended = true,
            (Call::EndIfOpened(session), Answer::Says(is_returned)) => {
                // Whoever is told that it had ended finds it so.
                self.nodes[node].sessions[session] |= self.sessions[session].has_ended;
                if self.tell(session) != is_returned {
                    return Vec::new();
                }
            }
            (Call::EndAll, Answer::Done) => {
                self.ended_up_to = self.last_number;
                self.nodes[node].supposes -= 1;
            }
            (Call::IsEnded(cookie), Answer::Says(says)) => return self.asked(cookie, says, node),
            (Call::HasEnded(cookie), Answer::Says(says)) => {
                let has_ended = self.sessions[cookie.session].has_ended
                    || cookie.in_family && self.family_has_ended
                    || cookie.number <= self.ended_up_to;
                if has_ended != says {
                    return Vec::new();
                }
            }
            _ => return Vec::new(),
        }
        vec![self]
    }

    fn opened(self, id: usize, in_family: bool, answer: Answer, node: usize) -> Vec<Self> {
        let Session {
            begun,
            is_told,
            has_ended,
            ..
        } = self.sessions[id];
        let Some(begun) = begun.checked_sub(1) else {
            return Vec::new();
        };
        let (is_refused, is_noted) = (is_told || has_ended, self.nodes[node].sessions[id]);
        let mut after = self;
        after.sessions[id].begun = begun;
        let mut open = after;
        open.sessions[id].is_open = true;
        open.sessions[id].in_family |= in_family;
        match answer {
            Answer::Live(number) if number > self.last_number && !is_refused && !is_noted => {
                open.last_number = number;
                vec![open]
            }
            Answer::Ended if is_refused => {
                after.sessions[id].has_ended = true;
                vec![after]
            }
            // It ends before this is answered.
            Answer::Ended => vec![open],
            _ => Vec::new(),
        }
    }

    /// A node is asked. What it has seen to have ended has ended from then on.
    fn asked(self, cookie: Cookie, says: bool, node: usize) -> Vec<Self> {
        if self.nodes[node].goes_by(cookie) == says {
            return vec![self];
        }
        if !says {
            return Vec::new();
        }
        // It has heard of an end, and of which one is not known.
        let session = self.sessions[cookie.session];
        let mut after = Vec::new();
        let mut hears = |of: fn(&mut Node, Cookie)| {
            let mut state = self;
            of(&mut state.nodes[node], cookie);
            after.push(state);
        };
        if session.has_ended && session.ended_with_family {
            hears(|node, cookie| {
                node.sessions[cookie.session] = true;
                node.family = true;
            });
        } else if session.has_ended {
            hears(|node, cookie| node.sessions[cookie.session] = true);
        }
        if cookie.in_family && self.family_has_ended {
            hears(|node, _| node.family = true);
        }
        if cookie.number <= self.ended_up_to || self.nodes[node].supposes > 0 {
            hears(|node, cookie| node.up_to = node.up_to.max(cookie.number));
        }
        after
    }

    fn end(&mut self, session: usize) {
        let session = &mut self.sessions[session];
        session.is_open = false;
        session.in_family = false;
        session.has_ended = true;
    }

    /// A message names the session. Whether it is returned.
    fn tell(&mut self, session: usize) -> bool {
        let Session {
            begun,
            is_told,
            is_open,
            in_family,
            has_ended,
            ..
        } = self.sessions[session];
        if has_ended {
            return false;
        }
        if is_open {
            self.end(session);
            self.sessions[session].ended_with_family = in_family;
            self.family_has_ended |= in_family;
            return true;
        }
        self.sessions[session].is_told |= begun > 0;
        begun > 0 && !is_told
    }
}
