//! `fido-authenticator` on `trussed`: the whole of the firmware but its USB stack, for which our
//! own CTAPHID device stands.
//!
//! It has no interrupt line here: a CANCEL is heard when the wait for a touch is over.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use ctaphid_app::{App as _, Command as AppCommand};
use fido_authenticator::{Authenticator, Config, Conforming, FirmwareVersion, LargeBlobsConfig};
use heapless_bytes::Bytes;
use keysteward_core::{
    crypto::RustCrypto,
    ctaphid::{Capabilities, Command, ErrorCode, Keepalive, Report},
};
use keysteward_virtual_token::{
    device::{Io, PowerCut, TouchRequest},
    firmware::Firmware,
    hid::Hid,
    manufacture::{Manufacturer, Order},
};
use rand_core::{OsRng, RngCore as _};
use trussed::{
    backend::BackendId,
    platform::{Platform as _, UserInterface},
    store::Store as _,
    types::ui::Status,
    virt::{self, StorageConfig, StoreConfig, UptimeOffset},
};
use trussed_core::types::{Location, consent::Level, reboot::To};
use trussed_staging::virt::{BackendIds, Dispatcher};

/// The AAGUID in the attestation certificate that [`Trussed::make`] burns in.
pub const AAGUID: [u8; 16] = *b"trussed-0.4-key!";

/// A key that runs `fido-authenticator`.
#[derive(Debug)]
pub struct Trussed {
    /// The image of its internal flash.
    flash: PathBuf,
    certificate: Vec<u8>,
    /// As the firmware stores keys: flags, kind, scalar.
    attestation_key: Vec<u8>,
}

impl Trussed {
    /// A key whose flash is in the file `flash`, with an attestation certificate of
    /// `manufacturer`.
    pub fn make(flash: PathBuf, manufacturer: &Manufacturer) -> Result<Self> {
        let order = Order {
            aaguid: AAGUID,
            ..Order::default()
        };
        let made = manufacturer.make(&order, &mut RustCrypto(OsRng))?;
        let mut attestation_key = SENSITIVE_P256.to_vec();
        attestation_key.extend_from_slice(&made.attestation.key.0);
        Ok(Self {
            flash,
            certificate: made.attestation.certificate,
            attestation_key,
        })
    }
}

impl Firmware for Trussed {
    fn run(&mut self, io: &Io) -> PowerCut {
        let stores = StoreConfig {
            internal: StorageConfig::filesystem(self.flash.clone()),
            external: StorageConfig::ram(),
            volatile: StorageConfig::ram(),
        };
        virt::with_platform(stores, |mut platform| {
            let button = Button {
                io: io.clone(),
                lamp: None,
                keepalive: Arc::default(),
                uptime: platform.user_interface().uptime_offset(),
            };
            let keepalive = Arc::clone(&button.keepalive);
            platform.user_interface().set_inner(Box::new(button));
            // The platform's generator begins at the same place after each power-up.
            for _ in 0..OsRng.next_u32() % 4096 {
                platform.rng().next_u32();
            }
            let written = self.burn_in(platform.store().ifs());
            if let Err(error) = written {
                tracing::error!(%error, "cannot write the attestation key");
            }
            platform.run_client_with_backends(
                "fido",
                Dispatcher::default(),
                &[
                    BackendId::Custom(BackendIds::StagingBackend),
                    BackendId::Core,
                ],
                |client| {
                    let authenticator = Authenticator::new(client, Conforming {}, config());
                    match live(authenticator, &keepalive, io) {
                        Err(cut) => cut,
                    }
                },
            )
        })
    }
}

