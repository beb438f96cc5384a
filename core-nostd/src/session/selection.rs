//! selection: which of several tokens is meant. CTAP 2.3 §6.9.

use super::{CtapTransport, Error, Session};
use crate::cbor::List;
use crate::crypto::Crypto;
use crate::ctap2::make_credential::Request;
use crate::ctap2::{
    Command, PublicKeyCredentialParameters, PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity, Status,
};
use crate::pin_protocol::PinProtocol;
use crate::webauthn::cose::Algorithm;

impl<T: CtapTransport, C: Crypto> Session<'_, T, C> {
    /// Waits for a touch, which changes nothing.
    ///
    /// Tokens before CTAP 2.1 are asked for a credential with an empty
    /// pinUvAuthParam, which they refuse once touched (CTAP 2.3 §6.1.2, step
    /// 1): with PIN_INVALID or PIN_NOT_SET, as they have a PIN or none, some
    /// with PIN_AUTH_INVALID. PUAT_REQUIRED is no such answer: it needs no touch.
    pub fn select(&mut self) -> Result<(), Error<T::Error>> {
        if !self.facts()?.selection {
            return self.select_by_empty_param();
        }
        match self.exchange(Command::Selection, None) {
            Err(Error::Refused {
                status: Status::InvalidCommand,
                ..
            }) => self.select_by_empty_param(),
            outcome => outcome.map(drop),
        }
    }

    fn select_by_empty_param(&mut self) -> Result<(), Error<T::Error>> {
        let protocol = self.facts()?.pin_protocol.unwrap_or(PinProtocol::One);
        let outcome = self.exchange(
            Command::MakeCredential,
            Some(&Request {
                client_data_hash: &[0; 32],
                rp: PublicKeyCredentialRpEntity {
                    id: ".dummy",
                    name: None,
                },
                user: PublicKeyCredentialUserEntity {
                    id: &[1],
                    name: Some("dummy"),
                    display_name: None,
                },
                pub_key_cred_params: List::new(&[PublicKeyCredentialParameters::new(
                    Algorithm::Es256,
                )]),
                exclude_list: None,
                extensions: None,
                options: None,
                pin_uv_auth_param: Some(&[]),
                pin_uv_auth_protocol: Some(protocol.id()),
                enterprise_attestation: None,
                attestation_formats_preference: None,
            }),
        );
        match outcome {
            Ok(_)
            | Err(Error::PinInvalid { .. } | Error::PinNotSet | Error::TokenRejected { .. }) => {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}
