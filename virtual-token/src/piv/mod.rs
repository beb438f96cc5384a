//! A PIV card. NIST SP 800-73-5, with Yubico's extensions.
//!
//! The applet without any I/O: whole commands in, answers out. Needs neither `std` nor an
//! allocator; its owner brings storage and [`Primitives`].
//!
//! | file | does |
//! |---|---|
//! | `data` | GET DATA, PUT DATA |
//! | `pins` | VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER, SET PIN RETRIES |
//! | `admin` | GENERAL AUTHENTICATE with the admin key, SET MANAGEMENT KEY |
//! | `keys` | GENERATE, IMPORT, MOVE, and GENERAL AUTHENTICATE with the other keys |
//! | `metadata` | GET METADATA |
//! | `attestation` | ATTEST, and the certificates of it |
//! | `state`, `key` | what is at rest |
//! | `primitives`, `rust_crypto` | what is computed with keys |
//!
//! ```
//! # #[cfg(feature = "std")] {
//! use keysteward_core::crypto::RustCrypto;
//! use keysteward_core::iso7816::{Command, Status};
//! use keysteward_core::piv::yubico;
//! use keysteward_virtual_token::card::Applet;
//! use keysteward_virtual_token::piv::{Piv, Product};
//! use keysteward_virtual_token::storage::MemoryStorage;
//!
//! let crypto = RustCrypto(rand_core::OsRng);
//! let mut card = Piv::new(MemoryStorage::new(), crypto, Product::default())?;
//! let mut out = [0; 16];
//! let (version, status) = card.execute(&yubico::version(), &mut out);
//! assert_eq!((version, status), (&[5, 7, 4][..], Status::Success));
//! # }
//! # Ok::<(), keysteward_virtual_token::storage::Failure>(())
//! ```

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod admin;
mod attestation;
mod data;
mod key;
mod keys;
mod metadata;
mod pins;
mod primitives;
#[cfg(feature = "std")]
mod rust_crypto;
mod state;

#[cfg(all(test, feature = "std"))]
mod tests;

pub use primitives::{MAX_PRIVATE, Primitives, Refused};

use crate::card::Applet;
use crate::storage::{Change, Failure, Storage};
use admin::Proof;
use keysteward_core::admin_key::Cipher;
use keysteward_core::iso7816::tlv::EncodeError;
use keysteward_core::iso7816::{Command, Status};
use keysteward_core::piv::select::{Properties, is_named};
use keysteward_core::piv::{Request, yubico};
use state::State;

/// What the factory decides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Product {
    /// What GET VERSION answers.
    pub version: yubico::Version,
    /// What GET SERIAL answers.
    pub serial: u32,
    /// Cipher of the admin key that the card leaves the factory with, and has after a reset.
    pub admin_cipher: Cipher,
}

impl Default for Product {
    fn default() -> Self {
        Self {
            version: yubico::Version([5, 7, 4]),
            serial: 0,
            admin_cipher: Cipher::Aes192,
        }
    }
}

/// The applet.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct Piv<S, C> {
    storage: S,
    crypto: C,
    product: Product,
    state: State,
    verified: Verified,
    proof: Proof,
}

/// Whether the PIN was shown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Verified {
    #[default]
    No,
    /// By the command before this one.
    JustNow,
    Before,
}

impl<S: Storage, C: Primitives> Piv<S, C> {
    /// The card whose records are in `storage`; made there if it is blank.
    pub fn new(storage: S, crypto: C, product: Product) -> Result<Self, Failure> {
        let mut card = Self {
            state: match State::read(&storage)? {
                Some(state) => state,
                None => State::factory(product.admin_cipher),
            },
            storage,
            crypto,
            product,
            verified: Verified::No,
            proof: Proof::None,
        };
        card.make_attestation_key()?;
        card.state.write(&mut card.storage)?;
        Ok(card)
    }

