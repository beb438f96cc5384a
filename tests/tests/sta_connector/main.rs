//! The connector to STA, against the stand-in: every call, every status, every
//! way in which an answer can go wrong.

#![allow(clippy::unwrap_used)]

mod authenticators;
mod faults;
mod users;

use keysteward_server::connector::{
    ApiKey,
    idp::{
        IdentityProvider, IdpUserId, NewAuthenticator, User,
        sta::{Settings, Sta},
    },
};
use keysteward_tests::{
    mail_catcher::MailCatcher,
    paper_key::{Ceremony, PaperKey},
    sta_stand_in::{Failure, Fault, Options, StaStandIn, When},
};
use std::time::Duration;

/// A tenant of its own for each test.
struct Site {
    stand_in: StaStandIn,
    sta: Sta,
    _mail: MailCatcher,
}

impl Site {
    async fn new() -> Self {
        let mail = MailCatcher::start(0).await.unwrap();
        let stand_in = StaStandIn::start(Options::new(&mail)).await.unwrap();
        let sta = connect(&settings(&stand_in), stand_in.api_key());
        Self {
            stand_in,
            sta,
            _mail: mail,
        }
    }

    /// Makes the next such request fail.
    fn fault(&self, method: &str, path_suffix: &str, when: When, failure: Failure) {
        self.stand_in.inject(Fault {
            method: method.to_owned(),
            path_prefix: String::new(),
            path_suffix: path_suffix.to_owned(),
            skip: 0,
            when,
            failure,
        });
    }

    /// A connector that waits for a second only.
    fn hasty(&self) -> Sta {
        let key = ApiKey::parse(self.stand_in.api_key()).unwrap();
        Sta::with_time_limit(&settings(&self.stand_in), key, Duration::from_secs(1)).unwrap()
    }

    async fn user(&self) -> IdpUserId {
        self.sta.ensure_user(&bob()).await.unwrap()
    }
}

fn settings(stand_in: &StaStandIn) -> Settings {
    Settings {
        rest_url: stand_in.rest_url(),
        tenant_code: stand_in.options().tenant_code.clone(),
        mapping_attribute: "userPrincipalName".to_owned(),
        rp_id: stand_in.options().rp_id.clone(),
        rp_name: "STA stand-in".to_owned(),
        origin: stand_in.options().origin.clone(),
        trusted_roots: stand_in.root().to_owned(),
    }
}

fn connect(settings: &Settings, api_key: &str) -> Sta {
    Sta::new(settings, ApiKey::parse(api_key).unwrap()).unwrap()
}

fn bob() -> User {
    User {
        user_name: "bob".to_owned(),
        mail: "bob.smith@example.com".to_owned(),
        given_name: "Bob".to_owned(),
        sn: "Smith".to_owned(),
        sam_account_name: "bsmith".to_owned(),
        user_principal_name: "bob@example.com".to_owned(),
    }
}

/// A credential made for the site, as a token would give it.
fn credential(stand_in: &StaStandIn) -> NewAuthenticator {
    let Options { rp_id, origin, .. } = stand_in.options();
    let key = PaperKey::new();
    let registration = key.register(&Ceremony::new(rp_id, origin));
    NewAuthenticator {
        credential_id: key.id,
        public_key_cose: registration.public_key_cose,
        aaguid: [0xAA; 16],
        sign_count: 1,
        attestation_object: registration.attestation_object,
        client_data_json: registration.client_data_json,
        user_handle: vec![1; 32],
        rp_id: rp_id.clone(),
        origin: origin.clone(),
        transports: vec!["usb".to_owned()],
        friendly_name: "Key of Bob".to_owned(),
    }
}

#[tokio::test]
async fn a_check_says_that_key_and_tenant_are_right() {
    let site = Site::new().await;
    let findings = site.sta.check().await;
    assert!(findings.iter().all(|finding| finding.ok), "{findings:?}");
    assert!(findings[0].text.contains("Q41RKXHPWU"), "{findings:?}");
}

#[tokio::test]
async fn a_check_with_a_wrong_key_tenant_or_root_says_which() {
    let site = Site::new().await;
    let right = settings(&site.stand_in);
    let other_tenant = Settings {
        rest_url: right.rest_url.replace("Q41RKXHPWU", "AAAAAAAAAA"),
        tenant_code: "AAAAAAAAAA".to_owned(),
        ..right.clone()
    };
    let other_root = Settings {
        trusted_roots: Site::new().await.stand_in.root().to_owned(),
        ..right.clone()
    };
    let system_roots = Settings {
        trusted_roots: String::new(),
        ..right.clone()
    };
    let nobody = Settings {
        rest_url: "https://127.0.0.1:9/api/v1/tenants/Q41RKXHPWU/".to_owned(),
        ..right.clone()
    };
    let key = site.stand_in.api_key();
    for (settings, key, expected) in [
        (&right, "wrong-key", "HTTP 401"),
        (&other_tenant, key, "HTTP 404"),
        (&other_root, key, "cannot be reached"),
        (&system_roots, key, "cannot be reached"),
        (&nobody, key, "cannot be reached"),
    ] {
        let findings = connect(settings, key).check().await;
        assert!(!findings[0].ok, "{findings:?}");
        assert!(
            findings[0].text.contains(expected),
            "{expected}: {findings:?}"
        );
    }
}

#[tokio::test]
async fn the_api_key_is_in_no_text_that_the_connector_gives() {
    let site = Site::new().await;
    let key = site.stand_in.api_key();
    assert!(!format!("{:?}", site.sta).contains(key));
    site.fault(
        "",
        "",
        When::Before,
        Failure::Status {
            code: 500,
            reset_seconds: None,
        },
    );
    let error = site.sta.ensure_user(&bob()).await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains(key));
}
