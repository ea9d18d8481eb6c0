//! Extractors for axum.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{Extensions, HeaderValue, StatusCode, header, request::Parts};

use crate::{
    seldom::{Seldom, seldom},
    service::Anonymous,
    user::CasUser,
};

/// The address of the other end of the connection, for
/// [`CasConfigBuilder::peer_address`](crate::CasConfigBuilder::peer_address), if the app is served with
/// `into_make_service_with_connect_info::<SocketAddr>()`. Behind a reverse proxy that is the proxy's.
#[must_use]
pub fn peer_address(extensions: &Extensions) -> Option<IpAddr> {
    let connection = extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(connection.0.ip())
}

/// Why a handler that asks for a [`CasUser`] was not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CasUserRejection {
    /// The path is public and the visitor has not signed in: 401. A handler of a public path asks
    /// for an `Option<CasUser>`.
    #[error("nobody has signed in")]
    SignInNeeded,
    /// The request did not come through a [`CasLayer`](crate::CasLayer): 500 and a log line. In a test without a layer,
    /// `testing::StandIn` (feature `testing`) is there in its place.
    #[error("no CasLayer is installed over this route")]
    LayerMissing,
}

impl CasUserRejection {
    fn of(parts: &Parts) -> Self {
        if parts.extensions.get::<Anonymous>().is_some() {
            Self::SignInNeeded
        } else {
            static NO_LAYER: Seldom = Seldom::new();
            seldom!(
                error,
                NO_LAYER,
                "a handler asks for a CasUser, but no CasLayer is over its route"
            );
            Self::LayerMissing
        }
    }
}

impl IntoResponse for CasUserRejection {
    fn into_response(self) -> Response {
        let no_store = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self {
            Self::SignInNeeded => {
                let challenge = (header::WWW_AUTHENTICATE, HeaderValue::from_static("CAS"));
                (
                    StatusCode::UNAUTHORIZED,
                    [challenge, no_store],
                    "Sign-in needed",
                )
                    .into_response()
            }
            Self::LayerMissing => (
                StatusCode::INTERNAL_SERVER_ERROR,
                [no_store],
                "Internal error",
            )
                .into_response(),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for CasUser {
    type Rejection = CasUserRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts
            .extensions
            .get()
            .cloned()
            .ok_or_else(|| CasUserRejection::of(parts))
    }
}

/// `None` for a visitor on a public path. A missing layer is an error here too: otherwise no request would ever have
/// a user.
impl<S: Sync> OptionalFromRequestParts<S> for CasUser {
    type Rejection = CasUserRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        match parts.extensions.get().cloned() {
            Some(user) => Ok(Some(user)),
            None => match CasUserRejection::of(parts) {
                CasUserRejection::SignInNeeded => Ok(None),
                missing @ CasUserRejection::LayerMissing => Err(missing),
            },
        }
    }
}
