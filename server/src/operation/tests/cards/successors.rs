//! Certificates in the place of others: renewed and reissued.

use super::*;

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
            may_lose_decryption_key: false,
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
async fn an_authority_that_knows_renewals_is_asked_for_one_and_the_old_one_stays() {
    let world = World::with(piv()).await;
    let token = world.card_in_use().await;
    world.ca.state().knows_successors = true;
    world.ca.state().asked.clear();
    let before = world.certificates().await;
    let renewed = world
        .done(Ask::RenewCertificates {
            token,
            containers: vec!["9a".into()],
            pin: Some(GivenPin::new("271828".into())),
        })
        .await;
    let told = &renewed.progress;
    assert!(told.contains("renew-certificate"), "{told}");
    assert!(!told.contains("enrol\""), "{told}");
    let old = before[0].serial.clone();
    assert_eq!(world.ca.state().asked, [(Call::Renew, old.clone())]);
    assert_eq!(world.ca.good(), 3, "what ends stays until then");
    let records = world.audit_is_whole().await;
    let of_ca = records.iter().find(|r| r.verb == "ca.renew").unwrap();
    let facts: serde_json::Value = serde_json::from_str(&of_ca.facts).unwrap();
    assert_eq!(facts["in_the_place_of"], old);
    world.card_agrees().await;
    world.ca.state().asked.clear();
    world
        .done(Ask::ReissueCertificates {
            token,
            containers: vec!["9c".into()],
            pin: Some(GivenPin::new("271828".into())),
            may_lose_decryption_key: false,
        })
        .await;
    let old = before[1].serial.clone();
    assert_eq!(world.ca.state().asked, [(Call::Reissue, old)]);
    assert_eq!(world.ca.state().reasons, [Reason::Superseded]);
    world.card_agrees().await;
}

#[tokio::test]
async fn an_authority_that_knows_no_renewals_enrols_and_the_old_one_is_revoked() {
    let world = World::with(piv()).await;
    let token = world.card_in_use().await;
    world.ca.state().asked.clear();
    let renewed = world
        .done(Ask::RenewCertificates {
            token,
            containers: vec!["9a".into()],
            pin: Some(GivenPin::new("271828".into())),
        })
        .await;
    let told = &renewed.progress;
    assert!(told.contains("revoke-certificate"), "{told}");
    assert_eq!(world.ca.state().asked, [(Call::Enrol, String::new())]);
    assert_eq!(world.ca.state().reasons, [Reason::Superseded]);
    assert_eq!(world.ca.good(), 2);
    let rows = world.certificates().await;
    assert_eq!(rows[0].state, certificate::State::Revoked);
    assert_eq!(rows[0].on_card, OnCard::Replaced);
    world.card_agrees().await;
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
                may_lose_decryption_key: false,
            })
            .await;
        world.card(|card| assert_eq!(card.pin_tries, 0, "nor now"));
        let held = world.secrets().await;
        assert!(held.iter().all(|s| s.kind == sealed_secret::Kind::Puk));
        world.card_agrees().await;
    }
}
