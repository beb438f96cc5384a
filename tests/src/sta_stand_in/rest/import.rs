//! **Unconfirmed.** The body by which an authenticator is imported: Thales
//! shows it to tenants only. See `docs/sta.md`.

use crate::sta_stand_in::{answer::Refused, server::Options, tenant::Registration, webauthn};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use serde::Deserialize;
use serde_json::Value;

pub(super) struct Import {
    pub(super) friendly_name: String,
    pub(super) registration: Registration,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Body {
    r#type: String,
    friendly_name: String,
    rp_id: String,
    origin: String,
    credential: Credential,
}

/// RegistrationResponseJSON. WebAuthn Level 3 §5.1.8.1.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential {
    id: String,
    raw_id: String,
    r#type: String,
    response: Response,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    attestation_object: String,
    #[serde(rename = "clientDataJSON")]
    client_data_json: String,
}

/// Reads and verifies an import for the relying party that `options` name.
pub(super) fn read(body: &Value, options: &Options) -> Result<Import, Refused> {
    let body: Body = serde_json::from_value(body.clone())
        .map_err(|error| Refused::bad_request(error.to_string()))?;
    let wrong = |why: &str| Err(Refused::bad_request(why));
    if body.r#type != "fido" {
        return wrong("only authenticators of type fido can be managed");
    }
    if body.rp_id != options.rp_id || body.origin != options.origin {
        return wrong("rpId or origin is not this tenant's");
    }
    let Credential {
        id,
        raw_id,
        r#type,
        response,
    } = body.credential;
    if id != raw_id || r#type != "public-key" {
        return wrong("id and rawId differ, or the type is not public-key");
    }
    let object = decode("attestationObject", &response.attestation_object)?;
    let client_data = decode("clientDataJSON", &response.client_data_json)?;
    let registration = webauthn::register(&object, &client_data, &options.rp_id, &options.origin)
        .map_err(|error| Refused::bad_request(error.to_string()))?;
    if decode("rawId", &raw_id)? != registration.credential_id {
        return wrong("rawId is not the credential's id");
    }
    Ok(Import {
        friendly_name: body.friendly_name,
        registration,
    })
}

fn decode(member: &str, text: &str) -> Result<Vec<u8>, Refused> {
    BASE64URL
        .decode(text)
        .map_err(|_| Refused::bad_request(format!("{member} is not base64url without padding")))
}
