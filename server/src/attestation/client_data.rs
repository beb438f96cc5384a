//! Collected client data: what stands between an origin and what a token signs.
//! WebAuthn Level 3 §5.8.1.
//!
//! ```
//! use keysteward_server::attestation::client_data;
//!
//! let challenge = [7; 32];
//! let json = client_data::registration(&challenge, "https://login.example.com");
//! assert!(json.starts_with(br#"{"type":"webauthn.create","challenge":"BwcH"#));
//! let for_the_token: [u8; 32] = client_data::hash(&json);
//! ```

use sha2::{Digest, Sha256};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};

/// The client data of a registration that we run ourselves, as JSON bytes in
/// the serialisation of §5.8.1.1, which verifiers may compare byte by byte.
#[must_use]
pub fn registration(challenge: &[u8], origin: &str) -> Vec<u8> {
    // CCDToString escapes less than general JSON does; origins that we accept
    // hold nothing to escape.
    let origin = serde_json::Value::from(origin);
    let challenge = BASE64URL.encode(challenge);
    format!(
        r#"{{"type":"webauthn.create","challenge":"{challenge}","origin":{origin},"crossOrigin":false}}"#
    )
    .into_bytes()
}

/// What goes to the token in place of the client data.
#[must_use]
pub fn hash(client_data_json: &[u8]) -> [u8; 32] {
    Sha256::digest(client_data_json).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_data_have_the_members_of_the_limited_verification_algorithm_in_its_order() {
        let json = registration(&[0xFB, 0xFF, 0x00], "https://login.example.com");
        assert_eq!(
            String::from_utf8(json).unwrap(),
            r#"{"type":"webauthn.create","challenge":"-_8A","origin":"https://login.example.com","crossOrigin":false}"#
        );
    }

    #[test]
    fn the_hash_is_sha_256_of_the_bytes() {
        let hash = hash(b"abc");
        assert_eq!(hash[..4], [0xBA, 0x78, 0x16, 0xBF]);
    }
}
