//! A registry that does one thing after another, as its contract says.

/// How many sessions there are in a round. They are of one account, and some of one family.
pub(super) const SESSIONS: usize = 2;

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
    /// `is_ended`, with what the cookie says.
    IsEnded {
        session: usize,
        number: u64,
        in_family: bool,
    },
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
}

/// What a registry knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct State {
    sessions: [Session; SESSIONS],
    family_has_ended: bool,
    last_number: u64,
    /// All sessions up to this number have ended.
    ended_up_to: u64,
}

impl State {
    /// What the registry may know after this call, if that may be its answer.
    pub(super) fn after(mut self, call: Call, answer: Answer) -> Vec<Self> {
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
            (Call::Open { session, in_family }, Answer::Live(number)) => {
                let session = &mut self.sessions[session];
                if session.has_ended || session.is_told || number <= self.last_number {
                    return Vec::new();
                }
                session.begun -= 1;
                session.is_open = true;
                session.in_family |= in_family;
                self.last_number = number;
            }
            (Call::Open { session, .. }, Answer::Ended) => {
                let session = &mut self.sessions[session];
                if !session.has_ended && !session.is_told {
                    return Vec::new();
                }
                session.begun -= 1;
                session.has_ended = true;
            }
            (Call::End(session), Answer::Done) => self.end(session),
            (Call::EndFamily, Answer::Done) => self.family_has_ended = true,
            (Call::EndIfOpened(session), Answer::Says(is_returned)) => {
                if self.tell(session) != is_returned {
                    return Vec::new();
                }
            }
            (Call::EndAll, Answer::Done) => self.ended_up_to = self.last_number,
            (
                Call::IsEnded {
                    session,
                    number,
                    in_family,
                },
                Answer::Says(says),
            ) => {
                let has_ended = self.sessions[session].has_ended
                    || in_family && self.family_has_ended
                    || number <= self.ended_up_to;
                if has_ended != says {
                    return Vec::new();
                }
            }
            _ => return Vec::new(),
        }
        vec![self]
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
        } = self.sessions[session];
        if has_ended {
            return false;
        }
        if is_open {
            self.end(session);
            self.family_has_ended |= in_family;
            return true;
        }
        self.sessions[session].is_told |= begun > 0;
        begun > 0 && !is_told
    }
}
