//! The life of a smart card: registered, issued, handed over, unblocked, revoked.

mod attestation;
mod authority;
mod faults;
mod given_back;
mod hsm;
mod key_history;
mod late_authority;
mod order;
mod recognition;
mod successors;
mod whole_life;

use super::{
    card::Card,
    fault::Fault,
    world::{ACTOR, Wishes, World, revocation},
};
use crate::{
    connector::ca::{Call, CertificateStatus, Reason},
    lifecycle::{
        Applet, CardSection, CardType, CertificateSlot, Cipher, Custody, KeyAlgorithm, TokenState,
        card_section::RequestField, card_type::Attestation,
    },
    operation::{Ask, Error, GivenPin, Operation, PinOf, State},
    store::{
        self, ConnectionId, Page, TokenId,
        card::Card as Row,
        certificate::{self, Certificate, OnCard},
        operation::{self, Kind},
        sealed_secret,
    },
};

fn slot(container: &str, connection: ConnectionId) -> CertificateSlot {
    let field = |name: &str, value: &str| RequestField {
        name: name.into(),
        value: value.into(),
    };
    CertificateSlot {
        container: container.into(),
        algorithm: KeyAlgorithm::P256,
        connection,
        profile: "logon".into(),
        fields: vec![field("cn", "{user.display_name}")],
        pin_use: None,
        touch_use: None,
        is_default: container == "9a",
    }
}

fn section(connection: ConnectionId) -> CardSection {
    CardSection {
        pin_length: 6,
        pin_custody: Custody::HandOver,
        certificates: vec![slot("9a", connection), slot("9c", connection)],
    }
}

fn gids_section(connection: ConnectionId) -> CardSection {
    CardSection {
        certificates: vec![slot("0", connection)],
        ..section(connection)
    }
}

fn piv_type(t: &mut crate::lifecycle::TokenType) {
    t.aaguids.clear();
    t.card = Some(CardType {
        applet: Applet::Piv,
        atrs: vec!["3B8F80".parse().unwrap()],
        label: String::new(),
        admin_cipher: Cipher::Aes192,
        attestation: Attestation::Recorded,
    });
}

fn gids_type(t: &mut crate::lifecycle::TokenType) {
    piv_type(t);
    if let Some(card) = &mut t.card {
        card.applet = Applet::Gids;
        card.admin_cipher = Cipher::TripleDes;
    }
}

pub(super) fn piv() -> Wishes {
    Wishes {
        token_type: piv_type,
        card: Some(section),
        publishes: false,
        host: |host| {
            host.has_key = false;
            host.serial.clear();
            host.card = Some(Card::piv());
        },
        ..Wishes::default()
    }
}

fn gids() -> Wishes {
    Wishes {
        token_type: gids_type,
        card: Some(gids_section),
        host: |host| {
            host.has_key = false;
            host.serial.clear();
            host.card = Some(Card::gids());
        },
        ..piv()
    }
}

impl World {
    async fn card_row(&self) -> Row {
        let id = self.token().await.id;
        let mut read = self.store.read().await.unwrap();
        store::card::get(&mut read, id).await.unwrap().unwrap()
    }

    async fn certificates(&self) -> Vec<Certificate> {
        let id = self.token().await.id;
        let mut read = self.store.read().await.unwrap();
        certificate::of_token(&mut read, id).await.unwrap()
    }

    async fn registered(&self) -> TokenId {
        let token = self.token().await.id;
        self.done(Ask::RegisterCard { token }).await;
        token
    }

    async fn issue_card(&self) -> Operation {
        let (user, template) = (self.user, self.template);
        let token = self.token().await.id;
        self.ask(Ask::Issue {
            token,
            user,
            template,
        })
        .await
        .unwrap()
    }

    async fn card_in_use(&self) -> TokenId {
        let token = self.registered().await;
        let issued = self.settled(self.issue_card().await.id).await;
        assert_eq!(issued.state, State::Succeeded, "{issued:?}");
        let new_pin = Some(GivenPin::new("271828".into()));
        self.done(Ask::HandOverPin { token, new_pin }).await;
        token
    }

