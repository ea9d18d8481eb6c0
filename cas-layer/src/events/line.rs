//! One line in the log.

/// Under which lines are found in the log.
pub(super) const TARGET: &str = "cas_layer";

/// `tracing` has to know the level where the line is written.
macro_rules! say {
    ($level:expr, $($line:tt)+) => {
        match $level {
            Level::ERROR => tracing::error!(target: $crate::events::line::TARGET, $($line)+),
            Level::WARN => tracing::warn!(target: $crate::events::line::TARGET, $($line)+),
            Level::INFO => tracing::info!(target: $crate::events::line::TARGET, $($line)+),
            _ => tracing::debug!(target: $crate::events::line::TARGET, $($line)+),
        }
    };
}

pub(super) use say;
