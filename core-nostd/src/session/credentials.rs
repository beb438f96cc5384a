//! credentialManagement, and its preview of CTAP 2.1-PRE. CTAP 2.3 §6.8.
//!
//! A pinUvAuthToken is taken by reference: one serves a whole Begin..Next
//! sequence, and several of them. A new one between Begin and Next would end
//! the list.

use super::enumeration::Enumeration;
use super::exchange::Answer;
use super::{CtapTransport, Error, Feature, Session};
use crate::cbor::Encode;
use crate::crypto::Crypto;
use crate::ctap2::credential_management::{
    Request, Response, Subcommand, SubcommandParams, authenticated_prefix,
};
use crate::ctap2::{
    Command, LargeBlobKey, PublicKeyCredentialDescriptor, PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity, Status,
};
use crate::pin_protocol::PinUvAuthToken;
use crate::webauthn::cose::PublicKey;
use core::ops::ControlFlow;

/// How many discoverable credentials there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CredentialsMetadata {
    /// Stored.
    pub existing: u32,
    /// Room for more: an estimate, of the worst case.
    pub max_remaining: u32,
}

/// A relying party that the token holds credentials for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RelyingParty<'a> {
    /// As stored, which some tokens shorten.
    pub rp: PublicKeyCredentialRpEntity<'a>,
    /// SHA-256 of the whole RP ID.
    pub rp_id_hash: [u8; 32],
}

/// A discoverable credential.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credential<'a> {
    /// Whose it is.
    pub user: PublicKeyCredentialUserEntity<'a>,
    /// Its id.
    pub id: PublicKeyCredentialDescriptor<'a>,
    /// Its public key; some tokens do not tell.
    pub public_key: Option<PublicKey<'a>>,
    /// credProtect level
    pub cred_protect: Option<u8>,
    /// Present when the credential has one; a secret.
    pub large_blob_key: Option<LargeBlobKey<'a>>,
    /// Since CTAP 2.2.
    pub third_party_payment: Option<bool>,
}