    /// The card opens with the admin key that is written down, its PUK is held, and
    /// what is at the authority, in the database and on the card is the same.
    async fn card_agrees(&self) {
        let row = self.card_row().await;
        let which = row.admin.expect("the admin key is ours");
        let mut read = self.store.read().await.unwrap();
        let generations = store::card_master_key::list(&mut read).await.unwrap();
        drop(read);
        let key = self
            .keys
            .admin_key(&generations, which, &row.card_id)
            .unwrap();
        let rows = self.certificates().await;
        {
            let state = self.host.state();
            let card = state.card.as_ref().unwrap();
            assert_eq!(card.admin, key.bytes(), "the admin key is another one");
            for on_card in card.containers.values() {
                let known = rows.iter().any(|row| row.der == on_card.certificate);
                assert!(known || on_card.certificate.is_empty(), "nobody knows it");
            }
            for row in rows.iter().filter(|row| row.on_card == OnCard::Present) {
                let held = card.containers.get(&row.container);
                assert_eq!(held.map(|held| &held.certificate), Some(&row.der));
            }
            let ca = self.ca.state();
            for (_, issued, status) in &ca.issued {
                let row = rows.iter().find(|row| row.der == issued.certificate());
                let row = row.expect("issued, and nobody knows it");
                let state = match status {
                    CertificateStatus::Good => certificate::State::Valid,
                    CertificateStatus::Held => certificate::State::Held,
                    _ => certificate::State::Revoked,
                };
                assert_eq!(row.state, state);
            }
            self.none_in_the_files(&card.secrets);
        }
        let puk = self.secrets().await.into_iter().find(|secret| {
            secret.kind == sealed_secret::Kind::Puk && secret.state == sealed_secret::State::Current
        });
        if let Some(puk) = puk {
            let held = crate::operation::pins::open(&self.keys, &puk).unwrap();
            let state = self.host.state();
            assert_eq!(*held, state.card.as_ref().unwrap().puk);
        }
        self.audit_is_whole().await;
    }

    /// How each act of this kind ended, says the audit.
    async fn audited(&self, verb: &str) -> Vec<String> {
        let records = self.audit_is_whole().await;
        let like = records.iter().filter(|record| record.verb == verb);
        like.map(|record| record.outcome.to_string()).collect()
    }

    fn card<T>(&self, look: impl FnOnce(&mut Card) -> T) -> T {
        look(self.host.state().card.as_mut().unwrap())
    }
}

#[tokio::test]
async fn a_registered_card_has_secrets_of_ours_and_nobody_knows_its_pin() {
    let world = World::with(piv()).await;
    assert_eq!(world.token().await.state, TokenState::Unregistered);
    world.registered().await;
    assert_eq!(world.token().await.state, TokenState::Registered);
    assert_eq!(
        world.host.state().log,
        [
            "inspect-card",
            "try-admin-keys",
            "personalise",
            "change-admin-key",
            "change-card-pin",
            "block-card-pin",
            "inspect-card"
        ]
    );
    world.card(|card| {
        assert_ne!(card.admin, [1, 2, 3, 4, 5, 6, 7, 8].repeat(3));
        assert_eq!(card.cipher, Cipher::Aes192);
        assert_ne!(card.puk, "12345678");
        assert_eq!(card.pin_tries, 0);
    });
    let row = world.card_row().await;
    assert_eq!(row.card_id, world.token().await.id.0.into_bytes());
    assert_eq!(row.pending, None);
    world.card_agrees().await;
}

