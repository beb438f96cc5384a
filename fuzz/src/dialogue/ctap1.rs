//! CTAP1. CTAP 2.3 §10.

use keysteward_core::crypto::Crypto;
use keysteward_core::ctap1::authenticate::{self, Control};
use keysteward_core::ctap1::{MAX_APDU, MAX_DATA, register, version};
use keysteward_core::iso7816::{Command, Form, Response, Status};

use super::{Facts, HASH, Key, Platform, Rp, Step};

impl Platform {
    pub(super) fn speak_ctap1(&mut self, step: &Step<'_>, key: &mut dyn Key, facts: &mut Facts) {
        let unknown = vec![0x77; 64];
        match *step {
            Step::Register { rp } => {
                let application = self.application(rp);
                let request = register::Request {
                    challenge: HASH,
                    application: &application,
                };
                let mut data = [0; 64];
                let answer = exchange(key, request.command(&mut data), facts);
                if let Some(answer) = answer {
                    let made = register::Response::parse(&answer).expect("a registration");
                    self.ids.push(made.key_handle.to_vec());
                }
            }
            Step::Authenticate { rp, at, control } => {
                let application = self.application(rp);
                let key_handle = self.ids.get(usize::from(at) % self.ids.len().max(1));
                let request = authenticate::Request {
                    control: Control::from(control),
                    challenge: HASH,
                    application: &application,
                    key_handle: key_handle.unwrap_or(&unknown),
                };
                let mut data = [0; MAX_DATA];
                let command = request.command(&mut data).expect("a handle of this key");
                if let Some(answer) = exchange(key, command, facts) {
                    let signed = authenticate::Response::parse(&answer).expect("a signature");
                    facts.push(("touched", u64::from(signed.user_presence & 1)));
                }
            }
            _ => drop(exchange(key, version(), facts)),
        }
    }

    fn application(&self, rp: Rp) -> [u8; 32] {
        self.crypto.sha256(&[rp.id().as_bytes()])
    }
}

/// The data of a good answer.
fn exchange(key: &mut dyn Key, command: Command<'_>, facts: &mut Facts) -> Option<Vec<u8>> {
    let mut apdu = [0; MAX_APDU];
    let apdu = command.encode(Form::Extended, &mut apdu).expect("the room");
    let answer = key.send_ctap1(apdu)?;
    let answer = Response::parse(&answer).expect("a status word");
    facts.push(("SW", u16::from(answer.status).into()));
    let done = answer.status == Status::Success;
    assert!(done || answer.data.is_empty(), "a refusal with data");
    done.then(|| answer.data.to_vec())
}
