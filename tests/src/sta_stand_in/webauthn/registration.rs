//! Registration of a credential that was made elsewhere. WebAuthn Level 3 §7.1.

use super::{
    Wrong, attestation,
    authenticator_data::{AuthenticatorData, cbor},
    client_data,
};
use crate::sta_stand_in::tenant::Registration;
use ciborium::Value;

/// Verifies what a CMS hands over. The challenge was the CMS's own.
pub(in crate::sta_stand_in) fn register(
    attestation_object: &[u8],
    client_data_json: &[u8],
    rp_id: &str,
    origin: &str,
) -> Result<Registration, Wrong> {
    let client_data_hash = client_data::check(client_data_json, "webauthn.create", None, origin)?;
    let mut rest = attestation_object;
    let object = cbor(&mut rest)?;
    if !rest.is_empty() {
        return Err(Wrong::new("bytes follow the attestation object"));
    }
    let member = |name: &str| {
        let key = Value::from(name);
        let members = object.as_map().into_iter().flatten();
        members
            .into_iter()
            .find(|(found, _)| *found == key)
            .map(|(_, value)| value)
    };
    let missing = |name: &str| Wrong::new(format!("the attestation object has no {name}"));
    let format = member("fmt")
        .and_then(Value::as_text)
        .ok_or_else(|| missing("fmt"))?;
    let statement = member("attStmt")
        .and_then(Value::as_map)
        .ok_or_else(|| missing("attStmt"))?;
    let auth_data = member("authData")
        .and_then(Value::as_bytes)
        .ok_or_else(|| missing("authData"))?;

    let data = AuthenticatorData::parse(auth_data)?;
    data.check(rp_id)?;
    let credential = data
        .credential
        .ok_or_else(|| Wrong::new("there is no credential in it"))?;
    attestation::verify(format, statement, auth_data, &client_data_hash, &credential)?;
    Ok(Registration {
        credential_id: credential.id,
        key: credential.key,
        aaguid: credential.aaguid,
        sign_count: data.sign_count,
        rp_id: rp_id.to_owned(),
    })
}
