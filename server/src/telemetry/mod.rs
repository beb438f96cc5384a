//! What the server tells about itself: a log on standard error, metrics for Prometheus.
//!
//! Beside the layers: any of them may log or count, none is told.

mod metrics;

pub use metrics::{Metrics, serve};

use std::io::{self, IsTerminal as _};

use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use crate::settings::{Log, LogFormat};

/// Starts the log. Once a process.
///
/// # Errors
/// When it was started before.
pub fn start_log(log: &Log) -> Result<(), tracing_subscriber::util::TryInitError> {
    // The libraries below tell too much of what passes through them.
    let filter = EnvFilter::new(format!(
        "{},h2=warn,hyper=warn,rustls=warn,sqlx=warn,tower=warn",
        log.level
    ));
    let registry = tracing_subscriber::registry().with(filter);
    match log.format {
        LogFormat::Human => registry
            .with(
                fmt::layer()
                    .with_writer(io::stderr)
                    .with_ansi(io::stderr().is_terminal())
                    .with_target(false),
            )
            .try_init(),
        LogFormat::Json => registry
            .with(
                fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_writer(io::stderr),
            )
            .try_init(),
    }
}
