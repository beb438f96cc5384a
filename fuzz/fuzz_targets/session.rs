#![no_main]

use std::ops::ControlFlow;

use keysteward_core::cbor::{Entries, List};
use keysteward_core::crypto::RustCrypto;
use keysteward_core::ctap2::client_pin::{self, Permissions, Subcommand};
use keysteward_core::ctap2::{self, Command, Status, get_info};
use keysteward_core::pin_protocol::{Pin, PinUvAuthToken};
use keysteward_core::session::{Buffers, CtapTransport, Keepalive, Millis, Session};
use keysteward_core::webauthn::cose::KeyAgreementKey;
use keysteward_fuzz::{Counter, Script};
use libfuzzer_sys::fuzz_target;

// Every flow of an administrator, on a token that answers what it likes.
fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    let flow = script.byte().unwrap_or(0);
    let mut token = Token { script };
    let mut crypto = RustCrypto(Counter(0));
    let mut buffers = Buffers::default();
    let mut on_keepalive = |_: Keepalive| ControlFlow::Continue(());
    let mut session = Session::new(
        &mut token,
        &mut crypto,
        &mut buffers,
        Millis(1000),
        &mut on_keepalive,
    );
    run(&mut session, flow);
});

fn run(session: &mut Session<'_, Token<'_>, RustCrypto<Counter>>, flow: u8) {
    let pin = Pin::new("1234").expect("four digits");
    match flow {
        0 => drop(session.info().map(|info| format!("{info:?}"))),
        1 => drop(session.pin_retries()),
        2 => drop(session.set_pin(&pin)),
        3 => drop(session.change_pin(&pin, &pin)),
        4 => drop(session.select()),
        5 => drop(session.reset()),
        6 => drop(session.find_credential("example.com", [&b"id"[..]].into_iter(), None)),
        7 => drop(session.next_assertion().map(|answer| format!("{answer:?}"))),
        8 => drop(session.force_pin_change(None)),
        9 => drop(session.set_always_uv(true, None)),
        10 => drop(session.enable_enterprise_attestation(None)),
        _ => {
            let permissions = Permissions::CREDENTIAL_MANAGEMENT;
            if let Ok(token) = session.token(&pin, permissions, None) {
                manage(session, &token, flow);
            }
        }
    }
}

fn manage(
    session: &mut Session<'_, Token<'_>, RustCrypto<Counter>>,
    token: &PinUvAuthToken,
    flow: u8,
) {
    match flow & 3 {
        0 => drop(session.credentials_metadata(token)),
        1 => drop(session.relying_parties(token, &mut |_| ControlFlow::Continue(()))),
        2 => drop(session.credentials(token, &[7; 32], &mut |_| ControlFlow::Continue(()))),
        _ => drop(session.delete_credential(token, b"id")),
    }
}

/// Answers from a script. It may leave getInfo, the key agreement and the token to us, which no
/// fuzzer would guess.
struct Token<'s> {
    script: Script<'s>,
}

/// The script has ended.
#[derive(Debug)]
struct Unplugged;

impl std::fmt::Display for Unplugged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the script has ended")
    }
}

impl std::error::Error for Unplugged {}

impl CtapTransport for Token<'_> {
    type Error = Unplugged;

    fn exchange<'r>(
        &mut self,
        request: &[u8],
        response: &'r mut [u8],
        _deadline: Millis,
        on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<&'r [u8], Unplugged> {
        let step = self.script.byte().ok_or(Unplugged)?;
        if step & 1 == 1 {
            let _cancelled = on_keepalive(Keepalive::UserPresenceNeeded);
        }
        if step & 2 == 2
            && let Some(length) = answer_properly(request, response)
        {
            return Ok(&response[..length]);
        }
        let answer = self.script.rest_of_step();
        response[..answer.len()].copy_from_slice(answer);
        Ok(&response[..answer.len()])
    }
}

/// What an honest token says, where the script leaves it to one.
fn answer_properly(request: &[u8], response: &mut [u8]) -> Option<usize> {
    let (command, parameters) = ctap2::parse_request(request).ok()?;
    let versions = [get_info::FIDO_2_0, get_info::FIDO_2_1];
    let options = [
        ("ep", false),
        ("rk", true),
        ("alwaysUv", false),
        ("credMgmt", true),
        ("authnrCfg", true),
        ("clientPin", parameters.is_empty()),
        ("pinUvAuthToken", true),
        ("setMinPINLength", true),
    ];
    let answer = match command {
        Command::GetInfo => {
            let info = get_info::Response {
                options: get_info::Options(Entries::new(&options)),
                pin_uv_auth_protocols: Some(List::new(&[2, 1])),
                ..get_info::Response::new(List::new(&versions), &[0; 16])
            };
            ctap2::encode_response(Status::Ok, Some(&info), response)
        }
        Command::ClientPin => {
            let request =
                <client_pin::Request<'_> as keysteward_core::cbor::Parse>::parse(parameters);
            let answer = match request.expect("the session wrote it").sub_command {
                // The generator of P-256.
                Subcommand::KeyAgreement => client_pin::Response {
                    key_agreement: Some(KeyAgreementKey { x: &GX, y: &GY }),
                    ..client_pin::Response::default()
                },
                Subcommand::PinToken | Subcommand::PinUvAuthTokenUsingPinWithPermissions => {
                    client_pin::Response {
                        pin_uv_auth_token: Some(&[9; 48]),
                        ..client_pin::Response::default()
                    }
                }
                _ => return None,
            };
            ctap2::encode_response(Status::Ok, Some(&answer), response)
        }
        _ => return None,
    };
    Some(answer.expect("the buffer holds any message").len())
}

const GX: [u8; 32] = [
    0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
    0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
];
const GY: [u8; 32] = [
    0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
    0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
];
