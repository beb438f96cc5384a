//! Steps that are cut off between two words of a card, and what a look at the card says of them.

use keysteward_proto::agent::v1 as proto;
use proto::{card_step::Verb, outcome::State, step_error::Code, step_result::Result as Outcome};

use crate::{
    host::{Host, Lease, Pcscd, kill_pcscd},
    piv::{GUID, PIN, factory, generate, made, personalise, sign, write},
    reader::{Card, Moment},
};

crate::stories! {
    a_card_that_was_taken_away_tells_what_was_done_to_it
    a_certificate_comes_with_the_cards_next_guid_or_says_what_is_missing
    what_does_not_show_is_unknown_and_says_what_to_do
    a_service_that_dies_is_no_end_of_a_step
}

const PUT_DATA: u8 = 0xDB;
const GENERATE: u8 = 0x47;
const VERIFY: u8 = 0x20;
const CHANGE_REFERENCE_DATA: u8 = 0x24;
const SET_ADMIN_KEY: u8 = 0xFF;
const RESET: u8 = 0xFB;
const AUTHENTICATE: u8 = 0x87;
/// Tags of data objects.
const CHUID: &[u8] = b"\x5F\xC1\x02";
const CERTIFICATE_9A: &[u8] = b"\x5F\xC1\x05";

/// The step, with the card taken away at `instruction`, and what became of it once the card is
/// back.
pub(crate) async fn cut(
    host: &Host,
    card: &Card,
    lease: &mut Lease,
    (step, verb): (&str, Verb),
    (instruction, moment): (u8, Moment),
) -> proto::Outcome {
    let at = (instruction, &[][..], moment);
    cut_at_one(host, card, lease, (step, verb), at).await
}

/// The same, at the instruction that has these bytes in it.
pub(crate) async fn cut_at_one(
    host: &Host,
    card: &Card,
    lease: &mut Lease,
    (step, verb): (&str, Verb),
    (instruction, about, moment): (u8, &[u8], Moment),
) -> proto::Outcome {
    let before = host.card().await.presence_id;
    card.cut_at_one_about(instruction, about, moment);
    let torn = lease.step(step, verb).await.unwrap_err();
    assert!(
        matches!(torn.code(), Code::TokenRemoved | Code::OutcomeUnknown),
        "{step}: {torn:?}"
    );
    assert!(!card.is_on_reader());
    host.gone(&before).await;
    card.put_back();
    *lease = host.lease().await;
    host.settled(step).await
}

async fn a_card_that_was_taken_away_tells_what_was_done_to_it() {
    use Moment::{After, Before};
    let (card, host) = (Card::piv(4711), Host::new().await);
    let mut lease = host.lease().await;

    // Nothing but a look had happened.
    let outcome = cut(
        &host,
        &card,
        &mut lease,
        ("p0", personalise()),
        (AUTHENTICATE, Before),
    )
    .await;
    assert_eq!(outcome.state(), State::Failed, "{outcome:?}");
    lease.step("p1", personalise()).await.unwrap();

    let made_now = |outcome: &proto::Outcome| match &outcome.result.as_ref().unwrap().result {
        Some(Outcome::KeyGenerated(made)) => made.public_key.clone(),
        other => panic!("{other:?}"),
    };
    let key = || generate("9a", "p256");
    let outcome = cut(&host, &card, &mut lease, ("g0", key()), (GENERATE, Before)).await;
    assert_eq!(outcome.state(), State::Failed, "{outcome:?}");
    assert_eq!(outcome.error.unwrap().code(), Code::CutOff);
    let outcome = cut(&host, &card, &mut lease, ("g1", key()), (GENERATE, After)).await;
    assert_eq!(outcome.state(), State::Done, "{outcome:?}");
    let seen = lease.inspect().await;
    assert_eq!(made_now(&outcome), seen.containers[0].public_key);

    let owner = made(&mut lease, "g2").await;
    let certificate = owner.certificate();
    let outcome = cut(
        &host,
        &card,
        &mut lease,
        ("w0", write(certificate.clone())),
        (PUT_DATA, Before),
    )
    .await;
    assert_eq!(outcome.state(), State::Failed, "{outcome:?}");
    lease.step("w1", write(certificate)).await.unwrap();

    let block = Verb::BlockCardPin(proto::BlockCardPin {
        reference: proto::PinReference::Pin.into(),
    });
    let outcome = cut(&host, &card, &mut lease, ("b0", block), (VERIFY, Before)).await;
    assert_eq!(outcome.state(), State::Failed, "{outcome:?}");

    // Asked again under the same key, it says the same, and nothing is done.
    let again = lease.step("g0", key()).await.unwrap_err();
    assert_eq!(again.code(), Code::CutOff);

    let reset = Verb::ResetCard(proto::ResetCard::default());
    let outcome = cut(&host, &card, &mut lease, ("r0", reset), (RESET, After)).await;
    // The first RESET comes before the PINs are blocked, and the card refused it.
    assert_eq!(outcome.state(), State::Unknown, "{outcome:?}");
    assert!(
        outcome.explanation.contains("reset it again"),
        "{outcome:?}"
    );
}

