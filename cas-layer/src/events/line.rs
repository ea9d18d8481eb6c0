//! One line in the log.

/// The target of every line.
pub(super) const TARGET: &str = "cas_layer";

/// Writes a line whose level is only known when it is written. `tracing` wants a constant one, so each level has an arm.
macro_rules! say {
    ($level:expr, $($line:tt)+) => {
        match $level {
            tracing::Level::ERROR => tracing::error!(target: $crate::events::line::TARGET, $($line)+),
            tracing::Level::WARN => tracing::warn!(target: $crate::events::line::TARGET, $($line)+),
            tracing::Level::INFO => tracing::info!(target: $crate::events::line::TARGET, $($line)+),
            _ => tracing::debug!(target: $crate::events::line::TARGET, $($line)+),
        }
    };
}

pub(super) use say;
