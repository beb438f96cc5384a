//! A security key whose firmware is `opensk`, unchanged: what surrounds it here
//! is a board with a flash memory, a button, a clock and a USB cable.

use keysteward_core::ctaphid::{Link, Report};
use keysteward_core::time::Millis;
use opensk::api::clock::Clock;
use opensk::api::connection::{HidConnection, RecvStatus, UsbEndpoint};
use opensk::api::crypto::software_crypto::SoftwareCrypto;
use opensk::api::customization::{Customization, DEFAULT_CUSTOMIZATION};
use opensk::api::key_store;
use opensk::api::persist::{Attestation, AttestationId, Persist, PersistIter};
use opensk::api::user_presence::{UserPresence, UserPresenceError, UserPresenceWaitResult};
use opensk::ctap::status_code::{Ctap2StatusCode, CtapResult};
use opensk::env::Env;
use opensk::env::test::customization::TestCustomization;
use opensk::env::test::{TestRng, TestWrite};
use opensk::{Ctap, Transport};
use rand::SeedableRng;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What the person at the key does when it asks for a touch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Finger {
    Touches,
    StaysAway,
    /// Touches after this many keep-alives.
    TouchesAfter(u32),
    /// Presses a button that says no.
    Declines,
}

/// A key, plugged in or not.
pub(crate) struct Key {
    board: Arc<Board>,
}

/// What survives a power cycle, and the world around.
struct Board {
    flash: Mutex<BTreeMap<usize, Vec<u8>>>,
    finger: Mutex<Finger>,
    /// Milliseconds that a test has skipped.
    skipped: AtomicU64,
    customize: fn(&mut TestCustomization),
    made: Instant,
}

impl Key {
    pub(crate) fn new() -> Self {
        Self::customized(|_| {})
    }

    pub(crate) fn customized(customize: fn(&mut TestCustomization)) -> Self {
        Self {
            board: Arc::new(Board {
                flash: Mutex::new(BTreeMap::new()),
                finger: Mutex::new(Finger::Touches),
                skipped: AtomicU64::new(0),
                customize,
                made: Instant::now(),
            }),
        }
    }

    /// Powers the key up. Dropping the link unplugs it.
    pub(crate) fn plug(&self) -> Cable {
        let (to_key, from_host) = mpsc::channel();
        let (to_host, from_key) = mpsc::channel();
        let board = Arc::clone(&self.board);
        let firmware = std::thread::spawn(move || run(board, from_host, to_host));
        Cable {
            ends: Some((to_key, from_key)),
            firmware: Some(firmware),
            plugged: Instant::now(),
        }
    }

    pub(crate) fn finger(&self, finger: Finger) {
        *self.board.finger.lock().unwrap() = finger;
    }

    /// Lets time pass for the key.
    pub(crate) fn skip(&self, time: Duration) {
        let milliseconds = u64::try_from(time.as_millis()).unwrap();
        self.board.skipped.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

/// The link to a key that is plugged in.
pub(crate) struct Cable {
    ends: Option<(Sender<Report>, Receiver<Report>)>,
    firmware: Option<JoinHandle<()>>,
    plugged: Instant,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Unplugged;

impl fmt::Display for Unplugged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key is not plugged in")
    }
}

impl std::error::Error for Unplugged {}

impl Link for Cable {
    type Error = Unplugged;

    fn now(&mut self) -> Millis {
        Millis(u64::try_from(self.plugged.elapsed().as_millis()).unwrap())
    }

    fn send_report(&mut self, report: &Report) -> Result<(), Unplugged> {
        let (to_key, _) = self.ends.as_ref().ok_or(Unplugged)?;
        to_key.send(*report).map_err(|_| Unplugged)
    }

    fn receive_report(&mut self, until: Millis) -> Result<Option<Report>, Unplugged> {
        let patience = Duration::from_millis(until.since(self.now()));
        let (_, from_key) = self.ends.as_ref().ok_or(Unplugged)?;
        match from_key.recv_timeout(patience) {
            Ok(report) => Ok(Some(report)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Unplugged),
        }
    }
}

impl Cable {
    pub(crate) fn pull(&mut self) {
        self.ends = None;
        if let Some(firmware) = self.firmware.take() {
            firmware.join().unwrap();
        }
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.pull();
    }
}

fn run(board: Arc<Board>, from_host: Receiver<Report>, to_host: Sender<Report>) {
    let mut customization = TestCustomization::from(DEFAULT_CUSTOMIZATION);
    (board.customize)(&mut customization);
    let mut firmware = Ctap::<Power>::new(Power {
        flash: Flash(Arc::clone(&board)),
        usb: Usb {
            from_host,
            to_host,
            board: Arc::clone(&board),
            keepalives: 0,
        },
        clock: BoardClock(board),
        rng: TestRng::from_entropy(),
        customization,
    });
    if firmware
        .env()
        .customization
        .enterprise_attestation_mode()
        .is_some()
    {
        provision_enterprise_attestation(firmware.env());
    }
    while let Ok(report) = firmware.env().usb.from_host.recv() {
        for answer in firmware.process_hid_packet(&report, Transport::MainHid) {
            if firmware.env().usb.to_host.send(answer).is_err() {
                return;
            }
        }
    }
}

/// What the factory does. The firmware does not look into the certificate.
fn provision_enterprise_attestation(power: &mut Power) {
    let attestation = Attestation {
        wrapped_private_key: vec![0x42; 32],
        certificate: b"certificate".to_vec(),
    };
    power
        .set_attestation(AttestationId::Enterprise, Some(&attestation))
        .unwrap();
}

/// The key while it has power.
struct Power {
    flash: Flash,
    usb: Usb,
    clock: BoardClock,
    rng: TestRng,
    customization: TestCustomization,
}

struct Flash(Arc<Board>);

struct Usb {
    from_host: Receiver<Report>,
    to_host: Sender<Report>,
    board: Arc<Board>,
    keepalives: u32,
}

struct BoardClock(Arc<Board>);

/// A moment of the board's clock; the default has passed.
#[derive(Default)]
struct Timer(u64);

impl BoardClock {
    fn now(&self) -> u64 {
        let elapsed = u64::try_from(self.0.made.elapsed().as_millis()).unwrap();
        elapsed + self.0.skipped.load(Ordering::SeqCst)
    }
}

impl Clock for BoardClock {
    type Timer = Timer;