async fn a_certificate_comes_with_the_cards_next_guid_or_says_what_is_missing() {
    use Moment::{After, Before};
    // Without a serial number, so that nothing but the GUID names it.
    let (card, host) = (Card::piv(0), Host::new().await);
    let mut lease = host.lease().await;
    lease.step("personalise", personalise()).await.unwrap();
    let certificate = made(&mut lease, "generate").await.certificate();
    let with_guid = |last| {
        Verb::WriteCertificate(proto::WriteCertificate {
            admin: factory(),
            container: "9a".to_owned(),
            certificate: certificate.clone(),
            guid: [&GUID[..15], &[last]].concat(),
            ..proto::WriteCertificate::default()
        })
    };
    let named = async |lease: &mut Lease| {
        let seen = lease.inspect().await;
        let [container] = &seen.containers[..] else {
            panic!("{:?}", seen.containers)
        };
        let guid = seen.facts.unwrap().piv.unwrap().guid;
        (guid[15], container.certificate == certificate)
    };

    for (step, (about, moment), state, shows) in [
        (
            "w0",
            (CERTIFICATE_9A, Before),
            State::Failed,
            (GUID[15], false),
        ),
        ("w1", (CHUID, Before), State::Unknown, (GUID[15], true)),
        ("w2", (CHUID, After), State::Done, (2, true)),
    ] {
        let at = (PUT_DATA, about, moment);
        let outcome = cut_at_one(&host, &card, &mut lease, (step, with_guid(2)), at).await;
        assert_eq!(outcome.state(), state, "{step}: {outcome:?}");
        assert_eq!(named(&mut lease).await, shows, "{step}");
    }
    lease.step("w3", with_guid(3)).await.unwrap();
    assert_eq!(named(&mut lease).await, (3, true));
    let wrong = Verb::WriteCertificate(proto::WriteCertificate {
        guid: vec![1; 15],
        ..proto::WriteCertificate::default()
    });
    let refused = lease.step("w4", wrong).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidRequest);
}

async fn what_does_not_show_is_unknown_and_says_what_to_do() {
    let (card, host) = (Card::piv(4711), Host::new().await);
    let mut lease = host.lease().await;
    let change = Verb::ChangeCardPin(proto::ChangeCardPin {
        reference: proto::PinReference::Pin.into(),
        current_pin: PIN.to_owned(),
        new_pin: "246801".to_owned(),
    });
    let at = (CHANGE_REFERENCE_DATA, Moment::After);
    let outcome = cut(&host, &card, &mut lease, ("pin", change), at).await;
    assert_eq!(outcome.state(), State::Unknown, "{outcome:?}");
    assert!(outcome.explanation.contains("set_card_pin"), "{outcome:?}");

    let new_key = vec![9; 24];
    let change = Verb::ChangeAdminKey(proto::ChangeAdminKey {
        current: factory(),
        new_algorithm: "aes192".to_owned(),
        new_key: new_key.clone(),
    });
    let at = (SET_ADMIN_KEY, Moment::After);
    let outcome = cut(&host, &card, &mut lease, ("key", change), at).await;
    assert_eq!(outcome.state(), State::Unknown, "{outcome:?}");
    assert!(
        outcome.explanation.contains("try_admin_keys"),
        "{outcome:?}"
    );
    // Which is what is done then.
    let candidates = vec![
        factory().unwrap(),
        proto::AdminProof {
            key: new_key,
            ..proto::AdminProof::default()
        },
    ];
    let verb = Verb::TryAdminKeys(proto::TryAdminKeys { candidates });
    match lease.step("", verb).await {
        Ok(Outcome::AdminKeyFound(found)) => assert_eq!(found.candidate, Some(1)),
        other => panic!("{other:?}"),
    }
    let unknown = lease.step("key", {
        Verb::ChangeAdminKey(proto::ChangeAdminKey {
            current: factory(),
            new_algorithm: "aes192".to_owned(),
            new_key: vec![9; 24],
        })
    });
    assert_eq!(unknown.await.unwrap_err().code(), Code::OutcomeUnknown);
}

async fn a_service_that_dies_is_no_end_of_a_step() {
    let (card, host) = (Card::piv(4711), Host::new().await);
    let mut lease = host.lease().await;
    lease.step("personalise", personalise()).await.unwrap();
    let key = made(&mut lease, "generate").await;
    // The service dies while the caller is asked; the rest of the step meets nobody.
    let verb = Verb::WriteCertificate(proto::WriteCertificate {
        admin: Some(proto::AdminProof {
            asks_caller: true,
            ..proto::AdminProof::default()
        }),
        container: "9a".to_owned(),
        certificate: key.certificate(),
        ..proto::WriteCertificate::default()
    });
    lease.begin("write", verb, 0).await;
    let asked = lease.answer().await;
    let proto::card_lease_response::Response::AdminChallenge(_) = asked else {
        panic!("{asked:?}")
    };
    kill_pcscd();
    lease
        .send(proto::card_lease_request::Request::AdminAnswer(
            proto::AdminAnswer {
                witness: vec![0; 16],
                challenge: vec![0; 16],
            },
        ))
        .await;
    let torn = lease.done().await.unwrap_err();
    assert!(!torn.changed, "{torn:?}");
    assert_eq!(host.outcome("write").await.state(), State::Failed);
    drop(lease);
    let _pcscd = Pcscd::start();
    assert!(card.is_on_reader());
    let mut lease = host.lease().await;
    let signed = lease.step("sign", sign(key.info(), PIN)).await;
    assert!(signed.is_ok(), "{signed:?}");
}
