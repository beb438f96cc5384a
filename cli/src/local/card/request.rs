//! A certification request whose key lies on the card. RFC 2986.
//!
//! The request is assembled here and signed there: assembled once to learn what is to be signed, and
//! once more with the signature.

use std::cell::RefCell;

use keysteward_proto::agent::v1::{self as wire, card_step::Verb, step_result::Result as Outcome};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, PublicKeyData, SanType, SignatureAlgorithm,
    SigningKey, string::Ia5String,
};
use x509_parser::{prelude::FromDer as _, x509::SubjectPublicKeyInfo};

use super::{OTHER, admin_key::AdminKeys, args::Request, certificate, open};
use crate::{
    connect::Agent,
    failure::{Failure, Result},
    output::Output,
};

pub(super) async fn run(args: Request, agent: &Agent, output: &mut Output<'_>) -> Result<()> {
    let parameters = parameters(&args.subject, &args.emails, args.upn.as_deref())?;
    if args.to.exists() {
        return Err(Failure::wrong(
            "--to",
            args.to.display().to_string(),
            "a file that does not exist yet",
        ));
    }
    let pin = args.pin.read()?;
    let (_, mut lease) = open(
        agent,
        &args.which,
        AdminKeys::default(),
        "request a certificate",
    )
    .await?;
    let seen = match lease.read(Verb::InspectCard(wire::InspectCard {})).await? {
        Outcome::CardInspected(seen) => seen,
        _ => return Err(OTHER),
    };
    let container = super::container(seen, &args.container)?;
    let key = CardKey::new(&container)?;
    let info = key.info(&parameters)?;
    let verb = Verb::SignCertificationRequest(wire::SignCertificationRequest {
        pin,
        container: args.container,
        certification_request_info: info.clone(),
        signature_algorithm: key.name.to_owned(),
    });
    let Outcome::RequestSigned(signed) = lease.change("sign-request", verb).await? else {
        return Err(OTHER);
    };
    let request = key.request(&parameters, info, signed.signature)?;
    certificate::write(&args.to, "CERTIFICATE REQUEST", &request)?;
    certificate::written(&args.to, output)
}

/// A public key, and what its card has signed.
#[derive(Debug)]
struct CardKey {
    /// Content of subjectPublicKey.
    bits: Vec<u8>,
    algorithm: &'static SignatureAlgorithm,
    /// Of the algorithm, as the agent spells it.
    name: &'static str,
    signed: RefCell<Signed>,
}

/// What is to be signed, and the signature.
#[derive(Debug, Default)]
struct Signed {
    info: Vec<u8>,
    signature: Vec<u8>,
}

