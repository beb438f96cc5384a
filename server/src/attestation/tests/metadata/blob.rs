//! A blob with a fault, and what its refusal says.

use super::*;

#[test]
fn a_blob_that_is_no_jws_is_refused_by_what_is_wrong_with_it() {
    let service = Service::new(json!([]));
    let blob = service.blob();
    let parts: Vec<&str> = blob.split('.').collect();
    let refused = |blob: &str| service.read_blob(blob, Stale::Refuse).unwrap_err();
    for (blob, found) in [("", 1), ("a.b", 2), ("a.b.c.d", 4)] {
        assert_eq!(refused(blob), MetadataFault::NotJws { found });
    }
    for (part, blob) in [
        ("header", format!("!.{}.{}", parts[1], parts[2])),
        ("signature", format!("{}.{}.!", parts[0], parts[1])),
    ] {
        let refusal = refused(&blob);
        assert!(
            matches!(refusal, MetadataFault::Base64 { part: found, .. } if found == part),
            "{refusal}"
        );
    }
    let other_payload = URL_SAFE_NO_PAD.encode(r#"{"no":16}"#);
    for blob in [
        format!("{}.{other_payload}.{}", parts[0], parts[2]),
        format!("{}.!.{}", parts[0], parts[2]),
        format!("{}.{}.AAAA", parts[0], parts[1]),
    ] {
        assert_eq!(refused(&blob), MetadataFault::WrongSignature);
    }
    service
        .read_blob(&format!("{blob}\n"), Stale::Refuse)
        .unwrap();
    for header in ["", "[]", "{}"] {
        let refusal = refused(&service.sealed(header, "{}"));
        assert!(matches!(refusal, MetadataFault::Header { .. }), "{refusal}");
    }
}

#[test]
fn a_header_names_an_algorithm_and_certificates_that_are_believed() {
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut service = Service::new(json!([]));
        change(&mut service.header);
        service.read().unwrap_err()
    };
    for algorithm in ["none", "HS256", "RS256", "ES384"] {
        let refusal = refused(&|header| header["alg"] = json!(algorithm));
        assert!(
            matches!(refusal, MetadataFault::Algorithm { .. }),
            "{refusal}"
        );
    }
    let url = "https://mds.example.com/certificate";
    assert_eq!(
        refused(&|header| *header = json!({ "alg": "ES256", "x5u": url })),
        MetadataFault::RemoteCertificates {
            url: url.to_owned()
        }
    );
    assert_eq!(
        refused(&|header| header["x5c"] = json!([])),
        MetadataFault::Path(Refusal::NoCertificate)
    );
    assert_eq!(
        refused(&|header| header["crit"] = json!(["b64"])),
        MetadataFault::Critical {
            found: vec!["b64".to_owned()]
        }
    );
    assert!(matches!(
        refused(&|header| header["x5c"] = json!(["!"])),
        MetadataFault::CertificateBase64 { number: 1, .. }
    ));
    assert!(matches!(
        refused(&|header| header["x5c"] = json!(["AAAA"])),
        MetadataFault::Path(Refusal::Certificate(_))
    ));
}

#[test]
fn metadata_are_signed_by_their_signer_and_lead_to_their_root() {
    let service = Service::new(json!([]));
    let roots = |pem: &str| Root::read_pem(pem.as_bytes()).unwrap();
    let read = |roots: &[Root], name: &str| {
        let signer = Signer { roots, name };
        Metadata::read(service.blob().as_bytes(), signer, Stale::Refuse, now()).unwrap_err()
    };
    // Another customer of the same CA.
    assert_eq!(
        read(&roots(&service.maker.root), "mds.fidoalliance.org"),
        MetadataFault::Signer {
            found: vec![SIGNER.to_owned()],
            allowed: "mds.fidoalliance.org".to_owned()
        }
    );
    assert!(matches!(
        read(&roots(&Maker::new().root), SIGNER),
        MetadataFault::Path(Refusal::PathSignature { .. })
    ));
    assert_eq!(read(&[], SIGNER), MetadataFault::Path(Refusal::UnknownRoot));
}

#[test]
fn a_payload_that_is_not_readable_is_refused_with_what_is_wrong() {
    let service = Service::new(json!([]));
    for payload in [
        "",
        "[]",
        r#"{"no":1,"nextUpdate":"2026-12-01"}"#,
        r#"{"nextUpdate":"2026-12-01","entries":[]}"#,
        r#"{"no":-1,"nextUpdate":"2026-12-01","entries":[]}"#,
        r#"{"no":1,"nextUpdate":"2026-12-01","entries":[{}]}"#,
        r#"{"no":1,"nextUpdate":"2026-12-01","entries":[]} {}"#,
    ] {
        let blob = service.sealed(&service.header.to_string(), payload);
        let refusal = service.read_blob(&blob, Stale::Warn).unwrap_err();
        assert!(
            matches!(refusal, MetadataFault::Payload { .. }),
            "{payload}: {refusal}"
        );
    }
    let mut dated = Service::new(json!([]));
    dated.payload["nextUpdate"] = json!("soon");
    assert_eq!(
        dated.read().unwrap_err(),
        MetadataFault::NextUpdate {
            found: "soon".to_owned()
        }
    );
}

#[test]
fn an_entry_that_is_not_usable_is_named_by_its_number() {
    let maker = Maker::new();
    type Spoil = fn(&mut Value);
    let cases: [(Spoil, &str); 7] = [
        (|e| e["aaguid"] = json!("x"), "8-4-4-4-12"),
        (
            |e| e["attestationCertificateKeyIdentifiers"] = json!(["00"]),
            "40 hexadecimal digits",
        ),
        (
            |e| e["metadataStatement"]["attestationRootCertificates"] = json!(["!"]),
            "not base64",
        ),
        (
            |e| e["metadataStatement"]["attestationRootCertificates"] = json!(["AAAA"]),
            "not readable",
        ),
        (
            |e| e["statusReports"] = json!([{ "status": "REVOKED", "effectiveDate": "x" }]),
            "YYYY-MM-DD",
        ),
        (
            |e| e["statusReports"] = json!([{ "status": "REVOKED", "certificate": "!" }]),
            "not base64",
        ),
        (|_| (), "the second one for 6b657973"),
    ];
    for (spoil, expected) in cases {
        let mut spoilt = entry(&maker, certified());
        spoil(&mut spoilt);
        let service = Service::new(json!([entry(&maker, certified()), spoilt]));
        match service.read().unwrap_err() {
            MetadataFault::Entry { number: 2, why } if why.contains(expected) => {}
            other => panic!("{expected}: {other}"),
        }
    }
    // Makers break the lines of their certificates.
    let mut broken = entry(&maker, certified());
    let text = der_of(&maker.root);
    broken["metadataStatement"]["attestationRootCertificates"] =
        json!([format!("{}\n {}", &text[..64], &text[64..])]);
    Service::new(json!([broken])).read().unwrap();
}
