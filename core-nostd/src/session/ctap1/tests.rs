//! The flows, with a key in software over both of its links.

mod at_work;

use super::*;
use crate::cbor::List;
use crate::crypto::{PublicPoint, RustCrypto};
use crate::ctap1::tests::key::{CERTIFICATE, U2fKey};
use crate::ctap2::{
    PublicKeyCredentialDescriptor, PublicKeyCredentialParameters, PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
};
use crate::ctaphid::device::{Device, Event as HidEvent};
use crate::ctaphid::{Capabilities, DeviceVersion, HidTransport, Link, Report};
use crate::iso7816::{CardTransport, Form};
use crate::nfcctap::device::{Applet, Event as NfcEvent};
use crate::nfcctap::{NfcTransport, Version};
use crate::webauthn::attestation::Statement;
use crate::webauthn::authenticator_data::{AuthenticatorData, Flags};
use crate::webauthn::cose::PublicKey;
use rand_core::OsRng;
use std::boxed::Box;
use std::collections::VecDeque;
use std::string::ToString as _;
use std::vec::Vec;

/// The key never goes away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Never;

impl fmt::Display for Never {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("never")
    }
}

impl core::error::Error for Never {}

/// A U2F key on HID.
struct OnHid {
    key: U2fKey,
    device: Device,
    request: Vec<u8>,
    reports: VecDeque<Report>,
    now: u64,
}

impl Link for OnHid {
    type Error = Never;

    fn now(&mut self) -> Millis {
        Millis(self.now)
    }

    fn send_report(&mut self, report: &Report) -> Result<(), Never> {
        let event = self
            .device
            .handle_report(Millis(self.now), report, &mut self.request);
        match event {
            HidEvent::Reply(reply) => self.reports.push_back(reply),
            HidEvent::Request { len, .. } => {
                let (command, form) = Command::parse(&self.request[..len]).unwrap();
                assert_eq!(form, Form::Extended);
                let (mut answer, status) = self.key.answer(&command);
                answer.extend(u16::from(status).to_be_bytes());
                let reports = self.device.respond(&answer).unwrap().unwrap();
                self.reports.extend(reports);
            }
            _ => {}
        }
        Ok(())
    }

    fn receive_report(&mut self, until: Millis) -> Result<Option<Report>, Never> {
        let report = self.reports.pop_front();
        if report.is_none() {
            self.now = self.now.max(until.0);
        }
        Ok(report)
    }
}

/// A U2F key at a reader.
struct OnNfc {
    key: U2fKey,
    applet: Applet,
    request: Vec<u8>,
    message: Vec<u8>,
    now: u64,
}

impl CardTransport for OnNfc {
    type Error = Never;

    fn now(&mut self) -> Millis {
        Millis(self.now)
    }

    fn pause(&mut self, until: Millis) {
        self.now = self.now.max(until.0);
    }

    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> Result<&'r [u8], Never> {
        let event = self
            .applet
            .handle_command(command, &mut self.request, &self.message, response);
        let len = match event {
            NfcEvent::Reply { len } => len,
            NfcEvent::Ctap1 { ins, p1, p2, len } => {
                let command = Command {
                    cla: 0,
                    ins,
                    p1,
                    p2,
                    data: &self.request[..len],
                    le: None,
                };
                let (answer, status) = self.key.answer(&command);
                self.message = answer;
                self.applet
                    .respond(&self.message, status, response)
                    .unwrap()
            }
            other => panic!("{other:?}"),
        };
        Ok(&response[..len])
    }
}

fn on_hid() -> HidTransport<OnHid> {
    let link = OnHid {
        key: U2fKey::new(),
        device: Device::new(DeviceVersion::default(), Capabilities(0)),
        request: std::vec![0; MAX_MESSAGE],
        reports: VecDeque::new(),
        now: 0,
    };
    HidTransport::open(link, *b"a nonce.", DEADLINE).unwrap()
}

fn on_nfc() -> NfcTransport<OnNfc> {
    let card = OnNfc {
        key: U2fKey::new(),
        applet: Applet::new(Version::U2fV2),
        request: std::vec![0; MAX_MESSAGE],
        message: Vec::new(),
        now: 0,
    };
    NfcTransport::open(card, DEADLINE).unwrap()
}

