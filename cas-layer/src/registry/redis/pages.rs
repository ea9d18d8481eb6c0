//! Pages of the stream of ended sessions, read on a connection of their own.
//!
//! A node that starts reads all of it. The client of the `redis` crate makes a value of each number and text, which is much
//! of the work of a start. So they are read here, from the bytes as Redis sends them
//! (RESP2: <https://redis.io/docs/latest/develop/reference/protocol-spec/>).

use redis::{Cmd, RedisError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{entry_id::EntryId, failure::Failure, lent::Stream, scripts, stream::Entry};

/// How many bytes are read at once at most.
const READ: usize = 256 * 1024;

/// The longest entry, in bytes. Ours are far shorter.
const ENTRY: usize = 1024 * 1024;

/// The most fields and values of an entry that are looked at. Ours have six at most.
const TEXTS: usize = 64;

/// The longest line, which is a count or an error.
const LINE: usize = 1024;

/// An entry, and what it says if this version can read it.
pub(super) type Read = (EntryId, Option<Entry>);

/// A connection on which nothing else is asked for.
pub(super) struct Pages {
    stream: Stream,
    /// What has come and is not read yet.
    bytes: Vec<u8>,
}

impl Pages {
    /// On a connection that was logged in, and on which no answer is awaited.
    pub(super) fn new(stream: Stream) -> Self {
        let bytes = Vec::new();
        Self { stream, bytes }
    }

    /// Asks for some entries. [`read`](Self::read) follows.
    pub(super) async fn ask(&mut self, command: &Cmd) -> Result<(), Failure> {
        let command = command.get_packed_command();
        let asked = async {
            self.stream.write_all(&command).await?;
            self.stream.flush().await
        };
        Ok(asked.await.map_err(RedisError::from)?)
    }

    /// Reads the answer, which has no more entries than were asked for.
    pub(super) async fn read(&mut self, most: usize) -> Result<Vec<Read>, Failure> {
        let count = self.next(|bytes| bytes.count(b'*', most)).await?;
        let mut entries = Vec::with_capacity(count);
        let mut at = 0;
        while entries.len() < count {
            let mut rest = Bytes(&self.bytes[at..]);
            match rest.entry() {
                Ok(entry) => {
                    entries.push(entry);
                    at = self.bytes.len() - rest.0.len();
                }
                Err(Stop::More) if self.bytes.len() - at > ENTRY => {
                    return Err(scripts::unexpected());
                }
                Err(Stop::More) => {
                    self.bytes.drain(..at);
                    at = 0;
                    self.fill().await?;
                }
                Err(Stop::Failed(failure)) => return Err(failure),
            }
        }
        self.bytes.drain(..at);
        Ok(entries)
    }

    async fn next<T>(
        &mut self,
        read: impl Fn(&mut Bytes<'_>) -> Result<T, Stop>,
    ) -> Result<T, Failure> {
        loop {
            let mut rest = Bytes(&self.bytes);
            match read(&mut rest) {
                Ok(value) => {
                    let at = self.bytes.len() - rest.0.len();
                    self.bytes.drain(..at);
                    return Ok(value);
                }
                Err(Stop::More) => self.fill().await?,
                Err(Stop::Failed(failure)) => return Err(failure),
            }
        }
    }

    async fn fill(&mut self) -> Result<(), Failure> {
        self.bytes.reserve(READ);
        let read = self.stream.read_buf(&mut self.bytes).await;
        if read.map_err(RedisError::from)? == 0 {
            let broken = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
            return Err(RedisError::from(broken).into());
        }
        Ok(())
    }
}

/// Why nothing was read.
enum Stop {
    /// Not all of it has come.
    More,
    /// Redis has refused, or says something else.
    Failed(Failure),
}

fn unexpected() -> Stop {
    Stop::Failed(scripts::unexpected())
}

/// What has come and is not read yet.
struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    /// An entry: an array of its id, and of an array of its fields and values in turn.
    fn entry(&mut self) -> Result<Read, Stop> {
        if self.count(b'*', 2)? != 2 {
            return Err(unexpected());
        }
        let id = str::from_utf8(self.text()?).ok();
        let id = id.and_then(EntryId::parse).ok_or_else(unexpected)?;
        let count = self.count(b'*', ENTRY)?;
        let mut texts = [[].as_slice(); TEXTS];
        for n in 0..count {
            let said = self.text()?;
            if let Some(text) = texts.get_mut(n) {
                *text = said;
            }
        }
        // One with more is of another version, and says nothing to this one.
        let entry = texts.get(..count);
        Ok((id, entry.and_then(|texts| Entry::parse(id, texts))))
    }

    fn text(&mut self) -> Result<&'b [u8], Stop> {
        let len = self.count(b'$', ENTRY)?;
        let (text, rest) = self.0.split_at_checked(len).ok_or(Stop::More)?;
        let rest = match rest {
            [b'\r', b'\n', rest @ ..] => rest,
            [] | [b'\r'] => return Err(Stop::More),
            _ => return Err(unexpected()),
        };
        self.0 = rest;
        Ok(text)
    }

    /// A line that begins with this mark, and says how many there are of what follows.
    fn count(&mut self, mark: u8, most: usize) -> Result<usize, Stop> {
        let Some(end) = self.0.iter().take(LINE).position(|&byte| byte == b'\n') else {
            return Err(if self.0.len() < LINE {
                Stop::More
            } else {
                unexpected()
            });
        };
        let (line, rest) = self.0.split_at(end + 1);
        if line.first() == Some(&b'-') {
            return Err(Stop::Failed(refused(line)));
        }
        let count = line
            .strip_prefix(&[mark])
            .and_then(|line| line.strip_suffix(b"\r\n"));
        let count = count.and_then(|count| str::from_utf8(count).ok()?.parse().ok());
        let count = count.filter(|&count| count <= most);
        self.0 = rest;
        count.ok_or_else(unexpected)
    }
}