impl Trussed {
    fn burn_in(&self, internal: &dyn littlefs2::object_safe::DynFilesystem) -> Result<()> {
        for (path, content) in [
            (littlefs2::path!("fido/x5c/00"), &self.certificate),
            (littlefs2::path!("fido/sec/00"), &self.attestation_key),
        ] {
            let folder = path.parent().context("a file in no folder")?;
            internal
                .create_dir_all(&folder)
                .and_then(|()| internal.write(path, content))
                .map_err(|error| anyhow::anyhow!("{path}: {error:?}"))?;
        }
        Ok(())
    }
}

fn live<T: fido_authenticator::TrussedRequirements>(
    mut authenticator: Authenticator<Conforming, T>,
    keepalive: &Mutex<Option<Report>>,
    io: &Io,
) -> Result<std::convert::Infallible, PowerCut> {
    let mut hid = Hid::new(io, Capabilities::CBOR);
    loop {
        let (command, request) = hid.next_request()?;
        let command = match command {
            Command::Ping => {
                hid.respond(&request)?;
                continue;
            }
            Command::Msg => AppCommand::Msg,
            Command::Cbor => AppCommand::Cbor,
            _ => {
                hid.refuse(ErrorCode::InvalidCommand)?;
                continue;
            }
        };
        *locked(keepalive) = hid.keepalive_report(Keepalive::UserPresenceNeeded);
        hid.keepalive(Keepalive::Processing)?;
        let mut response = Bytes::<7609>::new();
        match authenticator.call(command, &request, response.as_mut_view()) {
            // The power went while it worked: nothing reaches the host any more.
            Ok(()) => hid.respond(&response)?,
            Err(ctaphid_app::Error::InvalidLength) => hid.refuse(ErrorCode::InvalidLength)?,
            Err(_) => hid.refuse(ErrorCode::InvalidCommand)?,
        }
    }
}

/// The firmware's view of its button and its clock.
struct Button {
    io: Io,
    lamp: Option<TouchRequest>,
    /// What to send while a touch is waited for.
    keepalive: Arc<Mutex<Option<Report>>>,
    uptime: UptimeOffset,
}

impl UserInterface for Button {
    fn check_user_presence(&mut self) -> Level {
        let lamp = self.lamp.get_or_insert_with(|| self.io.ask_for_touch());
        match lamp.touched() {
            // The virtual person holds the button as long as it takes.
            Ok(true) => {
                self.lamp = None;
                Level::Strong
            }
            Ok(false) => {
                if let Some(report) = *locked(&self.keepalive) {
                    // Without power the next look says so.
                    let _ = self.io.send(&report);
                }
                std::thread::sleep(BETWEEN_LOOKS);
                Level::None
            }
            Err(PowerCut { .. }) => {
                // This life is over: let the wait time out.
                self.uptime.add(Duration::from_secs(3600));
                Level::None
            }
        }
    }

    fn set_status(&mut self, status: Status) {
        if !matches!(status, Status::WaitingForUserPresence) {
            self.lamp = None;
        }
    }

    fn refresh(&mut self) {}

    fn uptime(&mut self) -> Duration {
        Duration::ZERO
    }

    fn reboot(&mut self, _: To) -> ! {
        panic!("fido-authenticator asked for a reboot, which no command of CTAP does")
    }

    fn wink(&mut self, _: Duration) {
        tracing::info!("wink");
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn config() -> Config {
    Config {
        max_msg_size: 7609,
        skip_up_timeout: None,
        max_resident_credential_count: Some(25),
        large_blobs: Some(LargeBlobsConfig {
            location: Location::Internal,
            max_size: LARGE_BLOBS,
        }),
        nfc_transport: false,
        ccid_transport: false,
        firmware_version: Some(FirmwareVersion::new(4)),
        credential_id_version: None,
        long_touch_for_reset: true,
        fido2_up_timeout: Some(30_000),
    }
}

/// Flags and kind with which the firmware stores a private P-256 key.
const SENSITIVE_P256: [u8; 4] = [0x00, 0x02, 0x00, 0x05];
/// Bytes of the large-blob array.
const LARGE_BLOBS: usize = 2048;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
