//! The authenticator: CTAP 2.3 §6 without any I/O, a file per command.
//!
//! Whoever drives it brings the clock, the touch ([`Environment`]), the randomness and the
//! primitives ([`Crypto`]) and the storage ([`Storage`]), and hands in whole CTAP2 messages.
//! Needs neither `std` nor an allocator: in RAM it keeps what is small, and reads credentials one
//! at a time.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod attestation;
mod authenticator_config;
mod bio_enrollment;
mod built_in_uv;
mod client_pin;
#[cfg(feature = "std")]
mod contents;
pub mod credential;
mod credential_management;
mod ctap1;
pub mod factory;
mod fingerprint;
mod get_assertion;
mod get_info;
mod hmac_secret;
mod large_blob;
mod large_blobs;
mod make_credential;
pub mod owner;
#[cfg(all(test, feature = "std"))]
mod platform;
pub mod profile;
mod record;
mod reset;
pub mod secret;
mod selection;
mod token;
mod user_verification;

#[cfg(all(test, feature = "std"))]
mod tests;

use crate::storage::{self, Change, Record, Storage};
use built_in_uv::FingerMatched;
use core::fmt;
use factory::Factory;
use keysteward_core::cbor::{BufferFull, Parse, Writer};
use keysteward_core::crypto::{self, Crypto};
use keysteward_core::ctap2::bio_enrollment::SampleStatus;
use keysteward_core::ctap2::{Command, Status};
use keysteward_core::pin_protocol::KeyAgreementKey;
use keysteward_core::time::Millis;
use owner::Owner;
use profile::{Edition, Features};
use record::load;

/// An authenticator with its storage and its primitives.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct Authenticator<S, C> {
    factory: Factory,
    owner: Owner,
    storage: S,
    crypto: C,
    ram: Ram,
}

/// What the authenticator cannot do itself.
pub trait Environment {
    /// The clock. It never goes back.
    fn now(&mut self) -> Millis;

    /// Lights the lamp and waits.
    fn wait_for_touch(&mut self) -> Touch;

    /// Lights the lamp and waits for a touch that lasts five seconds. CTAP 2.3 §6.6. A button that
    /// cannot tell sees none.
    fn wait_for_long_touch(&mut self) -> Touch {
        Touch::TimedOut
    }

    /// Whether the key is being touched, told at once or nearly so: clients of CTAP1 ask again.
    fn touched(&mut self) -> bool {
        self.wait_for_touch() == Touch::Touched
    }

    /// Lights the fingerprint sensor and waits for a finger, at most so many milliseconds. Where
    /// there is no sensor, none comes.
    fn wait_for_finger(&mut self, _milliseconds: u64) -> Scan {
        Scan::TimedOut
    }
}

/// How waiting for a finger ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scan {
    Sample(Sample),
    TimedOut,
    /// The platform does not want the answer any more.
    Cancelled,
}

/// What the sensor saw.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sample {
    /// What tells one finger from all others: this stands for the features that matching would
    /// compare.
    pub finger: u32,
    /// Whether the sample is fit for comparing.
    pub quality: SampleStatus,
}

/// How waiting for a touch ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Touch {
    Touched,
    /// The user said no, on keys where they can.
    Refused,
    TimedOut,
    /// The platform does not want the answer any more.
    Cancelled,
}

/// Why an authenticator does not start, or is not made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Error {
    Storage(storage::Failure),
    /// A record that is not what was written.
    Damaged(Record),
    /// A record does not fit its buffer.
    TooLong,
    Crypto(crypto::Error),
    Blank,
}

/// What power loss ends.
struct Ram {
    powered_at: Millis,
    /// The key's half of the PIN/UV auth protocols; made when asked for.
    key_agreement: Option<KeyAgreementKey>,
    token: Option<token::Token>,
    /// Wrong PINs in a row: three, and only a power cycle helps.
    wrong_pins: u8,
    sequence: Option<Sequence>,
    enrolment: Option<bio_enrollment::Enrolment>,
}

/// A list that is handed out item by item. Any other command ends it.
enum Sequence {
    Assertions(get_assertion::Pending),
    RelyingParties(credential_management::PendingRps),
    Credentials(credential_management::PendingCredentials),
    LargeBlobs(large_blobs::PendingLargeBlobs),
}

/// A proof of user presence: the user touched the key during this command, or for its token.
#[derive(Clone, Copy, Debug)]
struct Present(());

