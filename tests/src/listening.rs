//! An ear for everything that is logged.

use std::{cell::RefCell, io, panic, sync::Once, thread};

use tokio::runtime;
use tracing::Metadata;
use tracing_subscriber::{
    Layer as _,
    filter::dynamic_filter_fn,
    fmt::format::FmtSpan,
    layer::{Context, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

thread_local! {
    /// What was said on this thread since somebody listens here.
    static HEARD: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Hears everything that any crate says on this thread while it lives, through `tracing` or `log`, at every level.
/// If the runtime of a test has one thread, the test hears all of its own and nothing of another.
#[derive(Debug)]
#[must_use]
pub struct Listening;

impl Listening {
    /// Forgets what was heard before.
    pub fn start() -> Self {
        // One subscriber for all: callsites remember for all threads whether anybody listens, and a
        // subscriber of one thread alone could be forgotten.
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            let listens = |_: &Metadata<'_>, _: &Context<'_, _>| HEARD.with_borrow(Option::is_some);
            let layer = tracing_subscriber::fmt::layer()
                .with_ansi(false)
                .with_span_events(FmtSpan::FULL)
                .with_writer(|| Heard)
                .with_filter(dynamic_filter_fn(listens));
            tracing_subscriber::registry().with(layer).init();
        });
        // Another thread may have come to a callsite just before, and have noted that nobody listens.
        tracing::callsite::rebuild_interest_cache();
        HEARD.set(Some(Vec::new()));
        Self
    }
}

/// What was said on this thread since [`Listening::start`].
#[must_use]
pub fn heard() -> String {
    HEARD.with_borrow(|heard| String::from_utf8(heard.clone().unwrap()).unwrap())
}

impl Drop for Listening {
    fn drop(&mut self) {
        HEARD.set(None);
    }
}

struct Heard;

impl io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        HEARD.with_borrow_mut(|heard| heard.iter_mut().for_each(|h| h.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs something on a thread of its own, so that everything that it does is heard there.
pub fn alone<T, F>(happens: impl FnOnce() -> F + Send + 'static) -> T
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    let thread = thread::spawn(|| {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(happens())
    });
    thread
        .join()
        .unwrap_or_else(|panic| panic::resume_unwind(panic))
}
