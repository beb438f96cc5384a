//! `server.v1.Cards`: each call as it should go, and each way in which it is refused.

use super::*;
use crate::{
    lifecycle::KeyAlgorithm,
    store::{
        card::{AdminKey, Applet, Card, Cipher},
        certificate::{Certificate as Issued, Key, OnCard, State as At},
        operation::{Kind, Operation},
        sealed_secret::{self, SealedSecret},
        token::State,
    },
};

/// A card of ours in its user's hands, away.
struct Held {
    token: rows::TokenId,
    operation: rows::OperationId,
    user: rows::UserId,
}

impl Bench {
    async fn card(&self, applet: Applet, state: State) -> Held {
        let now = self.rooms.clock.now();
        let user = rows::user::User {
            id: rows::UserId::new(),
            user_name: format!("user-{}", uuid::Uuid::new_v4()),
            mail: "u@example.com".into(),
            given_name: "G".into(),
            sn: "S".into(),
            sam_account_name: None,
            user_principal_name: None,
            display_name: "G S".into(),
            source: "file".into(),
            webauthn_id: rand::random(),
            created_at: now,
        };
        let token = self.token("card", state);
        let operation = Operation {
            id: rows::OperationId::new(),
            kind: Kind::Issue,
            state: crate::operation::State::Succeeded,
            token_id: Some(token.id),
            user_id: None,
            host_id: None,
            parameters: "{}".into(),
            progress: "{}".into(),
            remark: String::new(),
            next_action: String::new(),
            requested_by: "test".into(),
            batch: None,
            created_at: now,
            not_before: now,
            deadline: None,
            ended_at: Some(now),
            cancelled_by: None,
            version: 1,
        };
        let mut tx = self.rooms.store.write().await.unwrap();
        if rows::card_master_key::list(&mut tx)
            .await
            .unwrap()
            .is_empty()
        {
            let keys = &self.rooms.key_store;
            let made = keys.new_card_master(1, "first", "test", now).unwrap();
            rows::card_master_key::insert(&mut tx, &made).await.unwrap();
        }
        rows::token::insert(&mut tx, &token).await.unwrap();
        let card = Card {
            token_id: token.id,
            applet,
            card_id: token.id.0.into_bytes(),
            shown_id: vec![],
            next_id: Vec::new(),
            admin: Some(AdminKey {
                generation: 1,
                cipher: Cipher::TripleDes,
            }),
            pending: None,
            puk_spent: false,
            containers: vec![],
            inspected_at: None,
            created_at: now,
        };
        rows::card::put(&mut tx, &card).await.unwrap();
        let imported = rows::user::import(&mut tx, &user).await;
        imported.unwrap();
        rows::operation::insert(&mut tx, &operation).await.unwrap();
        tx.commit().await.unwrap();
        Held {
            token: token.id,
            operation: operation.id,
            user: user.id,
        }
    }

