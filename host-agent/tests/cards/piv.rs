//! The life of a PIV card, from personalising to reset.

use keysteward_proto::agent::v1 as proto;
use proto::{card_step::Verb, outcome::State, step_error::Code, step_result::Result as Outcome};
use rcgen::{CertificateParams, KeyPair, PublicKeyData, SignatureAlgorithm, SigningKey};
use std::cell::RefCell;
use x509_parser::{prelude::FromDer as _, x509::SubjectPublicKeyInfo};

use crate::{
    host::{Done, Host, Lease},
    reader::Card,
};

crate::stories! {
    a_card_is_personalised_certified_and_reset
    a_card_that_is_known_tells_all_in_fourteen_commands
    a_pin_is_changed_blocked_and_set_with_the_puk
    nothing_but_a_request_of_its_own_is_signed
    no_secret_is_in_the_journal_or_the_log
}

pub(crate) const PIN: &str = "123456";
pub(crate) const PUK: &str = "12345678";
pub(crate) const GUID: [u8; 16] = *b"keysteward-cards";

/// The admin key of the factory.
pub(crate) fn factory() -> Option<proto::AdminProof> {
    Some(proto::AdminProof {
        algorithm: String::new(),
        key: [1, 2, 3, 4, 5, 6, 7, 8].repeat(3),
        asks_caller: false,
    })
}

pub(crate) fn personalise() -> Verb {
    Verb::Personalise(proto::Personalise {
        admin: factory(),
        card_id: GUID.to_vec(),
        ..proto::Personalise::default()
    })
}

pub(crate) fn generate(container: &str, algorithm: &str) -> Verb {
    Verb::GenerateKey(proto::GenerateKey {
        admin: factory(),
        container: container.to_owned(),
        algorithm: algorithm.to_owned(),
        ..proto::GenerateKey::default()
    })
}

pub(crate) fn sign(info: Vec<u8>, pin: &str) -> Verb {
    Verb::SignCertificationRequest(proto::SignCertificationRequest {
        pin: pin.to_owned(),
        container: "9a".to_owned(),
        certification_request_info: info,
        signature_algorithm: "ecdsa-sha256".to_owned(),
    })
}

pub(crate) fn write(certificate: Vec<u8>) -> Verb {
    Verb::WriteCertificate(proto::WriteCertificate {
        admin: factory(),
        container: "9a".to_owned(),
        certificate,
        is_default: true,
        ..proto::WriteCertificate::default()
    })
}

/// A public key on a card, and what its card has signed.
pub(crate) struct CardKey {
    bits: Vec<u8>,
    algorithm: &'static SignatureAlgorithm,
    info: RefCell<Vec<u8>>,
    signature: RefCell<Vec<u8>>,
}

impl CardKey {
    pub(crate) fn new(spki: &[u8], algorithm: &'static SignatureAlgorithm) -> Self {
        let (_, spki) = SubjectPublicKeyInfo::from_der(spki).unwrap();
        Self {
            bits: spki.subject_public_key.data.to_vec(),
            algorithm,
            info: RefCell::default(),
            signature: RefCell::default(),
        }
    }

    /// CertificationRequestInfo.
    pub(crate) fn info(&self) -> Vec<u8> {
        self.request();
        self.info.borrow().clone()
    }

    /// Whether this signature makes a request that verifies.
    pub(crate) fn accepts(&self, signature: Vec<u8>) -> bool {
        self.signature.replace(signature);
        let request = self.request();
        let (_, request) =
            x509_parser::certification_request::X509CertificationRequest::from_der(&request)
                .unwrap();
        request.verify_signature().is_ok()
    }

    fn request(&self) -> Vec<u8> {
        let parameters = CertificateParams::new(vec!["alice.example".to_owned()]).unwrap();
        parameters.serialize_request(self).unwrap().der().to_vec()
    }

    /// A certificate for it, of a certification authority that nobody knows.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        let authority = KeyPair::generate().unwrap();
        let issuer = rcgen::Issuer::new(CertificateParams::default(), authority);
        let parameters = CertificateParams::new(vec!["alice.example".to_owned()]).unwrap();
        parameters.signed_by(self, &issuer).unwrap().der().to_vec()
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
    fn sign(&self, info: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.info.replace(info.to_vec());
        Ok(self.signature.borrow().clone())
    }
}

/// Makes a P-256 key in 9A.
pub(crate) async fn made(lease: &mut Lease, step: &str) -> CardKey {
    match lease.step(step, generate("9a", "p256")).await {
        Ok(Outcome::KeyGenerated(made)) => {
            CardKey::new(&made.public_key, &rcgen::PKCS_ECDSA_P256_SHA256)
        }
        other => panic!("{other:?}"),
    }
}

fn code(done: Done) -> Code {
    done.unwrap_err().code()
}

