//! Who a token is, told to the holder of its persistent token alone.

use keysteward_agent::settings::Policy;
use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::manufacture::Profile;
use proto::{step::Verb, step_error::Code, step_result::Result as Answer};

use crate::harness::{Host, Key, Lease, PIN};

async fn persistent_token(lease: &mut Lease) -> Vec<u8> {
    let grant = Verb::GrantPersistentToken(proto::GrantPersistentToken { pin: PIN.into() });
    match lease.step("", grant).await.unwrap() {
        Answer::PersistentTokenGranted(granted) => granted.persistent_token,
        other => panic!("{other:?}"),
    }
}

fn read(persistent_token: &[u8]) -> Verb {
    Verb::ReadIdentity(proto::ReadIdentity {
        persistent_token: persistent_token.to_vec(),
    })
}

async fn identity(lease: &mut Lease, persistent_token: &[u8]) -> proto::Identity {
    match lease.step("", read(persistent_token)).await.unwrap() {
        Answer::Identity(identity) => identity,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_is_known_again_and_so_is_whether_its_credentials_changed() {
    let host = Host::with_policy(Policy {
        allow_reset: true,
        ..Policy::default()
    })
    .await;
    let key = host.key().await;
    let mut lease = host.lease().await;
    let token = persistent_token(&mut lease).await;
    let first = identity(&mut lease, &token).await;
    assert_eq!((first.device.len(), first.cred_store_state.len()), (16, 16));

    drop(lease);
    host.replug(&key).await;
    let mut lease = host.lease().await;
    assert_eq!(identity(&mut lease, &token).await, first);

    lease.make("make").await;
    let with_credential = identity(&mut lease, &token).await;
    assert_eq!(with_credential.device, first.device);
    assert_ne!(with_credential.cred_store_state, first.cred_store_state);
}

#[tokio::test]
async fn under_a_token_of_another_key_it_is_another_one() {
    let (one, two) = (Host::new().await, Host::new().await);
    let (_one, _two) = (one.key().await, two.key().await);
    let (mut one, mut two) = (one.lease().await, two.lease().await);
    let token = persistent_token(&mut one).await;
    let own = identity(&mut one, &token).await;
    assert_ne!(identity(&mut two, &token).await.device, own.device);
}

#[tokio::test]
async fn a_token_that_tells_nobody_who_it_is_says_so() {
    let host = Host::new().await;
    let _key = host.key().await;
    let token = persistent_token(&mut host.lease().await).await;
    let host = Host::new().await;
    let _key = Key::of_profile(host.folder.path(), Some("KS-2"), Profile::Ctap21);
    let mut lease = host.lease().await;
    lease.set_pin("set").await;
    let refused = lease.step("", read(&token)).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotSupported, "{refused:?}");
}

#[tokio::test]
async fn what_is_no_persistent_token_is_refused() {
    let host = Host::new().await;
    let _key = host.key().await;
    let mut lease = host.lease().await;
    for bytes in [&[][..], &[1; 32], &[9; 33]] {
        let refused = lease.step("", read(bytes)).await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.field.as_str()),
            (Code::InvalidRequest, "persistent_token")
        );
    }
}