impl<T: CtapTransport, C: Crypto> Session<'_, T, C> {
    /// Counts discoverable credentials.
    pub fn credentials_metadata(
        &mut self,
        token: &PinUvAuthToken,
    ) -> Result<CredentialsMetadata, Error<T::Error>> {
        let answer = self.manage(Subcommand::CredsMetadata, None, Some(token))?;
        let response: Response<'_> = self.read(answer)?;
        Ok(CredentialsMetadata {
            existing: response.existing_resident_credentials_count.unwrap_or(0),
            max_remaining: response
                .max_possible_remaining_resident_credentials_count
                .unwrap_or(0),
        })
    }

    /// Lists the relying parties of discoverable credentials. `Break` ends
    /// the list.
    pub fn relying_parties(
        &mut self,
        token: &PinUvAuthToken,
        found: &mut dyn FnMut(RelyingParty<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error<T::Error>> {
        let begin = self.manage(Subcommand::EnumerateRpsBegin, None, Some(token));
        let mut answer = match begin {
            Err(Error::NoCredentials) => return Ok(()),
            outcome => outcome?,
        };
        let command = self.command()?;
        let mut list = None;
        loop {
            let response: Response<'_> = self.read_or_default(answer)?;
            let Some(rp) = response.rp else {
                // Tokens without credentials answer in several ways.
                return match (list, response.total_rps) {
                    (None, None | Some(0)) => Ok(()),
                    _ => Err(Error::missing(command, "rp (0x03)")),
                };
            };
            let mut progress = match list {
                Some(progress) => progress,
                None => Enumeration::begin(command, response.total_rps)?,
            };
            let rp_id_hash = match response.rp_id_hash {
                Some(hash) => *hash,
                None => self.crypto.sha256(&[rp.id.as_bytes()]),
            };
            progress.take(rp_id_hash)?;
            let stop = found(RelyingParty { rp, rp_id_hash }).is_break();
            if stop || progress.is_complete() {
                return Ok(());
            }
            answer = self.next(Subcommand::EnumerateRpsGetNextRp, &progress)?;
            list = Some(progress);
        }
    }

    /// Lists the discoverable credentials of one relying party. `Break` ends
    /// the list.
    pub fn credentials(
        &mut self,
        token: &PinUvAuthToken,
        rp_id_hash: &[u8; 32],
        found: &mut dyn FnMut(Credential<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error<T::Error>> {
        let params = SubcommandParams {
            rp_id_hash: Some(rp_id_hash),
            ..SubcommandParams::default()
        };
        let begin = self.manage(
            Subcommand::EnumerateCredentialsBegin,
            Some(&params),
            Some(token),
        );
        let mut answer = match begin {
            Err(Error::NoCredentials) => return Ok(()),
            outcome => outcome?,
        };
        let command = self.command()?;
        let mut list = None;
        loop {
            let response: Response<'_> = self.read_or_default(answer)?;
            let (Some(user), Some(id)) = (response.user, response.credential_id) else {
                return match (list, response.total_credentials) {
                    (None, None | Some(0)) => Ok(()),
                    _ => Err(Error::missing(
                        command,
                        "user (0x06) or credentialID (0x07)",
                    )),
                };
            };
            let mut progress = match list {
                Some(progress) => progress,
                None => Enumeration::begin(command, response.total_credentials)?,
            };
            progress.take(self.crypto.sha256(&[id.id]))?;
            let stop = found(Credential {
                user,
                id,
                public_key: response.public_key,
                cred_protect: response.cred_protect,
                large_blob_key: response.large_blob_key,
                third_party_payment: response.third_party_payment,
            })
            .is_break();
            if stop || progress.is_complete() {
                return Ok(());
            }
            let next = Subcommand::EnumerateCredentialsGetNextCredential;
            answer = self.next(next, &progress)?;
            list = Some(progress);
        }
    }

    /// Deletes a discoverable credential. Its id is void for good.
    pub fn delete_credential(
        &mut self,
        token: &PinUvAuthToken,
        id: &[u8],
    ) -> Result<(), Error<T::Error>> {
        let params = SubcommandParams {
            credential_id: Some(PublicKeyCredentialDescriptor::new(id)),
            ..SubcommandParams::default()
        };
        self.manage(Subcommand::DeleteCredential, Some(&params), Some(token))
            .map(drop)
    }

    /// Replaces the names of a discoverable credential's user. The user's id
    /// must be the one that is stored; a name that is left out is deleted.
    pub fn update_user(
        &mut self,
        token: &PinUvAuthToken,
        id: &[u8],
        user: PublicKeyCredentialUserEntity<'_>,
    ) -> Result<(), Error<T::Error>> {
        if self.command()? == Command::CredentialManagementPreview {
            return Err(Error::Unsupported(Feature::UpdateUserInformation));
        }
        let params = SubcommandParams {
            credential_id: Some(PublicKeyCredentialDescriptor::new(id)),
            user: Some(user),
            ..SubcommandParams::default()
        };
        let outcome = self.manage(
            Subcommand::UpdateUserInformation,
            Some(&params),
            Some(token),
        );
        match outcome {
            Err(Error::Refused {
                status: Status::InvalidSubcommand | Status::InvalidCommand,
                ..
            }) => Err(Error::Unsupported(Feature::UpdateUserInformation)),
            outcome => outcome.map(drop),
        }
    }

    /// The next answer of a list. It carries no MAC.
    fn next(
        &mut self,
        subcommand: Subcommand,
        list: &Enumeration,
    ) -> Result<Answer, Error<T::Error>> {
        match self.manage(subcommand, None, None) {
            Err(
                Error::NoCredentials
                | Error::Refused {
                    status: Status::NotAllowed,
                    ..
                },
            ) => Err(list.interrupted()),
            outcome => outcome,
        }
    }

    fn manage(
        &mut self,
        subcommand: Subcommand,
        params: Option<&dyn Encode>,
        token: Option<&PinUvAuthToken>,
    ) -> Result<Answer, Error<T::Error>> {
        let command = self.command()?;
        let prefix = authenticated_prefix(subcommand);
        self.exchange_authenticated(command, &prefix, params, token, &mut |members, w| {
            Request::new(subcommand, members).encode(w)
        })
    }

    /// 0x0A or 0x41, as the token says.
    fn command(&mut self) -> Result<Command, Error<T::Error>> {
        let facts = self.facts()?;
        facts
            .credential_management
            .ok_or(Error::Unsupported(Feature::CredentialManagement))
    }
}
