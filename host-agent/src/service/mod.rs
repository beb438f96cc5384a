//! Being a service of the operating system, and the commands around it.
//!
//! [`run`] is the agent as a whole under one shutdown; `systemd` and
//! `windows` tell the service manager how it stands. [`enrol`] and [`status`]
//! are the other two commands of the program.

pub mod enrol;
mod log;
pub mod status;
#[cfg(unix)]
mod systemd;
#[cfg(windows)]
pub mod windows;

use std::{future::pending, io};

use anyhow::Context as _;
use rand::rngs::OsRng;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::{
    agent::Agent,
    settings::Settings,
    uplink::{Uplink, backoff::Pace, identity::Directory, link::Timing},
};

pub use self::log::start as start_log;

/// What the agent's async side runs on: one thread. It mostly waits, each token has a thread of its
/// own, and a call changes threads no more often than it must.
///
/// # Errors
/// When the system gives no event queue.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Runs the agent until `shutdown`; `started` is called once it serves.
///
/// # Errors
/// When the agent cannot start, or the local socket cannot be served.
pub async fn run(
    settings: &Settings,
    shutdown: CancellationToken,
    started: impl FnOnce(),
) -> anyhow::Result<()> {
    let agent = Agent::start(settings).context("the agent cannot start")?;
    let uplink = Uplink {
        directory: Directory::new(&settings.state_dir),
        server: settings.server.clone(),
        routes: agent.routes(),
        state: agent.uplink_state(),
        pace: Pace {
            cap: settings.redial.longest,
            herd: settings.redial.first_within,
            ..Pace::default()
        },
        timing: Timing::default(),
    };
    started();
    // One task: the watchdog is fed where the link loop runs, so a loop that is
    // stuck starves it.
    let linked = async {
        tokio::select! {
            () = uplink.run(OsRng) => {}
            () = feed_watchdog() => {}
            () = shutdown.cancelled() => {}
        }
    };
    let local = async {
        let served = agent.serve_local(shutdown.clone()).await;
        // Without its socket the agent stops, and says so, rather than half work.
        shutdown.cancel();
        served
    };
    let ((), served) = tokio::join!(linked, local);
    // A step that runs is let finish.
    agent.shutdown().await;
    Ok(served?)
}

async fn feed_watchdog() {
    #[cfg(unix)]
    systemd::feed_watchdog().await;
    pending::<()>().await;
}

/// Runs the agent in the foreground or under systemd, until a signal.
///
/// # Errors
/// As [`run`].
pub async fn run_until_signal(settings: &Settings) -> anyhow::Result<()> {
    let shutdown = CancellationToken::new();
    let signal = shutdown.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        tracing::info!("stopping");
        #[cfg(unix)]
        systemd::stopping();
        signal.cancel();
    });
    run(settings, shutdown, || {
        #[cfg(unix)]
        systemd::ready();
    })
    .await
}

#[cfg(unix)]
async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        // Without handlers the default action ends the process, which is what was asked.
        return pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(not(unix))]
async fn wait_for_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        pending::<()>().await;
    }
}
