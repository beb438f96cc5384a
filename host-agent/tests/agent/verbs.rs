//! Each thing that can be done to a token.

use keysteward_core::{
    cbor::Parse as _,
    crypto::RustCrypto,
    ctap2::get_info,
    webauthn::{
        attestation::AttestationObject, authenticator_data::AuthenticatorData, cose::PublicKey,
    },
};
use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::device::TouchPolicy;
use proto::{
    lease_request, lease_response, progress::Kind, step::Verb, step_error::Code,
    step_result::Result as Answer,
};
use rand_core::OsRng;

use crate::harness::{Host, Key, PIN, RP, USER, delete, key, list, make_credential, set_pin};

#[tokio::test]
async fn inspect_tells_the_pin_retries_and_what_the_token_says_of_itself() {
    let host = Host::new().await;
    let _key = host.key().await;
    let mut lease = host.lease().await;
    let Answer::Inspected(seen) = lease
        .step("", Verb::Inspect(proto::Inspect {}))
        .await
        .unwrap()
    else {
        panic!();
    };
    assert!(seen.pin_set && !seen.power_cycle_needed);
    assert_eq!(seen.pin_retries, 8);
    let info = get_info::Response::parse(&seen.get_info).unwrap();
    assert!(info.has_version("FIDO_2_3"));
}

#[tokio::test]
async fn a_pin_is_set_once_and_then_changed() {
    let host = Host::new().await;
    let token = Key::new(host.folder.path(), Some("KS-1"));
    let mut lease = host.lease().await;
    assert_eq!(
        lease.step("set", set_pin(PIN)).await,
        Ok(Answer::Done(proto::Done {}))
    );
    assert!(token.pin_set());
    let again = lease
        .step("set-again", set_pin("271828"))
        .await
        .unwrap_err();
    assert_eq!(again.code(), Code::PinAlreadySet);
    let change = |current: &str, new: &str| {
        Verb::ChangePin(proto::ChangePin {
            current_pin: current.to_owned(),
            new_pin: new.to_owned(),
        })
    };
    let wrong = lease
        .step("change-1", change("000000", "271828"))
        .await
        .unwrap_err();
    assert_eq!(
        (wrong.code(), wrong.pin_retries),
        (Code::PinInvalid, Some(7))
    );
    assert!(!wrong.changed);
    lease.step("change-2", change(PIN, "271828")).await.unwrap();
    lease.step("change-3", change("271828", PIN)).await.unwrap();
}

#[tokio::test]
async fn the_listing_follows_what_was_changed() {
    let host = Host::new().await;
    let _key = Key::new(host.folder.path(), Some("KS-1"));
    let caller = host.caller().await;
    let pin_option = async || caller.token().await.fido.unwrap().options["clientPin"];
    assert!(!pin_option().await);
    host.lease().await.set_pin("set").await;
    assert!(pin_option().await);
}

#[tokio::test]
async fn three_wrong_pins_ask_for_a_replug_and_not_for_a_reset() {
    let host = Host::new().await;
    let token = host.key().await;
    let wrong = || {
        Verb::ListCredentials(proto::ListCredentials {
            pin: "000000".to_owned(),
            rp_id: String::new(),
            ..proto::ListCredentials::default()
        })
    };
    let mut lease = host.lease().await;
    for left in [7, 6] {
        let error = lease.step("", wrong()).await.unwrap_err();
        assert_eq!(
            (error.code(), error.pin_retries),
            (Code::PinInvalid, Some(left))
        );
    }
    let error = lease.step("", wrong()).await.unwrap_err();
    assert_eq!(error.code(), Code::PinAuthBlocked);
    assert!(error.message.contains("unplug"), "{}", error.message);
    host.replug(&token).await;
    assert!(host.lease().await.step("", list()).await.is_ok());
}

#[tokio::test]
async fn a_pin_that_breaks_a_rule_is_refused_with_the_rule() {
    let host = Host::new().await;
    let _key = host.key().await;
    let mut lease = host.lease().await;
    let configure = Verb::Configure(proto::Configure {
        pin: PIN.to_owned(),
        min_pin_length: Some(6),
        ..proto::Configure::default()
    });
    lease.step("configure", configure).await.unwrap();
    let change = Verb::ChangePin(proto::ChangePin {
        current_pin: PIN.to_owned(),
        new_pin: "12345".to_owned(),
    });
    let error = lease.step("change", change).await.unwrap_err();
    assert_eq!(error.code(), Code::PinPolicyViolation);
    assert_eq!(error.rule, "minPINLength 6");
}