#[tokio::test]
async fn a_card_whose_admin_key_nobody_knows_is_left_as_it_is() {
    let world = World::with(Wishes {
        host: |host| {
            host.has_key = false;
            host.card = Some(Card {
                admin: vec![7; 24],
                ..Card::piv()
            });
        },
        ..piv()
    })
    .await;
    let token = world.token().await.id;
    let asked = world.ask(Ask::RegisterCard { token }).await.unwrap();
    let ended = world.settled(asked.id).await;
    assert_eq!(ended.state, State::Failed);
    assert!(ended.remark.contains("none of the admin keys"), "{ended:?}");
    assert!(ended.next_action.contains("token type"), "{ended:?}");
    assert_eq!(world.token().await.state, TokenState::Unregistered);
    world.card(|card| assert_eq!((card.pin_tries, card.puk_tries), (3, 3)));
}

#[tokio::test]
async fn certificates_are_issued_for_keys_made_on_the_card() {
    let world = World::with(piv()).await;
    world.registered().await;
    let issued = world.settled(world.issue_card().await.id).await;
    assert_eq!(issued.state, State::Succeeded, "{issued:?}");
    let token = world.token().await;
    assert_eq!(token.state, TokenState::Issued);
    assert_eq!(token.user_id, Some(world.user));
    let rows = world.certificates().await;
    let containers: Vec<_> = rows.iter().map(|row| row.container.as_str()).collect();
    assert_eq!(containers, ["9a", "9c"]);
    for row in &rows {
        assert_eq!(row.state, certificate::State::Valid);
        assert_eq!(row.on_card, OnCard::Present);
        assert!(row.issuer.contains("Test CA"), "{}", row.issuer);
        assert!(row.subject.contains("Alice Example"), "{}", row.subject);
    }
    world.card(|card| assert_eq!(card.pin_tries, 0, "until it is handed over"));
    let held = world.secrets().await;
    assert!(held.iter().all(|s| s.kind == sealed_secret::Kind::Puk));
    world.card_agrees().await;
}

#[tokio::test]
async fn a_gids_card_lives_by_its_admin_key_alone() {
    let world = World::with(gids()).await;
    let token = world.card_in_use().await;
    world.card(|card| assert_eq!(card.pin, "271828"));
    assert!(world.secrets().await.is_empty());
    world.card_agrees().await;
    world.done(revocation(token)).await;
    world.card(|card| {
        assert!(card.containers.is_empty());
        assert_eq!(card.pin_tries, 0);
    });
    world.card_agrees().await;
    world.done(Ask::Retire { token }).await;
    let before = world.card_row().await.shown_id;
    world.done(Ask::Unregister { token }).await;
    world.card(|card| {
        assert_eq!(card.admin, vec![0; 24]);
        assert_eq!((card.pin.as_str(), card.pin_tries), ("123456", 3));
        assert_ne!(card.id, before, "Windows would know it as the card it was");
    });
    assert_eq!(world.token().await.state, TokenState::Unregistered);
}

#[tokio::test]
async fn a_blank_gids_card_is_initialised_with_our_admin_key() {
    let world = World::with(Wishes {
        host: |host| {
            host.has_key = false;
            host.serial.clear();
            host.card = Some(Card {
                id: vec![],
                ..Card::gids()
            });
        },
        ..gids()
    })
    .await;
    world.registered().await;
    world.card(|card| {
        assert_ne!(card.admin, vec![0; 24]);
        assert_eq!(card.pin_tries, 0);
    });
    world.card_agrees().await;
}

#[tokio::test]
async fn the_pin_that_is_made_at_hand_over_is_shown_once() {
    let world = World::with(piv()).await;
    let token = world.registered().await;
    world.settled(world.issue_card().await.id).await;
    let over = world
        .done(Ask::HandOverPin {
            token,
            new_pin: None,
        })
        .await;
    let shown = world.engine.reveal(over.id, ACTOR).await.unwrap();
    let pin = shown.card_pin.unwrap();
    assert_eq!(pin.len(), 6);
    world.card(|card| assert_eq!((card.pin.as_str(), card.pin_tries), (pin.as_str(), 3)));
    assert!(shown.pin.is_none());
    assert!(world.engine.reveal(over.id, ACTOR).await.is_err());
    assert_eq!(world.token().await.state, TokenState::Active);
    world.card_agrees().await;
}

