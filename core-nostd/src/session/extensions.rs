//! Credentials made and used with extensions: checked before against what the
//! token can do, and read after. CTAP 2.3 §12.
//!
//! A token passes over extensions that it does not know. Who asks for
//! protection must not get a credential without it, so what the token lacks is
//! refused here before anything is made; [`Facts::has`] tells beforehand.

use super::exchange::Answer;
use super::hmac_secret::{HmacSecrets, Salts};
use super::{CtapTransport, Error, Extension, Facts, Feature, Session};
use crate::cbor::{self, Encode, Parse, Raw};
use crate::crypto::Crypto;
use crate::ctap2::extension::{
    GetAssertionInputs, GetAssertionOutputs, MakeCredentialInputs, MakeCredentialOutputs,
    UnsignedGetAssertionOutputs, UnsignedMakeCredentialOutputs,
};
use crate::ctap2::{Command, get_assertion, make_credential};
use crate::pin_protocol::{Ciphertext, PinUvAuthToken};
use crate::webauthn::authenticator_data::AuthenticatorData;

/// A credential that was made, and what its extensions answered.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct NewCredential<'a> {
    /// The answer.
    pub response: make_credential::Response<'a>,
    /// What stands in its authenticator data.
    pub outputs: MakeCredentialOutputs<'a>,
    /// What stands beside them, unsigned.
    pub unsigned: UnsignedMakeCredentialOutputs,
    /// Derived from the salts; `None` where the token gave none that fit them.
    pub secrets: Option<HmacSecrets>,
}

/// An assertion, and what its extensions answered.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct Assertion<'a> {
    /// The answer.
    pub response: get_assertion::Response<'a>,
    /// What stands in its authenticator data.
    pub outputs: GetAssertionOutputs<'a>,
    /// What stands beside them, unsigned.
    pub unsigned: UnsignedGetAssertionOutputs<'a>,
    /// Derived from the salts; `None` where the token gave none that fit them.
    pub secrets: Option<HmacSecrets>,
}

