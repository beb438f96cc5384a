//! The two structures of a TPM in a `tpm` statement. TPM 2.0 Library, Part 2, §10.12.12 (TPMS_ATTEST)
//! and §12.2.4 (TPMT_PUBLIC).

use keysteward_core::webauthn::attestation::tpm::{
    CertInfo, HashAlgorithm, PublicArea, TpmError, TpmKey,
};

use super::node::{Fault, Node, hexadecimal};

/// What `bytes`, which begin at `base` of the input, attest. The fields carry the place of the
/// whole.
pub(super) fn cert_info(bytes: &[u8], base: usize) -> Result<Vec<Node>, Fault> {
    let info = CertInfo::parse(bytes).map_err(|error| fault(base, error))?;
    let node = |name: &str, value: String| Node::new(base, bytes.len(), name, value);
    let clock = info.clock_info;
    Ok(vec![
        node("qualifiedSigner", hexadecimal(info.qualified_signer)),
        node("extraData", hexadecimal(info.extra_data)),
        node(
            "clockInfo",
            format!(
                "{} ms, {} resets, {} restarts, {}",
                clock.clock,
                clock.reset_count,
                clock.restart_count,
                if clock.safe == 1 { "safe" } else { "not safe" }
            ),
        ),
        node(
            "firmwareVersion",
            format!("{:#018x}", info.firmware_version),
        ),
        node(
            "attested name",
            format!(
                "{}: {}",
                hash(info.name.algorithm),
                hexadecimal(info.name.digest)
            ),
        ),
        node("attested qualifiedName", hexadecimal(info.qualified_name)),
    ])
}

/// What key `bytes`, which begin at `base` of the input, describe.
pub(super) fn public_area(bytes: &[u8], base: usize) -> Result<Vec<Node>, Fault> {
    let area = PublicArea::parse(bytes).map_err(|error| fault(base, error))?;
    let node = |name: &str, value: String| Node::new(base, bytes.len(), name, value);
    let mut fields = vec![
        node("nameAlg", hash(area.name_algorithm)),
        node(
            "objectAttributes",
            format!("{:#010x}", area.object_attributes),
        ),
        node("authPolicy", hexadecimal(area.auth_policy)),
    ];
    match area.key {
        TpmKey::Rsa {
            key_bits,
            exponent,
            n,
        } => fields.extend([
            node("type", format!("RSA, {key_bits} bits")),
            node(
                "exponent",
                match exponent {
                    0 => "0 (65537)".into(),
                    other => other.to_string(),
                },
            ),
            node("unique", hexadecimal(n)),
        ]),
        TpmKey::Ecc { curve_id, x, y } => fields.extend([
            node("type", format!("ECC, curve {curve_id:#06x}")),
            node("unique x", hexadecimal(x)),
            node("unique y", hexadecimal(y)),
        ]),
    }
    Ok(fields)
}

fn hash(algorithm: HashAlgorithm) -> String {
    match algorithm {
        HashAlgorithm::Sha1 => "SHA-1".into(),
        HashAlgorithm::Sha256 => "SHA-256".into(),
        HashAlgorithm::Sha384 => "SHA-384".into(),
        HashAlgorithm::Sha512 => "SHA-512".into(),
        HashAlgorithm::Other(id) => format!("{id:#06x}"),
    }
}

fn fault(base: usize, error: TpmError) -> Fault {
    Fault::at(base, error.to_string())
}
