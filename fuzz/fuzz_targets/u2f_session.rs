#![no_main]

use std::ops::ControlFlow;

use keysteward_core::cbor::List;
use keysteward_core::crypto::RustCrypto;
use keysteward_core::ctap1::{authenticate, register};
use keysteward_core::ctap2::{
    PublicKeyCredentialDescriptor, PublicKeyCredentialParameters, PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity, get_assertion, make_credential,
};
use keysteward_core::session::ctap1::{U2fBuffers, U2fSession};
use keysteward_core::time::Millis;
use keysteward_core::webauthn::cose::Algorithm;
use keysteward_fuzz::{Counter, Script, ScriptedCard, survive, written};
use libfuzzer_sys::fuzz_target;

const HASH: &[u8; 32] = &[0x5A; 32];

// Every flow of a U2F key, on one that answers what it likes.
fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    let flow = script.byte().unwrap_or(0);
    let mut card = ScriptedCard::new(script);
    let mut buffers = U2fBuffers::new();
    let cancel = flow & 0x80 == 0x80;
    let mut asked = 0;
    let mut on_keepalive = |_| {
        asked += 1;
        if cancel && asked > 1 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let mut session = U2fSession::new(&mut card, &mut buffers, Millis(3_000), &mut on_keepalive);
    let crypto = RustCrypto(Counter(0));
    let ids: [&[u8]; 3] = [b"one", b"another", &[1; 300]];
    let ids = ids.map(PublicKeyCredentialDescriptor::new);
    match flow & 0x0f {
        0 => drop(session.version()),
        1 => drop(session.register(&register::Request {
            challenge: HASH,
            application: HASH,
        })),
        2 => drop(session.check(HASH, b"key handle")),
        3..=5 => drop(session.authenticate(&authenticate::Request {
            control: authenticate::Control::from(flow),
            challenge: HASH,
            application: HASH,
            key_handle: b"key handle",
        })),
        6..=9 => {
            let answer = session.make_credential(
                &crypto,
                &make_credential::Request {
                    client_data_hash: HASH,
                    rp: PublicKeyCredentialRpEntity {
                        id: "example.com",
                        name: None,
                    },
                    user: PublicKeyCredentialUserEntity {
                        id: b"u",
                        name: None,
                        display_name: None,
                    },
                    pub_key_cred_params: List::new(&[PublicKeyCredentialParameters::new(
                        Algorithm::Es256,
                    )]),
                    exclude_list: (flow & 1 == 1).then_some(List::new(&ids)),
                    extensions: None,
                    options: None,
                    pin_uv_auth_param: None,
                    pin_uv_auth_protocol: None,
                    enterprise_attestation: None,
                    attestation_formats_preference: None,
                },
            );
            if let Ok(answer) = answer {
                let answer = written(&answer);
                survive!(&answer => make_credential::Response<'_>);
            }
        }
        _ => {
            let answer = session.get_assertion(
                &crypto,
                &get_assertion::Request {
                    rp_id: "example.com",
                    client_data_hash: HASH,
                    allow_list: Some(List::new(&ids)),
                    extensions: None,
                    options: (flow & 1 == 1).then(|| get_assertion::Options {
                        up: Some(false),
                        ..Default::default()
                    }),
                    pin_uv_auth_param: None,
                    pin_uv_auth_protocol: None,
                },
            );
            if let Ok(answer) = answer {
                let answer = written(&answer);
                survive!(&answer => get_assertion::Response<'_>);
            }
        }
    }
});
