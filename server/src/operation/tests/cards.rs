//! The life of a smart card: registered, issued, handed over, unblocked, revoked.

mod hsm;
mod late_authority;
mod recognition;

use super::{
    card::Card,
    fault::Fault,
    world::{ACTOR, Wishes, World},
};
use crate::{
    connector::ca::{CertificateStatus, Reason},
    lifecycle::{
        Applet, CardSection, CardType, CertificateSlot, Cipher, Custody, KeyAlgorithm, TokenState,
        card_section::RequestField,
    },
    operation::{Ask, Error, GivenPin, Operation, PinOf, Resolution, State},
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
    });
}

fn gids_type(t: &mut crate::lifecycle::TokenType) {
    piv_type(t);
    if let Some(card) = &mut t.card {
        card.applet = Applet::Gids;
        card.admin_cipher = Cipher::TripleDes;
    }
}

fn piv() -> Wishes {
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
            for path in self.files() {
                let bytes = std::fs::read(&path).unwrap();
                for secret in &card.secrets {
                    let found = bytes
                        .windows(secret.len())
                        .any(|window| window == secret.as_bytes());
                    assert!(!found, "a secret is in {}", path.display());
                }
            }
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
    let reason = "lost".to_owned();
    world
        .done(Ask::Revoke {
            token,
            reason,
            pin: None,
        })
        .await;
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

#[tokio::test]
async fn a_pending_request_waits_where_everybody_can_see() {
    let world = World::with(piv()).await;
    world.registered().await;
    world.ca.state().pending = 200;
    let id = world.issue_card().await.id;
    world.waiting(id, "has not decided on E-1").await;
    world.ca.state().pending = 1;
    let ended = world.settled(id).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    assert_eq!(world.ca.good(), 2);
    world.card_agrees().await;
}

#[tokio::test]
async fn what_an_authority_refuses_leaves_no_key_behind() {
    let world = World::with(piv()).await;
    world.registered().await;
    world.ca.state().refuses = true;
    let ended = world.settled(world.issue_card().await.id).await;
    assert_eq!(ended.state, State::Failed);
    assert!(ended.remark.contains("enrol"), "{}", ended.remark);
    world.card(|card| {
        assert!(card.containers.is_empty());
        assert_eq!(card.pin_tries, 0);
    });
    assert_eq!(world.token().await.state, TokenState::Registered);
    world.card_agrees().await;
}

#[tokio::test]
async fn a_card_that_forgets_its_certificate_gets_it_revoked() {
    let world = World::with(piv()).await;
    world.registered().await;
    world.card(|card| card.forgets = true);
    let ended = world.settled(world.issue_card().await.id).await;
    assert_eq!(ended.state, State::Failed);
    assert!(ended.remark.contains("does not show"), "{}", ended.remark);
    assert_eq!(world.ca.good(), 0);
    assert_eq!(
        world.ca.state().reasons,
        [Reason::CessationOfOperation, Reason::CessationOfOperation]
    );
    world.card_agrees().await;
}

#[tokio::test]
async fn revoking_waits_for_no_authority_and_the_wait_is_seen() {
    let world = World::with(piv()).await;
    let token = world.card_in_use().await;
    world.ca.state().down = true;
    let reason = "stolen".to_owned();
    let revoked = world
        .done(Ask::Revoke {
            token,
            reason,
            pin: None,
        })
        .await;
    assert!(
        revoked.remark.contains("revoke-certificates"),
        "{revoked:?}"
    );
    assert_eq!(world.token().await.state, TokenState::Revoked);
    assert_eq!(world.ca.good(), 2);
    let mut read = world.store.read().await.unwrap();
    let waiting = certificate::waiting_for_revocation(&mut read)
        .await
        .unwrap();
    assert_eq!(waiting.len(), 2);
    let filter = operation::Filter {
        kind: Some(Kind::RevokeCertificates),
        open: true,
        ..operation::Filter::default()
    };
    let open = operation::list(&mut read, &filter, Page::first(9))
        .await
        .unwrap();
    let id = open.rows[0].id;
    let counted = certificate::count_waiting_for_revocation(&mut read).await;
    assert_eq!(counted.unwrap(), 2);
    drop(read);
    // Why it waits, and until when.
    let waits = world.waiting(id, "cannot be reached").await;
    let again = waits.next_try();
    assert!(again.is_some_and(|at| at > waits.created_at), "{waits:?}");
    world.ca.state().down = false;
    let ended = world.settled(id).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    assert_eq!(world.ca.good(), 0);
    assert_eq!(ended.next_try(), None);
    let mut read = world.store.read().await.unwrap();
    let counted = certificate::count_waiting_for_revocation(&mut read).await;
    assert_eq!(counted.unwrap(), 0);
    drop(read);
    assert_eq!(world.ca.state().reasons, [Reason::KeyCompromise; 2]);
    world.card_agrees().await;
}

#[tokio::test]
async fn a_hold_stands_at_the_authority_and_ends_there() {
    let world = World::with(piv()).await;
    let token = world.card_in_use().await;
    world.done(Ask::Suspend { token }).await;
    assert_eq!(world.ca.good(), 0);
    world.card_agrees().await;
    world.done(Ask::Resume { token }).await;
    assert_eq!(world.ca.good(), 2);
    world.card_agrees().await;
}

#[tokio::test]
async fn renewing_keeps_the_key_and_reissuing_makes_another() {
    let world = World::with(piv()).await;
    let token = world.card_in_use().await;
    let before = world.certificates().await;
    let pin = || Some(GivenPin::new("271828".into()));
    world
        .done(Ask::RenewCertificates {
            token,
            containers: vec!["9a".into()],
            pin: pin(),
        })
        .await;
    let renewed = world.certificates().await.pop().unwrap();
    assert_eq!(renewed.public_key, before[0].public_key);
    assert_ne!(renewed.serial, before[0].serial);
    world.card_agrees().await;
    world
        .done(Ask::ReissueCertificates {
            token,
            containers: vec![],
            pin: pin(),
        })
        .await;
    let rows = world.certificates().await;
    let now: Vec<_> = rows
        .iter()
        .filter(|r| r.on_card == OnCard::Present)
        .collect();
    assert_eq!(now.len(), 2);
    assert!(now.iter().all(|row| row.public_key != before[0].public_key));
    assert_eq!(world.ca.good(), 2, "what stood there is revoked");
    world.card_agrees().await;
    let refused = world
        .ask(Ask::RenewCertificates {
            token,
            containers: vec![],
            pin: None,
        })
        .await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
}

#[tokio::test]
async fn a_card_that_nobody_holds_yet_is_renewed_under_a_pin_of_ours() {
    for wishes in [piv(), gids()] {
        let world = World::with(wishes).await;
        let token = world.registered().await;
        world.settled(world.issue_card().await.id).await;
        let before = world.certificates().await;
        let containers = vec![before[0].container.clone()];
        let given = Some(GivenPin::new("271828".into()));
        let refused = Ask::RenewCertificates {
            token,
            containers: containers.clone(),
            pin: given,
        };
        let refused = world.ask(refused).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
        world
            .done(Ask::RenewCertificates {
                token,
                containers: containers.clone(),
                pin: None,
            })
            .await;
        world.card(|card| assert_eq!(card.pin_tries, 0, "nobody has it again"));
        let renewed = world.certificates().await.pop().unwrap();
        assert_eq!(renewed.public_key, before[0].public_key);
        assert_ne!(renewed.serial, before[0].serial);
        world
            .done(Ask::ReissueCertificates {
                token,
                containers,
                pin: None,
            })
            .await;
        world.card(|card| assert_eq!(card.pin_tries, 0, "nor now"));
        let held = world.secrets().await;
        assert!(held.iter().all(|s| s.kind == sealed_secret::Kind::Puk));
        world.card_agrees().await;
    }
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

/// A card at the end of its whole life.
async fn used_and_given_back(world: &World) {
    let token = world.card_in_use().await;
    let reason = "replaced".to_owned();
    let pin = None;
    world.done(Ask::Revoke { token, reason, pin }).await;
    world.done(Ask::Retire { token }).await;
    world.done(Ask::Unregister { token }).await;
}

#[tokio::test]
async fn an_unregistered_piv_card_is_as_it_left_the_factory() {
    let world = World::with(piv()).await;
    used_and_given_back(&world).await;
    world.card(|card| {
        assert_eq!(
            (card.puk.as_str(), card.pin.as_str()),
            ("12345678", "123456")
        );
        assert_eq!(card.admin, [1, 2, 3, 4, 5, 6, 7, 8].repeat(3));
    });
    assert!(world.secrets().await.is_empty());
    // And may come back.
    world.registered().await;
    world.card_agrees().await;
}

#[tokio::test]
async fn an_unregistered_gids_card_is_empty_and_opens_with_the_key_of_its_factory() {
    let world = World::with(gids()).await;
    used_and_given_back(&world).await;
    world.card(|card| {
        assert!(card.containers.is_empty());
        assert_eq!(
            (card.cipher, &card.admin),
            (Cipher::TripleDes, &vec![0; 24])
        );
    });
    world.registered().await;
    world.card_agrees().await;
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Register,
    Issue,
    HandOver,
    Renew,
    Revoke,
    ChangeAdminKey,
}

async fn begin(world: &World, act: Act) -> Operation {
    let token = world.token().await.id;
    match act {
        Act::Register => world.ask(Ask::RegisterCard { token }).await.unwrap(),
        Act::Issue => world.issue_card().await,
        Act::HandOver => {
            let new_pin = Some(GivenPin::new("271828".into()));
            world
                .ask(Ask::HandOverPin { token, new_pin })
                .await
                .unwrap()
        }
        Act::Renew => {
            let renew = Ask::RenewCertificates {
                token,
                containers: vec![],
                pin: Some(GivenPin::new("271828".into())),
            };
            world.ask(renew).await.unwrap()
        }
        Act::Revoke => {
            let reason = "left".into();
            let pin = None;
            world.ask(Ask::Revoke { token, reason, pin }).await.unwrap()
        }
        Act::ChangeAdminKey => world.ask(Ask::ChangeAdminKey { token }).await.unwrap(),
    }
}

/// Lets call number `at` of `act` go wrong. `false` when there is no such call.
async fn survives(act: Act, fault: Fault, at: usize) -> bool {
    let mut world = World::with(piv()).await;
    let acts: &[Act] = match act {
        Act::Register => &[],
        Act::Issue | Act::ChangeAdminKey => &[Act::Register],
        Act::HandOver | Act::Revoke => &[Act::Register, Act::Issue],
        Act::Renew => &[Act::Register, Act::Issue, Act::HandOver],
    };
    for act in acts {
        let ended = world.settled(begin(&world, *act).await.id).await;
        assert_eq!(ended.state, State::Succeeded, "{act:?}: {ended:?}");
    }
    if matches!(act, Act::ChangeAdminKey) {
        let mut tx = world.store.write().await.unwrap();
        let second = world
            .keys
            .new_card_master(2, "", ACTOR, store::Micros(2))
            .unwrap();
        store::card_master_key::insert(&mut tx, &second)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    world.token().await;
    world.gate.arm(at, fault);
    let id = begin(&world, act).await.id;
    if matches!(fault, Fault::ServerDiesBefore | Fault::ServerDiesAfter) {
        tokio::select! {
            () = world.gate.tripped() => {}
            _ = world.settled(id) => {}
        }
        world.restart().await;
    }
    let mut ended = world.settled(id).await;
    let came = world.gate.came();
    world.gate.disarm();
    let context = format!("{act:?}, {fault:?} at call {at}: {ended:?}");
    if ended.state == State::NeedsAttention {
        world
            .engine
            .resolve(id, Resolution::Retry, "", ACTOR)
            .await
            .unwrap();
        ended = world.settled(id).await;
    }
    assert_eq!(ended.state, State::Succeeded, "{context}");
    // What waits for the authority comes to its end as well.
    world
        .until("nothing is open", async || {
            let mut read = world.store.read().await.unwrap();
            let (open, _) = operation::count_open(&mut read).await.unwrap();
            (open == 0).then_some(())
        })
        .await;
    world.card_agrees().await;
    let rows = world.certificates().await;
    let mut serials: Vec<_> = rows
        .iter()
        .map(|row| &row.serial)
        .filter(|serial| !serial.is_empty())
        .collect();
    let taken = serials.len();
    serials.sort_unstable();
    serials.dedup();
    assert_eq!(serials.len(), taken, "{context}: one certificate, twice");
    world.card(|card| {
        assert!(card.puk_errors <= 1, "{context}: tries were burned");
        assert_eq!(card.puk_tries, 3, "{context}");
    });
    came
}

async fn every_fault_at_every_call(act: Act, at_least: usize) {
    for fault in Fault::ALL {
        let mut calls = 0;
        while survives(act, fault, calls).await {
            calls += 1;
        }
        assert!(calls >= at_least, "{act:?}: only {calls} calls");
    }
}

#[tokio::test]
async fn registering_a_card_survives_every_fault_at_every_call() {
    every_fault_at_every_call(Act::Register, 7).await;
}

#[tokio::test]
async fn issuing_certificates_survives_every_fault_at_every_call() {
    every_fault_at_every_call(Act::Issue, 11).await;
}

#[tokio::test]
async fn handing_a_card_over_survives_every_fault_at_every_call() {
    every_fault_at_every_call(Act::HandOver, 1).await;
}

#[tokio::test]
async fn renewing_certificates_survives_every_fault_at_every_call() {
    every_fault_at_every_call(Act::Renew, 8).await;
}

#[tokio::test]
async fn revoking_a_card_survives_every_fault_at_every_call() {
    every_fault_at_every_call(Act::Revoke, 4).await;
}

#[tokio::test]
async fn changing_an_admin_key_survives_every_fault_at_every_call() {
    every_fault_at_every_call(Act::ChangeAdminKey, 2).await;
}

#[tokio::test]
async fn keys_of_a_card_that_is_away_when_it_is_revoked_are_deleted_once_it_is_seen() {
    for wishes in [piv(), gids()] {
        let world = World::with(wishes).await;
        let token = world.card_in_use().await;
        world.unplug().await;
        let reason = "stolen".to_owned();
        let pin = None;
        let revoked = world.done(Ask::Revoke { token, reason, pin }).await;
        assert!(revoked.remark.contains("are deleted"), "{revoked:?}");
        world.card(|card| assert!(!card.containers.is_empty(), "nobody was there to"));
        world.host.plug();
        world
            .until("the card is empty", async || {
                world.card(|card| card.containers.is_empty()).then_some(())
            })
            .await;
    }
}