impl<T: CtapTransport, C: Crypto> Session<'_, T, C> {
    /// Makes a credential as [`make_credential`](Self::make_credential) does,
    /// with these extensions. `salts` are for hmac-secret-mc.
    pub fn make_credential_with(
        &mut self,
        request: &make_credential::Request<'_>,
        extensions: &MakeCredentialInputs<'_>,
        salts: Option<Salts<'_>>,
        token: Option<PinUvAuthToken>,
    ) -> Result<NewCredential<'_>, Error<T::Error>> {
        let facts = self.facts()?;
        let max = facts.max_cred_blob_length;
        check(
            &facts,
            &[
                (Extension::CredBlob, extensions.cred_blob.is_some()),
                (Extension::CredProtect, extensions.cred_protect.is_some()),
                (Extension::HmacSecret, extensions.hmac_secret.is_some()),
                (Extension::HmacSecretMc, salts.is_some()),
                (Extension::LargeBlob, extensions.large_blob.is_some()),
                (Extension::LargeBlobKey, extensions.large_blob_key.is_some()),
                (Extension::MinPinLength, extensions.min_pin_length.is_some()),
                (
                    Extension::PinComplexityPolicy,
                    extensions.pin_complexity_policy.is_some(),
                ),
                (
                    Extension::ThirdPartyPayment,
                    extensions.third_party_payment.is_some(),
                ),
            ],
        )?;
        if extensions.cred_blob.is_some_and(|blob| blob.len() > max) {
            return Err(Error::CredBlobTooLong { max });
        }
        let sealed = match salts {
            Some(salts) => Some(self.seal_salts(salts)?),
            None => None,
        };
        let inputs = match &sealed {
            Some(sealed) => MakeCredentialInputs {
                hmac_secret: Some(true),
                hmac_secret_mc: Some(sealed.input()),
                ..extensions.clone()
            },
            None => extensions.clone(),
        };
        let command = Command::MakeCredential;
        let part = given(&inputs, inputs == MakeCredentialInputs::default());
        let answer = self.make(request, part, token.as_ref())?;
        let output = {
            let response: make_credential::Response<'_> = self.read(answer)?;
            let outputs: MakeCredentialOutputs<'_> = outputs(command, response.auth_data)?;
            outputs.hmac_secret_mc.and_then(kept)
        };
        let secrets = match (sealed, output) {
            (Some(sealed), Some(output)) => sealed.open(self.crypto, &output),
            _ => None,
        };
        let response: make_credential::Response<'_> = self.read(answer)?;
        Ok(NewCredential {
            outputs: outputs(command, response.auth_data)?,
            unsigned: unsigned(response.unsigned_extension_outputs),
            response,
            secrets,
        })
    }

    /// Gets an assertion as [`get_assertion`](Self::get_assertion) does, with
    /// these extensions. `salts` are for hmac-secret. Where the answer counts
    /// more than one credential,
    /// [`next_assertion_with`](Self::next_assertion_with) gets the others.
    pub fn get_assertion_with(
        &mut self,
        request: &get_assertion::Request<'_>,
        extensions: &GetAssertionInputs<'_>,
        salts: Option<Salts<'_>>,
        token: Option<PinUvAuthToken>,
    ) -> Result<Assertion<'_>, Error<T::Error>> {
        let facts = self.facts()?;
        check(
            &facts,
            &[
                (Extension::CredBlob, extensions.cred_blob.is_some()),
                (Extension::HmacSecret, salts.is_some()),
                (Extension::LargeBlob, extensions.large_blob.is_some()),
                (Extension::LargeBlobKey, extensions.large_blob_key.is_some()),
                (
                    Extension::ThirdPartyPayment,
                    extensions.third_party_payment.is_some(),
                ),
            ],
        )?;
        let sealed = match salts {
            Some(salts) => Some(self.seal_salts(salts)?),
            None => None,
        };
        let inputs = match &sealed {
            Some(sealed) => GetAssertionInputs {
                hmac_secret: Some(sealed.input()),
                ..extensions.clone()
            },
            None => extensions.clone(),
        };
        let command = Command::GetAssertion;
        let part = given(&inputs, inputs == GetAssertionInputs::default());
        let answer = self.assert(request, part, token.as_ref())?;
        self.salts = sealed;
        self.assertion(command, answer)
    }

    /// The next assertion of the last
    /// [`get_assertion_with`](Self::get_assertion_with), with the same
    /// extensions and salts.
    pub fn next_assertion_with(&mut self) -> Result<Assertion<'_>, Error<T::Error>> {
        let command = Command::GetNextAssertion;
        let answer = self.exchange(command, None)?;
        self.assertion(command, answer)
    }

    fn assertion(
        &mut self,
        command: Command,
        answer: Answer,
    ) -> Result<Assertion<'_>, Error<T::Error>> {
        let output = {
            let response: get_assertion::Response<'_> = self.read(answer)?;
            let outputs: GetAssertionOutputs<'_> = outputs(command, response.auth_data)?;
            outputs.hmac_secret.and_then(kept)
        };
        let secrets = match (&self.salts, output) {
            (Some(sealed), Some(output)) => sealed.open(self.crypto, &output),
            _ => None,
        };
        let response: get_assertion::Response<'_> = self.read(answer)?;
        Ok(Assertion {
            outputs: outputs(command, response.auth_data)?,
            unsigned: unsigned(response.unsigned_extension_outputs),
            response,
            secrets,
        })
    }
}

/// Whether the token has all that is asked for.
fn check<E>(facts: &Facts, asked: &[(Extension, bool)]) -> Result<(), Error<E>> {
    let lacking = asked
        .iter()
        .find(|(extension, asked)| *asked && !facts.has(*extension));
    match lacking {
        Some((extension, _)) => Err(Error::Unsupported(Feature::Extension(*extension))),
        None => Ok(()),
    }
}

/// No map at all where it would be empty.
fn given(inputs: &dyn Encode, nothing: bool) -> Option<&dyn Encode> {
    (!nothing).then_some(inputs)
}

/// Reads the extensions in authenticator data; what cannot be read of them is
/// passed over.
fn outputs<'a, O: Parse<'a> + Default, E>(
    command: Command,
    auth_data: &'a [u8],
) -> Result<O, Error<E>> {
    let data = AuthenticatorData::parse(auth_data).map_err(|_| Error::Malformed {
        command,
        error: cbor::Error::Unexpected {
            position: 0,
            expected: "authenticator data in authData (0x02)",
        },
    })?;
    Ok(unsigned(data.extensions))
}

fn unsigned<'a, O: Parse<'a> + Default>(map: Option<Raw<'a>>) -> O {
    map.and_then(|map| O::parse(map.bytes()).ok())
        .unwrap_or_default()
}

/// A copy of what lies in the session's buffer.
fn kept(output: &[u8]) -> Option<Ciphertext> {
    Ciphertext::from_slice(output).ok()
}
