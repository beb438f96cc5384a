//! What an administrator does to a key, at a reader, through the agent.

use crate::card::fido_card;
use crate::host::{Host, Lease, until};
use keysteward_proto::agent::v1 as proto;
use keysteward_tests::pcscd::FIRST_READER;
use keysteward_virtual_token::manufacture::Profile;
use proto::step::Verb;
use proto::step_error::Code;
use proto::step_result::Result as Done;

stories! {
    the_life_of_a_key_at_a_reader
    a_key_that_is_taken_off_in_a_lease_is_told
    a_reset_asks_for_the_card_to_be_put_on_anew
}

const PIN: &str = "314159";
const RP_ID: &str = "login.example.com";

fn make() -> Verb {
    Verb::MakeCredential(proto::MakeCredential {
        pin: PIN.to_owned(),
        rp_id: RP_ID.to_owned(),
        client_data_hash: vec![5; 32],
        user_id: b"user-1".to_vec(),
        user_name: "alice".to_owned(),
        algorithms: vec![-7],
        resident_key: true,
        ..proto::MakeCredential::default()
    })
}

fn set_pin() -> Verb {
    Verb::SetPin(proto::SetPin {
        new_pin: PIN.to_owned(),
    })
}

async fn credentials(lease: &mut Lease) -> Vec<Vec<u8>> {
    let list = Verb::ListCredentials(proto::ListCredentials {
        pin: PIN.to_owned(),
        ..proto::ListCredentials::default()
    });
    match lease.step("", list).await.unwrap() {
        Done::CredentialList(listed) => {
            let listed = listed.credentials.into_iter();
            listed.map(|one| one.credential_id).collect()
        }
        other => panic!("{other:?}"),
    }
}

async fn the_life_of_a_key_at_a_reader() {
    let host = Host::new().await;
    let _card = fido_card(FIRST_READER, Profile::NfcOnly);
    let token = host.token(|token| token.fido.is_some()).await;
    let mut lease = host.lease(&token).await;
    lease.step("set pin", set_pin()).await.unwrap();
    // What it tells is read anew.
    let pin_is_set = |token: &proto::Token| token.fido.as_ref().unwrap().options["clientPin"];
    host.token(pin_is_set).await;

    let Done::CredentialMade(made) = lease.step("make", make()).await.unwrap() else {
        panic!("not made");
    };
    assert_eq!(
        credentials(&mut lease).await,
        std::slice::from_ref(&made.credential_id)
    );
    let look = Verb::LookForCredentials(proto::LookForCredentials {
        rp_id: RP_ID.to_owned(),
        credential_ids: vec![made.credential_id.clone(), vec![9; 32]],
    });
    let Done::FoundCredentials(found) = lease.step("", look).await.unwrap() else {
        panic!("not looked for");
    };
    assert_eq!(
        found.credential_ids,
        std::slice::from_ref(&made.credential_id)
    );
    let prove = Verb::ProveCredential(proto::ProveCredential {
        pin: PIN.to_owned(),
        rp_id: RP_ID.to_owned(),
        credential_id: made.credential_id.clone(),
        client_data_hash: vec![6; 32],
    });
    lease.step("prove", prove).await.unwrap();
    let configure = Verb::Configure(proto::Configure {
        pin: PIN.to_owned(),
        min_pin_length: Some(5),
        ..proto::Configure::default()
    });
    lease.step("configure", configure).await.unwrap();
    let delete = Verb::DeleteCredential(proto::DeleteCredential {
        pin: PIN.to_owned(),
        credential_id: made.credential_id,
        rp_id: RP_ID.to_owned(),
    });
    lease.step("delete", delete).await.unwrap();
    assert!(credentials(&mut lease).await.is_empty());
    let wink = lease.step("", Verb::Wink(proto::Wink {})).await;
    assert_eq!(wink.unwrap_err().code(), Code::NotSupported);
    lease.end().await;
    let read = host.token(|_| true).await;
    assert_eq!(read.fido.unwrap().min_pin_length, 5);
}

async fn a_key_that_is_taken_off_in_a_lease_is_told() {
    let host = Host::new().await;
    let card = fido_card(FIRST_READER, Profile::NfcOnly);
    let token = host.token(|token| token.fido.is_some()).await;
    let mut lease = host.lease(&token).await;
    lease.step("set pin", set_pin()).await.unwrap();
    card.unplug();
    let failed = lease.step("make", make()).await.unwrap_err();
    assert!(
        matches!(failed.code(), Code::TokenRemoved | Code::TokenNotPresent),
        "{failed:?}"
    );
    host.is_empty().await;
    card.plug();
    let token = host.token(|token| token.fido.is_some()).await;
    let mut lease = host.lease(&token).await;
    assert!(credentials(&mut lease).await.is_empty());
}

async fn a_reset_asks_for_the_card_to_be_put_on_anew() {
    let host = Host::new().await;
    let card = fido_card(FIRST_READER, Profile::NfcOnly);
    let token = host.token(|token| token.fido.is_some()).await;
    let mut lease = host.lease(&token).await;
    lease.step("set pin", set_pin()).await.unwrap();
    let hand = async {
        card.unplug();
        host.is_empty().await;
        card.plug();
    };
    let reset = lease.step("reset", Verb::Reset(proto::Reset {}));
    let (done, ()) = tokio::join!(reset, hand);
    done.unwrap();
    assert!(lease.heard.contains(&proto::progress::Kind::PlugInNeeded));
    lease.end().await;
    until("the PIN is gone", async || {
        let tokens = host.tokens().await;
        let told = tokens.first().and_then(|token| token.fido.clone());
        told.is_some_and(|fido| !fido.options["clientPin"])
    })
    .await;
}
