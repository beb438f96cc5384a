//! An X.509 certificate, as far as a reader of an attestation wants to know it.

use x509_parser::der_parser::ber::BerObject;
use x509_parser::der_parser::parse_der;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::node::{Fault, Node, hexadecimal};

/// What `der`, which begins at `base` of the input, says.
pub(super) fn fields(der: &[u8], base: usize) -> Result<Vec<Node>, Fault> {
    let (rest, certificate) = X509Certificate::from_der(der)
        .map_err(|error| Fault::at(base, format!("not an X.509 certificate: {error}")))?;
    if !rest.is_empty() {
        let at = base.saturating_add(der.len().saturating_sub(rest.len()));
        return Err(Fault::at(
            at,
            format!("{} bytes follow the certificate", rest.len()),
        ));
    }
    let node = |name: &str, value: String| Node::new(base, der.len(), name, value);
    let mut fields = vec![
        node("subject", certificate.subject().to_string()),
        node("issuer", certificate.issuer().to_string()),
        node("serialNumber", certificate.raw_serial_as_string()),
        node("notBefore", certificate.validity().not_before.to_string()),
        node("notAfter", certificate.validity().not_after.to_string()),
    ];
    let known = certificate.extensions().iter().filter_map(|extension| {
        let name = EXTENSIONS
            .iter()
            .find(|(oid, _)| *oid == extension.oid.to_id_string())?
            .1;
        let named = node(name, hex::encode(extension.value));
        Some(match name {
            KEY_DESCRIPTION => named.with(key_description(extension.value, base, der.len())),
            _ => named,
        })
    });
    fields.extend(known);
    Ok(fields)
}

/// The head of a KeyDescription, up to where the lists of authorizations begin; nothing where it
/// is none. <https://source.android.com/docs/security/features/keystore/attestation>
fn key_description(value: &[u8], base: usize, length: usize) -> Vec<Node> {
    const LEVELS: [&str; 3] = ["software", "trusted environment", "strongbox"];
    let Ok((_, description)) = parse_der(value) else {
        return Vec::new();
    };
    let Ok([version, level, keymint, keymint_level, challenge, ..]) =
        description.as_sequence().map(Vec::as_slice)
    else {
        return Vec::new();
    };
    let node = |name: &str, value: String| Node::new(base, length, name, value);
    let number = |object: &BerObject<'_>| {
        object
            .as_u32()
            .map_or_else(|_| "(no number)".into(), |number| number.to_string())
    };
    let named = |object: &BerObject<'_>| match object.as_u32() {
        Ok(level) => match LEVELS.get(level as usize) {
            Some(name) => format!("{level} ({name})"),
            None => format!("{level} (unknown)"),
        },
        Err(_) => "(no number)".into(),
    };
    vec![
        node("attestationVersion", number(version)),
        node("attestationSecurityLevel", named(level)),
        node("keyMintVersion", number(keymint)),
        node("keyMintSecurityLevel", named(keymint_level)),
        node(
            "attestationChallenge",
            challenge
                .as_slice()
                .map_or("(no bytes)".into(), hexadecimal),
        ),
    ]
}

/// Extensions that attestation is about. WebAuthn Level 3 §8.
const EXTENSIONS: [(&str, &str); 4] = [
    ("1.3.6.1.4.1.45724.1.1.4", "id-fido-gen-ce-aaguid"),
    ("1.3.6.1.4.1.45724.1.1.2", "id-fido-gen-ce-sernum"),
    ("1.3.6.1.4.1.11129.2.1.17", KEY_DESCRIPTION),
    ("1.2.840.113635.100.8.2", "apple nonce"),
];

const KEY_DESCRIPTION: &str = "android key description";