impl CardKey {
    fn new(container: &wire::Container) -> Result<Self> {
        let (algorithm, name): (&'static SignatureAlgorithm, _) = match container.algorithm.as_str()
        {
            "rsa2048" | "rsa3072" | "rsa4096" => (&rcgen::PKCS_RSA_SHA256, "rsa-pkcs1-sha256"),
            "p256" => (&rcgen::PKCS_ECDSA_P256_SHA256, "ecdsa-sha256"),
            "p384" => (&rcgen::PKCS_ECDSA_P384_SHA384, "ecdsa-sha384"),
            "ed25519" => (&rcgen::PKCS_ED25519, "ed25519"),
            other => {
                return Err(Failure::wrong(
                    "container",
                    match other {
                        "" => "one without a key that the card tells".to_owned(),
                        other => format!("one with a key of {other}, which signs nothing"),
                    },
                    "one with a key that signs; generate one",
                ));
            }
        };
        let (_, spki) = SubjectPublicKeyInfo::from_der(&container.public_key)
            .map_err(|_| Failure::Answer("the public key is none"))?;
        Ok(Self {
            bits: spki.subject_public_key.data.to_vec(),
            algorithm,
            name,
            signed: RefCell::default(),
        })
    }

    /// CertificationRequestInfo.
    fn info(&self, parameters: &CertificateParams) -> Result<Vec<u8>> {
        self.assemble(parameters)?;
        Ok(self.signed.borrow().info.clone())
    }

    /// CertificationRequest.
    fn request(
        &self,
        parameters: &CertificateParams,
        info: Vec<u8>,
        signature: Vec<u8>,
    ) -> Result<Vec<u8>> {
        self.signed.replace(Signed {
            info: Vec::new(),
            signature,
        });
        let request = self.assemble(parameters)?;
        if self.signed.borrow().info != info {
            return Err(Failure::Answer("the request changed while it was signed"));
        }
        Ok(request)
    }

    fn assemble(&self, parameters: &CertificateParams) -> Result<Vec<u8>> {
        parameters
            .serialize_request(self)
            .map(|request| request.der().to_vec())
            .map_err(|error| Failure::wrong("the request", error.to_string(), "other names"))
    }
}

impl PublicKeyData for CardKey {
    fn der_bytes(&self) -> &[u8] {
        &self.bits
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

impl SigningKey for CardKey {
    fn sign(&self, info: &[u8]) -> std::result::Result<Vec<u8>, rcgen::Error> {
        let mut signed = self.signed.borrow_mut();
        signed.info = info.to_vec();
        Ok(signed.signature.clone())
    }
}

fn parameters(subject: &str, emails: &[String], upn: Option<&str>) -> Result<CertificateParams> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = name(subject)?;
    for email in emails {
        let address = Ia5String::try_from(email.as_str())
            .map_err(|_| Failure::wrong("--email", email, "an address in ASCII"))?;
        parameters
            .subject_alt_names
            .push(SanType::Rfc822Name(address));
    }
    if let Some(upn) = upn {
        let name = (USER_PRINCIPAL_NAME.to_vec(), upn.into());
        parameters.subject_alt_names.push(SanType::OtherName(name));
    }
    Ok(parameters)
}

/// `CN=Alice,O=Example`; a comma that belongs to a name has a backslash before it.
fn name(subject: &str) -> Result<DistinguishedName> {
    let wrong = |found: &str| {
        Failure::wrong(
            "--subject",
            found.to_owned(),
            "CN=.., O=.., OU=.., C=.., L=.., ST=.., parted by commas",
        )
    };
    let mut name = DistinguishedName::new();
    for part in parts(subject) {
        let (kind, value) = part.split_once('=').ok_or_else(|| wrong(&part))?;
        let kind = match kind.trim().to_ascii_uppercase().as_str() {
            "CN" => DnType::CommonName,
            "O" => DnType::OrganizationName,
            "OU" => DnType::OrganizationalUnitName,
            "C" => DnType::CountryName,
            "L" => DnType::LocalityName,
            "ST" => DnType::StateOrProvinceName,
            _ => return Err(wrong(&part)),
        };
        match value.trim() {
            "" => return Err(wrong(&part)),
            value => name.push(kind, value),
        }
    }
    match name.iter().next() {
        Some(_) => Ok(name),
        None => Err(wrong("nothing")),
    }
}

fn parts(subject: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in subject.chars() {
        match (c, escaped, parts.last_mut()) {
            ('\\', false, _) => escaped = true,
            (',', false, _) => parts.push(String::new()),
            (c, _, Some(part)) => {
                part.push(c);
                escaped = false;
            }
            (_, _, None) => {}
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// szOID_NT_PRINCIPAL_NAME
const USER_PRINCIPAL_NAME: [u64; 10] = [1, 3, 6, 1, 4, 1, 311, 20, 2, 3];

#[cfg(test)]
mod tests {
    use rcgen::KeyPair;

    use super::*;

    #[test]
    fn what_the_card_signs_becomes_a_request_that_verifies() {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let container = wire::Container {
            algorithm: "p256".into(),
            public_key: key.subject_public_key_info(),
            ..wire::Container::default()
        };
        let card = CardKey::new(&container).unwrap();
        let emails = ["alice@example.com".to_owned()];
        let parameters = parameters(
            "CN=Alice, O=Doe\\, Roe",
            &emails,
            Some("alice@corp.example"),
        )
        .unwrap();
        let info = card.info(&parameters).unwrap();
        let signature = key.sign(&info).unwrap();
        let request = card.request(&parameters, info, signature).unwrap();
        let (_, request) =
            x509_parser::certification_request::X509CertificationRequest::from_der(&request)
                .unwrap();
        request.verify_signature().unwrap();
        let subject = request.certification_request_info.subject.to_string();
        assert_eq!(subject, "CN=Alice, O=Doe, Roe");
        assert_eq!(
            request.certification_request_info.subject_pki.raw,
            container.public_key
        );
    }

    #[test]
    fn a_subject_that_is_none_is_refused() {
        for subject in ["", "Alice", "CN=", "X=1", "CN=Alice,Bob"] {
            assert!(name(subject).is_err(), "{subject}");
        }
    }

    #[test]
    fn a_key_that_signs_nothing_gets_no_request() {
        for algorithm in ["", "x25519"] {
            let container = wire::Container {
                algorithm: algorithm.into(),
                ..wire::Container::default()
            };
            assert!(CardKey::new(&container).is_err(), "{algorithm}");
        }
    }
}
