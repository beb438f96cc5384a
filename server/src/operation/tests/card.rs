//! A smart card as far as operations can tell: an admin key that is proven block by
//! block, PIN and PUK with their tries, containers with real keys.

use std::{collections::BTreeMap, sync::OnceLock};

use keysteward_proto::agent::v1::{
    self as agent, AdminChallenge, AdminProof, CardFacts, GidsFacts, PinFacts, PivFacts, StepError,
    StepResult, card_step::Verb, step_error::Code, step_result::Result as Told,
};
use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use rand::{RngCore as _, rngs::OsRng};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    SubjectPublicKeyInfo,
};

use super::key::refusal;
use crate::{
    key_store::AdminKey,
    lifecycle::{Applet, Cipher},
    operation::hosts::AdminKeys,
};

pub(super) struct Card {
    pub(super) applet: Applet,
    pub(super) admin: Vec<u8>,
    pub(super) cipher: Cipher,
    pub(super) id: Vec<u8>,
    pub(super) atr: Vec<u8>,
    /// As its applet tells it; 0: it tells none.
    pub(super) serial: u32,
    pub(super) pin: String,
    pub(super) pin_tries: u32,
    pub(super) puk: String,
    pub(super) puk_tries: u32,
    /// Wrong PUKs that it was ever given.
    pub(super) puk_errors: u32,
    pub(super) containers: BTreeMap<String, Container>,
    /// Every PIN and PUK it ever had, for the search of the database.
    pub(super) secrets: Vec<String>,
    /// Shows another certificate than it was given.
    pub(super) forgets: bool,
    /// It has no command that brings the factory's state back.
    pub(super) no_reset: bool,
    /// Vouches for the keys that it makes.
    pub(super) attests: bool,
    /// It has no command that moves a key.
    pub(super) moves_none: bool,
}

/// The maker of cards that attest.
pub(super) fn maker() -> &'static CertifiedIssuer<'static, KeyPair> {
    static MAKER: OnceLock<CertifiedIssuer<'static, KeyPair>> = OnceLock::new();
    MAKER.get_or_init(|| {
        let mut params = CertificateParams::default();
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "Test Card Maker");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    })
}

pub(super) struct Container {
    key: SigningKey,
    pub(super) certificate: Vec<u8>,
}

impl Card {
    pub(super) fn piv() -> Self {
        Self {
            applet: Applet::Piv,
            admin: [1, 2, 3, 4, 5, 6, 7, 8].repeat(3),
            cipher: Cipher::TripleDes,
            id: vec![],
            atr: vec![0x3B, 0x8F, 0x80],
            serial: 0,
            pin: "123456".into(),
            pin_tries: 3,
            puk: "12345678".into(),
            puk_tries: 3,
            puk_errors: 0,
            containers: BTreeMap::new(),
            secrets: vec![],
            forgets: false,
            no_reset: false,
            attests: false,
            moves_none: false,
        }
    }

    pub(super) fn gids() -> Self {
        Self {
            applet: Applet::Gids,
            admin: vec![0; 24],
            id: vec![9; 16],
            ..Self::piv()
        }
    }

    pub(super) fn facts(&self) -> CardFacts {
        let tries = |left| {
            Some(PinFacts {
                tries_left: Some(left),
                tries: Some(3),
                is_default: None,
            })
        };
        let piv = self.applet == Applet::Piv;
        CardFacts {
            atr: self.atr.clone(),
            reader: "Test Reader 00 00".into(),
            piv: piv.then(|| PivFacts {
                label: "Test PIV".into(),
                guid: self.id.clone(),
                serial: self.serial,
                admin_algorithm: self.cipher.as_str().into(),
                pin: tries(self.pin_tries),
                puk: tries(self.puk_tries),
                ..PivFacts::default()
            }),
            gids: (!piv).then(|| GidsFacts {
                card_id: self.id.clone(),
                pin: tries(self.pin_tries),
                ..GidsFacts::default()
            }),
        }
    }

    /// The key that a challenge of 8 bytes is answered with.
    pub(super) fn would_answer(&self, challenge: &[u8]) -> Vec<u8> {
        let own = AdminKey::given(&self.admin);
        own.answer(self.cipher, &[], challenge).unwrap().challenge
    }

