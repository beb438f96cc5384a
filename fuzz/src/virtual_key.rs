//! The virtual token's authenticator in memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use keysteward_core::crypto::RustCrypto;
use keysteward_core::ctap2::bio_enrollment::SampleStatus;
use keysteward_core::ctaphid::MAX_MESSAGE;
use keysteward_core::time::Millis;
use keysteward_virtual_token::authenticator::factory::{Attestation, Enterprise, Identity};
use keysteward_virtual_token::authenticator::profile::Profile;
use keysteward_virtual_token::authenticator::{
    self, Authenticator, Environment, Sample, Scan, Touch,
};
use keysteward_virtual_token::storage::{Capacity, Change, Failure, Record, Storage};

use crate::Counter;
use crate::dialogue::Key;

/// A key whose user touches at once.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct VirtualKey {
    authenticator: Authenticator<Flash, RustCrypto<Counter>>,
    flash: Flash,
    now: Millis,
}

impl VirtualKey {
    /// Fresh from the factory.
    pub fn new(profile: Profile) -> Self {
        let mut flash = Flash::default();
        let attestation = Attestation {
            key: &authenticator::secret::Key([0x42; 32]),
            // A sequence in DER, as far as anybody looks here.
            certificate: b"\x30\x0Bcertificate",
        };
        let enterprise = Enterprise {
            serial: "KS-1",
            attestation,
            rp_ids: &["example.com"],
        };
        let identity = Identity {
            profile,
            enterprise: Some(enterprise),
            ..Identity::new([0x5A; 16], attestation, b"root")
        };
        identity
            .burn_in(&mut flash, &mut RustCrypto(Counter(0)))
            .expect("an empty storage");
        let now = Millis(0);
        let authenticator = started(&flash, now);
        Self {
            authenticator,
            flash,
            now,
        }
    }
}

impl VirtualKey {
    /// Its authenticator, for other front ends.
    pub fn into_authenticator(self) -> Authenticator<Flash, RustCrypto<Counter>> {
        self.authenticator
    }
}

/// What was stored is always enough to start from.
fn started(flash: &Flash, now: Millis) -> Authenticator<Flash, RustCrypto<Counter>> {
    let crypto = RustCrypto(Counter(now.0.wrapping_add(1)));
    let mut authenticator = Authenticator::new(flash.clone(), crypto).expect("a key that starts");
    authenticator.power_up(now);
    authenticator
}

impl Key for VirtualKey {
    fn send(&mut self, request: &[u8]) -> Vec<u8> {
        let mut response = [0; MAX_MESSAGE];
        let mut hand = Hand(self.now);
        self.authenticator
            .process(request, &mut hand, &mut response)
            .to_vec()
    }

    fn send_ctap1(&mut self, apdu: &[u8]) -> Option<Vec<u8>> {
        let mut response = [0; MAX_MESSAGE];
        let mut hand = Hand(self.now);
        let answer = self
            .authenticator
            .process_ctap1(apdu, &mut hand, &mut response);
        Some(answer.to_vec())
    }

    fn power_cycle(&mut self) {
        self.now = self.now.after(1);
        self.authenticator = started(&self.flash, self.now);
    }

    fn wait(&mut self, milliseconds: u64) {
        self.now = self.now.after(milliseconds);
    }
}

struct Hand(Millis);

impl Environment for Hand {
    fn now(&mut self) -> Millis {
        self.0
    }

    fn wait_for_touch(&mut self) -> Touch {
        Touch::Touched
    }

    fn wait_for_long_touch(&mut self) -> Touch {
        Touch::Touched
    }

    fn touched(&mut self) -> bool {
        true
    }

    fn wait_for_finger(&mut self, _milliseconds: u64) -> Scan {
        Scan::Sample(Sample {
            finger: 1,
            quality: SampleStatus::Good,
        })
    }
}

/// Records that outlive a power cycle.
#[derive(Clone, Default)]
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct Flash(Rc<RefCell<BTreeMap<Record, Vec<u8>>>>);

impl Storage for Flash {
    fn read(
        &self,
        record: Record,
        offset: usize,
        buffer: &mut [u8],
    ) -> Result<Option<usize>, Failure> {
        let records = self.0.borrow();
        let Some(bytes) = records.get(&record) else {
            return Ok(None);
        };
        let from = bytes.get(offset..).unwrap_or_default();
        let length = from.len().min(buffer.len());
        buffer[..length].copy_from_slice(&from[..length]);
        Ok(Some(bytes.len()))
    }

    fn commit(&mut self, changes: &[Change<'_>]) -> Result<(), Failure> {
        let mut records = self.0.borrow().clone();
        for change in changes {
            match *change {
                Change::Write {
                    record,
                    offset,
                    bytes,
                } => {
                    let held = records.entry(record).or_default();
                    if offset > held.len() {
                        return Err(Failure::Length);
                    }
                    held.truncate(offset);
                    held.extend_from_slice(bytes);
                }
                Change::Delete(record) => drop(records.remove(&record)),
                Change::EraseOwner => records.retain(|record, _| record.is_factory()),
            }
        }
        *self.0.borrow_mut() = records;
        Ok(())
    }

    fn capacity(&self) -> Capacity {
        // As OpenSK has it.
        Capacity {
            credentials: 150,
            large_blobs: 2048,
            fingerprints: 5,
        }
    }
}
