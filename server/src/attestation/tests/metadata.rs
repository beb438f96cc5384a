//! FIDO metadata, by a paper metadata service.

mod blob;

use super::*;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use rcgen::{DistinguishedName, SigningKey as _};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) const SIGNER: &str = "mds.example.com";

/// Signs blobs, right or wrong as a test wants.
pub(super) struct Service {
    pub(super) maker: Maker,
    header: Value,
    payload: Value,
}

impl Service {
    pub(super) fn new(entries: Value) -> Self {
        let key = KeyPair::generate().unwrap();
        Self::signing_with(key, "ES256", entries)
    }

    fn signing_with(key: KeyPair, algorithm: &str, entries: Value) -> Self {
        let maker = Maker::with_key_and(key, |certificate| {
            certificate.distinguished_name = DistinguishedName::new();
            certificate
                .distinguished_name
                .push(DnType::CommonName, SIGNER);
            certificate.custom_extensions.clear();
        });
        let x5c: Vec<String> = maker.chain.iter().map(|der| STANDARD.encode(der)).collect();
        Self {
            maker,
            header: json!({ "alg": algorithm, "typ": "JWT", "x5c": x5c }),
            payload: json!({
                "legalHeader": "paper",
                "no": 15,
                "nextUpdate": "2026-12-01",
                "entries": entries,
            }),
        }
    }

    pub(super) fn blob(&self) -> String {
        self.sealed(&self.header.to_string(), &self.payload.to_string())
    }

