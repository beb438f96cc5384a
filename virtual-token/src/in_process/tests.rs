//! Our own client against our own key: the flows of the core, without a link.

use super::*;
use keysteward_core::cbor::List;
use keysteward_core::crypto::RustCrypto;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::make_credential::{Options, Request};
use keysteward_core::ctap2::{
    PublicKeyCredentialParameters, PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity,
};
use keysteward_core::pin_protocol::Pin;
use keysteward_core::session::{self, Buffers, Session};
use keysteward_core::webauthn::cose::Algorithm;
use rand_core::OsRng;

type Token = InProcess<MemoryStorage, RustCrypto<OsRng>>;

fn token() -> (Token, MemoryStorage) {
    let manufacturer = Manufacturer::found().unwrap();
    InProcess::manufacture(&manufacturer, &Order::default(), RustCrypto(OsRng)).unwrap()
}

/// Runs `flow` in a session that ends by `deadline`.
fn session<R>(
    token: &mut Token,
    deadline: Millis,
    on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    flow: impl FnOnce(&mut Session<'_, Token, RustCrypto<OsRng>>) -> R,
) -> R {
    let mut buffers = Buffers::default();
    let mut crypto = RustCrypto(OsRng);
    flow(&mut Session::new(
        token,
        &mut crypto,
        &mut buffers,
        deadline,
        on_keepalive,
    ))
}

fn go_on(_: Keepalive) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

const FOREVER: Millis = Millis(u64::MAX);

#[test]
fn our_flows_issue_a_credential_and_take_it_back() {
    let (mut token, storage) = token();
    session(&mut token, FOREVER, &mut go_on, |session| {
        let pin = Pin::new("1234").unwrap();
        session.set_pin(&pin).unwrap();
        let permission = Permissions::MAKE_CREDENTIAL;
        let puat = session
            .token(&pin, permission, Some("example.com"))
            .unwrap();
        let params = [PublicKeyCredentialParameters::new(Algorithm::Es256)];
        let request = Request {
            client_data_hash: &[7; 32],
            rp: PublicKeyCredentialRpEntity {
                id: "example.com",
                name: None,
            },
            user: PublicKeyCredentialUserEntity {
                id: b"u",
                name: None,
                display_name: None,
            },
            pub_key_cred_params: List::new(&params),
            exclude_list: None,
            extensions: None,
            options: Some(Options {
                rk: Some(true),
                ..Options::default()
            }),
            pin_uv_auth_param: None,
            pin_uv_auth_protocol: None,
            enterprise_attestation: None,
            attestation_formats_preference: None,
        };
        assert_eq!(
            session.make_credential(&request, Some(puat)).unwrap().fmt,
            "packed"
        );
    });
    let [credential] = token
        .authenticator()
        .contents()
        .credentials
        .try_into()
        .unwrap();
    drop(token);
    let mut token = InProcess::plug_in(storage, RustCrypto(OsRng)).unwrap();
    session(&mut token, FOREVER, &mut go_on, |session| {
        let pin = Pin::new("1234").unwrap();
        let puat = session
            .token(&pin, Permissions::CREDENTIAL_MANAGEMENT, None)
            .unwrap();
        assert_eq!(session.credentials_metadata(&puat).unwrap().existing, 1);
        session
            .delete_credential(&puat, &credential.credential_id)
            .unwrap();
        assert_eq!(session.credentials_metadata(&puat).unwrap().existing, 0);
    });
}

#[test]
fn the_test_holds_the_users_hand_and_the_clock() {
    let (mut token, _) = token();
    token.world().reaction = 4_000;
    token.world().touches.push_back(Touch::TimedOut);
    let refused = session(&mut token, FOREVER, &mut go_on, |session| session.reset());
    assert!(refused.is_err());
    assert_eq!((token.world().asked, token.world().now), (1, Millis(4_000)));
    session(&mut token, FOREVER, &mut go_on, |session| session.reset()).unwrap();
    token.world().now = token.world().now.after(10_000);
    let late = session(&mut token, FOREVER, &mut go_on, |session| session.reset());
    assert!(matches!(late, Err(session::Error::ResetTooLate)));
    token.replug();
    session(&mut token, FOREVER, &mut go_on, |session| session.reset()).unwrap();
}

#[test]
fn an_answer_after_the_deadline_is_lost() {
    let (mut token, _) = token();
    token.world().reaction = 5_001;
    let lost = session(&mut token, Millis(5_000), &mut go_on, |session| {
        session.reset()
    });
    assert!(matches!(
        lost,
        Err(session::Error::Transport(LinkError::Deadline))
    ));
}

#[test]
fn a_platform_that_breaks_off_cancels() {
    let (mut token, _) = token();
    let mut cancel = |_| ControlFlow::Break(());
    let cancelled = session(&mut token, FOREVER, &mut cancel, |session| session.reset());
    assert!(cancelled.is_err());
    let world = token.world().clone();
    assert_eq!(world.asked, 1);
}

#[test]
fn a_response_that_does_not_fit_is_an_error() {
    let (mut token, _) = token();
    let mut room = [0; 4];
    let short = token.exchange(&[0x04], &mut room, FOREVER, &mut go_on);
    assert_eq!(short, Err(LinkError::BufferTooSmall));
}
