//! The word of a card for the keys that it made.

use super::*;

#[tokio::test]
async fn a_type_that_requires_attestations_takes_no_key_without_one() {
    fn required(t: &mut crate::lifecycle::TokenType) {
        piv_type(t);
        t.attestation_roots = vec![super::super::card::maker().pem()];
        if let Some(card) = &mut t.card {
            card.attestation = Attestation::Required;
        }
    }
    let world = World::with(Wishes {
        token_type: required,
        ..piv()
    })
    .await;
    world.registered().await;
    let ended = world.settled(world.issue_card().await.id).await;
    assert_eq!(ended.state, State::Failed);
    assert!(ended.remark.contains("does not attest"), "{ended:?}");
    world.card(|card| assert!(card.containers.is_empty()));
    assert_eq!(world.ca.good(), 0);
    world.card(|card| card.attests = true);
    let issued = world.settled(world.issue_card().await.id).await;
    assert_eq!(issued.state, State::Succeeded, "{issued:?}");
    let rows = world.certificates().await;
    let last = rows.last().unwrap();
    assert_eq!(
        last.attestation,
        "made on the card, proven to CN=Test Card Maker"
    );
    world.card_agrees().await;
}

#[tokio::test]
async fn a_type_that_records_attestations_says_what_they_led_to() {
    fn believing(t: &mut crate::lifecycle::TokenType) {
        piv_type(t);
        t.attestation_roots = vec![super::super::card::maker().pem()];
    }
    let none: fn(&mut crate::lifecycle::TokenType) = piv_type;
    for (token_type, attests, said) in [
        (none, false, "not attested"),
        (none, true, "made on the card, says CN=Test Card Maker"),
        (believing, false, "not proven: the card does not attest"),
        (
            believing,
            true,
            "made on the card, proven to CN=Test Card Maker",
        ),
    ] {
        let world = World::with(Wishes {
            token_type,
            ..piv()
        })
        .await;
        world.card(|card| card.attests = attests);
        world.registered().await;
        let issued = world.settled(world.issue_card().await.id).await;
        assert_eq!(issued.state, State::Succeeded, "{issued:?}");
        for row in world.certificates().await {
            assert!(row.attestation.starts_with(said), "{}", row.attestation);
        }
    }
}