/// The error that a line says.
fn refused(line: &[u8]) -> Failure {
    let said = redis::parse_redis_value(line).and_then(redis::Value::extract_error);
    said.map_or_else(Failure::from, |_| scripts::unexpected())
}

/// The entry that these bytes begin with, and its length. A part of it is nothing yet.
#[cfg(any(test, fuzzing))]
pub(super) fn first_entry(bytes: &[u8]) -> Option<(Read, usize)> {
    let mut rest = Bytes(bytes);
    let entry = rest.entry().ok()?;
    let len = bytes.len() - rest.0.len();
    for cut in 0..len {
        assert!(matches!(Bytes(&bytes[..cut]).entry(), Err(Stop::More)));
    }
    Some((entry, len))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{io::duplex, time::timeout};

    use super::*;

    const MOST: usize = 3;

    fn texts(texts: &[&str]) -> String {
        let each = |text: &&str| format!("${}\r\n{text}\r\n", text.len());
        let all: String = texts.iter().map(each).collect();
        format!("*{}\r\n{all}", texts.len())
    }

    fn entry(id: &str, fields: &[&str]) -> String {
        format!("*2\r\n${}\r\n{id}\r\n{}", id.len(), texts(fields))
    }

    fn id(text: &str) -> EntryId {
        EntryId::parse(text).unwrap()
    }

    /// Reads answers that come in pieces of this size, and then nothing more.
    async fn read(said: &str, piece: usize, answers: usize) -> Result<Vec<Vec<Read>>, Failure> {
        let (mut redis, stream) = duplex(piece);
        let mut pages = Pages::new(Box::new(stream));
        let said = said.to_owned();
        tokio::spawn(async move {
            // Whoever has read enough is gone.
            let _ = redis.write_all(said.as_bytes()).await;
        });
        let read = async {
            let mut all = Vec::new();
            for _ in 0..answers {
                all.push(pages.read(MOST).await?);
            }
            Ok(all)
        };
        timeout(Duration::from_secs(60), read).await.unwrap()
    }

    #[tokio::test]
    async fn answers_are_read_in_whatever_pieces_they_come() {
        let ended = ["s", &"a1".repeat(16), "x", "1700000000"];
        let all = ["a", &"b2".repeat(16), "n", "12", "x", "1700000000"];
        let first = [
            entry("1-0", &ended),
            entry("1-1", &all),
            entry("2-0", &["later", "1"]),
        ];
        let longer = [
            entry("4-0", &["s"; TEXTS + 2]),
            entry("4-1", &["s", &"1".repeat(50_000)]),
        ];
        let said = format!(
            "*3\r\n{}*0\r\n*3\r\n{}{}",
            first.concat(),
            longer.concat(),
            entry("4-7", &ended)
        );
        let session = Entry::Session {
            id: [0xa1; 16].into(),
            expires_at: 1_700_000_000,
        };
        let account = Entry::Account {
            account: [0xb2; 16].into(),
            number: 12,
            expires_at: 1_700_000_000,
        };
        for piece in [1, 2, 7, 50, 1_000, 100_000] {
            let read = read(&said, piece, 3).await.unwrap();
            let [page, nothing, last] = read.as_slice() else {
                panic!("{read:?}");
            };
            let expected = [
                (id("1-0"), Some(session)),
                (id("1-1"), Some(account)),
                (id("2-0"), None),
            ];
            assert_eq!(*page, expected);
            assert!(nothing.is_empty());
            // What this version cannot read keeps it from nothing else.
            let expected = [
                (id("4-0"), None),
                (id("4-1"), None),
                (id("4-7"), Some(session)),
            ];
            assert_eq!(*last, expected);
        }
        assert!(first_entry(first[0].as_bytes()).is_some());
    }

    #[tokio::test]
    async fn what_redis_refuses_is_said_and_what_is_no_page_is_an_error() {
        let refused = read("-NOPERM this user has no permissions\r\n", 50, 1).await;
        assert!(refused.unwrap_err().is_not_permitted());
        let loading = read("-LOADING Redis is loading the dataset in memory\r\n", 50, 1).await;
        assert!(loading.unwrap_err().breaks_connection());
        let one = entry("1-0", &["s", "1"]);
        let half = "1".repeat(ENTRY / 2);
        for said in [
            String::new(),
            // More than was asked for.
            format!("*4\r\n{}", one.repeat(4)),
            // Cut short.
            format!("*2\r\n{one}"),
            format!("*1\r\n{}", &one[..one.len() - 1]),
            format!("*1\r\n{}", entry("1", &["s", "1"])),
            format!("*1\r\n{}", entry("1-0", &["s", &"1".repeat(2 * ENTRY)])),
            // No longer than it may be in each of its parts, and too long as a whole.
            format!("*1\r\n{}", entry("1-0", &[half.as_str(); 3])),
            one.clone(),
            "*1\r\n*2\r\n$3\r\n1-0\r\n*-1\r\n".to_owned(),
            "*1\r\n*2\r\n$3\r\n1-0..*0\r\n".to_owned(),
            "$3\r\n1-0\r\n".to_owned(),
            "*18446744073709551616\r\n".to_owned(),
            format!("*{}", "1".repeat(2 * LINE)),
            "+OK\r\n".to_owned(),
        ] {
            assert!(read(&said, 1_000, 1).await.is_err(), "{said:.60}");
        }
    }

    #[tokio::test]
    async fn each_entry_has_the_same_room() {
        let long = "1".repeat(ENTRY * 3 / 4);
        let entries = ["1-0", "2-0"].map(|id| entry(id, &["s", long.as_str()]));
        let said = format!("*2\r\n{}", entries.concat());
        let read = read(&said, 3 * ENTRY, 1).await.unwrap();
        assert_eq!(read[0].len(), 2);
    }

    #[test]
    fn a_line_that_does_not_end_is_no_part_of_an_answer() {
        let line = |len| Bytes(&[b'*'; LINE][..len]).count(b'*', MOST);
        assert!(matches!(line(LINE - 1), Err(Stop::More)));
        assert!(matches!(line(LINE), Err(Stop::Failed(_))));
    }
}