#[tokio::test]
async fn a_blocked_card_gets_a_pin_by_authority() {
    for wishes in [piv(), gids()] {
        let world = World::with(wishes).await;
        let token = world.card_in_use().await;
        world.card(|card| card.pin_tries = 0);
        let new_pin = Some(GivenPin::new("314159".into()));
        world.done(Ask::UnblockCard { token, new_pin }).await;
        world.card(|card| assert_eq!((card.pin.as_str(), card.pin_tries), ("314159", 3)));
        let letters = Some(GivenPin::new("secret".into()));
        let refused = world
            .ask(Ask::UnblockCard {
                token,
                new_pin: letters,
            })
            .await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
        world.card_agrees().await;
    }
}

#[tokio::test]
async fn a_challenge_is_answered_as_the_card_would_and_once() {
    let world = World::with(gids()).await;
    let token = world.card_in_use().await;
    let challenge = [3, 1, 4, 1, 5, 9, 2, 6];
    let engine = &world.engine;
    let answer = engine
        .answer_challenge(token, challenge, ACTOR)
        .await
        .unwrap();
    world.card(|card| assert_eq!(answer.to_vec(), card.would_answer(&challenge)));
    let other = [2, 7, 1, 8, 2, 8, 1, 8];
    engine.answer_challenge(token, other, ACTOR).await.unwrap();
    for known in [challenge, other] {
        let again = engine.answer_challenge(token, known, ACTOR).await;
        assert!(matches!(again, Err(Error::Invalid(_))), "{again:?}");
    }
    let outcomes = world.audited("card.answer-challenge").await;
    assert_eq!(outcomes, ["ok", "ok", "denied", "denied"]);
    let piv = World::with(piv()).await;
    let token = piv.card_in_use().await;
    let refused = piv.engine.answer_challenge(token, challenge, ACTOR).await;
    assert!(refused.unwrap_err().to_string().contains("PUK"));
}

#[tokio::test]
async fn a_puk_is_told_once_and_changed_when_the_card_is_seen() {
    let world = World::with(piv()).await;
    let token = world.card_in_use().await;
    let at_hand = world.engine.release_puk(token, ACTOR).await;
    assert!(at_hand.unwrap_err().to_string().contains("card unblock"));
    assert!(!world.card_row().await.puk_spent);
    assert_eq!(world.audited("card.release-puk").await, ["denied"]);
    world.unplug().await;
    let puk = world.engine.release_puk(token, ACTOR).await.unwrap();
    world.card(|card| assert_eq!(card.puk, *puk));
    let again = world.engine.release_puk(token, ACTOR).await;
    assert!(matches!(again, Err(Error::Invalid(_))), "{again:?}");
    let outcomes = world.audited("card.release-puk").await;
    assert_eq!(outcomes, ["denied", "ok", "denied"]);
    world.host.plug();
    world
        .until("the PUK is another one", async || {
            world.card(|card| card.puk != *puk).then_some(())
        })
        .await;
    world
        .until("nothing is spent", async || {
            (!world.card_row().await.puk_spent).then_some(())
        })
        .await;
    world.card(|card| assert_eq!((card.pin.as_str(), card.puk_errors), ("271828", 0)));
    world.card_agrees().await;
}

#[tokio::test]
async fn a_new_master_key_moves_cards_when_they_are_seen() {
    let world = World::with(piv()).await;
    world.card_in_use().await;
    world.unplug().await;
    let made = world.engine.new_card_master("yearly", ACTOR).await.unwrap();
    assert_eq!(made.generation, 2);
    assert_eq!(world.card_row().await.admin.unwrap().generation, 1);
    world.card_agrees().await;
    world.host.plug();
    world
        .until("the card is moved", async || {
            let row = world.card_row().await;
            (row.admin.unwrap().generation == 2 && row.pending.is_none()).then_some(())
        })
        .await;
    world.card_agrees().await;
}

