//! CTAP1: the key as a U2F key. FIDO U2F Raw Message Formats 1.2; CTAP 2.3 §10.
//!
//! A key handle is the ID of a non-discoverable credential, so that what was registered here can
//! be used in CTAP2 too, and the other way round.

use super::credential::Algorithm;
use super::credential::derived::{derive_again, derive_new};
use super::credential::stored::Room;
use super::credential::{Protection, Usable};
use super::get_assertion::Chosen;
use super::{Authenticator, Environment};
use crate::storage::{MAX_RECORD, Record, Storage, whole};
use keysteward_core::cbor::List;
use keysteward_core::crypto::{Crypto, PublicPoint};
use keysteward_core::ctap1::authenticate::{self, Control};
use keysteward_core::ctap1::{Request, VERSION, register};
use keysteward_core::ctap2::PublicKeyCredentialDescriptor;
use keysteward_core::iso7816::{Command, Status};

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    /// Executes one command of CTAP1: an APDU in, data and status word out, at the front of
    /// `response`.
    pub fn process_ctap1<'r>(
        &mut self,
        apdu: &[u8],
        environment: &mut dyn Environment,
        response: &'r mut [u8],
    ) -> &'r [u8] {
        let (length, status) = match Command::parse(apdu) {
            Ok((command, _)) => {
                let (data, status) = self.execute_ctap1(&command, environment, response);
                (data.len(), status)
            }
            Err(_) => (0, Status::WrongLength),
        };
        let word = u16::from(status).to_be_bytes();
        let end = length.saturating_add(word.len());
        if let Some(trailer) = response.get_mut(length..end) {
            trailer.copy_from_slice(&word);
        }
        response.get(..end).unwrap_or_default()
    }

    /// Whether CTAP1 is offered: alwaysUv forbids what verifies nobody. CTAP 2.3 §7.2.
    pub fn offers_ctap1(&self) -> bool {
        self.features().ctap1 && !self.owner.always_uv
    }

    /// The same, of a command that was taken apart already. The data lie at the front of
    /// `response`.
    pub fn execute_ctap1<'r>(
        &mut self,
        command: &Command<'_>,
        environment: &mut dyn Environment,
        response: &'r mut [u8],
    ) -> (&'r [u8], Status) {
        match self.obey_ctap1(command, environment, response) {
            Ok(length) => (response.get(..length).unwrap_or_default(), Status::Success),
            Err(refusal) => (&[], refusal),
        }
    }

    fn obey_ctap1(
        &mut self,
        command: &Command<'_>,
        environment: &mut dyn Environment,
        response: &mut [u8],
    ) -> Result<usize, Status> {
        if !self.features().ctap1 {
            return Err(Status::InsNotSupported);
        }
        let request = Request::parse(command)?;
        if !self.offers_ctap1() {
            return Err(Status::CommandNotAllowed);
        }
        self.ram.sequence = None;
        match request {
            Request::Version => {
                let room = response.get_mut(..VERSION.len());
                room.ok_or(Status::WrongLength)?.copy_from_slice(VERSION);
                Ok(VERSION.len())
            }
            Request::Register(request) => self.register(&request, environment, response),
            Request::Authenticate(request) => self.authenticate(&request, environment, response),
        }
    }

    #[inline(never)]
    fn register(
        &mut self,
        request: &register::Request<'_>,
        environment: &mut dyn Environment,
        response: &mut [u8],
    ) -> Result<usize, Status> {
        if !environment.touched() {
            return Err(Status::ConditionsNotSatisfied);
        }
        let master = self.owner.master.clone();
        let (application, crypto) = (request.application, &mut self.crypto);
        let new = derive_new(
            crypto,
            &master,
            application,
            Algorithm::Es256,
            Protection::default(),
            false,
        );
        let key_handle = new.map_err(failed)?;
        let credential = derive_again(crypto, &master, application, &key_handle);
        let credential = credential.ok_or(Status::NoDiagnosis)?;
        let PublicPoint { x, y } = crypto.p256_public(&credential.key).map_err(failed)?;
        let mut room = [0; MAX_RECORD];
        let certificate = whole(&self.storage, Record::Certificate, &mut room)
            .map_err(failed)?
            .ok_or(Status::NoDiagnosis)?;
        let unsigned = register::Response {
            x: &x,
            y: &y,
            key_handle: &key_handle,
            certificate,
            signature: &[],
        };
        let key = self.factory.attestation_key.private();
        let signature = self
            .crypto
            .es256_sign(&key, &unsigned.signed(request))
            .map_err(failed)?;
        let signed = register::Response {
            signature: &signature,
            ..unsigned
        };
        signed.encode(response).map(<[u8]>::len).map_err(failed)
    }

    #[inline(never)]
    fn authenticate(
        &mut self,
        request: &authenticate::Request<'_>,
        environment: &mut dyn Environment,
        response: &mut [u8],
    ) -> Result<usize, Status> {
        let descriptor = [PublicKeyCredentialDescriptor::new(request.key_handle)];
        let chosen = self
            .first_listed(&List::new(&descriptor), request.application, false)
            .map_err(failed)?
            .ok_or(Status::IncorrectData)?;
        let mut room = Room::new([0; _]);
        let credential: Option<Usable<'_>> = match chosen {
            Chosen::Slot(slot) => self
                .stored(slot, &mut room)
                .map_err(failed)?
                .map(|stored| stored.usable()),
            Chosen::Derived(id) => {
                let master = &self.owner.master;
                derive_again(&mut self.crypto, master, request.application, id)
            }
        };
        let credential = credential
            .filter(|credential| credential.algorithm == Algorithm::Es256)
            .ok_or(Status::IncorrectData)?;
        let present = match request.control {
            // "It is mine": the answer to a platform that only looks.
            Control::CheckOnly => return Err(Status::ConditionsNotSatisfied),
            Control::EnforceUserPresence if !environment.touched() => {
                return Err(Status::ConditionsNotSatisfied);
            }
            Control::EnforceUserPresence => true,
            Control::DontEnforceUserPresence => false,
            Control::Other(_) => return Err(Status::IncorrectP1P2),
        };
        let mut next = self.owner.clone();
        next.signature_counter = self.next_sign_count();
        let unsigned = authenticate::Response {
            user_presence: present.into(),
            counter: next.signature_counter,
            signature: &[],
        };
        let head = unsigned.head();
        let message = authenticate::Response::signed(request, &head);
        let signature = self
            .crypto
            .es256_sign(&credential.key, &message)
            .map_err(failed)?;
        // Before the signature leaves: a counter never goes back.
        self.store(next, &[]).map_err(failed)?;
        let signed = authenticate::Response {
            signature: &signature,
            ..unsigned
        };
        signed.encode(response).map(<[u8]>::len).map_err(failed)
    }
}

/// A failure that no platform can do anything about. The reason goes to the log.
fn failed(error: impl core::fmt::Display) -> Status {
    log::error!("{error}");
    Status::NoDiagnosis
}

#[cfg(all(test, feature = "std"))]
mod tests;