async fn a_card_is_personalised_certified_and_reset() {
    let (_card, host) = (Card::piv(4711), Host::new().await);
    let token = host.card().await;
    assert_eq!(token.applets, ["piv"]);
    assert_eq!(token.product, "Keysteward Virtual PIV");
    assert_eq!(token.card.unwrap().piv.unwrap().serial, 4711);
    let mut lease = host.lease().await;
    let seen = lease.inspect().await;
    let piv = seen.facts.unwrap().piv.unwrap();
    assert_eq!((piv.serial, piv.guid.len()), (4711, 0));
    assert_eq!(piv.admin_algorithm, "aes192");
    assert_eq!(piv.admin_key_is_default, Some(true));
    assert_eq!(piv.pin.unwrap().tries_left, Some(3));
    assert_eq!(seen.containers, []);

    lease.step("personalise", personalise()).await.unwrap();
    let listed = host.card().await.card.unwrap();
    assert_eq!(listed.piv.unwrap().guid, GUID);
    let key = made(&mut lease, "generate").await;
    let signed = match lease.step("sign", sign(key.info(), PIN)).await {
        Ok(Outcome::RequestSigned(signed)) => signed.signature,
        other => panic!("{other:?}"),
    };
    assert!(key.accepts(signed));
    let certificate = key.certificate();
    lease
        .step("write", write(certificate.clone()))
        .await
        .unwrap();

    let seen = lease.inspect().await;
    assert_eq!(seen.facts.unwrap().piv.unwrap().guid, GUID);
    let [container] = &seen.containers[..] else {
        panic!("{:?}", seen.containers)
    };
    assert_eq!((&*container.name, &*container.algorithm), ("9a", "p256"));
    assert_eq!(container.certificate, certificate);
    assert_eq!(container.made_on_card, Some(true));
    // Asked again under the same key, it is not done again, and answers the same.
    let again = lease.step("generate", generate("9a", "p256")).await;
    let Ok(Outcome::KeyGenerated(again)) = again else {
        panic!("{again:?}")
    };
    assert_eq!(again.public_key, container.public_key);
    assert!(!again.attestation.is_empty() && !again.attestation_issuer.is_empty());

    let delete = Verb::DeleteContainer(proto::DeleteContainer {
        admin: factory(),
        container: "9a".to_owned(),
        ..proto::DeleteContainer::default()
    });
    lease.step("delete", delete).await.unwrap();
    assert_eq!(lease.inspect().await.containers, []);
    made(&mut lease, "generate again").await;
    let reset = Verb::ResetCard(proto::ResetCard::default());
    lease.step("reset", reset).await.unwrap();
    let seen = lease.inspect().await;
    assert_eq!(seen.containers, []);
    assert_eq!(seen.facts.unwrap().piv.unwrap().guid, b"");
    let outcome = host.outcome("reset").await;
    assert_eq!(outcome.state(), State::Done);
    assert_eq!(outcome.verb, "reset_card");
}

async fn a_card_that_is_known_tells_all_in_fourteen_commands() {
    let (card, host) = (Card::piv(4711), Host::new().await);
    let mut lease = host.lease().await;
    lease.step("personalise", personalise()).await.unwrap();
    let certificate = made(&mut lease, "9a").await.certificate();
    lease
        .step("write", write(certificate.clone()))
        .await
        .unwrap();
    for container in ["9c", "9d", "9e"] {
        let made = lease.step(container, generate(container, "p256")).await;
        made.unwrap();
    }
    card.commands();
    let seen = lease.inspect().await;
    let commands = card.commands();
    assert!(commands <= 14, "{commands}");
    let told: Vec<_> = seen
        .containers
        .iter()
        .map(|one| (&*one.name, &*one.algorithm, one.made_on_card))
        .collect();
    let expected = ["9a", "9c", "9d", "9e"].map(|name| (name, "p256", Some(true)));
    assert_eq!(told, expected);
    assert_eq!(seen.containers[0].certificate, certificate);
    let piv = seen.facts.unwrap().piv.unwrap();
    assert_eq!((piv.serial, &*piv.version), (4711, "5.7.4"));
}