#[tokio::test]
async fn a_forced_change_is_configured_and_told_apart() {
    let host = Host::new().await;
    let _key = host.key().await;
    let mut lease = host.lease().await;
    let force = Verb::Configure(proto::Configure {
        pin: PIN.to_owned(),
        force_pin_change: true,
        enable_enterprise_attestation: true,
        always_uv: Some(true),
        ..proto::Configure::default()
    });
    lease.step("configure", force).await.unwrap();
    let fido = host.caller().await.token().await.fido.unwrap();
    assert!(fido.force_pin_change && fido.options["ep"] && fido.options["alwaysUv"]);
    let error = lease.step("", list()).await.unwrap_err();
    assert_eq!(error.code(), Code::PinChangeForced);
}

#[tokio::test]
async fn a_credential_is_made_found_listed_proved_and_deleted() {
    let host = Host::new().await;
    let token = host.key().await;
    let mut lease = host.lease().await;
    token.device.set_touch_policy(TouchPolicy::Ask);
    lease.begin("make", make_credential()).await;
    let asked = lease.hears(Kind::TouchNeeded).await;
    assert!(asked.starts_with("touch the Virtual Key on "), "{asked}");
    token.device.set_touch_policy(TouchPolicy::Always);
    let Ok(Answer::CredentialMade(made)) = lease.done().await else {
        panic!();
    };
    let object = AttestationObject::parse(&made.attestation_object).unwrap();
    let data = AuthenticatorData::parse(object.auth_data).unwrap();
    let attested = data.attested_credential.unwrap();
    assert_eq!(attested.credential_id, made.credential_id);

    let look = Verb::LookForCredentials(proto::LookForCredentials {
        rp_id: RP.to_owned(),
        credential_ids: vec![vec![1; 32], made.credential_id.clone()],
    });
    let Ok(Answer::FoundCredentials(found)) = lease.step("", look).await else {
        panic!();
    };
    assert_eq!(
        found.credential_ids,
        std::slice::from_ref(&made.credential_id)
    );

    let Ok(Answer::CredentialList(listed)) = lease.step("", list()).await else {
        panic!();
    };
    assert_eq!(listed.existing, 1);
    let [credential] = &listed.credentials[..] else {
        panic!("{listed:?}");
    };
    assert_eq!(
        (credential.rp_id.as_str(), &credential.user_id[..]),
        (RP, USER)
    );
    assert_eq!(credential.user_name, "alice");
    let public_key = PublicKey::parse(&credential.public_key).unwrap();
    assert_eq!(public_key, attested.public_key);

    let prove = Verb::ProveCredential(proto::ProveCredential {
        pin: PIN.to_owned(),
        rp_id: RP.to_owned(),
        credential_id: made.credential_id.clone(),
        client_data_hash: vec![6; 32],
    });
    let Ok(Answer::AssertionMade(proof)) = lease.step("prove", prove).await else {
        panic!();
    };
    let signed: [&[u8]; 2] = [&proof.authenticator_data, &[6; 32]];
    let _verified = public_key
        .verify(&RustCrypto(OsRng), &signed, &proof.signature)
        .unwrap();

    lease
        .step("delete", delete(&made.credential_id))
        .await
        .unwrap();
    assert_eq!(token.credentials(), 0);
    let error = lease
        .step("delete-again", delete(&made.credential_id))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::CredentialNotFound);
}

#[tokio::test]
async fn an_excluded_credential_keeps_another_from_being_made() {
    let host = Host::new().await;
    let token = host.key().await;
    let mut lease = host.lease().await;
    let made = lease.make("make").await;
    let Verb::MakeCredential(again) = make_credential() else {
        panic!();
    };
    let again = Verb::MakeCredential(proto::MakeCredential {
        exclude_credential_ids: vec![made.credential_id],
        ..again
    });
    let error = lease.step("again", again).await.unwrap_err();
    assert_eq!(error.code(), Code::CredentialExcluded);
    assert_eq!(token.credentials(), 1);
}

#[tokio::test]
async fn enterprise_attestation_is_told_from_the_ordinary_kind() {
    let host = Host::new().await;
    let _key = host.key().await;
    let mut lease = host.lease().await;
    let enable = Verb::Configure(proto::Configure {
        pin: PIN.to_owned(),
        enable_enterprise_attestation: true,
        ..proto::Configure::default()
    });
    lease.step("enable", enable).await.unwrap();
    assert!(!lease.make("plain").await.enterprise_attestation);
    let Verb::MakeCredential(make) = make_credential() else {
        panic!();
    };
    let make = Verb::MakeCredential(proto::MakeCredential {
        enterprise_attestation: 1,
        user_id: b"user-2".to_vec(),
        ..make
    });
    let Ok(Answer::CredentialMade(made)) = lease.step("enterprise", make).await else {
        panic!();
    };
    assert!(made.enterprise_attestation);
}

