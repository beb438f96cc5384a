//! Our client with a key that speaks U2F alone: it registers and authenticates, and has no more.

use super::Cell;
use crate::desk::open;
use crate::key::Key;
use keysteward_core::crypto::{Crypto, PublicPoint, RustCrypto};
use keysteward_core::ctap1::{authenticate, register};
use keysteward_core::ctaphid::Link as _;
use keysteward_core::session::ctap1::{U2fBuffers, U2fSession};
use rand_core::OsRng;
use std::ops::ControlFlow;

const CHALLENGE: [u8; 32] = [1; 32];
const APPLICATION: [u8; 32] = [7; 32];

pub(super) fn cells(key: &Key) -> Vec<(String, Cell)> {
    let mut transport = open(key.plug()).unwrap();
    let deadline = transport.link_mut().now().after(60_000);
    let mut buffers = U2fBuffers::new();
    let mut wait = |_| ControlFlow::Continue(());
    let mut session = U2fSession::new(&mut transport, &mut buffers, deadline, &mut wait);

    let info = match session.version() {
        Ok(()) => Cell::Works,
        Err(error) => Cell::Fails(error.to_string()),
    };
    let registered = session
        .register(&register::Request {
            challenge: &CHALLENGE,
            application: &APPLICATION,
        })
        .map(|made| {
            let point = PublicPoint {
                x: *made.x,
                y: *made.y,
            };
            (point, made.key_handle.to_vec())
        });
    let credentials = match registered {
        Err(error) => Cell::Fails(error.to_string()),
        Ok((point, key_handle)) => {
            let request = authenticate::Request {
                control: authenticate::Control::EnforceUserPresence,
                challenge: &CHALLENGE,
                application: &APPLICATION,
                key_handle: &key_handle,
            };
            match session.authenticate(&request) {
                Err(error) => Cell::Fails(error.to_string()),
                Ok(assertion) => verified(&point, &request, &assertion),
            }
        }
    };
    let lacks = |area: &str| {
        (
            area.to_owned(),
            Cell::Lacks("CTAP1 has no such command".to_owned()),
        )
    };
    let rest = [
        "pin",
        "management",
        "config",
        "blobs",
        "fingerprints",
        "reset",
    ];
    [
        ("info".to_owned(), info),
        ("credentials".to_owned(), credentials),
    ]
    .into_iter()
    .chain(rest.into_iter().map(lacks))
    .collect()
}

fn verified(
    point: &PublicPoint,
    request: &authenticate::Request<'_>,
    assertion: &authenticate::Response<'_>,
) -> Cell {
    let counter = assertion.counter.to_be_bytes();
    let signed: [&[u8]; 4] = [
        request.application,
        &[assertion.user_presence],
        &counter,
        request.challenge,
    ];
    match RustCrypto(OsRng).es256_verify(point, &signed, assertion.signature) {
        Ok(_) => Cell::Works,
        Err(_) => Cell::Fails("the signature does not verify".to_owned()),
    }
}