fn both() -> Wishes {
    Wishes {
        publishes: true,
        token_type: |t| {
            let aaguids = t.aaguids.clone();
            piv_type(t);
            t.aaguids = aaguids;
        },
        host: |host| host.card = Some(Card::piv()),
        ..piv()
    }
}

fn set_pin(token: TokenId, applet: Option<PinOf>, current: &str, new: &str) -> Ask {
    Ask::SetPin {
        token,
        applet,
        current_pin: Some(GivenPin::new(current.into())),
        new_pin: GivenPin::new(new.into()),
    }
}

#[tokio::test]
async fn the_pin_of_the_card_is_meant_where_nothing_but_certificates_was_issued() {
    let world = World::with(Wishes {
        publishes: false,
        ..both()
    })
    .await;
    let token = world.card_in_use().await;
    world.done(set_pin(token, None, "271828", "314159")).await;
    world.card(|card| assert_eq!((card.pin.as_str(), card.pin_tries), ("314159", 3)));
    assert_eq!(world.host.state().key.pin, None);
    assert!(
        world
            .secrets()
            .await
            .iter()
            .all(|s| s.kind == sealed_secret::Kind::Puk)
    );
    let wrong = world
        .ask(set_pin(token, Some(PinOf::Gids), "314159", "161803"))
        .await;
    let wrong = wrong.unwrap_err().to_string();
    assert!(wrong.contains("fido2, piv"), "{wrong}");
    world.card_agrees().await;
}

#[tokio::test]
async fn a_token_with_both_applets_has_each_pin_changed_by_its_name() {
    let world = World::with(both()).await;
    let token = world.registered().await;
    world.settled(world.issue_card().await.id).await;
    let new_pin = Some(GivenPin::new("271828".into()));
    world.done(Ask::HandOverPin { token, new_pin }).await;
    let key_has = |pin: &str| assert_eq!(world.host.state().key.pin.as_deref(), Some(pin));
    key_has("271828");
    let piv = Some(PinOf::Piv);
    world.done(set_pin(token, piv, "271828", "314159")).await;
    world.card(|card| assert_eq!(card.pin, "314159"));
    key_has("271828");
    let fido2 = Some(PinOf::Fido2);
    world.done(set_pin(token, fido2, "271828", "161803")).await;
    key_has("161803");
    world.done(set_pin(token, None, "161803", "141421")).await;
    key_has("141421");
    world.card(|card| assert_eq!(card.pin, "314159"));
    world.card_agrees().await;
}

#[tokio::test]
async fn one_token_gets_passkey_and_certificates_in_one_operation() {
    let world = World::with(both()).await;
    world.registered().await;
    let issued = world.settled(world.issue_card().await.id).await;
    assert_eq!(issued.state, State::Succeeded, "{issued:?}");
    assert_eq!(world.host.state().key.credentials.len(), 1);
    assert_eq!(world.ca.good(), 2);
    let token = world.token().await.id;
    let over = world
        .done(Ask::HandOverPin {
            token,
            new_pin: None,
        })
        .await;
    let shown = world.engine.reveal(over.id, ACTOR).await.unwrap();
    assert!(shown.pin.is_some() && shown.card_pin.is_some());
    world.card_agrees().await;
}

#[tokio::test]
async fn the_record_of_a_card_follows_what_is_done_to_it() {
    for wishes in [piv(), gids()] {
        let world = World::with(wishes).await;
        let token = world.card_in_use().await;
        let held = world.card_row().await.containers;
        for row in world.certificates().await {
            let shown = held.iter().find(|shown| shown.name == row.container);
            let shown = shown.map(|shown| shown.certificate.clone());
            assert_eq!(shown, Some(hex::encode(&row.der)));
        }
        let tries = async || world.token().await.facts.card.unwrap().pin_tries;
        assert_eq!(tries().await, None, "only the card knows");
        world.done(revocation(token)).await;
        assert_eq!(world.card_row().await.containers, []);
        assert_eq!(tries().await, Some(0));
    }
}
