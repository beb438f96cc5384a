//! The authenticator: CTAP 2.3 §6 without any I/O, a file per command.
//!
//! Whoever drives it brings the clock, the touch ([`Environment`]), the randomness and the
//! primitives ([`Crypto`]) and the storage ([`Storage`]), and hands in whole CTAP2 messages.

mod attestation;
mod authenticator_config;
mod client_pin;
pub mod credential;
mod credential_management;
mod get_assertion;
mod get_info;
mod hmac_secret;
mod make_credential;
#[cfg(test)]
mod platform;
mod reset;
mod selection;
pub mod state;
mod token;
mod user_verification;

#[cfg(test)]
mod tests;

use crate::firmware::{Contents, StoredCredential};
use crate::storage::Storage;
use credential_management::Edition;
use keysteward_core::cbor::{Parse, Writer};
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::{Command, Status};
use keysteward_core::pin_protocol::KeyAgreementKey;
use keysteward_core::session::Millis;
use state::{Owner, State};
use std::io;

/// An authenticator with its storage and its primitives.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct Authenticator<S, C> {
    state: State,
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

/// Why an authenticator does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("reading the storage failed")]
    Storage(#[from] io::Error),
    #[error(transparent)]
    State(#[from] state::Error),
    #[error("the key was never manufactured: its storage is empty")]
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
}

/// A list that is handed out item by item. Any other command ends it.
enum Sequence {
    Assertions(Box<get_assertion::Pending>),
    RelyingParties(credential_management::PendingRps),
    Credentials(credential_management::PendingCredentials),
}

/// A proof of user presence: the user touched the key during this command.
#[derive(Clone, Copy, Debug)]
struct Present(());

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    /// Reads what is stored. The key has no power yet.
    pub fn new(storage: S, crypto: C) -> Result<Self, Error> {
        let blob = storage.load()?.ok_or(Error::Blank)?;
        let state = State::decode(&blob)?;
        Ok(Self {
            state,
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

    /// What the control socket shows.
    pub fn contents(&self) -> Contents {
        let owner = &self.state.owner;
        let credentials = owner.credentials.iter().map(|credential| StoredCredential {
            rp_id: credential.rp_id.clone(),
            credential_id: credential.id.to_vec(),
            user_id: credential.user.id.clone(),
        });
        Contents {
            credentials: credentials.collect(),
            pin_set: owner.pin.is_some(),
            pin_retries: owner.pin_retries,
        }
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
        match Command::from(command) {
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
            Command::ClientPin => self.client_pin(&parse(parameters)?, now, w),
            Command::Reset => {
                none(parameters)?;
                self.reset(environment)
            }
            Command::CredentialManagement => {
                let request = parse(parameters)?;
                self.credential_management(&request, Edition::Final, sequence, now, w)
            }
            Command::CredentialManagementPreview => {
                let request = parse(parameters)?;
                self.credential_management(&request, Edition::Preview, sequence, now, w)
            }
            Command::Selection => {
                none(parameters)?;
                selection::selection(environment)
            }
            Command::AuthenticatorConfig => self.authenticator_config(&parse(parameters)?),
            _ => Err(Status::InvalidCommand),
        }
    }

    /// Changes what the owner has stored: in memory and in the storage, or, when the storage
    /// fails, in neither.
    fn change<R>(&mut self, change: impl FnOnce(&mut Owner) -> R) -> Result<R, Status> {
        let mut next = self.state.clone();
        let result = change(&mut next.owner);
        let blob = next.encode().map_err(other)?;
        self.storage.save(&blob).map_err(other)?;
        self.state = next;
        Ok(result)
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

/// A failure that no platform can do anything about. The reason goes to the log.
fn other(error: impl std::fmt::Display) -> Status {
    log::error!("{error}");
    Status::OtherError
}