    async fn puk(&self, held: &Held, puk: &str) {
        let id = rows::SecretId::new();
        let kind = sealed_secret::Kind::Puk;
        let context = crate::key_store::Context {
            table: "sealed_secret",
            id: &id.to_string(),
            kind: kind.as_str(),
        };
        let secret = SealedSecret {
            id,
            token_id: held.token,
            kind,
            state: sealed_secret::State::Current,
            sealed: self.rooms.key_store.seal(context, puk.as_bytes()),
            operation_id: held.operation,
            created_at: self.rooms.clock.now(),
        };
        let mut tx = self.rooms.store.write().await.unwrap();
        sealed_secret::put(&mut tx, &secret).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn certificate(&self, held: &Held, serial: &str, revocation: &str) -> Issued {
        let mut read = self.rooms.store.read().await.unwrap();
        let connections = rows::connection::list(&mut read).await.unwrap();
        drop(read);
        let key = Key {
            token_id: held.token,
            user_id: held.user,
            operation_id: held.operation,
            connection_id: connections[0].id,
            container: "9a".into(),
            profile: "logon".into(),
            algorithm: KeyAlgorithm::P256,
            is_default: true,
            public_key: vec![1],
            attestation: "not attested".into(),
        };
        let row = Issued {
            state: At::Valid,
            serial: serial.into(),
            issuer: "CN=CA".into(),
            subject: "CN=G S".into(),
            der: vec![0x30, 0x00],
            revocation: revocation.into(),
            on_card: OnCard::Present,
            ..Issued::wanted(key, self.rooms.clock.now())
        };
        let mut tx = self.rooms.store.write().await.unwrap();
        rows::certificate::insert(&mut tx, &row).await.unwrap();
        tx.commit().await.unwrap();
        row
    }
}

fn challenge(token: impl ToString, challenge: &[u8]) -> wire::AnswerCardChallengeRequest {
    wire::AnswerCardChallengeRequest {
        token: token.to_string(),
        challenge: challenge.to_vec(),
    }
}

#[tokio::test]
async fn a_challenge_is_answered_once_for_a_gids_card_in_use() {
    let bench = Bench::new().await;
    let mut cards = CardsClient::new(bench.with(&[Scope::Pins]).await);
    let gids = bench.card(Applet::Gids, State::Active).await;
    let piv = bench.card(Applet::Piv, State::Active).await;
    let retired = bench.card(Applet::Gids, State::Retired).await;
    let answer = cards
        .answer_challenge(challenge(gids.token, &[1; 8]))
        .await
        .unwrap();
    assert_eq!(answer.get_ref().response.len(), 8);
    for (wrong, reason) in [
        (challenge(gids.token, &[1; 8]), "answered before"),
        (challenge(gids.token, &[1; 7]), "7 bytes"),
        (challenge(piv.token, &[2; 8]), "a PIV card"),
        (challenge(retired.token, &[2; 8]), "retired"),
        (challenge("nobody", &[2; 8]), "nobody"),
    ] {
        let refused = cards.answer_challenge(wrong).await.unwrap_err();
        assert!(detail(&refused).found.contains(reason), "{refused:?}");
    }
    let mut without = CardsClient::new(bench.with(&[Scope::Issue]).await);
    let refused = without
        .answer_challenge(challenge(gids.token, &[3; 8]))
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_puk_is_told_once() {
    let bench = Bench::new().await;
    let mut cards = CardsClient::new(bench.with(&[Scope::Pins]).await);
    let held = bench.card(Applet::Piv, State::Active).await;
    let of = |token: &str| wire::ReleasePukRequest {
        token: token.to_owned(),
    };
    let name = held.token.to_string();
    let refused = cards.release_puk(of(&name)).await.unwrap_err();
    assert_eq!(detail(&refused).reason, "NOT_A_CARD", "none is held");
    bench.puk(&held, "31415926").await;
    let told = cards.release_puk(of(&name)).await.unwrap();
    assert_eq!(told.get_ref().puk, "31415926");
    let refused = cards.release_puk(of(&name)).await.unwrap_err();
    assert!(detail(&refused).found.contains("told"), "{refused:?}");
    let refused = cards.release_puk(of("nobody")).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let mut without = CardsClient::new(bench.with(&[Scope::Issue]).await);
    let refused = without.release_puk(of(&name)).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn certificates_are_listed_by_card_or_while_they_wait_and_named_by_id_or_serial() {
    let bench = Bench::new().await;
    let admin = bench.with(&[Scope::Admin, Scope::Read]).await;
    let mut cards = CardsClient::new(admin.clone());
    let mut connections = ConnectionsClient::new(admin);
    connections.create(authorities::builtin()).await.unwrap();
    let held = bench.card(Applet::Piv, State::Active).await;
    let one = bench.certificate(&held, "1a2b", "").await;
    let waiting = bench.certificate(&held, "77", "keyCompromise").await;
    let twin = bench.certificate(&held, "77", "").await;
    let list = |token: &str| wire::ListCertificatesRequest {
        token: token.to_owned(),
    };
    let of_card = cards.list_certificates(list(&held.token.to_string())).await;
    assert_eq!(of_card.unwrap().get_ref().certificates.len(), 3);
    let queue = cards.list_certificates(list("")).await.unwrap();
    let ids: Vec<_> = queue
        .get_ref()
        .certificates
        .iter()
        .map(|row| row.id.clone())
        .collect();
    assert_eq!(ids, [waiting.id.to_string()]);
    let refused = cards.list_certificates(list("nobody")).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);

    let get = |named: &str| wire::GetCertificateRequest {
        certificate: named.to_owned(),
    };
    for named in ["1a2b", "1A:2B", "00:1a:2b", &one.id.to_string()] {
        let found = cards.get_certificate(get(named)).await.unwrap();
        let found = found.into_inner();
        assert_eq!(found.der, [0x30, 0x00]);
        assert_eq!(found.certificate.unwrap().id, one.id.to_string());
    }
    let refused = cards.get_certificate(get("77")).await.unwrap_err();
    assert_eq!(detail(&refused).reason, "CERTIFICATE_AMBIGUOUS");
    let by_id = cards.get_certificate(get(&twin.id.to_string())).await;
    assert!(by_id.is_ok());
    let refused = cards.get_certificate(get("dead")).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let mut without = CardsClient::new(bench.with(&[Scope::Issue]).await);
    let refused = without.list_certificates(list("")).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn generations_of_the_card_master_key_are_counted_by_their_cards() {
    let bench = Bench::new().await;
    let mut cards = CardsClient::new(bench.with(&[Scope::Admin, Scope::Read]).await);
    bench.card(Applet::Piv, State::Active).await;
    bench.card(Applet::Gids, State::Registered).await;
    let create = |comment: &str| wire::CreateCardMasterKeyRequest {
        comment: comment.to_owned(),
    };
    let made = cards.create_master_key(create("yearly")).await.unwrap();
    assert_eq!(made.get_ref().generation, 2);
    let refused = cards.create_master_key(create("a\nb")).await.unwrap_err();
    assert_eq!(detail(&refused).field, "comment");
    let listed = cards
        .list_master_keys(wire::ListCardMasterKeysRequest {})
        .await
        .unwrap();
    let counts: Vec<_> = listed
        .get_ref()
        .keys
        .iter()
        .map(|key| (key.generation, key.cards, key.comment.as_str()))
        .collect();
    assert_eq!(counts, [(1, 2, "first"), (2, 0, "yearly")]);
    let mut without = CardsClient::new(bench.with(&[Scope::Read]).await);
    let refused = without.create_master_key(create("x")).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn next_steps_of_a_card_are_those_of_cards() {
    let bench = Bench::new().await;
    let mut tokens = TokensClient::new(bench.with(&[Scope::Read]).await);
    for (state, next) in [
        (State::Active, &["suspend", "revoke"][..]),
        (State::Revoked, &["retire"]),
        (State::Retired, &["unregister"]),
    ] {
        let held = bench.card(Applet::Piv, state).await;
        let shown = tokens
            .get(wire::GetTokenRequest {
                token: held.token.to_string(),
            })
            .await
            .unwrap();
        assert_eq!(shown.get_ref().allowed, next, "{state}");
    }
}