    fn sealed(&self, header: &str, payload: &str) -> String {
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(payload)
        );
        let signature = self.maker.batch_key.sign(signed.as_bytes()).unwrap();
        let signature = match p256::ecdsa::Signature::from_der(&signature) {
            Ok(signature) => signature.to_bytes().to_vec(),
            Err(_) => signature,
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn read(&self) -> Result<Metadata, MetadataFault> {
        self.read_blob(&self.blob(), Stale::Refuse)
    }

    fn read_blob(&self, blob: &str, stale: Stale) -> Result<Metadata, MetadataFault> {
        let roots = Root::read_pem(self.maker.root.as_bytes()).unwrap();
        let signer = Signer {
            roots: &roots,
            name: SIGNER,
        };
        Metadata::read(blob.as_bytes(), signer, stale, now())
    }

    fn trust(&self) -> Trust {
        let unrooted = Unrooted {
            none: false,
            itself: true,
        };
        Trust::new::<&str>(&[], unrooted)
            .unwrap()
            .with_metadata(Arc::new(self.read().unwrap()))
    }
}

fn der_of(pem: &str) -> String {
    STANDARD.encode(Root::read_pem(pem.as_bytes()).unwrap()[0].der())
}

/// The entry of a maker's model, with these status reports.
pub(super) fn entry(maker: &Maker, reports: Value) -> Value {
    json!({
        "aaguid": "6b657973-7465-7761-7264-207465737473",
        "metadataStatement": {
            "description": "Example Key",
            "attestationTypes": ["basic_full"],
            "attestationRootCertificates": [der_of(&maker.root)],
            "icon": "data:image/png;base64,AAAA",
        },
        "statusReports": reports,
        "timeOfLastStatusChange": "2024-01-01",
    })
}

fn certified() -> Value {
    json!([{ "status": "FIDO_CERTIFIED_L1", "effectiveDate": "2020-05-01" }])
}

fn attested(maker: &Maker, reports: Value) -> Result<VerifiedAttestation, Refusal> {
    let trust = Service::new(json!([entry(maker, reports)])).trust();
    check(&packed(maker, &Credential::new().auth_data()), &trust)
}

#[test]
fn a_model_is_proven_to_the_root_that_the_metadata_name() {
    let verified = attested(&Maker::new(), certified()).unwrap();
    assert_eq!(
        verified.to_string(),
        "packed, proven to CN=Example Root; FIDO metadata: Example Key (FIDO_CERTIFIED_L1)"
    );
}

#[test]
fn metadata_tell_their_number_their_date_and_their_models() {
    let uaf = json!({ "aaid": "1234#5678", "statusReports": [] });
    let service = Service::new(json!([uaf, entry(&Maker::new(), certified())]));
    let metadata = service.read().unwrap();
    assert_eq!((metadata.number(), metadata.models()), (15, 1));
    assert_eq!(metadata.next_update().to_string(), "2026-12-01");
}

#[test]
fn metadata_may_be_signed_with_rs256() {
    let key = KeyPair::from_pem(include_str!("rsa_root.pem")).unwrap();
    let service = Service::signing_with(key, "RS256", json!([]));
    service.read().unwrap();
    let key = KeyPair::from_pem(include_str!("rsa_root.pem")).unwrap();
    let refusal = Service::signing_with(key, "ES256", json!([])).read();
    assert!(matches!(refusal, Err(MetadataFault::Algorithm { .. })));
}

#[test]
fn the_roots_of_one_model_prove_no_other() {
    let (maker, other) = (Maker::new(), Maker::new());
    let mut of_other = entry(&other, certified());
    of_other["aaguid"] = json!("00000000-0000-0000-0000-000000000001");
    let trust = Service::new(json!([entry(&maker, certified()), of_other])).trust();
    let refusal = check(&packed(&other, &Credential::new().auth_data()), &trust).unwrap_err();
    assert!(
        matches!(refusal, Refusal::PathSignature { .. }),
        "{refusal}"
    );
}

#[test]
fn a_model_that_is_not_listed_needs_a_root_of_the_token_type() {
    let maker = Maker::new();
    let object = packed(&maker, &Credential::new().auth_data());
    let service = Service::new(json!([]));
    let refusal = check(&object, &service.trust()).unwrap_err();
    assert!(
        matches!(&refusal, Refusal::NotInMetadata { model } if model.contains("6b657973")),
        "{refusal}"
    );
    let trust = rooted(&maker).with_metadata(Arc::new(service.read().unwrap()));
    assert_eq!(check(&object, &trust).unwrap().listed(), None);
}

#[test]
fn a_u2f_key_is_found_by_its_certificate() {
    let (maker, credential) = (Maker::u2f(), Credential::u2f());
    let object = u2f(&maker, &credential, &credential.auth_data());
    let leaf = certificate::Certificate::parse(&maker.chain[0]).unwrap();
    let mut listed = entry(&maker, certified());
    listed["aaguid"] = Value::Null;
    listed["attestationCertificateKeyIdentifiers"] = json!([Metadata::key_identifier(&leaf)]);
    let trust = Service::new(json!([listed])).trust();
    assert!(check(&object, &trust).unwrap().listed().is_some());

    listed["attestationCertificateKeyIdentifiers"] = json!(["00".repeat(20)]);
    let trust = Service::new(json!([listed])).trust();
    let refusal = check(&object, &trust).unwrap_err();
    assert!(
        matches!(&refusal, Refusal::NotInMetadata { model } if model.contains("key identifier")),
        "{refusal}"
    );
}

#[test]
fn a_broken_model_is_refused_from_the_day_on_that_it_is_known() {
    for status in [
        "REVOKED",
        "USER_VERIFICATION_BYPASS",
        "ATTESTATION_KEY_COMPROMISE",
        "USER_KEY_REMOTE_COMPROMISE",
        "USER_KEY_PHYSICAL_COMPROMISE",
    ] {
        for (date, refused) in [
            (json!("2026-11-21"), true),
            (Value::Null, true),
            (json!("2026-11-22"), false),
        ] {
            let reports = json!([
                { "status": "FIDO_CERTIFIED_L2", "effectiveDate": "2020-05-01" },
                { "status": status, "effectiveDate": date },
            ]);
            let result = attested(&Maker::new(), reports);
            if refused {
                let refusal = result.unwrap_err();
                assert!(
                    matches!(&refusal, Refusal::Compromised { status: found, .. } if found == status),
                    "{refusal}"
                );
            } else {
                assert!(result.is_ok(), "{status} on {date}");
            }
        }
    }
}

#[test]
fn a_report_about_a_certificate_is_about_the_keys_under_it() {
    let (maker, other) = (Maker::new(), Maker::new());
    let about = |member: &str, der: String| json!([{ "status": "ATTESTATION_KEY_COMPROMISE", member: der }]);
    let leaf = STANDARD.encode(&maker.chain[0]);
    for reports in [
        about("certificate", der_of(&maker.root)),
        about("batchCertificate", leaf),
    ] {
        assert!(matches!(
            attested(&maker, reports),
            Err(Refusal::Compromised { .. })
        ));
    }
    attested(&maker, about("certificate", der_of(&other.root))).unwrap();
}

#[test]
fn newer_firmware_and_the_newest_certification_are_reported() {
    let reports = json!([
        { "status": "FIDO_CERTIFIED_L2", "effectiveDate": "2022-05-01" },
        { "status": "FIDO_CERTIFIED_L1", "effectiveDate": "2020-05-01" },
        { "status": "FIDO_CERTIFIED_L3", "effectiveDate": "2027-05-01" },
        { "status": "UPDATE_AVAILABLE", "effectiveDate": "2026-01-01" },
        { "status": "SOMETHING_NEW" },
    ]);
    let verified = attested(&Maker::new(), reports).unwrap();
    let listed = verified.listed().unwrap();
    assert_eq!(listed.certification.as_deref(), Some("FIDO_CERTIFIED_L2"));
    assert!(listed.update_available);
    assert!(
        verified
            .to_string()
            .ends_with("newer firmware is available")
    );
}

#[test]
fn a_token_attests_as_its_model_does() {
    let credential = Credential::new();
    let itself = credential.attest(&credential.auth_data());
    let maker = Maker::new();
    let mut listed = entry(&maker, certified());
    let refusal = check(&itself, &Service::new(json!([listed])).trust()).unwrap_err();
    assert_eq!(
        refusal,
        Refusal::AttestationType {
            description: "Example Key".to_owned(),
            found: "basic_surrogate",
            allowed: vec!["basic_full".to_owned()],
        }
    );
    listed["metadataStatement"]["attestationTypes"] = json!(["basic_full", "basic_surrogate"]);
    check(&itself, &Service::new(json!([listed])).trust()).unwrap();
    listed["metadataStatement"]["attestationTypes"] = json!(["anonca"]);
    let object = packed(&maker, &credential.auth_data());
    let refusal = check(&object, &Service::new(json!([listed])).trust()).unwrap_err();
    assert!(
        matches!(refusal, Refusal::AttestationType { .. }),
        "{refusal}"
    );
}

#[test]
fn stale_metadata_are_refused_unless_the_settings_say_otherwise() {
    let maker = Maker::new();
    let object = packed(&maker, &Credential::new().auth_data());
    let mut service = Service::new(json!([entry(&maker, certified())]));
    for (date, stale) in [("2026-11-20", true), ("2026-11-21", false)] {
        service.payload["nextUpdate"] = json!(date);
        let read = |stale| {
            let metadata = service.read_blob(&service.blob(), stale).unwrap();
            Arc::new(metadata)
        };
        assert_eq!(read(Stale::Refuse).is_stale(now()), stale);
        let trust = |stale| Trust::default().with_metadata(read(stale));
        let refused = check(&object, &trust(Stale::Refuse));
        if stale {
            assert!(matches!(refused, Err(Refusal::StaleMetadata { .. })));
        } else {
            assert!(refused.is_ok());
        }
        check(&object, &trust(Stale::Warn)).unwrap();
    }
}
