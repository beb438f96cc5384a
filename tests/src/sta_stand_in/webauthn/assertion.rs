//! Assertions. WebAuthn Level 3 §7.2.

use super::{CredentialKey, Wrong, authenticator_data::AuthenticatorData, client_data};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use p256::ecdsa::{Signature, signature::Verifier};
use serde::Deserialize;

/// What a browser sends; binary members in base64url without padding.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::sta_stand_in) struct Assertion {
    credential_id: String,
    authenticator_data: String,
    #[serde(rename = "clientDataJSON")]
    client_data_json: String,
    signature: String,
}

/// Proof that an assertion was verified, with its counter.
#[derive(Debug)]
pub(in crate::sta_stand_in) struct SignedIn {
    sign_count: u32,
}

impl SignedIn {
    pub(in crate::sta_stand_in) const fn sign_count(&self) -> u32 {
        self.sign_count
    }
}

impl Assertion {
    pub(in crate::sta_stand_in) fn credential_id(&self) -> Result<Vec<u8>, Wrong> {
        decode("credentialId", &self.credential_id)
    }

    pub(in crate::sta_stand_in) fn verify(
        &self,
        key: &CredentialKey,
        challenge: &[u8],
        rp_id: &str,
        origin: &str,
    ) -> Result<SignedIn, Wrong> {
        let client_data = decode("clientDataJSON", &self.client_data_json)?;
        let hash = client_data::check(&client_data, "webauthn.get", Some(challenge), origin)?;
        let auth_data = decode("authenticatorData", &self.authenticator_data)?;
        let data = AuthenticatorData::parse(&auth_data)?;
        data.check(rp_id)?;
        let signature = Signature::from_der(&decode("signature", &self.signature)?)
            .map_err(|_| Wrong::new("the signature is no ECDSA signature in DER"))?;
        key.verify(&[auth_data.as_slice(), &hash].concat(), &signature)
            .map_err(|_| Wrong::new("the signature does not fit"))?;
        Ok(SignedIn {
            sign_count: data.sign_count,
        })
    }
}

fn decode(member: &str, text: &str) -> Result<Vec<u8>, Wrong> {
    BASE64URL
        .decode(text)
        .map_err(|_| Wrong::new(format!("{member} is not base64url without padding")))
}
