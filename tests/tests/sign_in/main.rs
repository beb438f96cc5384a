//! A person with a key signs in at the stand-in: on our key and on other
//! people's, each a process of its own, with the server's attestation check and
//! its connector in between.

#![allow(clippy::unwrap_used)]

use keysteward_core::{
    cbor::{self, List},
    crypto::RustCrypto,
    ctap2::{
        PublicKeyCredentialParameters, PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity,
        client_pin::Permissions,
        make_credential::{Options as KeyOptions, Request},
    },
    ctaphid::{HidTransport, Link},
    pin_protocol::Pin,
    session::{Buffers, Session},
    webauthn::cose::Algorithm,
};
use keysteward_server::{
    attestation::{
        self, Expected, Proof, Refusal, Trust, Unrooted, VerifiedAttestation, client_data,
    },
    connector::{
        ApiKey,
        idp::{IdentityProvider, NewAuthenticator, User, sta},
    },
};
use keysteward_tests::{
    browser::{Browser, Declined, Ended, Identification, Person, SocketLink},
    mail_catcher::MailCatcher,
    site::{
        key::{Key, Make},
        process::eventually,
    },
    sta_stand_in::{Options, StaStandIn},
};
use rand::rngs::OsRng;
use std::{ops::ControlFlow, time::Duration};
use tempfile::TempDir;

const PIN: &str = "493817";
const SOON: Duration = Duration::from_secs(10);
const USER: &str = "alice@example.com";

/// One person, one key, one tenant.
struct Desk {
    key: Key,
    stand_in: StaStandIn,
    sta: sta::Sta,
    browser: Browser,
    _mail: MailCatcher,
    _folder: TempDir,
}

impl Desk {
    async fn new(make: Make) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let no_agent = folder.path().join("agent");
        let key = Key::start(make, "key", folder.path(), &no_agent).unwrap();
        eventually("the key listens for programs of its host", SOON, || {
            Ok(SocketLink::connect(key.host_socket()).ok())
        })
        .unwrap();
        let mail = MailCatcher::start(0).await.unwrap();
        let stand_in = StaStandIn::start(Options::new(&mail)).await.unwrap();
        let Options {
            tenant_code,
            rp_id,
            origin,
            ..
        } = stand_in.options();
        let settings = sta::Settings {
            rest_url: stand_in.rest_url(),
            tenant_code: tenant_code.clone(),
            mapping_attribute: "mail".to_owned(),
            rp_id: rp_id.clone(),
            rp_name: "STA".to_owned(),
            origin: origin.clone(),
            trusted_roots: stand_in.root().to_owned(),
        };
        let sta = sta::Sta::new(&settings, ApiKey::parse(stand_in.api_key()).unwrap()).unwrap();
        let browser = Browser::new(&stand_in.url(), stand_in.root()).unwrap();
        Self {
            key,
            stand_in,
            sta,
            browser,
            _mail: mail,
            _folder: folder,
        }
    }

    /// Sets the PIN and makes a resident credential: an attestation object and
    /// its client data.
    fn make_credential(&self) -> (Vec<u8>, Vec<u8>) {
        let party = self.sta.relying_party();
        let client_data = client_data::registration(&[0xC4; 32], party.origin());
        let hash = client_data::hash(&client_data);
        let mut link = SocketLink::connect(self.key.host_socket()).unwrap();
        let deadline = link.now().after(30_000);
        let mut transport = HidTransport::open(link, [1; 8], deadline).unwrap();
        let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::new(Buffers::new()));
        let mut patience = |_| ControlFlow::Continue(());
        let mut session = Session::new(
            &mut transport,
            &mut crypto,
            &mut buffers,
            deadline,
            &mut patience,
        );
        let pin = Pin::new(PIN).unwrap();
        session.set_pin(&pin).unwrap();
        let token = session
            .token(&pin, Permissions::MAKE_CREDENTIAL, Some(party.id()))
            .unwrap();
        let parameters = [PublicKeyCredentialParameters::new(Algorithm::Es256)];
        let request = Request {
            client_data_hash: &hash,
            rp: PublicKeyCredentialRpEntity {
                id: party.id(),
                name: Some(party.name()),
            },
            user: PublicKeyCredentialUserEntity {
                id: b"u1",
                name: Some(USER),
                display_name: Some("Alice"),
            },
            pub_key_cred_params: List::new(&parameters),
            exclude_list: None,
            extensions: None,
            options: Some(KeyOptions {
                rk: Some(true),
                ..KeyOptions::default()
            }),
            pin_uv_auth_param: None,
            pin_uv_auth_protocol: None,
            enterprise_attestation: None,
            attestation_formats_preference: None,
        };
        let response = session.make_credential(&request, Some(token)).unwrap();
        let mut object = [0; 4096];
        let object = cbor::encode(&response.attestation_object(), &mut object).unwrap();
        (object.to_vec(), client_data)
    }

    fn verify(
        &self,
        object: &[u8],
        client_data: &[u8],
        trust: &Trust,
    ) -> Result<VerifiedAttestation, Refusal> {
        let expected = Expected {
            rp_id: self.sta.relying_party().id(),
            user_verified: true,
            algorithms: &[-7],
            aaguids: &[],
            template_aaguids: &[],
            blocked_aaguids: &[],
            serial: None,
            one_device: false,
        };
        let now = jiff::Timestamp::now();
        attestation::verify(
            object,
            &client_data::hash(client_data),
            &expected,
            trust,
            now,
        )
    }

    fn person(&self, pin: &str) -> Person {
        Person {
            user_name: USER.to_owned(),
            key: self.key.host_socket().to_owned(),
            pin: Pin::new(pin).unwrap(),
        }
    }

    async fn sign_in(&self) -> Ended {
        self.browser.sign_in(&self.person(PIN)).await.unwrap()
    }
}

