//! A security key and the cable to it.

use keysteward_core::crypto::RustCrypto;
use keysteward_core::ctaphid::{self, Report};
use keysteward_core::session::Millis;
use keysteward_tests::firmware::opensk::OpenSk;
use keysteward_tests::firmware::trussed::Trussed;
use keysteward_virtual_token::authenticator::Authenticator;
use keysteward_virtual_token::authenticator::profile::Profile;
use keysteward_virtual_token::device::{Device, Link, LinkId, TouchPolicy};
use keysteward_virtual_token::firmware::Firmware;
use keysteward_virtual_token::manufacture::{Manufacturer, Order};
use keysteward_virtual_token::security_key::SecurityKey;
use keysteward_virtual_token::storage::MemoryStorage;
use rand_core::OsRng;
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A key, plugged in or not.
pub(crate) struct Key {
    device: Arc<Device>,
    /// Where its flash memory lies, if that is a file.
    _flash: Option<TempDir>,
}

impl Key {
    /// `opensk`: CTAP 2.1.
    pub(crate) fn opensk() -> Self {
        Self::running(None, || Box::new(OpenSk::default()))
    }

    /// `opensk`, on which so many fingers are laid first that it does not know.
    pub(crate) fn opensk_among_strangers(strangers: usize) -> Self {
        Self::running(None, move || Box::new(OpenSk::among_strangers(strangers)))
    }

    /// `opensk` with a certificate for enterprise attestation.
    pub(crate) fn opensk_for_enterprises() -> Self {
        Self::running(None, || Box::new(OpenSk::for_enterprises()))
    }

    /// `fido-authenticator` on `trussed`: CTAP 2.3.
    pub(crate) fn trussed() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let flash = folder.path().join("flash");
        Self::running(Some(folder), || {
            let manufacturer = Manufacturer::found().unwrap();
            Box::new(Trussed::make(flash, &manufacturer).unwrap())
        })
    }

    /// Ours: CTAP 2.3.
    pub(crate) fn ours() -> Self {
        Self::made_to(Order::default())
    }

    /// Ours, with a serial number and a certificate that tells it.
    pub(crate) fn ours_for_enterprises() -> Self {
        Self::made_to(Order {
            serial: Some("KS-0001".to_string()),
            ..Order::default()
        })
    }

    /// Ours, of another profile.
    pub(crate) fn of(profile: Profile) -> Self {
        Self::made_to(Order {
            profile,
            ..Order::default()
        })
    }

    /// Powers the key up. Dropping the cable unplugs it.
    pub(crate) fn plug(&self) -> Cable {
        self.device.plug();
        let power_up = self.device.wait_until_plugged();
        let (to_host, from_key) = mpsc::channel();
        let link = self.device.attach(power_up, Box::new(ToHost(to_host)));
        Cable {
            device: Arc::clone(&self.device),
            power_up,
            link: link.unwrap(),
            from_key,
            plugged: Instant::now(),
        }
    }

    /// Whether a person touches the key when it asks.
    pub(crate) fn touches(&self, policy: TouchPolicy) {
        self.device.set_touch_policy(policy);
    }

    /// Touches the key once.
    pub(crate) fn touch(&self) {
        self.device.touch().unwrap();
    }

    /// Lets time pass for the key.
    pub(crate) fn skip(&self, time: Duration) {
        self.device.advance(time);
    }

    fn made_to(order: Order) -> Self {
        Self::running(None, move || {
            let mut crypto = RustCrypto(OsRng);
            let manufacturer = Manufacturer::found().unwrap();
            let made = manufacturer.make(&order, &mut crypto).unwrap();
            let mut storage = MemoryStorage::new();
            made.burn_in(&mut storage, &mut crypto).unwrap();
            let authenticator = Authenticator::new(storage, crypto).unwrap();
            Box::new(SecurityKey::new(authenticator))
        })
    }

    fn running(
        flash: Option<TempDir>,
        make: impl FnOnce() -> Box<dyn Firmware> + Send + 'static,
    ) -> Self {
        let device = Device::new(TouchPolicy::Always);
        let powered = Arc::clone(&device);
        // Firmware never ends; without power it sleeps.
        std::thread::spawn(move || powered.run(&mut *make()));
        Self {
            device,
            _flash: flash,
        }
    }
}

/// The link to a key that is plugged in.
pub(crate) struct Cable {
    device: Arc<Device>,
    power_up: u64,
    link: LinkId,
    from_key: Receiver<Report>,
    plugged: Instant,
}

impl Cable {
    pub(crate) fn pull(&self) {
        self.device.unplug();
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.device.detach(self.link);
        self.device.unplug();
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Unplugged;

impl fmt::Display for Unplugged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key is not plugged in")
    }
}

impl std::error::Error for Unplugged {}

impl ctaphid::Link for Cable {
    type Error = Unplugged;

    fn now(&mut self) -> Millis {
        Millis(u64::try_from(self.plugged.elapsed().as_millis()).unwrap())
    }

    fn send_report(&mut self, report: &Report) -> Result<(), Unplugged> {
        if !self.device.plugged_since(self.power_up) {
            return Err(Unplugged);
        }
        self.device.deliver(*report);
        Ok(())
    }

    fn receive_report(&mut self, until: Millis) -> Result<Option<Report>, Unplugged> {
        let patience = Duration::from_millis(until.since(self.now()));
        match self.from_key.recv_timeout(patience) {
            Ok(report) => Ok(Some(report)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Unplugged),
        }
    }
}

/// The key's end of the cable.
struct ToHost(Sender<Report>);

impl Link for ToHost {
    fn send(&mut self, report: &Report) -> std::io::Result<()> {
        self.0.send(*report).map_err(std::io::Error::other)
    }

    fn close(&mut self) {}
}