    pub(super) fn handle(&mut self, verb: Verb, keys: &AdminKeys) -> Result<StepResult, StepError> {
        let told = match verb {
            Verb::InspectCard(_) => Told::CardInspected(agent::CardInspected {
                facts: Some(self.facts()),
                containers: self.containers.iter().map(|c| self.shown(c)).collect(),
            }),
            Verb::TryAdminKeys(asked) => {
                assert!(asked.candidates.iter().all(|proof| proof.key.is_empty()));
                let opens = |n: &u32| self.proves(&asked.candidates[*n as usize], *n, keys);
                let count = u32::try_from(asked.candidates.len()).unwrap();
                Told::AdminKeyFound(agent::AdminKeyFound {
                    candidate: (0..count).find(opens),
                })
            }
            Verb::ChangeAdminKey(asked) => {
                self.admin(asked.current.as_ref(), keys)?;
                self.cipher = asked.new_algorithm.parse().unwrap();
                self.admin = asked.new_key;
                done()
            }
            Verb::ChangeCardPin(asked) => {
                if asked.reference == i32::from(agent::PinReference::Puk) {
                    self.verify_puk(&asked.current_pin)?;
                    self.take_puk(asked.new_pin);
                } else {
                    self.verify(&asked.current_pin)?;
                    self.take_pin(asked.new_pin);
                }
                done()
            }
            Verb::SetCardPin(asked) => {
                match self.applet {
                    Applet::Piv => self.verify_puk(&asked.puk)?,
                    Applet::Gids => self.admin(asked.admin.as_ref(), keys)?,
                }
                self.take_pin(asked.new_pin);
                done()
            }
            Verb::BlockCardPin(_) if self.pin_tries == 0 => {
                return Err(refusal(Code::PinBlocked, "the PIN is blocked"));
            }
            Verb::BlockCardPin(_) => {
                self.pin_tries = 0;
                done()
            }
            Verb::Personalise(asked) => {
                if asked.new_admin_key.is_empty() {
                    self.admin(asked.admin.as_ref(), keys)?;
                } else {
                    if !self.id.is_empty() {
                        // Once is as good as twice, with the same key.
                        assert_eq!(self.admin, asked.new_admin_key);
                    }
                    self.admin = asked.new_admin_key;
                    self.take_pin(asked.new_pin);
                }
                self.id = asked.card_id;
                done()
            }
            Verb::GenerateKey(asked) => {
                self.admin(asked.admin.as_ref(), keys)?;
                if self.applet == Applet::Gids {
                    self.verify(&asked.pin)?;
                }
                assert_eq!(asked.algorithm, "p256");
                let key = SigningKey::random(&mut OsRng);
                let public = spki(&key);
                let empty = Container {
                    key,
                    certificate: vec![],
                };
                self.containers.insert(asked.container, empty);
                let mut made = agent::KeyGenerated {
                    public_key: public,
                    ..agent::KeyGenerated::default()
                };
                if self.attests {
                    let key = SubjectPublicKeyInfo::from_der(&made.public_key).unwrap();
                    let statement = CertificateParams::default().signed_by(&key, maker());
                    made.attestation = statement.unwrap().der().to_vec();
                    made.attestation_issuer = maker().der().to_vec();
                }
                Told::KeyGenerated(made)
            }
            Verb::MoveKey(_) if self.moves_none => {
                return Err(refusal(Code::NotSupported, "the card moves no keys"));
            }
            Verb::MoveKey(asked) => {
                self.admin(asked.admin.as_ref(), keys)?;
                self.container(&asked.container)?;
                let moved = self.containers.remove(&asked.container);
                let free = |name: &String| !self.containers.contains_key(name);
                let mut places = (0x82..=0x95).map(|number: u8| format!("{number:02x}"));
                let container = places.find(free).unwrap();
                self.containers.insert(container.clone(), moved.unwrap());
                Told::KeyMoved(agent::KeyMoved { container })
            }
            Verb::SignCertificationRequest(asked) => {
                self.verify(&asked.pin)?;
                let container = self.container(&asked.container)?;
                let signature: Signature = container.key.sign(&asked.certification_request_info);
                Told::RequestSigned(agent::RequestSigned {
                    signature: signature.to_der().as_bytes().to_vec(),
                })
            }
            Verb::WriteCertificate(asked) => {
                self.admin(asked.admin.as_ref(), keys)?;
                if self.applet == Applet::Gids {
                    self.verify(&asked.pin)?;
                }
                let forgets = self.forgets;
                let container = self.container(&asked.container)?;
                container.certificate = if forgets { vec![1] } else { asked.certificate };
                match (self.applet, asked.guid.len()) {
                    (Applet::Piv, 16) => self.id = asked.guid,
                    (_, 0) => {}
                    _ => panic!("no card takes such a GUID: {:?}", asked.guid),
                }
                done()
            }
            Verb::DeleteContainer(asked) => {
                self.admin(asked.admin.as_ref(), keys)?;
                if self.applet == Applet::Gids {
                    self.verify(&asked.pin)?;
                }
                self.container(&asked.container)?;
                self.containers.remove(&asked.container);
                done()
            }
            Verb::ResetCard(_) if self.no_reset => {
                return Err(refusal(Code::NotSupported, "the card has no such command"));
            }
            Verb::ResetCard(asked) => {
                if self.applet == Applet::Gids {
                    self.admin(asked.admin.as_ref(), keys)?;
                    assert_eq!(asked.card_id.len(), 16);
                    self.containers.clear();
                    self.id = asked.card_id;
                    self.pin = asked.new_pin;
                    self.pin_tries = 3;
                } else {
                    let secrets = std::mem::take(&mut self.secrets);
                    *self = Self {
                        secrets,
                        ..Self::piv()
                    };
                }
                done()
            }
            _ => return Err(refusal(Code::NotSupported, "not asked of it here")),
        };
        Ok(StepResult { result: Some(told) })
    }

