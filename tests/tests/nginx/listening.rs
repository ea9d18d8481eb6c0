//! An ear for what an app logs.

use std::{
    io,
    sync::{Arc, Mutex, Once},
};

use axum::{extract::Request, middleware::Next, response::Response};
use tracing::Metadata;
use tracing_subscriber::{
    Layer as _,
    filter::dynamic_filter_fn,
    layer::{Context, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

tokio::task_local! {
    /// Where the request belongs that this task works on.
    static EAR: Ear;
}

/// Everything that is said while apps answer requests that come through [`hears`](Ear::hears).
#[derive(Clone, Default)]
pub(crate) struct Ear(Arc<Mutex<Vec<u8>>>);

impl Ear {
    pub(crate) fn new() -> Self {
        // One for all tests: each has requests of its own.
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            let listens = |_: &Metadata<'_>, _: &Context<'_, _>| EAR.try_with(|_| ()).is_ok();
            let layer = tracing_subscriber::fmt::layer()
                .with_ansi(false)
                .with_writer(|| Heard)
                .with_filter(dynamic_filter_fn(listens));
            tracing_subscriber::registry().with(layer).init();
        });
        Self::default()
    }

    /// A middleware for the outside of an app.
    pub(crate) async fn hears(self, request: Request, next: Next) -> Response {
        EAR.scope(self, next.run(request)).await
    }

    /// The lines of level error.
    pub(crate) fn errors(&self) -> Vec<String> {
        let heard = self.0.lock().unwrap().clone();
        let text = String::from_utf8(heard).unwrap();
        let errors = text.lines().filter(|line| line.contains(" ERROR "));
        errors.map(str::to_owned).collect()
    }
}

struct Heard;

impl io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let heard = EAR.try_with(|ear| ear.0.lock().unwrap().extend_from_slice(bytes));
        heard.map(|()| bytes.len()).map_err(io::Error::other)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