async fn a_pin_is_changed_blocked_and_set_with_the_puk() {
    let (_card, host) = (Card::piv(1), Host::new().await);
    let mut lease = host.lease().await;
    let change = |current: &str, new: &str| {
        Verb::ChangeCardPin(proto::ChangeCardPin {
            reference: proto::PinReference::Pin.into(),
            current_pin: current.to_owned(),
            new_pin: new.to_owned(),
        })
    };
    let set = |puk: &str| {
        Verb::SetCardPin(proto::SetCardPin {
            new_pin: "246802".to_owned(),
            puk: puk.to_owned(),
            admin: None,
        })
    };
    let wrong = lease.step("wrong", change("000000", "246801")).await;
    let wrong = wrong.unwrap_err();
    assert_eq!(
        (wrong.code(), wrong.pin_retries),
        (Code::PinInvalid, Some(2))
    );
    assert_eq!(wrong.status_word, Some(0x63C2));
    assert!(!wrong.changed);
    lease.step("change", change(PIN, "246801")).await.unwrap();
    let short = lease.step("short", change("246801", "12")).await;
    assert_eq!(code(short), Code::PinPolicyViolation);
    let block = Verb::BlockCardPin(proto::BlockCardPin {
        reference: proto::PinReference::Pin.into(),
    });
    lease.step("block", block).await.unwrap();
    let blocked = lease.step("blocked", change("246801", "246803")).await;
    assert_eq!(code(blocked), Code::PinBlocked);
    let wrong = lease.step("wrong puk", set("00000000")).await.unwrap_err();
    assert_eq!((wrong.code(), wrong.puk_tries), (Code::PukInvalid, Some(2)));
    lease.step("set", set(PUK)).await.unwrap();
    lease.step("use", change("246802", PIN)).await.unwrap();
}

async fn nothing_but_a_request_of_its_own_is_signed() {
    let (_card, host) = (Card::piv(1), Host::new().await);
    let mut lease = host.lease().await;
    let empty = CardKey::new(
        &KeyPair::generate().unwrap().subject_public_key_info(),
        &rcgen::PKCS_ECDSA_P256_SHA256,
    );
    let none = lease.step("none", sign(empty.info(), PIN)).await;
    assert_eq!(code(none), Code::ContainerEmpty);
    let key = made(&mut lease, "generate").await;
    let other = lease.step("other", sign(empty.info(), PIN)).await;
    assert_eq!(code(other), Code::KeyMismatch);
    let message = lease
        .step("message", sign(b"I owe you".to_vec(), PIN))
        .await;
    let refused = message.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidRequest);
    assert_eq!(refused.field, "certification_request_info");
    let foreign = lease.step("foreign", write(empty.certificate())).await;
    assert_eq!(code(foreign), Code::KeyMismatch);
    let wrong = lease.step("wrong", sign(key.info(), "000000")).await;
    assert_eq!(code(wrong), Code::PinInvalid);
    assert_eq!(host.outcome("wrong").await.state(), State::Failed);
}

async fn no_secret_is_in_the_journal_or_the_log() {
    let log = tempfile::NamedTempFile::new().unwrap();
    // A story has a process of its own, so nobody else's words are here.
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(std::sync::Mutex::new(log.reopen().unwrap()))
        .init();
    let (_card, host) = (Card::piv(1), Host::new().await);
    let mut lease = host.lease().await;
    let (new_pin, new_key) = ("48151623", [0x5A, 0xC3, 0x91, 0x77].repeat(6));
    let change = Verb::ChangeCardPin(proto::ChangeCardPin {
        reference: proto::PinReference::Pin.into(),
        current_pin: PIN.to_owned(),
        new_pin: new_pin.to_owned(),
    });
    lease.step("pin", change).await.unwrap();
    let change = Verb::ChangeAdminKey(proto::ChangeAdminKey {
        current: factory(),
        new_algorithm: "aes192".to_owned(),
        new_key: new_key.clone(),
    });
    lease.step("key", change).await.unwrap();
    lease
        .send(proto::card_lease_request::Request::Raw(proto::CardRaw {
            key: Some(crate::host::key("raw")),
            command: [b"\x00\x20\x00\x80\x08".as_slice(), new_pin.as_bytes()].concat(),
            timeout_ms: 0,
        }))
        .await;
    match lease.answer().await {
        proto::card_lease_response::Response::Raw(raw) => {
            // Nothing is selected: the agent looked at the card after the change.
            assert_eq!(raw.response.len(), 2);
        }
        other => panic!("{other:?}"),
    }
    let state = std::fs::read_dir(host.folder.path().join("state")).unwrap();
    let files = state.map(|file| file.unwrap().path());
    let mut searched = Vec::new();
    for file in files.chain([log.path().to_owned()]) {
        let bytes = std::fs::read(file).unwrap();
        for secret in [new_pin.as_bytes(), &new_key, &factory().unwrap().key] {
            let in_hex = hex::encode(secret);
            for form in [secret, in_hex.as_bytes(), in_hex.to_uppercase().as_bytes()] {
                assert!(!bytes.windows(form.len()).any(|window| window == form));
            }
        }
        searched.push(bytes.len());
    }
    // A journal, and a log in which the steps are.
    assert!(
        searched.len() >= 2 && !searched.contains(&0),
        "{searched:?}"
    );
    let log = std::fs::read_to_string(log.path()).unwrap();
    assert!(log.contains("change_admin_key"), "{log}");
}
