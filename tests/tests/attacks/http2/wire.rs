//! HTTP/2 by hand (RFC 9113), with prior knowledge: what no client library would send.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// The longest payload of a frame that every peer takes.
pub(super) const MAX_PAYLOAD: usize = 16 * 1024;

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap();
    let [_, length @ ..] = length.to_be_bytes();
    let head = [&length[..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

/// A request without a body, whole. One block of fields may take several frames.
pub(super) fn request(stream: u32, block: &[u8]) -> Vec<u8> {
    let mut parts = block.chunks(MAX_PAYLOAD).peekable();
    let first = parts.next().unwrap_or_default();
    let flags = |is_last| if is_last { END_HEADERS } else { 0 };
    let mut frames = frame(
        HEADERS,
        END_STREAM | flags(parts.peek().is_none()),
        stream,
        first,
    );
    while let Some(part) = parts.next() {
        frames.extend(continuation(stream, part, parts.peek().is_none()));
    }
    frames
}

/// The beginning of a request that never comes to its end.
pub(super) fn endless(stream: u32, block: &[u8]) -> Vec<u8> {
    frame(HEADERS, END_STREAM, stream, block)
}

pub(super) fn continuation(stream: u32, block: &[u8], is_last: bool) -> Vec<u8> {
    let flags = if is_last { END_HEADERS } else { 0 };
    frame(CONTINUATION, flags, stream, block)
}

pub(super) fn reset(stream: u32) -> Vec<u8> {
    const CANCEL: u32 = 8;
    frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes())
}

/// A field, written out (RFC 7541, section 6.2.2).
pub(super) fn field(name: &str, value: &str) -> Vec<u8> {
    [&[0], &text(name)[..], &text(value)].concat()
}

/// A field that both sides remember (RFC 7541, section 6.2.1). The last of them is written as [`REMEMBERED`].
pub(super) fn field_to_remember(name: &str, value: &str) -> Vec<u8> {
    [&[0x40], &text(name)[..], &text(value)].concat()
}

/// The field that was remembered last: index 62, in one byte.
pub(super) const REMEMBERED: u8 = 0x80 | 0x3e;

pub(super) fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    fields
        .iter()
        .flat_map(|(name, value)| field(name, value))
        .collect()
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    // An integer with a prefix of seven bits (RFC 7541, section 5.1).
    if let Ok(length @ ..=126) = u8::try_from(text.len()) {
        bytes.push(length);
    } else {
        bytes.push(127);
        let mut rest = text.len() - 127;
        while rest >= 128 {
            bytes.push(u8::try_from(rest % 128).unwrap() | 0x80);
            rest /= 128;
        }
        bytes.push(u8::try_from(rest).unwrap());
    }
    bytes.extend(text.bytes());
    bytes
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// An answer, with its body.
    Answer(String),
    /// The stream was reset, or the connection given up: the request never came to an app.
    Refused,
}

pub(super) struct Connection {
    reader: OwnedReadHalf,
    writer: OwnedWriteHalf,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (reader, mut writer) = stream.into_split();
        let hello = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
        writer.write_all(&hello).await.unwrap();
        Self { reader, writer }
    }

    pub(super) async fn send(&mut self, frames: &[u8]) {
        self.writer.write_all(frames).await.unwrap();
    }

    /// Reads until the answer to the request of `stream` is whole.
    pub(super) async fn outcome(&mut self, stream: u32) -> Outcome {
        let mut body = Vec::new();
        loop {
            let Some((kind, flags, of, payload)) = self.frame().await else {
                return Outcome::Refused;
            };
            match kind {
                GOAWAY => return Outcome::Refused,
                RST_STREAM if of == stream => return Outcome::Refused,
                DATA if of == stream => body.extend(payload),
                _ => {}
            }
            if matches!(kind, DATA | HEADERS) && of == stream && flags & END_STREAM != 0 {
                return Outcome::Answer(String::from_utf8(body).unwrap());
            }
        }
    }

    async fn frame(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.reader.read_exact(&mut head).await.ok()?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let length = u32::from_be_bytes([0, a, b, c]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.reader.read_exact(&mut payload).await.ok()?;
        Some((kind, flags, u32::from_be_bytes(stream), payload))
    }

    /// Sends what `frames` gives until there is no more of it or the server gives the connection up. How many bytes the
    /// server took, and whether it gave up.
    pub(super) async fn flood(self, frames: impl Iterator<Item = Vec<u8>>) -> (usize, bool) {
        let Self {
            mut reader,
            mut writer,
        } = self;
        let mut sent = 0;
        let sends = async {
            for frame in frames {
                if writer.write_all(&frame).await.is_err() {
                    return true;
                }
                sent += frame.len();
                // The server has its turn, too, where both are on one thread.
                tokio::task::yield_now().await;
            }
            false
        };
        // A server that cannot get rid of its answers would wait, and be safe for another reason.
        let reads = async {
            let mut buffer = [0; 4096];
            while matches!(reader.read(&mut buffer).await, Ok(1..)) {}
        };
        let gave_up = tokio::select! {
            gave_up = sends => gave_up,
            () = reads => true,
        };
        (sent, gave_up)
    }
}