/// A transport whose key a test can reach.
trait Reach: U2fTransport<Error: PartialEq> {
    fn key(&mut self) -> &mut U2fKey;
}

impl Reach for HidTransport<OnHid> {
    fn key(&mut self) -> &mut U2fKey {
        &mut self.link_mut().key
    }
}

impl Reach for NfcTransport<OnNfc> {
    fn key(&mut self) -> &mut U2fKey {
        &mut self.card_mut().key
    }
}

const DEADLINE: Millis = Millis(30_000);
const HASH: [u8; 32] = [0x5A; 32];
const RP_ID: &str = "login.example";
const ES256: [PublicKeyCredentialParameters<'static>; 2] = [
    PublicKeyCredentialParameters::new(Algorithm::EdDsa),
    PublicKeyCredentialParameters::new(Algorithm::Es256),
];

fn session<T: U2fTransport, R>(
    transport: &mut T,
    act: impl FnOnce(&mut U2fSession<'_, T>) -> R,
) -> R {
    let mut wait = |_| ControlFlow::Continue(());
    let mut buffers = Box::<U2fBuffers>::default();
    act(&mut U2fSession::new(
        transport,
        &mut buffers,
        DEADLINE,
        &mut wait,
    ))
}

fn make<'a>(
    exclude: Option<&'a [PublicKeyCredentialDescriptor<'a>]>,
) -> make_credential::Request<'a> {
    make_credential::Request {
        client_data_hash: &HASH,
        rp: PublicKeyCredentialRpEntity {
            id: RP_ID,
            name: None,
        },
        user: PublicKeyCredentialUserEntity {
            id: b"ada",
            name: None,
            display_name: None,
        },
        pub_key_cred_params: List::new(&ES256),
        exclude_list: exclude.map(List::new),
        extensions: None,
        options: None,
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
        enterprise_attestation: None,
        attestation_formats_preference: None,
    }
}

