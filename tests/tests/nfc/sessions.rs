//! What an administrator does to a key, over a reader.

use crate::reader::{Card, CardSession, Error, connect, hold, impatient_session, session};
use keysteward_core::cbor::List;
use keysteward_core::crypto::{Crypto, PublicPoint, RustCrypto};
use keysteward_core::ctap1::{authenticate, register};
use keysteward_core::ctap2::authenticator_config::SetMinPinLength;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::{
    PublicKeyCredentialDescriptor, PublicKeyCredentialParameters, PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity, get_assertion, make_credential,
};
use keysteward_core::iso7816::Framing;
use keysteward_core::nfcctap::Version;
use keysteward_core::pin_protocol::{Pin, PinUvAuthToken};
use keysteward_core::session::Keepalive;
use keysteward_core::session::ctap1::{U2fBuffers, U2fSession, U2fTransport};
use keysteward_core::webauthn::authenticator_data::AuthenticatorData;
use keysteward_core::webauthn::cose::{Algorithm, PublicKey};
use keysteward_virtual_token::card::Presence;
use keysteward_virtual_token::device::TouchPolicy;
use rand_core::OsRng;
use std::ops::ControlFlow;
use std::time::Duration;

stories! {
    the_life_of_a_key_in_chains
    the_life_of_a_key_in_extended_commands
    a_touch_is_waited_for_while_the_client_polls
    a_touch_that_is_not_wanted_any_more_is_cancelled
    a_touch_that_does_not_come_ends_at_the_deadline
    a_reset_wants_a_card_just_put_on
    the_card_serves_who_speaks_u2f_alone
}

const HASH: [u8; 32] = [0x5A; 32];
const RP_ID: &str = "login.example";
const PIN: &str = "correct horse";

fn pin(text: &str) -> Pin {
    Pin::new(text).unwrap_or_else(|error| panic!("{error}"))
}

fn token(
    session: &mut CardSession<'_>,
    pin_text: &str,
    permissions: Permissions,
) -> PinUvAuthToken {
    let rp_id = (!permissions.contains(Permissions::CREDENTIAL_MANAGEMENT)
        && !permissions.contains(Permissions::AUTHENTICATOR_CONFIG))
    .then_some(RP_ID);
    session
        .token(&pin(pin_text), permissions, rp_id)
        .unwrap_or_else(|error| panic!("{error}"))
}

fn the_life_of_a_key_in_chains() {
    the_life_of_a_key(Framing::Short);
}

fn the_life_of_a_key_in_extended_commands() {
    the_life_of_a_key(Framing::Extended);
}

