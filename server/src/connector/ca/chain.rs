//! Certificates in the order in which one signs the other.

use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

/// `own` first, then from `others` whoever signed the one before, up to a
/// self-signed one or the last that is there. Others are left out.
pub(super) fn ordered(own: &[u8], others: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut chain = vec![own.to_vec()];
    // Each of the others at most once: a ring of certificates ends too.
    for _ in 0..others.len() {
        let Some(last) = chain.last().map(Vec::as_slice) else {
            break;
        };
        let Ok((_, signed)) = X509Certificate::from_der(last) else {
            break;
        };
        if signed.issuer().as_raw() == signed.subject().as_raw() {
            break;
        }
        let above = others.iter().find(|other| {
            !chain.contains(other)
                && X509Certificate::from_der(other).is_ok_and(|(_, other)| {
                    other.subject().as_raw() == signed.issuer().as_raw()
                        && signed.verify_signature(Some(other.public_key())).is_ok()
                })
        });
        let Some(above) = above.cloned() else { break };
        chain.push(above);
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa,
        KeyPair,
    };

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    }

    #[test]
    fn a_chain_is_put_in_order_and_strangers_are_left_out() {
        let key = || KeyPair::generate().unwrap();
        let root = CertifiedIssuer::self_signed(params("Root"), key()).unwrap();
        let middle = CertifiedIssuer::signed_by(params("Middle"), key(), &root).unwrap();
        let own = CertifiedIssuer::signed_by(params("Own"), key(), &middle).unwrap();
        let namesake = CertifiedIssuer::self_signed(params("Middle"), key()).unwrap();
        let der = |certificate: &CertifiedIssuer<'_, KeyPair>| certificate.der().to_vec();
        let [root, middle, own, namesake] = [&root, &middle, &own, &namesake].map(der);
        let others = [
            namesake,
            root.clone(),
            own.clone(),
            b"hello".to_vec(),
            middle.clone(),
        ];
        assert_eq!(ordered(&own, &others), [own.clone(), middle, root.clone()]);
        assert_eq!(ordered(&own, &[]), [own]);
        assert_eq!(ordered(&root, &others), std::slice::from_ref(&root));
        assert_eq!(ordered(b"hello", &others), [b"hello".to_vec()]);
    }
}