#[tokio::test]
async fn a_selection_waits_for_the_touch() {
    let host = Host::new().await;
    let token = Key::new(host.folder.path(), None);
    token.device.set_touch_policy(TouchPolicy::Ask);
    let mut lease = host.lease().await;
    lease.begin("", Verb::Select(proto::Select {})).await;
    lease.hears(Kind::TouchNeeded).await;
    token.device.touch().unwrap();
    assert_eq!(lease.done().await, Ok(Answer::Done(proto::Done {})));
}

#[tokio::test]
async fn a_touch_that_does_not_come_ends_the_step_and_leaves_the_token_as_it_was() {
    let host = Host::new().await;
    let token = host.key().await;
    token.device.set_touch_policy(TouchPolicy::Never);
    let mut lease = host.lease().await;
    lease.begin_within("make", make_credential(), 300).await;
    let error = lease.done().await.unwrap_err();
    assert_eq!(error.code(), Code::TouchTimeout);
    assert!(!error.changed);
    let outcome = host.caller().await.outcome("make").await;
    assert_eq!(outcome.state(), proto::outcome::State::Failed);
    assert_eq!(token.credentials(), 0);
}

#[tokio::test]
async fn a_cancelled_step_ends_and_the_lease_goes_on() {
    let host = Host::new().await;
    let token = host.key().await;
    token.device.set_touch_policy(TouchPolicy::Ask);
    let mut lease = host.lease().await;
    lease.begin("make", make_credential()).await;
    lease.hears(Kind::TouchNeeded).await;
    lease
        .send(lease_request::Request::Cancel(proto::Cancel {}))
        .await;
    let error = lease.done().await.unwrap_err();
    assert_eq!(error.code(), Code::Cancelled);
    assert!(lease.step("", list()).await.is_ok());
    assert_eq!(token.credentials(), 0);
}

#[tokio::test]
async fn the_same_key_gives_the_stored_result_and_touches_no_token() {
    let host = Host::new().await;
    let token = host.key().await;
    let mut lease = host.lease().await;
    let first = lease.step("make", make_credential()).await.unwrap();
    let again = lease.step("make", make_credential()).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(token.credentials(), 1);
    let failed = lease.step("set", set_pin("271828")).await.unwrap_err();
    assert_eq!(lease.step("set", set_pin("271828")).await, Err(failed));
}

#[tokio::test]
async fn a_key_is_not_used_for_another_request() {
    let host = Host::new().await;
    let token = host.key().await;
    let mut lease = host.lease().await;
    lease.make("make").await;
    let Verb::MakeCredential(make) = make_credential() else {
        panic!();
    };
    let other = Verb::MakeCredential(proto::MakeCredential {
        user_id: b"user-2".to_vec(),
        ..make
    });
    for verb in [other, delete(&[1; 32])] {
        let error = lease.step("make", verb).await.unwrap_err();
        assert_eq!(error.code(), Code::KeyReused);
    }
    assert_eq!(token.credentials(), 1);
}

#[tokio::test]
async fn raw_bytes_go_through_where_the_host_allows_it_and_are_not_kept() {
    let host = Host::with_policy(keysteward_agent::settings::Policy {
        allow_raw: true,
        ..Default::default()
    })
    .await;
    let _key = Key::new(host.folder.path(), Some("KS-1"));
    let mut lease = host.lease().await;
    let raw = |step: &str| {
        lease_request::Request::Raw(proto::Raw {
            key: Some(key(step)),
            request: vec![0x04],
            timeout_ms: 0,
        })
    };
    lease.send(raw("raw")).await;
    let Some(lease_response::Response::Raw(result)) = lease.answer().await else {
        panic!();
    };
    assert_eq!(result.response[0], 0);
    assert!(get_info::Response::parse(&result.response[1..]).is_ok());
    let outcome = host.caller().await.outcome("raw").await;
    assert_eq!(
        (outcome.state(), outcome.verb.as_str()),
        (proto::outcome::State::Done, "raw")
    );
    lease.send(raw("raw")).await;
    assert_eq!(lease.done().await.unwrap_err().code(), Code::KeyReused);
}
