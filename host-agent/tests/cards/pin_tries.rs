//! How many tries PIN and PUK of a PIV card have.

use keysteward_proto::agent::v1 as proto;
use proto::{card_step::Verb, outcome::State, step_error::Code};

use crate::{
    cut_off::cut,
    host::{Host, Lease},
    piv::{PIN, PUK, factory},
    reader::{Card, Moment},
};

crate::stories! {
    tries_are_set_and_the_secrets_of_the_factory_come_back
    what_cannot_be_done_says_why
    tries_that_were_cut_off_are_settled_by_a_look
}

const NEW_PIN: &str = "654321";

/// Instruction byte of SET PIN RETRIES.
const SET_PIN_RETRIES: u8 = 0xFA;

fn set_tries(pin: &str, pin_tries: u32, puk_tries: u32) -> Verb {
    Verb::SetPinTries(proto::SetPinTries {
        admin: factory(),
        pin: pin.to_owned(),
        pin_tries,
        puk_tries,
    })
}

fn change_pin(from: &str, to: &str) -> Verb {
    Verb::ChangeCardPin(proto::ChangeCardPin {
        reference: proto::PinReference::Pin.into(),
        current_pin: from.to_owned(),
        new_pin: to.to_owned(),
    })
}

/// Tries of PIN and PUK.
async fn tries(lease: &mut Lease) -> (Option<u32>, Option<u32>) {
    let piv = lease.inspect().await.facts.unwrap().piv.unwrap();
    (piv.pin.unwrap().tries, piv.puk.unwrap().tries)
}

async fn tries_are_set_and_the_secrets_of_the_factory_come_back() {
    let (_card, host) = (Card::piv(1), Host::new().await);
    let mut lease = host.lease().await;
    lease
        .step("change", change_pin(PIN, NEW_PIN))
        .await
        .unwrap();
    lease.step("tries", set_tries(NEW_PIN, 5, 7)).await.unwrap();
    assert_eq!(tries(&mut lease).await, (Some(5), Some(7)));
    let old = lease
        .step("old", change_pin(NEW_PIN, PIN))
        .await
        .unwrap_err();
    assert_eq!((old.code(), old.pin_retries), (Code::PinInvalid, Some(4)));
    lease.step("new", change_pin(PIN, NEW_PIN)).await.unwrap();
    let unblock = Verb::SetCardPin(proto::SetCardPin {
        new_pin: PIN.to_owned(),
        puk: PUK.to_owned(),
        admin: None,
    });
    lease.step("unblock", unblock).await.unwrap();
    assert_eq!(host.outcome("tries").await.state(), State::Done);
}

async fn what_cannot_be_done_says_why() {
    let (_card, host) = (Card::piv(1), Host::new().await);
    let mut lease = host.lease().await;
    for (step, pin, pin_tries, puk_tries, code, field) in [
        ("no-pin", "", 5, 5, Code::PinRequired, "pin"),
        ("none", PIN, 0, 5, Code::InvalidRequest, "pin_tries"),
        ("too-many", PIN, 5, 256, Code::InvalidRequest, "puk_tries"),
    ] {
        let verb = set_tries(pin, pin_tries, puk_tries);
        let refused = lease.step(step, verb).await.unwrap_err();
        let told = (refused.code(), &*refused.field);
        assert_eq!(told, (code, field), "{step}");
    }
    let before = tries(&mut lease).await;
    let wrong = lease
        .step("wrong", set_tries("999999", 5, 5))
        .await
        .unwrap_err();
    assert_eq!((wrong.code(), wrong.changed), (Code::PinInvalid, false));
    assert_eq!(tries(&mut lease).await, before);
}

async fn tries_that_were_cut_off_are_settled_by_a_look() {
    let (card, host) = (Card::piv(1), Host::new().await);
    let mut lease = host.lease().await;
    for (step, moment, state) in [
        ("before", Moment::Before, State::Failed),
        ("after", Moment::After, State::Done),
    ] {
        let asked = (step, set_tries(PIN, 5, 7));
        let outcome = cut(&host, &card, &mut lease, asked, (SET_PIN_RETRIES, moment)).await;
        assert_eq!(outcome.state(), state, "{step}: {outcome:?}");
    }
}