/// From the empty key to the last refused sign-in.
async fn a_key_lives(make: Make) {
    let desk = Desk::new(make).await;
    let (attestation_object, client_data_json) = desk.make_credential();
    let itself = Trust::new::<&str>(
        &[],
        Unrooted {
            none: false,
            itself: true,
        },
    )
    .unwrap();
    let maker = desk.key.attestation_root().ok();
    let roots = maker.as_slice();
    let trust = Trust::new(
        roots,
        Unrooted {
            none: false,
            itself: make == Make::OpenSk,
        },
    )
    .unwrap();
    let verified = desk
        .verify(&attestation_object, &client_data_json, &trust)
        .unwrap();
    match make {
        Make::OpenSk => assert_eq!(*verified.proof(), Proof::Itself),
        _ => {
            assert!(matches!(verified.proof(), Proof::Root { .. }), "{verified}");
            let unknown = desk.verify(&attestation_object, &client_data_json, &itself);
            assert_eq!(unknown, Err(Refusal::UnknownRoot));
        }
    }

    let user = User {
        user_name: "alice".to_owned(),
        mail: USER.to_owned(),
        given_name: "Alice".to_owned(),
        sn: "Doe".to_owned(),
        ..User::default()
    };
    let user = desk.sta.ensure_user(&user).await.unwrap();
    let new = NewAuthenticator {
        credential_id: verified.credential_id().to_vec(),
        public_key_cose: verified.public_key_cose().to_vec(),
        aaguid: verified.aaguid(),
        sign_count: verified.sign_count(),
        attestation_object,
        client_data_json,
        user_handle: b"u1".to_vec(),
        rp_id: desk.stand_in.options().rp_id.clone(),
        origin: desk.stand_in.options().origin.clone(),
        transports: vec!["usb".to_owned()],
        friendly_name: "Key of Alice".to_owned(),
    };
    let id = desk.sta.add_authenticator(&user, &new).await.unwrap().id;

    let refused = |reason: &str| Ended::RefusedBySite {
        reason: reason.to_owned(),
    };
    let well = || Ended::Well {
        authenticator_id: id.0.clone(),
    };
    assert_eq!(
        desk.sign_in().await,
        refused("the authenticator is Pending")
    );
    let identification = Identification::MailedCode;
    let activated = desk
        .browser
        .activate(&desk.person(PIN), &identification, Some("Blue"))
        .await
        .unwrap();
    assert_eq!(activated, well());
    assert_eq!(desk.sign_in().await, well());
    desk.sta.suspend(&user, &id).await.unwrap();
    assert_eq!(
        desk.sign_in().await,
        refused("the authenticator is Suspended")
    );
    desk.sta.resume(&user, &id).await.unwrap();
    assert_eq!(desk.sign_in().await, well());
    desk.sta.delete(&user, &id).await.unwrap();
    assert_eq!(
        desk.sign_in().await,
        refused("the credential is none of this user's")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_ours_lives_at_the_stand_in() {
    a_key_lives(Make::Keysteward).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opensk_key_lives_at_the_stand_in() {
    a_key_lives(Make::OpenSk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_with_fido_authenticator_lives_at_the_stand_in() {
    a_key_lives(Make::Trussed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_declines_says_why() {
    let desk = Desk::new(Make::Keysteward).await;
    let ended = desk.sign_in().await;
    assert_eq!(ended, Ended::DeclinedByKey(Declined::PinNotSet));
    desk.make_credential();
    let ended = desk.browser.sign_in(&desk.person("000000")).await.unwrap();
    let declined = Declined::WrongPin {
        tries_left: Some(7),
    };
    assert_eq!(ended, Ended::DeclinedByKey(declined));
    desk.key.unplug().unwrap();
    let error = desk.browser.sign_in(&desk.person(PIN)).await.unwrap_err();
    assert!(format!("{error:#}").contains("plugged in"), "{error:#}");
}
