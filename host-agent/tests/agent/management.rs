//! What an administrator does to a token beside PINs and credentials of its own making.

use keysteward_proto::agent::v1 as proto;
use proto::{step::Verb, step_error::Code, step_result::Result as Answer};

use crate::harness::{Host, Lease, PIN, RP, USER, list, make_credential};

async fn made(lease: &mut Lease) -> Vec<u8> {
    match lease.step("make", make_credential()).await.unwrap() {
        Answer::CredentialMade(made) => made.credential_id,
        other => panic!("{other:?}"),
    }
}

async fn listed(lease: &mut Lease, verb: Verb) -> Result<Vec<proto::Credential>, proto::StepError> {
    match lease.step("", verb).await? {
        Answer::CredentialList(list) => Ok(list.credentials),
        other => panic!("{other:?}"),
    }
}

async fn persistent_token(lease: &mut Lease) -> Vec<u8> {
    let grant = Verb::GrantPersistentToken(proto::GrantPersistentToken { pin: PIN.into() });
    match lease.step("", grant).await.unwrap() {
        Answer::PersistentTokenGranted(granted) => granted.persistent_token,
        other => panic!("{other:?}"),
    }
}

fn list_with(persistent_token: &[u8]) -> Verb {
    Verb::ListCredentials(proto::ListCredentials {
        persistent_token: persistent_token.to_vec(),
        ..proto::ListCredentials::default()
    })
}

fn rename(credential_id: &[u8], user_name: &str, user_display_name: &str) -> Verb {
    Verb::UpdateUser(proto::UpdateUser {
        pin: PIN.into(),
        credential_id: credential_id.to_vec(),
        user_name: user_name.into(),
        user_display_name: user_display_name.into(),
        rp_id: String::new(),
    })
}

#[tokio::test]
async fn a_token_winks() {
    let host = Host::new().await;
    let _key = host.key().await;
    let wink = Verb::Wink(proto::Wink {});
    let answer = host.lease().await.step("", wink).await;
    assert_eq!(answer, Ok(Answer::Done(proto::Done {})));
}

#[tokio::test]
async fn the_user_of_a_credential_is_called_otherwise() {
    let host = Host::new().await;
    let _key = host.key().await;
    let mut lease = host.lease().await;
    let id = made(&mut lease).await;
    lease.step("rename", rename(&id, "bob", "")).await.unwrap();
    let credentials = listed(&mut lease, list()).await.unwrap();
    assert_eq!(credentials[0].user_name, "bob");
    assert_eq!(credentials[0].user_display_name, "");
    assert_eq!(credentials[0].user_id, USER);
    let absent = lease
        .step("rename-2", rename(&[9; 16], "eve", ""))
        .await
        .unwrap_err();
    assert_eq!(absent.code(), Code::CredentialNotFound);
    assert!(!absent.changed);
}

#[tokio::test]
async fn credentials_are_read_without_a_pin_until_it_changes() {
    let host = Host::new().await;
    let key = host.key().await;
    let mut lease = host.lease().await;
    let id = made(&mut lease).await;
    let token = persistent_token(&mut lease).await;
    assert_eq!(token.len(), 33);

    drop(lease);
    key.replug();
    let mut lease = host.lease().await;
    let credentials = listed(&mut lease, list_with(&token)).await.unwrap();
    assert_eq!(credentials[0].credential_id, id);
    assert_eq!(credentials[0].rp_id, RP);

    let change = Verb::ChangePin(proto::ChangePin {
        current_pin: PIN.into(),
        new_pin: "271828".into(),
    });
    lease.step("change", change).await.unwrap();
    let void = listed(&mut lease, list_with(&token)).await.unwrap_err();
    assert_eq!(void.code(), Code::PinRequired);
    let with_pin = Verb::ListCredentials(proto::ListCredentials {
        pin: "271828".into(),
        persistent_token: token,
        ..proto::ListCredentials::default()
    });
    assert_eq!(listed(&mut lease, with_pin).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_token_without_a_sensor_or_room_says_so() {
    let host = Host::new().await;
    let _key = host.key().await;
    let mut lease = host.lease().await;
    let sensor = Verb::DescribeFingerprintSensor(proto::DescribeFingerprintSensor {});
    let error = lease.step("", sensor).await.unwrap_err();
    assert_eq!(error.code(), Code::NotSupported);
}

#[tokio::test]
async fn wrong_members_are_named_before_the_token_is_asked() {
    let host = Host::new().await;
    let _key = host.key().await;
    let mut lease = host.lease().await;
    for (verb, field) in [
        (list_with(&[1; 32]), "persistent_token"),
        (list_with(&[9; 33]), "persistent_token"),
        (rename(&[1; 16], &"a".repeat(65), ""), "user_name"),
        (rename(&[], "", ""), "credential_id"),
        (
            Verb::RenameFingerprint(proto::RenameFingerprint {
                pin: PIN.into(),
                template_id: vec![1],
                name: String::new(),
            }),
            "name",
        ),
        (
            Verb::RemoveFingerprint(proto::RemoveFingerprint {
                pin: PIN.into(),
                template_id: vec![],
            }),
            "template_id",
        ),
        (
            Verb::WriteLargeBlob(proto::WriteLargeBlob {
                pin: PIN.into(),
                credential_id: vec![1],
                data: vec![0; (1 << 20) + 1],
            }),
            "data",
        ),
        (
            Verb::MakeCredential(proto::MakeCredential {
                resident_key: false,
                large_blob_key: true,
                ..match make_credential() {
                    Verb::MakeCredential(make) => make,
                    other => panic!("{other:?}"),
                }
            }),
            "large_blob_key",
        ),
    ] {
        let error = lease.step("wrong", verb).await.unwrap_err();
        assert_eq!(
            (error.code(), error.field.as_str()),
            (Code::InvalidRequest, field),
            "{}",
            error.message
        );
    }
}