    fn answer<'r>(
        &mut self,
        request: Request<'_>,
        verified: Verified,
        response: &'r mut [u8],
    ) -> Result<&'r [u8], Status> {
        match request {
            Request::GetData(request) => self.get_data(request, response),
            Request::PutData(request) => self.put_data(&request).map(nothing),
            Request::Verify(request) => self.verify(request).map(nothing),
            Request::ChangeReferenceData(request) => self.change_pin(request).map(nothing),
            Request::ResetRetryCounter(request) => self.set_pin(request).map(nothing),
            Request::GeneralAuthenticate(request) => {
                self.general_authenticate(request, verified, response)
            }
            Request::Generate(request) => self.generate(&request, response),
            Request::Version => put(&self.product.version.0, response),
            Request::Serial => put(&self.product.serial.to_be_bytes(), response),
            Request::Metadata(request) => self.metadata(request, response),
            Request::SetAdminKey(request) => self.set_admin_key(&request).map(nothing),
            Request::SetPinRetries(request) => self.set_retries(request).map(nothing),
            Request::Reset => self.reset().map(nothing),
            Request::ImportKey(request) => self.import(&request).map(nothing),
            Request::Attest(request) => self.attest(request, response),
            Request::MoveKey(request) => self.move_key(request).map(nothing),
        }
    }

    fn reset(&mut self) -> Result<(), Status> {
        if self.state.pin.left > 0 || self.state.puk.left > 0 {
            return Err(Status::ConditionsNotSatisfied);
        }
        self.storage.commit(&[Change::EraseOwner]).map_err(failed)?;
        self.state = State::factory(self.product.admin_cipher);
        self.verified = Verified::No;
        self.proof = Proof::None;
        self.save()
    }

    fn save(&mut self) -> Result<(), Status> {
        self.state.write(&mut self.storage).map_err(failed)
    }
}

impl<S: Storage, C: Primitives> Applet for Piv<S, C> {
    fn is_named(&self, aid: &[u8]) -> bool {
        is_named(aid)
    }

    fn select<'r>(&mut self, response: &'r mut [u8]) -> (&'r [u8], Status) {
        self.deselect();
        let mut properties = Properties {
            aid: &APPLET,
            label: LABEL,
            ..Properties::default()
        };
        let ciphers = Cipher::ALL.iter().map(|cipher| cipher.piv_id());
        let algorithms = self.crypto.algorithms().iter().map(|known| known.id());
        for id in ciphers.chain(algorithms) {
            // There are fewer than there is room for.
            let _ = properties.algorithms.push(id);
        }
        match properties.encode(response) {
            Ok(answer) => (answer, Status::Success),
            Err(_) => (&[], Status::NoDiagnosis),
        }
    }

    fn deselect(&mut self) {
        self.verified = Verified::No;
        self.proof = Proof::None;
    }

    fn execute<'r>(&mut self, command: &Command<'_>, response: &'r mut [u8]) -> (&'r [u8], Status) {
        // What comes later than the next command was not verified just before it.
        let verified = self.verified;
        if verified == Verified::JustNow {
            self.verified = Verified::Before;
        }
        let answer =
            Request::parse(command).and_then(|request| self.answer(request, verified, response));
        match answer {
            Ok(data) => (data, Status::Success),
            Err(status) => (&[], status),
        }
    }
}

fn nothing<'r>(_: ()) -> &'r [u8] {
    &[]
}

fn put<'r>(bytes: &[u8], response: &'r mut [u8]) -> Result<&'r [u8], Status> {
    let room = response.get_mut(..bytes.len()).ok_or(Status::NoDiagnosis)?;
    room.copy_from_slice(bytes);
    Ok(room)
}

/// What a card answers whose storage does not do what it should.
fn failed(failure: Failure) -> Status {
    match failure {
        Failure::Full => Status::NotEnoughMemory,
        Failure::Medium | Failure::Length => Status::NoDiagnosis,
    }
}

fn too_long(_: EncodeError) -> Status {
    Status::NoDiagnosis
}

impl From<Refused> for Status {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Unsupported => Self::FunctionNotSupported,
            Refused::WrongInput => Self::IncorrectData,
            Refused::Failed => Self::NoDiagnosis,
        }
    }
}

/// What stands behind the provider's part of the name.
const APPLET: [u8; 6] = [0x00, 0x00, 0x10, 0x00, 0x01, 0x00];
const LABEL: &[u8] = b"Keysteward Virtual PIV";