    fn make_timer(&mut self, milliseconds: usize) -> Timer {
        Timer(self.now() + u64::try_from(milliseconds).unwrap())
    }

    fn is_elapsed(&mut self, timer: &Timer) -> bool {
        self.now() >= timer.0
    }
}

impl Persist for Power {
    fn find(&self, key: usize) -> CtapResult<Option<Vec<u8>>> {
        Ok(self.flash.0.flash.lock().unwrap().get(&key).cloned())
    }

    fn insert(&mut self, key: usize, value: &[u8]) -> CtapResult<()> {
        let mut flash = self.flash.0.flash.lock().unwrap();
        flash.insert(key, value.to_vec());
        Ok(())
    }

    fn remove(&mut self, key: usize) -> CtapResult<()> {
        self.flash.0.flash.lock().unwrap().remove(&key);
        Ok(())
    }

    fn iter(&self) -> CtapResult<PersistIter<'_>> {
        let flash = self.flash.0.flash.lock().unwrap();
        let keys: Vec<usize> = flash.keys().copied().collect();
        Ok(Box::new(keys.into_iter().map(Ok)))
    }
}

impl key_store::Helper for Power {}

impl HidConnection for Usb {
    fn send(&mut self, report: &Report, _: UsbEndpoint) -> CtapResult<()> {
        self.to_host
            .send(*report)
            .map_err(|_| Ctap2StatusCode::CTAP2_ERR_VENDOR_HARDWARE_FAILURE)
    }

    fn recv(&mut self, report: &mut Report, timeout_ms: usize) -> CtapResult<RecvStatus> {
        let patience = Duration::from_millis(u64::try_from(timeout_ms).unwrap());
        match self.from_host.recv_timeout(patience) {
            Ok(received) => {
                *report = received;
                Ok(RecvStatus::Received(UsbEndpoint::MainHid))
            }
            Err(RecvTimeoutError::Timeout) => Ok(RecvStatus::Timeout),
            Err(RecvTimeoutError::Disconnected) => {
                Err(Ctap2StatusCode::CTAP2_ERR_VENDOR_HARDWARE_FAILURE)
            }
        }
    }
}

impl UserPresence for Usb {
    fn check_init(&mut self) {
        self.keepalives = 0;
    }

    fn wait_with_timeout(
        &mut self,
        report: &mut Report,
        timeout_ms: usize,
    ) -> UserPresenceWaitResult {
        let finger = *self.board.finger.lock().unwrap();
        match finger {
            Finger::Touches => return Ok((Ok(()), RecvStatus::Timeout)),
            Finger::TouchesAfter(keepalives) if self.keepalives >= keepalives => {
                return Ok((Ok(()), RecvStatus::Timeout));
            }
            Finger::Declines => {
                return Ok((Err(UserPresenceError::Declined), RecvStatus::Timeout));
            }
            Finger::StaysAway | Finger::TouchesAfter(_) => {}
        }
        self.keepalives += 1;
        let received = self.recv(report, timeout_ms)?;
        Ok((Err(UserPresenceError::Timeout), received))
    }

    fn check_complete(&mut self) {}
}

impl Env for Power {
    type Rng = TestRng;
    type UserPresence = Usb;
    type Persist = Self;
    type KeyStore = Self;
    type Write = TestWrite;
    type Customization = TestCustomization;
    type HidConnection = Usb;
    type Clock = BoardClock;
    type Crypto = SoftwareCrypto;

    fn rng(&mut self) -> &mut TestRng {
        &mut self.rng
    }

    fn user_presence(&mut self) -> &mut Usb {
        &mut self.usb
    }

    fn persist(&mut self) -> &mut Self {
        self
    }

    fn key_store(&mut self) -> &mut Self {
        self
    }

    fn clock(&mut self) -> &mut BoardClock {
        &mut self.clock
    }

    fn write(&mut self) -> TestWrite {
        TestWrite
    }

    fn customization(&self) -> &TestCustomization {
        &self.customization
    }

    fn hid_connection(&mut self) -> &mut Usb {
        &mut self.usb
    }

    fn boots_after_soft_reset(&self) -> bool {
        false
    }

    fn firmware_version(&self) -> Option<u64> {
        Some(1)
    }
}
