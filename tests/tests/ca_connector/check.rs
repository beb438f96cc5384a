//! What an administrator asks before saving a connection.

use super::{Options, Settings, Site, client, clock, connect, settings};
use keysteward_server::connector::ca::{
    CertificationAuthority, ClientIdentity, FieldName, Nature, ProfileField, Why,
    entrust::EntrustCaGateway,
};

#[tokio::test]
async fn a_check_tells_the_client_certificate_the_ca_its_chain_and_its_profiles() {
    let site = Site::new().await;
    let findings = site.ca.check().await;
    assert!(findings.iter().all(|finding| finding.ok), "{findings:?}");
    let text: Vec<_> = findings
        .iter()
        .map(|finding| finding.text.as_str())
        .collect();
    let text = text.join("\n");
    for expected in [
        "CN=versasec is good until",
        "has the CA ecsmcn158emsuw~1sw46hf1g0wrdc (O=Stand-in, CN=Issuing CA)",
        "2 long",
        "smart-card-csr, SMIME-csr, SMIME-p12",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
}

#[tokio::test]
async fn a_check_with_a_wrong_setting_says_which() {
    let site = Site::with(Options {
        client_id: Some("cms-1".to_owned()),
        ..Options::default()
    })
    .await;
    let right = settings(&site.stand_in);
    let stranger = client(&Site::new().await.stand_in);
    let own = client(&site.stand_in);
    let with = |change: fn(&mut Settings)| {
        let mut settings = right.clone();
        change(&mut settings);
        settings
    };
    for (settings, identity, expected) in [
        (with(|_| {}), &stranger, "refuses our client certificate"),
        (with(|s| s.client_id.clear()), &own, "HTTP 403"),
        (with(|s| s.trusted_roots.clear()), &own, "cannot be reached"),
        (
            with(|s| s.url = "https://127.0.0.1:9/cagw".to_owned()),
            &own,
            "cannot be reached",
        ),
        (with(|s| s.url.push_str("/elsewhere")), &own, "HTTP 404"),
        (
            with(|s| s.ca_id = "nobody".to_owned()),
            &own,
            "has no CA \"nobody\"; it has ecsmcn158emsuw~other, ecsmcn158emsuw~1sw46hf1g0wrdc",
        ),
    ] {
        let findings = connect(&settings, identity).check().await;
        let last = findings.last().unwrap();
        assert!(
            !last.ok && last.text.contains(expected),
            "{expected}: {findings:?}"
        );
    }
}

#[tokio::test]
async fn a_client_certificate_that_is_refused_changed_nothing() {
    let site = Site::new().await;
    let stranger = client(&Site::new().await.stand_in);
    let ca = connect(&settings(&site.stand_in), &stranger);
    let error = ca.enrol(&super::bob()).await.unwrap_err();
    assert!(matches!(error.why, Why::CredentialRefused(_)), "{error}");
    assert_eq!(error.nature(), Nature::Settings);
}

#[tokio::test]
async fn before_a_ca_is_chosen_the_list_can_be_had_and_nothing_else() {
    let site = Site::new().await;
    let undecided = Settings {
        ca_id: String::new(),
        ..settings(&site.stand_in)
    };
    let ca = connect(&undecided, &client(&site.stand_in));
    let found = ca.authorities().await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].product, "com.entrust.ECS");
    assert_eq!(found[1].id, site.stand_in.options().ca_id);
    assert_eq!(found[1].subject, "O=Stand-in, CN=Issuing CA");
    let error = ca.profiles().await.unwrap_err();
    assert!(
        matches!(error.why, Why::Unusable { field: "ca_id", .. }),
        "{error}"
    );
    assert!(!ca.check().await.last().unwrap().ok);
}

#[tokio::test]
async fn profiles_tell_the_fields_that_they_want() {
    let site = Site::new().await;
    let profiles = site.ca.profiles().await.unwrap();
    let mail = profiles.iter().find(|p| p.id == "SMIME-csr").unwrap();
    let field = |name: &str, required| ProfileField {
        name: FieldName::parse(name).unwrap(),
        required,
    };
    assert_eq!(
        mail.fields,
        [
            field("cn", true),
            field("o", false),
            field("san:mail", true)
        ]
    );
    assert_eq!(mail.takes_request, Some(true));
    let other = profiles.iter().find(|p| p.id == "SMIME-p12").unwrap();
    assert_eq!(other.takes_request, Some(false));
}

#[tokio::test]
async fn a_pkcs12_file_of_old_encryption_opens_the_gateway() {
    let site = Site::new().await;
    let file = site
        .stand_in
        .client("old")
        .unwrap()
        .pkcs12("geheim")
        .unwrap();
    let identity = ClientIdentity::from_pkcs12(&file, "geheim").unwrap();
    let ca = EntrustCaGateway::new(&settings(&site.stand_in), &identity, clock()).unwrap();
    assert_eq!(ca.authorities().await.unwrap().len(), 2);
}

#[tokio::test]
async fn the_private_key_is_in_no_text_that_the_connector_gives() {
    let site = Site::new().await;
    let pem = site.stand_in.client("versasec").unwrap().pem;
    let identity = ClientIdentity::from_pem(&pem).unwrap();
    let secret = String::from_utf8(identity.to_secret().expose().to_vec()).unwrap();
    let line = secret.lines().nth(1).unwrap();
    let ca = connect(&settings(&site.stand_in), &identity);
    let text = format!("{ca:?} {identity:?} {:?}", ca.check().await);
    assert!(pem.contains(line) && !text.contains(line), "{text}");
}
