//! The extensions hmac-secret, hmac-secret-mc and minPinLength. CTAP 2.3 §12.4, §12.5, §12.7.

use keysteward_core::cbor::Parse;
use keysteward_core::crypto::PublicPoint;
use keysteward_core::ctap2::extension::{
    GetAssertionInputs, GetAssertionOutputs, HmacSecretInput, MakeCredentialInputs,
    MakeCredentialOutputs,
};
use keysteward_core::ctap2::{get_assertion, make_credential};
use keysteward_core::pin_protocol::SharedSecret;
use keysteward_core::webauthn::authenticator_data::{AuthenticatorData, Flags};

use super::credentials::{Asked, Wanted};
use super::pins::cose;
use super::{Facts, Key, Platform, Salts, Step};

/// The secret that a credential derived from the first salt, which is always the same.
pub(super) struct Derived {
    credential: Vec<u8>,
    verified: bool,
    secret: [u8; 32],
}

/// Salts as a key takes them.
struct Sealed {
    platform: PublicPoint,
    secret: SharedSecret,
    salt_enc: Vec<u8>,
    salt_auth: Vec<u8>,
    count: usize,
}

impl Sealed {
    fn input(&self) -> HmacSecretInput<'_> {
        HmacSecretInput {
            key_agreement: cose(&self.platform),
            salt_enc: &self.salt_enc,
            salt_auth: &self.salt_auth,
            pin_uv_auth_protocol: Some(self.secret.protocol().id()),
        }
    }
}

impl Platform {
    pub(super) fn make_for_secret(
        &mut self,
        step: &Step<'_>,
        key: &mut dyn Key,
        facts: &mut Facts,
    ) -> Result<(), u8> {
        let Step::MakeForSecret {
            rp,
            user,
            rk,
            at_once,
            auth,
        } = *step
        else {
            unreachable!("the caller saw it");
        };
        let sealed = match at_once {
            Some(salts) => Some(self.seal(key, salts)?),
            None => None,
        };
        let inputs = MakeCredentialInputs {
            hmac_secret: Some(true),
            hmac_secret_mc: sealed.as_ref().map(Sealed::input),
            min_pin_length: Some(true),
            ..MakeCredentialInputs::default()
        };
        let wanted = Wanted { rp, user, rk, auth };
        let answer = self.make_with(&inputs, wanted, key, facts)?;
        let answer = make_credential::Response::parse(&answer).expect("a credential");
        let data = AuthenticatorData::parse(answer.auth_data).expect("authenticator data");
        let outputs = data
            .extensions
            .map(|outputs| MakeCredentialOutputs::parse(outputs.bytes()).expect("outputs"));
        let output = outputs.and_then(|outputs| outputs.hmac_secret_mc);
        let made = data.attested_credential.expect("a credential");
        self.take_secrets(
            made.credential_id,
            data.flags,
            sealed.as_ref(),
            output,
            facts,
        );
        Ok(())
    }

    pub(super) fn derive_secret(
        &mut self,
        key: &mut dyn Key,
        asked: Asked,
        salts: Salts,
        facts: &mut Facts,
    ) -> Result<(), u8> {
        let sealed = self.seal(key, salts)?;
        let inputs = GetAssertionInputs {
            hmac_secret: Some(sealed.input()),
            ..GetAssertionInputs::default()
        };
        let answer = self.assert_with(&inputs, asked, key)?;
        self.asserted(&answer, facts);
        let answer = get_assertion::Response::parse(&answer).expect("an assertion");
        let data = AuthenticatorData::parse(answer.auth_data).expect("authenticator data");
        let outputs = data
            .extensions
            .map(|outputs| GetAssertionOutputs::parse(outputs.bytes()).expect("outputs"));
        let output = outputs.and_then(|outputs| outputs.hmac_secret);
        let id = match (answer.credential, self.listed(asked.allow).as_slice()) {
            (Some(used), _) => used.id.to_vec(),
            (None, [only]) => only.id.to_vec(),
            (None, _) => panic!("an assertion of nobody knows what"),
        };
        self.take_secrets(&id, data.flags, Some(&sealed), output, facts);
        Ok(())
    }

    fn seal(&mut self, key: &mut dyn Key, salts: Salts) -> Result<Sealed, u8> {
        let (platform, secret) = self.agree(key, salts.protocol)?;
        let count = 1 + usize::from(salts.two);
        let plain = [[0x11; 32], [0x22; 32]].concat();
        let salt_enc = secret
            .encrypt(&mut self.crypto, &plain[..32 * count])
            .expect("whole blocks")
            .to_vec();
        let mut salt_auth = secret.authenticate(&mut self.crypto, &[&salt_enc]).to_vec();
        salt_auth[0] ^= u8::from(salts.torn);
        Ok(Sealed {
            platform,
            secret,
            salt_enc,
            salt_auth,
            count,
        })
    }

    /// Whoever derives twice gets the same, and another with its user verified than without.
    fn take_secrets(
        &mut self,
        credential: &[u8],
        flags: Flags,
        sealed: Option<&Sealed>,
        output: Option<&[u8]>,
        facts: &mut Facts,
    ) {
        let Some(output) = output else {
            facts.push(("secrets", 0));
            return;
        };
        let sealed = sealed.expect("secrets of salts that were sent");
        let plain = sealed.secret.decrypt(&mut self.crypto, output);
        let plain = plain.expect("whole blocks");
        assert_eq!(plain.as_slice().len(), 32 * sealed.count);
        facts.push(("secrets", sealed.count as u64));
        let secret = *plain.as_slice().first_chunk().expect("32 bytes");
        let verified = flags.contains(Flags::USER_VERIFIED);
        for earlier in &self.derived {
            let same = earlier.credential == credential && earlier.verified == verified;
            assert_eq!(same, earlier.secret == secret, "verified: {verified}");
        }
        if !self.derived.iter().any(|earlier| earlier.secret == secret) {
            self.derived.push(Derived {
                credential: credential.to_vec(),
                verified,
                secret,
            });
        }
    }
}