fn the_life_of_a_key(framing: Framing) {
    let _card = Card::on_reader(Presence::Field);
    let _powered = connect();
    assert_eq!(hold(connect()).version(), Version::U2fV2);
    session(connect(), framing, |session| {
        session.set_pin(&pin(PIN)).unwrap();
        let (id, public) = made(session);
        asserted(session, &id, &public);

        let manager = token(session, PIN, Permissions::CREDENTIAL_MANAGEMENT);
        let mut found = Vec::new();
        let hash = RustCrypto(OsRng).sha256(&[RP_ID.as_bytes()]);
        session
            .credentials(&manager, &hash, &mut |one| {
                found.push(one.id.id.to_vec());
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(found, std::slice::from_ref(&id));
        session.delete_credential(&manager, &id).unwrap();
        assert_eq!(session.credentials_metadata(&manager).unwrap().existing, 0);

        let configurer = token(session, PIN, Permissions::AUTHENTICATOR_CONFIG);
        let rules = SetMinPinLength {
            new_min_pin_length: Some(8),
            ..Default::default()
        };
        session
            .set_min_pin_length(&rules, Some(&configurer))
            .unwrap();
        assert_eq!(session.facts().unwrap().min_pin_length, 8);

        session
            .change_pin(&pin(PIN), &pin("battery staple"))
            .unwrap();
        let wrong = session.token(&pin(PIN), Permissions::CREDENTIAL_MANAGEMENT, None);
        assert_eq!(wrong.err(), Some(Error::PinInvalid { retries: Some(7) }));
    });
    // Nobody spoke to the card for longer than a chain of commands lasts.
    assert_eq!(hold(connect()).version(), Version::U2fV2);
}

/// A discoverable credential: its id and its public key. The exclude list makes the request longer
/// than one short command.
fn made(session: &mut CardSession<'_>) -> (Vec<u8>, PublicPoint) {
    let others: Vec<[u8; 64]> = (0..6).map(|n| [n; 64]).collect();
    let excluded: Vec<_> = others
        .iter()
        .map(|id| PublicKeyCredentialDescriptor::new(id))
        .collect();
    let es256 = [PublicKeyCredentialParameters::new(Algorithm::Es256)];
    let request = make_credential::Request {
        client_data_hash: &HASH,
        rp: PublicKeyCredentialRpEntity {
            id: RP_ID,
            name: Some("An example"),
        },
        user: PublicKeyCredentialUserEntity {
            id: b"ada",
            name: Some("ada"),
            display_name: None,
        },
        pub_key_cred_params: List::new(&es256),
        exclude_list: Some(List::new(&excluded)),
        extensions: None,
        options: Some(make_credential::Options {
            rk: Some(true),
            ..Default::default()
        }),
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
        enterprise_attestation: None,
        attestation_formats_preference: None,
    };
    let permissions = Permissions::MAKE_CREDENTIAL | Permissions::GET_ASSERTION;
    let token = token(session, PIN, permissions);
    let response = session.make_credential(&request, Some(token)).unwrap();
    let data = AuthenticatorData::parse(response.auth_data).unwrap();
    let credential = data.attested_credential.unwrap();
    let PublicKey::Es256 { x, y } = credential.public_key else {
        panic!("not ES256");
    };
    (
        credential.credential_id.to_vec(),
        PublicPoint { x: *x, y: *y },
    )
}

fn asserted(session: &mut CardSession<'_>, id: &[u8], public: &PublicPoint) {
    let request = get_assertion::Request {
        rp_id: RP_ID,
        client_data_hash: &HASH,
        allow_list: None,
        extensions: None,
        options: None,
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
    };
    let token = token(session, PIN, Permissions::GET_ASSERTION);
    let response = session.get_assertion(&request, Some(token)).unwrap();
    assert_eq!(response.credential.unwrap().id, id);
    let signed: [&[u8]; 2] = [response.auth_data, &HASH];
    let crypto = RustCrypto(OsRng);
    let proof = crypto.es256_verify(public, &signed, response.signature);
    assert!(proof.is_ok());
}

fn a_touch_is_waited_for_while_the_client_polls() {
    let card_in_hand = Card::on_reader(Presence::Button);
    card_in_hand.touches(TouchPolicy::Ask);
    let _powered = connect();
    let mut heard = 0;
    let mut touch_the_third_time = |status| {
        assert_eq!(status, Keepalive::UserPresenceNeeded);
        heard += 1;
        if heard == 3 {
            card_in_hand.touch();
        }
        ControlFlow::Continue(())
    };
    let mut transport = hold(connect());
    impatient_session(
        &mut transport,
        60_000,
        &mut touch_the_third_time,
        |session| {
            session.select().unwrap();
        },
    );
    assert!(heard >= 3, "{heard}");
}

fn a_touch_that_is_not_wanted_any_more_is_cancelled() {
    let card_in_hand = Card::on_reader(Presence::Button);
    card_in_hand.touches(TouchPolicy::Never);
    let mut transport = hold(connect());
    let mut stop = |_| ControlFlow::Break(());
    let cancelled = impatient_session(&mut transport, 60_000, &mut stop, |session| {
        session.select()
    });
    assert_eq!(cancelled, Err(Error::Cancelled));
    card_in_hand.touches(TouchPolicy::Always);
    let touched = impatient_session(&mut transport, 60_000, &mut stop, |session| {
        session.select()
    });
    assert_eq!(touched, Ok(()));
}

fn a_touch_that_does_not_come_ends_at_the_deadline() {
    use keysteward_core::nfcctap::NfcError;
    let card_in_hand = Card::on_reader(Presence::Button);
    card_in_hand.touches(TouchPolicy::Never);
    let mut transport = hold(connect());
    let mut wait = |_| ControlFlow::Continue(());
    let late = impatient_session(&mut transport, 1_000, &mut wait, |session| session.select());
    assert_eq!(late, Err(Error::Transport(NfcError::Deadline)));
    // The card was told to end, and takes the next request.
    impatient_session(&mut transport, 10_000, &mut wait, |session| {
        session.info().unwrap();
    });
}

fn a_reset_wants_a_card_just_put_on() {
    let card_in_hand = Card::on_reader(Presence::Field);
    let mut card = connect();
    session(connect(), Framing::Short, |session| {
        session.set_pin(&pin(PIN)).unwrap()
    });
    card_in_hand.skip(Duration::from_secs(11));
    let late = session(connect(), Framing::Short, |session| session.reset());
    assert_eq!(late, Err(Error::ResetTooLate));
    card.power_cycle().unwrap();
    session(connect(), Framing::Short, |session| {
        session.reset().unwrap();
        assert_eq!(session.facts().unwrap().client_pin, Some(false));
    });
}

fn the_card_serves_who_speaks_u2f_alone() {
    let _card = Card::on_reader(Presence::Field);
    for framing in [Framing::Short, Framing::Extended] {
        let mut transport = hold(connect());
        transport.set_framing(framing);
        let deadline = U2fTransport::now(&mut transport).after(10_000);
        let mut buffers = Box::<U2fBuffers>::default();
        let mut wait = |_| ControlFlow::Continue(());
        let mut session = U2fSession::new(&mut transport, &mut buffers, deadline, &mut wait);
        session.version().unwrap();
        let application = [0xA5; 32];
        let made = session
            .register(&register::Request {
                challenge: &HASH,
                application: &application,
            })
            .unwrap();
        let key_handle = made.key_handle.to_vec();
        let public = PublicPoint {
            x: *made.x,
            y: *made.y,
        };
        assert_eq!(session.check(&application, &key_handle), Ok(true));
        assert_eq!(session.check(&HASH, &key_handle), Ok(false));
        let request = authenticate::Request {
            control: authenticate::Control::EnforceUserPresence,
            challenge: &HASH,
            application: &application,
            key_handle: &key_handle,
        };
        let signed = session.authenticate(&request).unwrap();
        assert_eq!(signed.user_presence, 1);
        let head = signed.head();
        let parts = authenticate::Response::signed(&request, &head);
        let proof = RustCrypto(OsRng).es256_verify(&public, &parts, signed.signature);
        assert!(proof.is_ok());
    }
}
