//! The log: on standard error, as the settings say.

use std::io::stderr;

use tracing_subscriber::{EnvFilter, fmt};

use crate::settings::{Log, LogFormat};

/// Starts logging for the whole process. A second call changes nothing.
pub fn start(settings: Log) {
    let filter = EnvFilter::new(settings.level.as_str());
    let builder = fmt().with_env_filter(filter).with_writer(stderr);
    let started = match settings.format {
        LogFormat::Human => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging had been started before");
    }
}
