//! Cards, readers and services that come and go.

use crate::card::fido_card;
use crate::host::{Host, Pcscd, kill_pcscd, until};
use keysteward_proto::agent::v1::token_event::Event;
use keysteward_tests::pcscd::{FIRST_READER, SECOND_READER};
use keysteward_virtual_token::manufacture::Profile;
use pcsc::{Context, Protocols, Scope, ShareMode};

stories! {
    a_card_that_is_put_on_a_reader_is_seen_until_it_is_taken_off
    cards_on_two_readers_are_two_tokens
    an_agent_that_starts_before_the_service_sees_cards_once_it_runs
    cards_go_with_a_service_that_is_killed_and_come_with_the_next
    a_card_that_another_program_keeps_is_read_once_it_is_let_go
    no_card_is_looked_for_where_the_settings_say_so
}

async fn a_card_that_is_put_on_a_reader_is_seen_until_it_is_taken_off() {
    let host = Host::new().await;
    let mut events = host.watch().await;
    let mut next = async || events.message().await.unwrap().unwrap().event.unwrap();
    assert!(matches!(next().await, Event::Snapshot(none) if none.tokens.is_empty()));

    let card = fido_card(FIRST_READER, Profile::NfcOnly);
    let Event::Added(token) = next().await else {
        panic!("not added");
    };
    assert_eq!(token.transport, "pcsc");
    assert_eq!(token.applets, ["fido2", "u2f"]);
    assert!(!token.r#virtual && token.fault.is_empty(), "{token:?}");
    let facts = token.card.unwrap();
    assert!(facts.reader.contains("Virtual PCD"), "{}", facts.reader);
    assert_eq!(facts.atr, keysteward_virtual_token::card::ATR);
    assert_eq!((facts.piv, facts.gids), (None, None));

    card.unplug();
    assert_eq!(next().await, Event::Removed(token.presence_id.clone()));
    card.plug();
    let Event::Added(again) = next().await else {
        panic!("not added");
    };
    assert_ne!(again.presence_id, token.presence_id);
}

async fn cards_on_two_readers_are_two_tokens() {
    let host = Host::new().await;
    let one = fido_card(FIRST_READER, Profile::NfcOnly);
    let _other = fido_card(SECOND_READER, Profile::NfcOnly);
    until("both are seen", async || host.tokens().await.len() == 2).await;
    let reader = |token: &keysteward_proto::agent::v1::Token| {
        token.card.as_ref().map(|card| card.reader.clone()).unwrap()
    };
    let tokens = host.tokens().await;
    assert_ne!(reader(&tokens[0]), reader(&tokens[1]));
    one.unplug();
    let left = host.token(|_| true).await;
    assert!(tokens.contains(&left));
}

async fn an_agent_that_starts_before_the_service_sees_cards_once_it_runs() {
    kill_pcscd();
    let host = Host::new().await;
    let _card = fido_card(FIRST_READER, Profile::NfcOnly);
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    assert!(host.tokens().await.is_empty());
    let _pcscd = Pcscd::start();
    host.token(|token| token.fido.is_some()).await;
}

async fn cards_go_with_a_service_that_is_killed_and_come_with_the_next() {
    let host = Host::new().await;
    let _card = fido_card(FIRST_READER, Profile::NfcOnly);
    let before = host.token(|token| token.fido.is_some()).await;
    kill_pcscd();
    host.is_empty().await;
    for _ in 0..3 {
        let pcscd = Pcscd::start();
        let again = host.token(|token| token.fido.is_some()).await;
        assert_ne!(again.presence_id, before.presence_id);
        host.lease(&again).await.end().await;
        drop(pcscd);
        host.is_empty().await;
    }
}

async fn a_card_that_another_program_keeps_is_read_once_it_is_let_go() {
    let others = Context::establish(Scope::User).unwrap();
    let reader = others.list_readers_owned().unwrap().remove(0);
    let _card = fido_card(FIRST_READER, Profile::NfcOnly);
    let keep = || others.connect(&reader, ShareMode::Exclusive, Protocols::ANY);
    until("a card is there", async || keep().is_ok()).await;
    let kept = keep().unwrap();
    let host = Host::new().await;
    let token = host.token(|token| !token.fault.is_empty()).await;
    assert!(
        token.fault.contains("another program has the card"),
        "{}",
        token.fault
    );
    drop(kept);
    let read = host.token(|token| token.fido.is_some()).await;
    assert_eq!(read.presence_id, token.presence_id);
}

async fn no_card_is_looked_for_where_the_settings_say_so() {
    let _card = fido_card(FIRST_READER, Profile::NfcOnly);
    let looks = Host::new().await;
    let looks_not = Host::with(|settings| settings.pcsc = false).await;
    looks.token(|token| token.fido.is_some()).await;
    assert!(looks_not.tokens().await.is_empty());
}
