//! Logout requests that a browser carries to the services.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::{DeflateEncoder, ZlibEncoder};
use url::Url;

use super::notice::Notice;

/// How the browser that signs out carries the logout requests to the services, instead of the
/// server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrontChannel {
    /// The page after the logout has a hidden frame for each: `GET S` with `logoutRequest`.
    Frames(MessageEncoding),
    /// The same with hidden images.
    Images(MessageEncoding),
    /// The same with scripts.
    Scripts(MessageEncoding),
    /// The browser is sent to one service after the other: `S` with `SAMLRequest`, the base64 of a
    /// raw deflate stream, and `RelayState`, a token. The service has to send it back to
    /// `/logout?_eventId=next` with that `RelayState`, which is good once.
    Redirects,
}

/// How a logout request stands in the parameter `logoutRequest` of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageEncoding {
    /// Base64 of a raw deflate stream (RFC 1951).
    Deflate,
    /// Base64 of a zlib stream (RFC 1950).
    Zlib,
    /// As it is.
    Plain,
}

impl FrontChannel {
    /// Every way, to run a test under each of them.
    pub const ALL: &'static [Self] = &[
        Self::Frames(MessageEncoding::Deflate),
        Self::Frames(MessageEncoding::Zlib),
        Self::Frames(MessageEncoding::Plain),
        Self::Images(MessageEncoding::Deflate),
        Self::Images(MessageEncoding::Zlib),
        Self::Images(MessageEncoding::Plain),
        Self::Scripts(MessageEncoding::Deflate),
        Self::Scripts(MessageEncoding::Zlib),
        Self::Scripts(MessageEncoding::Plain),
        Self::Redirects,
    ];

    /// What the browser has to fetch.
    pub(in crate::testing) fn urls(self, notices: Vec<Notice>) -> Vec<Url> {
        notices.into_iter().map(|notice| self.url(notice)).collect()
    }

    fn url(self, notice: Notice) -> Url {
        let (name, encoding) = match self {
            Self::Frames(encoding) | Self::Images(encoding) | Self::Scripts(encoding) => {
                ("logoutRequest", encoding)
            }
            Self::Redirects => ("SAMLRequest", MessageEncoding::Deflate),
        };
        let mut url = notice.target;
        url.query_pairs_mut()
            .append_pair(name, &encoding.encode(notice.message));
        url
    }
}

impl MessageEncoding {
    fn encode(self, message: String) -> String {
        let level = Compression::default();
        match self {
            Self::Deflate => base64_of(DeflateEncoder::new(message.as_bytes(), level)),
            Self::Zlib => base64_of(ZlibEncoder::new(message.as_bytes(), level)),
            Self::Plain => message,
        }
    }
}

fn base64_of(mut stream: impl Read) -> String {
    let mut bytes = Vec::new();
    // Reading from memory cannot fail.
    let _ = stream.read_to_end(&mut bytes);
    STANDARD.encode(bytes)
}