    fn container(&mut self, name: &str) -> Result<&mut Container, StepError> {
        let missing = || refusal(Code::ContainerEmpty, "there is nothing in it");
        self.containers.get_mut(name).ok_or_else(missing)
    }

    fn shown(&self, (name, container): (&String, &Container)) -> agent::Container {
        agent::Container {
            name: name.clone(),
            algorithm: "p256".into(),
            public_key: spki(&container.key),
            certificate: container.certificate.clone(),
            made_on_card: Some(true),
        }
    }

    /// Asks for its witness back and for a challenge enciphered, as cards do.
    fn proves(&self, proof: &AdminProof, candidate: u32, keys: &AdminKeys) -> bool {
        assert!(
            proof.asks_caller && proof.key.is_empty(),
            "the key left the server"
        );
        let length = self.cipher.block_length();
        let mut blocks = [vec![0; length], vec![0; length]];
        for block in &mut blocks {
            OsRng.fill_bytes(block);
        }
        let [plain, challenge] = blocks;
        let own = AdminKey::given(&self.admin);
        let asked = AdminChallenge {
            candidate,
            algorithm: self.cipher.as_str().into(),
            witness: own.answer(self.cipher, &[], &plain).unwrap().challenge,
            challenge: challenge.clone(),
        };
        keys.answer(&asked).is_some_and(|answer| {
            answer.witness == plain
                && answer.challenge == own.answer(self.cipher, &[], &challenge).unwrap().challenge
        })
    }

    fn admin(&self, proof: Option<&AdminProof>, keys: &AdminKeys) -> Result<(), StepError> {
        if self.proves(proof.unwrap(), 0, keys) {
            return Ok(());
        }
        Err(refusal(Code::AdminKeyWrong, "the admin key is wrong"))
    }

    fn verify(&mut self, pin: &str) -> Result<(), StepError> {
        if self.pin_tries == 0 {
            return Err(refusal(Code::PinBlocked, "the PIN is blocked"));
        }
        if self.pin == pin {
            self.pin_tries = 3;
            return Ok(());
        }
        self.pin_tries -= 1;
        Err(refusal(Code::PinInvalid, "the PIN is wrong"))
    }

    fn verify_puk(&mut self, puk: &str) -> Result<(), StepError> {
        if self.puk_tries == 0 {
            return Err(refusal(Code::PukBlocked, "the PUK is blocked"));
        }
        if self.puk == puk {
            self.puk_tries = 3;
            return Ok(());
        }
        self.puk_tries -= 1;
        self.puk_errors += 1;
        Err(refusal(Code::PukInvalid, "the PUK is wrong"))
    }

    fn take_pin(&mut self, pin: String) {
        self.secrets.push(pin.clone());
        self.pin = pin;
        self.pin_tries = 3;
    }

    fn take_puk(&mut self, puk: String) {
        self.secrets.push(puk.clone());
        self.puk = puk;
        self.puk_tries = 3;
    }
}

pub(super) fn name(verb: &Verb) -> &'static str {
    match verb {
        Verb::InspectCard(_) => "inspect-card",
        Verb::TryAdminKeys(_) => "try-admin-keys",
        Verb::ChangeAdminKey(_) => "change-admin-key",
        Verb::ChangeCardPin(_) => "change-card-pin",
        Verb::SetCardPin(_) => "set-card-pin",
        Verb::BlockCardPin(_) => "block-card-pin",
        Verb::Personalise(_) => "personalise",
        Verb::MoveKey(_) => "move-key",
        Verb::GenerateKey(_) => "generate-key",
        Verb::SignCertificationRequest(_) => "sign-request",
        Verb::WriteCertificate(_) => "write-certificate",
        Verb::DeleteContainer(_) => "delete-container",
        Verb::ResetCard(_) => "reset-card",
        _ => "another",
    }
}

/// SubjectPublicKeyInfo of a P-256 key. RFC 5480 section 2.
pub(in crate::operation) fn spki(key: &SigningKey) -> Vec<u8> {
    let head = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
    let point = key.verifying_key().to_encoded_point(false);
    [hex::decode(head).unwrap().as_slice(), point.as_bytes()].concat()
}

fn done() -> Told {
    Told::Done(agent::Done {})
}
