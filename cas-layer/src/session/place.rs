//! Where a session is.

/// Where the content of a session is: what the CAS server said about the user. The user's name, the names of proxies
/// and what the layer needs to know are in the cookie in any case.
///
/// What is in the registry is sealed with the app's key for its one session, and goes when the session ends. Each node
/// keeps what it has read in memory, 32 MiB at most. So a session costs one look into the registry on each node. A
/// registry that cannot be reached means a 503, never a user without attributes. A registry that has lost them, or
/// never had them, means signing in again. A session that has ended leaves the memory of a node when its cookie comes
/// again, or when others need the room.
///
/// A session of a [`CasApiLayer`](crate::CasApiLayer) is in its cookie in any case: a program that keeps no cookies opens
/// a session with every request, and would fill the registry.
///
/// The guide has a page on [large sessions](crate::guide::large_sessions).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum SessionPlace {
    /// In the cookie, packed, if the cookie has at most 1,280 bytes then. Otherwise in the registry.
    ///
    /// This keeps responses below 4 KiB of header fields and requests below 8 KiB, which are nginx' defaults. A
    /// registry that keeps nothing ([`Registry::storage`](crate::registry::Registry::storage)), has no room or fails
    /// leaves what has up to 4,096 bytes in the cookie.
    #[default]
    CookieFirst,
    /// In the cookie, packed, and never in the registry. The cookie may have 4,096 bytes, which is the most that
    /// browsers take. A user with more cannot sign in.
    Cookie,
    /// In the registry. The cookie is small and encrypted, so it tells nothing to anybody.
    Registry,
}
