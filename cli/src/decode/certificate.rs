//! An X.509 certificate, as far as a reader of an attestation wants to know it.

use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::node::{Fault, Node};

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
        Some(node(name, hex::encode(extension.value)))
    });
    fields.extend(known);
    Ok(fields)
}

/// Extensions that attestation is about. WebAuthn Level 3 §8.
const EXTENSIONS: [(&str, &str); 4] = [
    ("1.3.6.1.4.1.45724.1.1.4", "id-fido-gen-ce-aaguid"),
    ("1.3.6.1.4.1.45724.1.1.2", "id-fido-gen-ce-sernum"),
    ("1.3.6.1.4.1.11129.2.1.17", "android key description"),
    ("1.2.840.113635.100.8.2", "apple nonce"),
];
