//! getAssertion, getNextAssertion, and the silent look for credentials that
//! they allow. CTAP 2.3 §6.2, §6.3.

use super::{CtapTransport, Error, Facts, Session};
use crate::cbor::List;
use crate::crypto::Crypto;
use crate::ctap2::get_assertion::{Options, Request, Response};
use crate::ctap2::{Command, PublicKeyCredentialDescriptor};
use crate::pin_protocol::PinUvAuthToken;

impl<T: CtapTransport, C: Crypto> Session<'_, T, C> {
    /// Gets an assertion. `request` says everything but its members 06 and
    /// 07, which come from `token`; a touch uses the token up. Where the
    /// answer counts more than one credential,
    /// [`next_assertion`](Self::next_assertion) gets the others.
    pub fn get_assertion(
        &mut self,
        request: &Request<'_>,
        token: Option<PinUvAuthToken>,
    ) -> Result<Response<'_>, Error<T::Error>> {
        // For maxMsgSize, which long allow lists need.
        self.facts()?;
        let param = token
            .as_ref()
            .map(|token| token.authenticate(self.crypto, &[request.client_data_hash]));
        let answer = self.exchange(
            Command::GetAssertion,
            Some(&Request {
                pin_uv_auth_param: param.as_deref(),
                pin_uv_auth_protocol: token.map(|token| token.protocol().id()),
                ..request.clone()
            }),
        )?;
        self.read(answer)
    }

    /// The next assertion of the last [`get_assertion`](Self::get_assertion).
    pub fn next_assertion(&mut self) -> Result<Response<'_>, Error<T::Error>> {
        let answer = self.exchange(Command::GetNextAssertion, None)?;
        self.read(answer)
    }

    /// Looks which of these credentials the token holds, without a touch, and
    /// tells the first that it finds by its place in `ids`. Without a
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
            Err(Error::TokenRejected { .. } | Error::PermissionRefused { .. })
                if token.is_some() =>
            {
                self.look(rp_id, chunk, None)
            }
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
        // CTAP 2.0 need not name the credential of a list of one.
        let place = match response.credential {
            Some(found) => chunk.descriptors.iter().position(|one| one.id == found.id),
            None => Some(0),
        };
        Ok(place.and_then(|place| chunk.indices.get(place).copied()))
    }
}

impl Facts {
    /// Whether a credential id is short enough to be one of the token's.
    pub(super) fn can_hold(&self, id: &[u8]) -> bool {
        self.max_credential_id_length
            .is_none_or(|max| id.len() <= max)
            && id.len() <= CHUNK_BYTES
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
    fn has_room(&self, facts: &Facts, id: &[u8]) -> bool {
        self.descriptors.len() < facts.max_credential_count_in_list.min(CHUNK)
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

/// Most descriptors of one request.
const CHUNK: usize = 8;

/// Most bytes of ids in one request. Every token takes requests of 1,024
/// bytes, of which an RP ID of 253 and eight descriptors' frames need half.
const CHUNK_BYTES: usize = 512;