impl From<FingerMatched> for Present {
    fn from(_: FingerMatched) -> Self {
        Self(())
    }
}

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    /// Reads what is stored. The key has no power yet.
    pub fn new(storage: S, crypto: C) -> Result<Self, Error> {
        let factory = Factory::read_from(&storage)?.ok_or(Error::Blank)?;
        let mut room = owner::Room::new([0; _]);
        let owner = load(&storage, Record::Owner, room.as_mut_slice())?
            .ok_or(Error::Damaged(Record::Owner))?;
        Ok(Self {
            factory,
            owner,
            storage,
            crypto,
            ram: Ram::new(Millis(0)),
        })
    }

    /// The power comes: tokens, counters in RAM and the reset window begin anew.
    pub fn power_up(&mut self, now: Millis) {
        self.ram = Ram::new(now);
    }

    /// Executes one CTAP2 message: command byte and CBOR in, status byte and CBOR out, at the
    /// front of `response`.
    pub fn process<'r>(
        &mut self,
        request: &[u8],
        environment: &mut dyn Environment,
        response: &'r mut [u8],
    ) -> &'r [u8] {
        let Some((status, body)) = response.split_first_mut() else {
            return &[];
        };
        let mut writer = Writer::new(body);
        let (code, length) = match self.execute(request, environment, &mut writer) {
            Ok(()) => (Status::Ok, writer.written().len()),
            Err(refusal) => (refusal, 0),
        };
        *status = code.into();
        response.get(..=length).unwrap_or_default()
    }

    /// What this kind of key has.
    pub fn features(&self) -> &'static Features {
        self.factory.profile.features()
    }

    fn execute(
        &mut self,
        request: &[u8],
        environment: &mut dyn Environment,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let (&command, parameters) = request.split_first().ok_or(Status::InvalidLength)?;
        let now = environment.now();
        self.expire_token(now);
        let sequence = self.ram.sequence.take();
        let features = self.features();
        match Command::from(command) {
            _ if !features.ctap2() => Err(Status::InvalidCommand),
            Command::MakeCredential => self.make_credential(&parse(parameters)?, environment, w),
            Command::GetAssertion => self.get_assertion(&parse(parameters)?, environment, w),
            Command::GetNextAssertion => {
                none(parameters)?;
                self.get_next_assertion(sequence, now, w)
            }
            Command::GetInfo => {
                none(parameters)?;
                self.get_info(w)
            }
            Command::ClientPin => self.client_pin(&parse(parameters)?, environment, w),
            Command::Reset => {
                none(parameters)?;
                self.reset(environment)
            }
            Command::CredentialManagement if features.credential_management => {
                let request = parse(parameters)?;
                self.credential_management(&request, Edition::Final, sequence, now, w)
            }
            Command::CredentialManagementPreview if features.credential_management_preview => {
                let request = parse(parameters)?;
                self.credential_management(&request, Edition::Preview, sequence, now, w)
            }
            Command::BioEnrollment if features.fingerprints == Some(Edition::Final) => {
                let request = parse(parameters)?;
                self.bio_enrollment(&request, Edition::Final, environment, w)
            }
            Command::BioEnrollmentPreview if features.fingerprints == Some(Edition::Preview) => {
                let request = parse(parameters)?;
                self.bio_enrollment(&request, Edition::Preview, environment, w)
            }
            Command::LargeBlobs if features.large_blobs => {
                self.large_blobs(&parse(parameters)?, sequence, w)
            }
            Command::Selection if features.selection => {
                none(parameters)?;
                selection::selection(environment)
            }
            Command::AuthenticatorConfig if !features.configuration.is_empty() => {
                self.authenticator_config(&parse(parameters)?)
            }
            _ => Err(Status::InvalidCommand),
        }
    }

    /// Replaces what the owner set up, and makes other changes with it: all of it in the storage
    /// and then in RAM, or, when the storage fails, nothing in either.
    #[inline(never)]
    fn store(&mut self, next: Owner, others: &[Change<'_>]) -> Result<(), Status> {
        let mut room = owner::Room::new([0; _]);
        let record = Change::replace(Record::Owner, next.record(&mut room).map_err(other)?);
        let mut changes = heapless::Vec::<_, MAX_CHANGES>::new();
        for change in others.iter().copied().chain([record]) {
            changes.push(change).map_err(|_| Status::OtherError)?;
        }
        self.storage.commit(&changes).map_err(failed)?;
        self.owner = next;
        Ok(())
    }
}

impl Ram {
    fn new(now: Millis) -> Self {
        Self {
            powered_at: now,
            key_agreement: None,
            token: None,
            wrong_pins: 0,
            sequence: None,
            enrolment: None,
        }
    }
}

fn parse<'b, T: Parse<'b>>(parameters: &'b [u8]) -> Result<T, Status> {
    T::parse(parameters).map_err(|error| {
        log::debug!("request: {error}");
        error.into()
    })
}

/// Commands without parameters take none.
fn none(parameters: &[u8]) -> Result<(), Status> {
    if parameters.is_empty() {
        Ok(())
    } else {
        Err(Status::InvalidLength)
    }
}

/// Waits for a touch on behalf of makeCredential and getAssertion, where every ending but a touch
/// and a CANCEL means that the user did not agree. CTAP 2.3 §6.1.2, §6.2.2.
fn user_presence(environment: &mut dyn Environment) -> Result<Present, Status> {
    match environment.wait_for_touch() {
        Touch::Touched => Ok(Present(())),
        Touch::Refused | Touch::TimedOut => Err(Status::OperationDenied),
        Touch::Cancelled => Err(Status::KeepaliveCancel),
    }
}

/// What a platform is told when the storage takes no more, or fails.
fn failed(failure: storage::Failure) -> Status {
    match failure {
        storage::Failure::Full => Status::KeyStoreFull,
        failure => other(failure),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage(failure) => failure.fmt(f),
            Self::Damaged(record) => write!(f, "the storage is damaged: its record {record:?}"),
            Self::TooLong => f.write_str("a record is longer than there is room for"),
            Self::Crypto(error) => error.fmt(f),
            Self::Blank => f.write_str("the key was never manufactured: its storage is empty"),
        }
    }
}

impl core::error::Error for Error {}

impl From<storage::Failure> for Error {
    fn from(failure: storage::Failure) -> Self {
        Self::Storage(failure)
    }
}

impl From<crypto::Error> for Error {
    fn from(error: crypto::Error) -> Self {
        Self::Crypto(error)
    }
}

impl From<BufferFull> for Error {
    fn from(_: BufferFull) -> Self {
        Self::TooLong
    }
}

/// A failure that no platform can do anything about. The reason goes to the log.
fn other(error: impl fmt::Display) -> Status {
    log::error!("{error}");
    Status::OtherError
}

/// Changes of one commit: a list of RP IDs and what the owner set up.
const MAX_CHANGES: usize = 12;
