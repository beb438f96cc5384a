//! Being a Windows service.
//!
//! Installed with `sc create keysteward-agent binPath= "...\keysteward-agent.exe run"`.
//! START_PENDING is reported before the settings are read and the agent starts;
//! settings that are wrong end in STOPPED with a code of our own, never in a
//! service that hangs while starting. PRESHUTDOWN is accepted so that a token
//! that is being written to is let finish.

// `define_windows_service!` expands to the one unsafe block: the C entry point.
#![allow(unsafe_code)]

use std::{ffi::OsString, path::PathBuf, sync::OnceLock, time::Duration};

use tokio_util::sync::CancellationToken;
use windows_service::{
    define_windows_service,
    service::{
        ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus,
        ServiceType,
    },
    service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle},
    service_dispatcher,
};

use super::{run, runtime, start_log};
use crate::settings::Settings;

/// The name it is installed under.
pub const NAME: &str = "keysteward-agent";

/// Runs as a service; `false` when nobody asked for one: the program was started
/// from a console.
///
/// # Errors
/// When the service manager does.
pub fn dispatch(settings: PathBuf) -> anyhow::Result<bool> {
    if SETTINGS.set(settings).is_err() {
        anyhow::bail!("the service was dispatched twice");
    }
    match service_dispatcher::start(NAME, entry) {
        Ok(()) => Ok(true),
        Err(windows_service::Error::Winapi(error))
            if error.raw_os_error() == Some(FAILED_SERVICE_CONTROLLER_CONNECT) =>
        {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

define_windows_service!(entry, service_main);

fn service_main(_arguments: Vec<OsString>) {
    let shutdown = CancellationToken::new();
    let asked = shutdown.clone();
    let handler = move |control| match control {
        ServiceControl::Stop | ServiceControl::Preshutdown | ServiceControl::Shutdown => {
            asked.cancel();
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    };
    // Without a handle there is nobody to tell.
    let Ok(status) = service_control_handler::register(NAME, handler) else {
        return;
    };
    report(
        status,
        ServiceState::StartPending,
        ServiceExitCode::NO_ERROR,
    );
    let code = match serve(status, shutdown) {
        Ok(()) => ServiceExitCode::NO_ERROR,
        Err((code, error)) => {
            tracing::error!(error = format!("{error:#}"), "the service stops");
            ServiceExitCode::ServiceSpecific(code)
        }
    };
    report(status, ServiceState::Stopped, code);
}

fn serve(
    status: ServiceStatusHandle,
    shutdown: CancellationToken,
) -> Result<(), (u32, anyhow::Error)> {
    let path = SETTINGS.get().cloned().unwrap_or_default();
    let settings = Settings::load(&path).map_err(|error| (WRONG_SETTINGS, error.into()))?;
    start_log(settings.log);
    let runtime = runtime().map_err(|error| (FAILED, error.into()))?;
    let started = || report(status, ServiceState::Running, ServiceExitCode::NO_ERROR);
    runtime
        .block_on(run(&settings, shutdown, started))
        .map_err(|error| (FAILED, error))
}

fn report(handle: ServiceStatusHandle, state: ServiceState, exit_code: ServiceExitCode) {
    let running = state == ServiceState::Running;
    let told = handle.set_service_status(ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state: state,
        controls_accepted: if running {
            ServiceControlAccept::STOP | ServiceControlAccept::PRESHUTDOWN
        } else {
            ServiceControlAccept::empty()
        },
        exit_code,
        checkpoint: 0,
        wait_hint: if state == ServiceState::StartPending {
            Duration::from_secs(10)
        } else {
            Duration::ZERO
        },
        process_id: None,
    });
    if let Err(error) = told {
        tracing::warn!(%error, "the service manager was not told");
    }
}

static SETTINGS: OnceLock<PathBuf> = OnceLock::new();

/// ERROR_FAILED_SERVICE_CONTROLLER_CONNECT
const FAILED_SERVICE_CONTROLLER_CONNECT: i32 = 1063;
const WRONG_SETTINGS: u32 = 2;
const FAILED: u32 = 1;