fn assertion<'a>(allowed: &'a [PublicKeyCredentialDescriptor<'a>]) -> get_assertion::Request<'a> {
    get_assertion::Request {
        rp_id: RP_ID,
        client_data_hash: &HASH,
        allow_list: Some(List::new(allowed)),
        extensions: None,
        options: None,
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
    }
}

/// Makes a credential; its id and its public key.
fn made<T: Reach>(transport: &mut T) -> (Vec<u8>, PublicPoint) {
    let crypto = RustCrypto(OsRng);
    session(transport, |session| {
        let response = session.make_credential(&crypto, &make(None)).unwrap();
        let data = AuthenticatorData::parse(response.auth_data).unwrap();
        let credential = data.attested_credential.unwrap();
        let PublicKey::Es256 { x, y } = credential.public_key else {
            panic!("not ES256");
        };
        (
            credential.credential_id.to_vec(),
            PublicPoint { x: *x, y: *y },
        )
    })
}

fn a_registration_is_an_attested_credential_of_ctap2<T: Reach>(mut transport: T) {
    let crypto = RustCrypto(OsRng);
    let maker = transport.key().attestation_key();
    session(&mut transport, |session| {
        session.version().unwrap();
        let response = session.make_credential(&crypto, &make(None)).unwrap();
        assert_eq!(response.fmt, "fido-u2f");
        let data = AuthenticatorData::parse(response.auth_data).unwrap();
        assert_eq!(data.flags_byte(), 0x41);
        assert_eq!(data.sign_count, 0);
        assert_eq!(*data.rp_id_hash, crypto.sha256(&[RP_ID.as_bytes()]));
        assert_eq!(data.attested_credential.unwrap().aaguid, &[0; 16]);
        let object = response.attestation_object();
        let statement = object.statement().unwrap();
        let certificates: Vec<&[u8]> = statement.certificates().iter().collect();
        assert_eq!(certificates, [CERTIFICATE]);
        let maker = PublicKey::Es256 {
            x: &maker.x,
            y: &maker.y,
        };
        let proof = statement.verify(&crypto, &maker, response.auth_data, &HASH);
        assert!(proof.is_ok(), "{proof:?}");
        let other = statement.verify(&crypto, &maker, response.auth_data, &[0; 32]);
        assert!(other.is_err());
        assert!(matches!(statement, Statement::FidoU2f { .. }));
    });
}

fn an_authentication_is_an_assertion_of_ctap2<T: Reach>(mut transport: T) {
    let crypto = RustCrypto(OsRng);
    let (id, public) = made(&mut transport);
    let allowed = [
        PublicKeyCredentialDescriptor::new(b"another token's"),
        PublicKeyCredentialDescriptor::new(&[7; 300]),
        PublicKeyCredentialDescriptor::new(&id),
    ];
    session(&mut transport, |session| {
        for (up, flags) in [(None, Flags::USER_PRESENT), (Some(false), Flags(0))] {
            let options = get_assertion::Options {
                up,
                ..Default::default()
            };
            let request = get_assertion::Request {
                options: Some(options),
                ..assertion(&allowed)
            };
            let response = session.get_assertion(&crypto, &request).unwrap();
            assert_eq!(response.credential.map(|one| one.id), Some(id.as_slice()));
            let data = AuthenticatorData::parse(response.auth_data).unwrap();
            assert_eq!(data.flags, flags);
            let signed = [response.auth_data, &HASH];
            let proof = crypto.es256_verify(&public, &signed, response.signature);
            assert!(proof.is_ok());
            assert_eq!(data.sign_count, if up.is_none() { 1 } else { 2 });
        }
    });
}

fn an_excluded_credential_is_found_without_a_touch<T: Reach>(mut transport: T) {
    let crypto = RustCrypto(OsRng);
    let (id, _) = made(&mut transport);
    transport.key().untouched = usize::MAX;
    let excluded = [
        PublicKeyCredentialDescriptor::new(b"another token's"),
        PublicKeyCredentialDescriptor::new(&id),
    ];
    session(&mut transport, |session| {
        let refused = session.make_credential(&crypto, &make(Some(&excluded)));
        assert_eq!(refused.err(), Some(Error::CredentialExcluded));
    });
}

fn a_touch_is_waited_for<T: Reach>(mut transport: T) {
    transport.key().untouched = 3;
    let mut heard = 0;
    let mut count = |status| {
        assert_eq!(status, Keepalive::UserPresenceNeeded);
        heard += 1;
        ControlFlow::Continue(())
    };
    let mut buffers = U2fBuffers::new();
    let mut session = U2fSession::new(&mut transport, &mut buffers, DEADLINE, &mut count);
    let request = register::Request {
        challenge: &HASH,
        application: &HASH,
    };
    assert!(session.register(&request).is_ok());
    assert_eq!(heard, 3);
    assert!(transport.now() >= Millis(3 * POLL));
}

fn a_selection_is_a_touch_and_no_more<T: Reach>(mut transport: T) {
    transport.key().untouched = 2;
    session(&mut transport, |session| {
        assert_eq!(session.select(), Ok(()));
    });
    assert!(transport.now() >= Millis(2 * POLL));
    transport.key().untouched = usize::MAX;
    session(&mut transport, |session| {
        assert_eq!(session.select(), Err(Error::NotTouched));
    });
}

fn a_touch_that_does_not_come_ends_at_the_deadline<T: Reach>(mut transport: T) {
    transport.key().untouched = usize::MAX;
    session(&mut transport, |session| {
        let refused = session.make_credential(&RustCrypto(OsRng), &make(None));
        assert_eq!(refused.err(), Some(Error::NotTouched));
    });
    assert!(transport.now() <= DEADLINE);
    assert!(transport.key().asked < 200);
}

fn whoever_does_not_want_to_wait_breaks_off<T: Reach>(mut transport: T) {
    transport.key().untouched = usize::MAX;
    let mut stop = |_| ControlFlow::Break(());
    let mut buffers = U2fBuffers::new();
    let mut session = U2fSession::new(&mut transport, &mut buffers, DEADLINE, &mut stop);
    let refused = session.make_credential(&RustCrypto(OsRng), &make(None));
    assert_eq!(refused.err(), Some(Error::Cancelled));
}

fn what_u2f_does_not_have_is_not_sent<T: Reach>(mut transport: T) {
    let crypto = RustCrypto(OsRng);
    let asked = transport.key().asked;
    let rk = make_credential::Options {
        rk: Some(true),
        ..Default::default()
    };
    let uv = make_credential::Options {
        uv: Some(true),
        ..Default::default()
    };
    session(&mut transport, |session| {
        for (request, limit) in [
            (
                make_credential::Request {
                    options: Some(rk),
                    ..make(None)
                },
                Limit::Discoverable,
            ),
            (
                make_credential::Request {
                    options: Some(uv),
                    ..make(None)
                },
                Limit::UserVerification,
            ),
            (
                make_credential::Request {
                    pin_uv_auth_param: Some(&[0; 16]),
                    ..make(None)
                },
                Limit::UserVerification,
            ),
            (
                make_credential::Request {
                    pub_key_cred_params: List::new(&ES256[..1]),
                    ..make(None)
                },
                Limit::Algorithm,
            ),
        ] {
            let refused = session.make_credential(&crypto, &request).err();
            assert_eq!(refused, Some(Error::Unsupported(limit)));
        }
        let allowed = [PublicKeyCredentialDescriptor::new(b"id")];
        for (request, limit) in [
            (assertion(&[]), Limit::Discoverable),
            (
                get_assertion::Request {
                    options: Some(uv),
                    ..assertion(&allowed)
                },
                Limit::UserVerification,
            ),
        ] {
            let refused = session.get_assertion(&crypto, &request).err();
            assert_eq!(refused, Some(Error::Unsupported(limit)));
        }
    });
    assert_eq!(transport.key().asked, asked);
}

fn credentials_of_others_are_not_known<T: Reach>(mut transport: T) {
    let (id, _) = made(&mut transport);
    let allowed = [PublicKeyCredentialDescriptor::new(b"another token's")];
    session(&mut transport, |session| {
        let refused = session.get_assertion(&RustCrypto(OsRng), &assertion(&allowed));
        assert_eq!(refused.err(), Some(Error::NoCredentials));
        assert_eq!(session.check(&HASH, &id), Ok(false), "another application");
        let mut request = authenticate::Request {
            control: Control::EnforceUserPresence,
            challenge: &HASH,
            application: &HASH,
            key_handle: &id,
        };
        assert_eq!(session.authenticate(&request), Err(Error::NoCredentials));
        request.key_handle = &[0; 256];
        let too_long = Error::KeyHandle(crate::ctap1::KeyHandleTooLong { len: 256 });
        assert_eq!(session.authenticate(&request), Err(too_long));
    });
}

fn refusals_are_told<T: Reach>(mut transport: T) {
    transport.key().says.extend([
        Status::InsNotSupported,
        Status::WrongLength,
        Status::NoDiagnosis,
        Status::Success,
        Status::Success,
    ]);
    session(&mut transport, |session| {
        let refused = Error::Refused(Status::InsNotSupported);
        assert_eq!(session.version(), Err(refused));
        assert_eq!(session.check(&HASH, b"id"), Ok(false), "another length");
        assert_eq!(
            session.check(&HASH, b"id"),
            Err(Error::Refused(Status::NoDiagnosis))
        );
        assert_eq!(session.version(), Err(Error::NotU2f));
        let request = register::Request {
            challenge: &HASH,
            application: &HASH,
        };
        let malformed = session.register(&request).err().unwrap();
        assert_eq!(
            malformed.to_string(),
            "the U2F key's answer cannot be read: the answer ends before its public key does"
        );
    });
}

macro_rules! over_both_links {
    ($($story:ident)*) => { $(
        mod $story {
            #[test]
            fn hid() {
                super::$story(super::on_hid());
            }

            #[test]
            fn nfc() {
                super::$story(super::on_nfc());
            }
        }
    )* };
}

over_both_links! {
    a_registration_is_an_attested_credential_of_ctap2
    an_authentication_is_an_assertion_of_ctap2
    an_excluded_credential_is_found_without_a_touch
    a_touch_is_waited_for
    a_selection_is_a_touch_and_no_more
    a_touch_that_does_not_come_ends_at_the_deadline
    whoever_does_not_want_to_wait_breaks_off
    what_u2f_does_not_have_is_not_sent
    credentials_of_others_are_not_known
    refusals_are_told
}
