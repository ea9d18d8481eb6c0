//! What a layer over this one has found out about a request.

use std::{any::Any, sync::Arc};

use http::Extensions;

use crate::{
    app::Host,
    user::{CasUser, Home, Place},
};

/// In the extensions of a request that went through the layer without a user, so that an extractor
/// can tell a visitor from a missing layer, and a layer below can ask for a user.
#[derive(Clone, Debug)]
pub(crate) struct Anonymous {
    pub(crate) host: Arc<Host>,
    pub(crate) place: Place,
    pub(crate) shows: Shows,
}

/// What a visitor without a user shows.
#[derive(Clone, Debug)]
pub(crate) enum Shows {
    Nothing,
    /// A session that this node cannot judge at the moment.
    Unverified,
    /// A session of which the registry has lost the attributes.
    Lost(CasUser),
}

/// The app that a request came to through a layer, and where that layer's tickets come back. `None` without a layer.
pub(crate) fn app_above(extensions: &Extensions) -> Option<(Arc<Host>, Place)> {
    match extensions.get::<CasUser>() {
        Some(user) => Some((app_of(user)?, user.place())),
        None => extensions
            .get::<Anonymous>()
            .map(|it| (Arc::clone(&it.host), it.place)),
    }
}

/// There is no other home than an app.
fn app_of(user: &CasUser) -> Option<Arc<Host>> {
    let home: Arc<dyn Any + Send + Sync> = Arc::<dyn Home>::clone(user.home());
    home.downcast().ok()
}
