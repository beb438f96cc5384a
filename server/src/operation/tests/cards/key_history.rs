//! Keys that mail was encrypted to, when other ones are made.

use super::{whole_life::three, *};

fn reissue(token: TokenId, may_lose_decryption_key: bool) -> Ask {
    Ask::ReissueCertificates {
        token,
        containers: vec!["9d".into()],
        pin: Some(GivenPin::new("271828".into())),
        may_lose_decryption_key,
    }
}

#[tokio::test]
async fn a_key_that_decrypts_stays_until_the_card_is_revoked() {
    let world = World::with(three()).await;
    let token = world.card_in_use().await;
    world.ca.state().knows_successors = true;
    let first = world.card(|card| card.containers["9d"].certificate.clone());
    let done = world.done(reissue(token, false)).await;
    assert_eq!(done.remark, "", "nothing was lost");
    let second = world.card(|card| card.containers["9d"].certificate.clone());
    world.done(reissue(token, false)).await;
    world.card(|card| {
        let held: Vec<_> = card.containers.keys().map(String::as_str).collect();
        assert_eq!(held, ["82", "83", "9a", "9c", "9d"]);
        assert_eq!(card.containers["82"].certificate, first);
        assert_eq!(card.containers["83"].certificate, second);
    });
    assert_eq!(world.ca.good(), 3, "those that took their place");
    world.card_agrees().await;
    world.done(revocation(token)).await;
    world.card(|card| assert!(card.containers.is_empty()));
    world.card_agrees().await;
}

#[tokio::test]
async fn a_key_that_the_card_cannot_keep_is_lost_only_where_that_is_said() {
    let world = World::with(three()).await;
    let token = world.card_in_use().await;
    world.card(|card| card.moves_none = true);
    let before = world.card(|card| card.containers["9d"].certificate.clone());
    let asked = world.ask(reissue(token, false)).await.unwrap();
    let ended = world.settled(asked.id).await;
    assert_eq!(ended.state, State::Failed, "{ended:?}");
    assert!(
        ended.remark.contains("could no longer be read"),
        "{ended:?}"
    );
    let advice = &ended.next_action;
    assert!(advice.contains("--lose-old-decryption-key"), "{ended:?}");
    world.card(|card| assert_eq!(card.containers["9d"].certificate, before));
    assert_eq!(world.ca.good(), 3, "nothing has changed");
    world.card_agrees().await;

    let done = world.done(reissue(token, true)).await;
    assert!(done.remark.contains("can no longer be read"), "{done:?}");
    world.card(|card| assert_ne!(card.containers["9d"].certificate, before));
    world.card_agrees().await;
}

#[tokio::test]
async fn what_is_announced_tells_that_a_key_is_kept() {
    let world = World::with(three()).await;
    let token = world.card_in_use().await;
    let told = |operation: &Operation| -> Vec<String> {
        let progress: crate::operation::Progress =
            serde_json::from_str(&operation.progress).unwrap();
        progress.todo.iter().map(ToString::to_string).collect()
    };
    let moves = |steps: Vec<String>| steps.iter().any(|step| step == "move-key");
    let asked = world.ask(reissue(token, false)).await.unwrap();
    assert!(moves(told(&asked)), "{asked:?}");
    world.settled(asked.id).await;
    let others = world
        .done(Ask::ReissueCertificates {
            token,
            containers: vec!["9a".into()],
            pin: Some(GivenPin::new("271828".into())),
            may_lose_decryption_key: false,
        })
        .await;
    assert!(!moves(told(&others)), "{others:?}");
}
