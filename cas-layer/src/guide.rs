#![doc = include_str!("docs/guide.md")]

// Links of the pages are looked up in this module.
#[cfg(doc)]
use crate::*;

/// A part of a configuration of nginx. The tests run nginx with these files.
macro_rules! nginx {
    ($name:literal) => {
        concat!(
            "```nginx\n",
            include_str!(concat!("docs/guide/nginx/", $name, ".conf")),
            "```\n"
        )
    };
}

#[doc = include_str!("docs/guide/sign_in.md")]
pub mod sign_in {}

#[doc = include_str!("docs/guide/pages.md")]
pub mod pages {}

#[doc = include_str!("docs/guide/operators.md")]
pub mod operators {}

#[doc = include_str!("docs/guide/cas_trouble.md")]
pub mod cas_trouble {}

#[doc = include_str!("docs/guide/settings.md")]
pub mod settings {}

#[doc = include_str!("docs/guide/cas_servers.md")]
pub mod cas_servers {}

#[doc = include_str!("docs/guide/rules.md")]
pub mod rules {}

#[doc = include_str!("docs/guide/scripts.md")]
pub mod scripts {}

#[doc = include_str!("docs/guide/frames.md")]
pub mod frames {}

#[doc = include_str!("docs/guide/single_logout.md")]
pub mod single_logout {}

#[doc = include_str!("docs/guide/sessions.md")]
pub mod sessions {}

#[doc = include_str!("docs/guide/large_sessions.md")]
pub mod large_sessions {}

#[doc = include_str!("docs/guide/registries.md")]
pub mod registries {}

#[doc = include_str!("docs/guide/placement.md")]
pub mod placement {}

#[doc = include_str!("docs/guide/frameworks.md")]
pub mod frameworks {}

#[doc = include_str!("docs/guide/beside.md")]
pub mod beside {}

#[doc = include_str!("docs/guide/hosts.md")]
pub mod hosts {}

#[doc = include_str!("docs/guide/in_place.md")]
pub mod in_place {}

#[doc = include_str!("docs/guide/proxies.md")]
pub mod proxies {}

#[doc = include_str!("docs/guide/reverse_proxy.md")]
#[doc = nginx!("site")]
#[doc = include_str!("docs/guide/reverse_proxy/prefix.md")]
#[doc = nginx!("prefix")]
#[doc = include_str!("docs/guide/reverse_proxy/stripped.md")]
#[doc = nginx!("stripped")]
#[doc = include_str!("docs/guide/reverse_proxy/apps.md")]
#[doc = nginx!("apps")]
#[doc = include_str!("docs/guide/reverse_proxy/cookies.md")]
#[doc = nginx!("cookies")]
#[doc = include_str!("docs/guide/reverse_proxy/nodes.md")]
#[doc = nginx!("nodes")]
#[doc = include_str!("docs/guide/reverse_proxy/others.md")]
pub mod reverse_proxy {}

#[doc = include_str!("docs/guide/identity_headers.md")]
pub mod identity_headers {}

#[doc = include_str!("docs/guide/auth_request.md")]
#[doc = nginx!("auth_request")]
pub mod auth_request {}

#[doc = include_str!("docs/guide/observability.md")]
pub mod observability {}

#[doc = include_str!("docs/guide/sizing.md")]
pub mod sizing {}

#[doc = include_str!("docs/guide/security.md")]
pub mod security {}

#[doc = include_str!("docs/guide/testing.md")]
pub mod testing {}

#[doc = include_str!("docs/guide/migration.md")]
pub mod migration {}
