//! A credential in a test's hand: registrations and assertions, right or wrong
//! as the test wants. Written on its own, like the stand-in that reads them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use ciborium::{Value, cbor};
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use rand::{RngCore, rngs::OsRng};
use serde_json::json;
use sha2::{Digest, Sha256};

/// A credential with its private key.
#[derive(Clone, Debug)]
pub struct PaperKey {
    pub id: Vec<u8>,
    pub sign_count: u32,
    key: SigningKey,
}

/// What goes into a registration or an assertion; a test changes what it likes.
#[derive(Clone, Debug)]
pub struct Ceremony {
    pub kind: &'static str,
    pub rp_id: String,
    pub origin: String,
    pub challenge: Vec<u8>,
    /// UP and UV.
    pub flags: u8,
    pub fmt: &'static str,
    pub algorithm: i64,
    /// Applied to the signature.
    pub spoil: fn(&mut Vec<u8>),
}

/// A registration, self-attested.
#[derive(Clone, Debug)]
pub struct Registration {
    pub attestation_object: Vec<u8>,
    pub client_data_json: Vec<u8>,
    pub public_key_cose: Vec<u8>,
}

impl Ceremony {
    /// Right in every respect.
    #[must_use]
    pub fn new(rp_id: &str, origin: &str) -> Self {
        Self {
            kind: "webauthn.create",
            rp_id: rp_id.to_owned(),
            origin: origin.to_owned(),
            challenge: vec![0xC4; 32],
            flags: 0x05,
            fmt: "packed",
            algorithm: -7,
            spoil: |_| (),
        }
    }

    fn client_data(&self) -> Vec<u8> {
        let Self {
            kind,
            origin,
            challenge,
            ..
        } = self;
        let challenge = BASE64URL.encode(challenge);
        json!({ "type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false })
            .to_string()
            .into_bytes()
    }

    fn sign(&self, key: &SigningKey, auth_data: &[u8], client_data: &[u8]) -> Vec<u8> {
        let message = [auth_data, &Sha256::digest(client_data)].concat();
        let signature: Signature = key.sign(&message);
        let mut signature = signature.to_der().as_bytes().to_vec();
        (self.spoil)(&mut signature);
        signature
    }
}

impl PaperKey {
    /// A fresh one.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "random each time")]
    pub fn new() -> Self {
        let mut id = vec![0; 32];
        OsRng.fill_bytes(&mut id);
        Self {
            id,
            sign_count: 1,
            key: SigningKey::random(&mut OsRng),
        }
    }

    #[must_use]
    pub fn register(&self, ceremony: &Ceremony) -> Registration {
        let client_data_json = ceremony.client_data();
        let public_key_cose = self.public_key(ceremony.algorithm);
        let length = u16::try_from(self.id.len())
            .unwrap_or(u16::MAX)
            .to_be_bytes();
        let auth_data = [
            &self.auth_data(ceremony, 0x40)[..],
            &[0xAA; 16],
            &length,
            &self.id,
            &public_key_cose,
        ]
        .concat();
        let sig = ceremony.sign(&self.key, &auth_data, &client_data_json);
        let statement = match ceremony.fmt {
            "none" => cbor!({}),
            _ => cbor!({ "alg" => -7, "sig" => Value::Bytes(sig) }),
        };
        let object = cbor!({
            "fmt" => ceremony.fmt,
            "attStmt" => statement.unwrap_or(Value::Null),
            "authData" => Value::Bytes(auth_data),
        });
        Registration {
            attestation_object: bytes(&object.unwrap_or(Value::Null)),
            client_data_json,
            public_key_cose,
        }
    }

    /// An assertion as a browser sends it; the counter moves on.
    #[must_use]
    pub fn sign_in(&mut self, ceremony: &Ceremony) -> serde_json::Value {
        self.sign_count += 1;
        let client_data = ceremony.client_data();
        let auth_data = self.auth_data(ceremony, 0);
        let signature = ceremony.sign(&self.key, &auth_data, &client_data);
        json!({
            "credentialId": BASE64URL.encode(&self.id),
            "authenticatorData": BASE64URL.encode(auth_data),
            "clientDataJSON": BASE64URL.encode(client_data),
            "signature": BASE64URL.encode(signature),
        })
    }

    fn auth_data(&self, ceremony: &Ceremony, flags: u8) -> Vec<u8> {
        let rp_id_hash = Sha256::digest(&ceremony.rp_id);
        let counter = self.sign_count.to_be_bytes();
        [&rp_id_hash[..], &[ceremony.flags | flags], &counter].concat()
    }

    fn public_key(&self, algorithm: i64) -> Vec<u8> {
        let point = self.key.verifying_key().to_encoded_point(false);
        let coordinate = |bytes: Option<_>| {
            Value::Bytes(
                bytes
                    .map(|b: &p256::FieldBytes| b.to_vec())
                    .unwrap_or_default(),
            )
        };
        bytes(&Value::Map(vec![
            (1.into(), 2.into()),
            (3.into(), algorithm.into()),
            ((-1).into(), 1.into()),
            ((-2).into(), coordinate(point.x())),
            ((-3).into(), coordinate(point.y())),
        ]))
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A vector takes everything.
    let _ = ciborium::into_writer(value, &mut bytes);
    bytes
}
