//! Looking for credentials without a touch, and what that is good for: lists
//! that are longer than the token takes. CTAP 2.3 §6.1.2, §6.2.1 (platform).

use super::{CtapTransport, Error, Facts, Session};
use crate::cbor::List;
use crate::crypto::Crypto;
use crate::ctap2::get_assertion::{Options, Request, Response};
use crate::ctap2::{Command, PublicKeyCredentialDescriptor};
use crate::pin_protocol::PinUvAuthToken;

/// A list of credentials as the token can be sent it.
pub(super) enum Shortened<'a> {
    /// It fits.
    AsGiven,
    /// It did not fit; this one the token holds.
    Held([PublicKeyCredentialDescriptor<'a>; 1]),
    /// It did not fit, and the token holds none of it.
    NoneHeld,
}

impl<T: CtapTransport, C: Crypto> Session<'_, T, C> {
    /// Looks which of these credentials the token holds, without a touch, and
    /// tells the first that it finds by its place in `ids`. A token that answers
    /// for another is not believed: [`Error::OtherCredential`]. Without a
    /// pinUvAuthToken that permits getAssertion for this RP ID, credentials of
    /// credProtect level 3 stay hidden.
    pub fn find_credential<'i>(
        &mut self,
        rp_id: &str,
        ids: impl Iterator<Item = &'i [u8]>,
        token: Option<&PinUvAuthToken>,
    ) -> Result<Option<usize>, Error<T::Error>> {
        let facts = self.facts()?;
        let mut chunk = Chunk::default();
        for (index, id) in (0..usize::MAX).zip(ids) {
            // What the token cannot hold makes it refuse the whole list.
            if !facts.can_hold(id) {
                continue;
            }
            if !chunk.has_room(&facts, id) {
                if let Some(found) = self.find_in(rp_id, &chunk, token)? {
                    return Ok(Some(found));
                }
                chunk = Chunk::default();
            }
            chunk.push(index, id);
        }
        self.find_in(rp_id, &chunk, token)
    }

    fn find_in(
        &mut self,
        rp_id: &str,
        chunk: &Chunk<'_>,
        token: Option<&PinUvAuthToken>,
    ) -> Result<Option<usize>, Error<T::Error>> {
        if chunk.descriptors.is_empty() {
            return Ok(None);
        }
        let looked = match self.look(rp_id, chunk, token) {
            // A token for makeCredential alone cannot look; anyone can.
            Err(Error::TokenRejected { .. }) if token.is_some() => self.look(rp_id, chunk, None),
            outcome => outcome,
        };
        match looked {
            Err(Error::NoCredentials) => Ok(None),
            outcome => outcome,
        }
    }

    fn look(
        &mut self,
        rp_id: &str,
        chunk: &Chunk<'_>,
        token: Option<&PinUvAuthToken>,
    ) -> Result<Option<usize>, Error<T::Error>> {
        // Signed by the token, and of no use to anybody.
        let hash = [0; 32];
        let param = token.map(|token| token.authenticate(self.crypto, &[&hash]));
        let answer = self.exchange(
            Command::GetAssertion,
            Some(&Request {
                rp_id,
                client_data_hash: &hash,
                allow_list: Some(List::new(&chunk.descriptors)),
                extensions: None,
                options: Some(Options {
                    up: Some(false),
                    ..Options::default()
                }),
                pin_uv_auth_param: param.as_deref(),
                pin_uv_auth_protocol: token.map(|token| token.protocol().id()),
            }),
        )?;
        let response: Response<'_> = self.read(answer)?;
        let place = match (response.credential, chunk.descriptors.as_slice()) {
            (Some(found), asked) => asked.iter().position(|one| one.id == found.id),
            // CTAP 2.0 need not name the credential of a list of one.
            (None, [_]) => Some(0),
            (None, _) => return Err(Error::missing(Command::GetAssertion, CREDENTIAL)),
        };
        let index = place.and_then(|place| chunk.indices.get(place).copied());
        index.map(Some).ok_or(Error::OtherCredential)
    }

    /// Makes of a list what the token takes. One credential that is held
    /// suffices: for an exclude list the token answers as it would have to the
    /// whole, for an allow list it is one that may be used.
    pub(super) fn shorten<'a>(
        &mut self,
        rp_id: &str,
        list: List<'a, PublicKeyCredentialDescriptor<'a>>,
        token: Option<&PinUvAuthToken>,
    ) -> Result<Shortened<'a>, Error<T::Error>> {
        let facts = self.facts()?;
        let bytes = list
            .iter()
            .fold(0, |sum: usize, one| sum.saturating_add(one.id.len()));
        let fits = list.len() <= facts.max_credential_count_in_list
            && (bytes <= CHUNK_BYTES || list.len() == 1)
            && list.iter().all(|one| facts.can_hold(one.id));
        if fits {
            return Ok(Shortened::AsGiven);
        }
        let held = self.find_credential(rp_id, list.iter().map(|one| one.id), token)?;
        Ok(match held.and_then(|index| list.iter().nth(index)) {
            Some(held) => Shortened::Held([held]),
            None => Shortened::NoneHeld,
        })
    }
}

impl Facts {
    /// Whether a credential id is short enough to be one of the token's.
    pub(super) fn can_hold(&self, id: &[u8]) -> bool {
        self.max_credential_id_length
            .is_none_or(|max| id.len() <= max)
    }
}

/// A part of a list that fits one request.
#[derive(Default)]
struct Chunk<'i> {
    descriptors: heapless::Vec<PublicKeyCredentialDescriptor<'i>, CHUNK>,
    indices: heapless::Vec<usize, CHUNK>,
    bytes: usize,
}

impl<'i> Chunk<'i> {
    /// One always fits; more must leave room for what stands around them.
    fn has_room(&self, facts: &Facts, id: &[u8]) -> bool {
        self.descriptors.is_empty()
            || self.descriptors.len() < facts.max_credential_count_in_list.min(CHUNK)
                && self.bytes.saturating_add(id.len()) <= CHUNK_BYTES
    }

    fn push(&mut self, index: usize, id: &'i [u8]) {
        let descriptor = PublicKeyCredentialDescriptor::new(id);
        if self.descriptors.push(descriptor).is_ok() {
            let _ = self.indices.push(index);
            self.bytes = self.bytes.saturating_add(id.len());
        }
    }
}

/// Member 0x01 of the answer.
const CREDENTIAL: &str = "credential (0x01)";

/// Most descriptors of one request of ours.
const CHUNK: usize = 8;

/// Most bytes of ids in one request. Every token takes requests of 1,024
/// bytes, of which an RP ID of 253 and eight descriptors' frames need half.
const CHUNK_BYTES: usize = 512;
