//! hmac-secret and hmac-secret-mc. CTAP 2.3 §12.7.

use super::credential::Usable;
use super::user_verification::UserVerified;
use super::{Authenticator, other};
use crate::storage::Storage;
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::Status;
use keysteward_core::ctap2::extension::HmacSecretInput;
use keysteward_core::pin_protocol::{Ciphertext, MacVerified, Plaintext, SharedSecret};
use zeroize::Zeroizing;

/// The salts of a request, and the secret under which the outputs go back.
pub(super) struct Salts {
    secret: SharedSecret,
    salts: Plaintext,
}

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    pub(super) fn hmac_secret_input(
        &mut self,
        input: &HmacSecretInput<'_>,
    ) -> Result<Salts, Status> {
        let protocol = self.supported(input.pin_uv_auth_protocol.unwrap_or(1))?;
        let secret = self.decapsulate(protocol, &input.key_agreement)?;
        let _: MacVerified = secret
            .verify(&mut self.crypto, &[input.salt_enc], input.salt_auth)
            .map_err(|_| Status::PinAuthInvalid)?;
        let salts = secret
            .decrypt(&mut self.crypto, input.salt_enc)
            .map_err(|_| Status::InvalidParameter)?;
        match salts.as_slice().len() {
            SALT_LEN | TWO_SALTS_LEN => Ok(Salts { secret, salts }),
            _ => Err(Status::InvalidParameter),
        }
    }
}

impl Salts {
    /// One output for each salt, encrypted.
    pub(super) fn output(
        &self,
        crypto: &mut impl Crypto,
        credential: &Usable<'_>,
        verified: Option<UserVerified>,
    ) -> Result<Ciphertext, Status> {
        let random = match verified {
            Some(_) => &credential.random_with_uv,
            None => &credential.random_without_uv,
        };
        let salts = self.salts.as_slice();
        let mut outputs = Zeroizing::new([[0; SALT_LEN]; 2]);
        for (salt, output) in salts.chunks(SALT_LEN).zip(outputs.iter_mut()) {
            *output = crypto.hmac_sha256(&random.0, &[salt]).0;
        }
        let outputs = outputs.as_flattened().get(..salts.len());
        self.secret
            .encrypt(crypto, outputs.unwrap_or_default())
            .map_err(other)
    }
}

const SALT_LEN: usize = 32;
const TWO_SALTS_LEN: usize = 64;
