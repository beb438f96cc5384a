//! One key that is seen on HID and at a reader.

use crate::card::{key, key_at_reader};
use crate::host::{Host, Pcscd, kill_pcscd, until};
use keysteward_proto::agent::v1 as proto;
use keysteward_tests::pcscd::FIRST_READER;
use proto::Token;
use proto::step::Verb;

stories! {
    a_key_that_comes_to_hid_first_is_one_token
    a_key_that_comes_to_the_reader_first_is_one_token
    two_keys_of_one_model_stay_two_tokens
    a_service_that_restarts_takes_only_the_readers_side_away
    a_key_that_is_unplugged_is_gone_from_both_sides
    a_lease_outlives_the_coming_of_the_other_side
}

const SERIAL: u32 = 12_345_678;

fn has_fido(token: &Token) -> bool {
    token.fido.is_some()
}

fn has_both(token: &Token) -> bool {
    token.transport == "socket" && token.card.is_some()
}

fn shows_both_sides(token: &Token) {
    assert_eq!(token.applets, ["fido2", "u2f", "piv"]);
    assert_eq!(token.serial, "12345678");
    assert_eq!(token.product, "Virtual Key");
    assert!(token.r#virtual);
    let card = token.card.as_ref().unwrap();
    assert_eq!(card.piv.as_ref().unwrap().serial, SERIAL);
    assert!(card.reader.contains("Virtual PCD"), "{}", card.reader);
}

async fn a_key_that_comes_to_hid_first_is_one_token() {
    let host = Host::new().await;
    let _hid = key(&host.hid(), "12345678");
    let first = host.token(has_fido).await;
    let _reader = key_at_reader(FIRST_READER, SERIAL);
    let both = host.token(has_both).await;
    assert_eq!(both.presence_id, first.presence_id);
    shows_both_sides(&both);
    drives_fido_over_hid(&host, &both).await;
}

async fn a_key_that_comes_to_the_reader_first_is_one_token() {
    let host = Host::new().await;
    let _reader = key_at_reader(FIRST_READER, SERIAL);
    let first = host.token(has_fido).await;
    assert_eq!(first.transport, "pcsc");
    let _hid = key(&host.hid(), "12345678");
    let both = host.token(has_both).await;
    assert_eq!(both.presence_id, first.presence_id);
    shows_both_sides(&both);
    drives_fido_over_hid(&host, &both).await;
}

/// The PIN that is set is that of HID's key: here the sides are two keys in truth.
async fn drives_fido_over_hid(host: &Host, token: &Token) {
    let mut lease = host.lease(token).await;
    let set_pin = Verb::SetPin(proto::SetPin {
        new_pin: "314159".to_owned(),
    });
    lease.step("set pin", set_pin).await.unwrap();
    lease.step("", Verb::Wink(proto::Wink {})).await.unwrap();
    lease.end().await;
}

async fn two_keys_of_one_model_stay_two_tokens() {
    let host = Host::new().await;
    let _hid = key(&host.hid(), "12345679");
    host.token(has_fido).await;
    let _reader = key_at_reader(FIRST_READER, SERIAL);
    until("both are read", async || {
        let tokens = host.tokens().await;
        tokens.len() == 2 && tokens.iter().all(has_fido)
    })
    .await;
    let tokens = host.tokens().await;
    assert!(!tokens.iter().any(has_both), "{tokens:?}");
}

async fn a_service_that_restarts_takes_only_the_readers_side_away() {
    let host = Host::new().await;
    let _hid = key(&host.hid(), "12345678");
    let _reader = key_at_reader(FIRST_READER, SERIAL);
    let both = host.token(has_both).await;
    let mut lease = host.lease(&both).await;
    kill_pcscd();
    let one = host.token(|token| token.card.is_none()).await;
    assert_eq!(one.presence_id, both.presence_id);
    assert_eq!(one.applets, ["fido2", "u2f"]);
    lease.step("", Verb::Wink(proto::Wink {})).await.unwrap();
    let _pcscd = Pcscd::start();
    let again = host.token(has_both).await;
    assert_eq!(again.presence_id, both.presence_id);
    lease.step("", Verb::Wink(proto::Wink {})).await.unwrap();
}

async fn a_key_that_is_unplugged_is_gone_from_both_sides() {
    let host = Host::new().await;
    let hid = key(&host.hid(), "12345678");
    let reader = key_at_reader(FIRST_READER, SERIAL);
    let both = host.token(has_both).await;
    let mut events = host.watch().await;
    let mut next = async || events.message().await.unwrap().unwrap().event.unwrap();
    next().await;
    hid.unplug();
    reader.unplug();
    let removed = proto::token_event::Event::Removed(both.presence_id.clone());
    assert_eq!(next().await, removed);
    hid.plug();
    reader.plug();
    // The side that went a little later was not told of in between.
    assert!(matches!(next().await, proto::token_event::Event::Added(_)));
    let again = host.token(has_both).await;
    assert_ne!(again.presence_id, both.presence_id);
}

async fn a_lease_outlives_the_coming_of_the_other_side() {
    let host = Host::new().await;
    let _reader = key_at_reader(FIRST_READER, SERIAL);
    let first = host.token(has_fido).await;
    let mut lease = host.lease(&first).await;
    let _hid = key(&host.hid(), "12345678");
    host.token(has_both).await;
    // Over HID now, which can wink.
    lease.step("", Verb::Wink(proto::Wink {})).await.unwrap();
}
