//! **Unconfirmed.** The bodies of the authenticator management API that Thales
//! publishes to tenants only (Swagger, under Settings > API Keys).
//!
//! What is here is our proposal, after the WebAuthn registration response and
//! after the members that another server of Thales's returns. A tenant's
//! Swagger may correct it here, and nowhere else; `docs/sta.md` lists each
//! member with its evidence.

use crate::connector::idp::{AuthenticatorState, NewAuthenticator};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use serde_json::{Value, json};

/// Body of the POST that imports an authenticator.
pub(super) fn import(new: &NewAuthenticator) -> Value {
    let id = BASE64URL.encode(&new.credential_id);
    json!({
        "type": "fido",
        "friendlyName": new.friendly_name,
        "rpId": new.rp_id,
        "origin": new.origin,
        "credential": {
            "id": id,
            "rawId": id,
            "type": "public-key",
            "response": {
                "attestationObject": BASE64URL.encode(&new.attestation_object),
                "clientDataJSON": BASE64URL.encode(&new.client_data_json),
                "transports": new.transports,
            },
        },
    })
}

/// Body of the PATCH that suspends and resumes.
pub(super) fn state(state: &AuthenticatorState) -> Value {
    json!({ "state": state.as_str() })
}

/// The credential id in the `metadata` of an authenticator.
pub(super) fn credential_id(metadata: &Value) -> Option<Vec<u8>> {
    let text = metadata.get("credentialId")?.as_str()?;
    // Either alphabet, padded or not.
    let text: String = text
        .trim_end_matches('=')
        .chars()
        .map(|c| match c {
            '+' => '-',
            '/' => '_',
            other => other,
        })
        .collect();
    BASE64URL.decode(text).ok()
}

/// The name that the user sees, in the `metadata` of an authenticator.
pub(super) fn friendly_name(metadata: &Value) -> Option<String> {
    metadata.get("friendlyName")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_id_is_read_in_either_alphabet() {
        let id = vec![0xFB, 0xEF, 0xFF, 0x01];
        for text in ["--__AQ", "++//AQ==", "--__AQ=="] {
            assert_eq!(
                credential_id(&json!({ "credentialId": text })),
                Some(id.clone()),
                "{text}"
            );
        }
        for metadata in [
            json!({}),
            json!({ "credentialId": 7 }),
            json!({ "credentialId": "*" }),
            Value::Null,
        ] {
            assert_eq!(credential_id(&metadata), None);
        }
    }

    #[test]
    fn an_import_carries_the_registration_response_in_base64url() {
        let new = NewAuthenticator {
            credential_id: vec![0xFB, 0xFF],
            public_key_cose: vec![0xA0],
            aaguid: [7; 16],
            sign_count: 0,
            attestation_object: vec![0xA3],
            client_data_json: b"{}".to_vec(),
            user_handle: vec![1],
            rp_id: "example.com".to_owned(),
            origin: "https://example.com".to_owned(),
            transports: vec!["usb".to_owned()],
            friendly_name: "Key 1".to_owned(),
        };
        assert_eq!(
            import(&new),
            json!({
                "type": "fido", "friendlyName": "Key 1",
                "rpId": "example.com", "origin": "https://example.com",
                "credential": {
                    "id": "-_8", "rawId": "-_8", "type": "public-key",
                    "response": { "attestationObject": "ow", "clientDataJSON": "e30", "transports": ["usb"] },
                },
            })
        );
    }
}
