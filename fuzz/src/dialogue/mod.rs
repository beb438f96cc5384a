//! Requests to a token as a platform makes them, one from what the last ones answered: PIN tokens
//! that work, credentials that exist. A fuzzer chooses the order and what is wrong with them.
//!
//! A step is chosen by its place among the others and by their number: one that is put between them
//! or behind them gives the seeds another meaning, so they are written anew with it.

mod credentials;
mod ctap1;
mod fingerprints;
mod large_blobs;
mod management;
mod members;
mod pins;
mod secrets;

pub use members::{Algorithms, Allow, Auth, Options, Pins, Protocol, Rp, Salts};

use arbitrary::Arbitrary;
use keysteward_core::cbor::{Encode, List, Parse, Raw};
use keysteward_core::crypto::RustCrypto;
use keysteward_core::ctap2::authenticator_config::{self, SetMinPinLength};
use keysteward_core::ctap2::client_pin::{self, Subcommand};
use keysteward_core::ctap2::{self, Command, get_info};
use keysteward_core::ctaphid::MAX_MESSAGE;
use keysteward_core::pin_protocol::PinUvAuthToken;

use self::credentials::Asked;
use crate::Counter;

/// A token, plugged in.
pub trait Key {
    /// One message there and back. The user touches at once.
    fn send(&mut self, request: &[u8]) -> Vec<u8>;
    /// One APDU of CTAP1 there and back; `None`: this key is not asked so.
    fn send_ctap1(&mut self, apdu: &[u8]) -> Option<Vec<u8>>;
    fn power_cycle(&mut self);
    fn wait(&mut self, milliseconds: u64);
}

/// What happens next.
#[derive(Arbitrary, Clone, Debug)]
pub enum Step<'a> {
    GetInfo,
    PinRetries,
    SetPin {
        protocol: Protocol,
        pin: Pins,
    },
    ChangePin {
        protocol: Protocol,
        current: Pins,
        new: Pins,
    },
    /// getPinToken where no permissions are asked for.
    Token {
        protocol: Protocol,
        pin: Pins,
        permissions: Option<u8>,
        rp: Option<Rp>,
    },
    MakeCredential {
        rp: Rp,
        user: u8,
        algorithms: Algorithms,
        options: Options,
        auth: Auth,
        exclude: bool,
        cred_protect: Option<u8>,
        enterprise_attestation: Option<u8>,
    },
    GetAssertion {
        rp: Rp,
        allow: Allow,
        options: Options,
        auth: Auth,
    },
    GetNextAssertion,
    Metadata {
        auth: Auth,
    },
    RelyingParties {
        auth: Auth,
    },
    NextRelyingParty,
    Credentials {
        rp: Rp,
        auth: Auth,
    },
    NextCredential,
    DeleteCredential {
        at: u8,
        auth: Auth,
    },
    UpdateUser {
        at: u8,
        user: u8,
        auth: Auth,
    },
    SetMinPinLength {
        length: Option<u8>,
        force: Option<bool>,
        auth: Auth,
    },
    ToggleAlwaysUv {
        auth: Auth,
    },
    Selection,
    /// Right after a power cycle, when it is allowed.
    Reset,
    /// Too late.
    LateReset,
    PowerCycle,
    Sensor,
    EnrollBegin {
        auth: Auth,
    },
    EnrollNext {
        auth: Auth,
    },
    EnrollCancel,
    Fingers {
        auth: Auth,
    },
    NameFinger {
        at: u8,
        auth: Auth,
    },
    RemoveFinger {
        at: u8,
        auth: Auth,
    },
    TokenByFinger {
        protocol: Protocol,
        permissions: u8,
        rp: Option<Rp>,
    },
    ReadBlobs {
        offset: u16,
        count: u16,
    },
    /// In one fragment, or in two.
    WriteBlobs {
        length: u16,
        split: Option<u8>,
        /// The hash at the end is another's.
        torn: bool,
        auth: Auth,
    },
    /// For a credential that keeps a blob of its own.
    MakeForBlob {
        rp: Rp,
        user: u8,
        required: bool,
        rk: bool,
        auth: Auth,
    },
    /// Reads that blob, or writes so many bytes.
    KeepBlob {
        rp: Rp,
        write: Option<u8>,
        allow: Allow,
        auth: Auth,
    },
    Register {
        rp: Rp,
    },
    Authenticate {
        rp: Rp,
        at: u8,
        control: u8,
    },
    Version,
    /// Whatever comes to mind.
    Bytes(&'a [u8]),
    EnableEnterpriseAttestation {
        auth: Auth,
    },
    EnableLongTouch {
        auth: Auth,
    },
    /// Who may learn the minimum PIN length.
    NameRpIds {
        com: bool,
        org: bool,
        auth: Auth,
    },
    /// For a credential that derives secrets, some of them at once, and is told the minimum PIN
    /// length.
    MakeForSecret {
        rp: Rp,
        user: u8,
        rk: bool,
        at_once: Option<Salts>,
        auth: Auth,
    },
    DeriveSecret {
        rp: Rp,
        allow: Allow,
        salts: Salts,
        auth: Auth,
    },
}

/// What came of a step.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Outcome {
    /// Status of the last request that the step made.
    pub status: u8,
    /// What the answer said, of what every token says alike.
    pub facts: Facts,
}

type Facts = Vec<(&'static str, u64)>;

/// The platform's memory.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct Platform {
    crypto: RustCrypto<Counter>,
    token: Option<PinUvAuthToken>,
    ids: Vec<Vec<u8>>,
    /// templateIds, the one that is being enrolled last.
    fingers: Vec<Vec<u8>>,
    derived: Vec<secrets::Derived>,
}

type Answer = Result<Vec<u8>, u8>;

impl Platform {
    pub const fn new() -> Self {
        Self {
            crypto: RustCrypto(Counter(1)),
            token: None,
            ids: Vec::new(),
            fingers: Vec::new(),
            derived: Vec::new(),
        }
    }

    /// Does the step with the key.
    pub fn play(&mut self, step: &Step<'_>, key: &mut dyn Key) -> Outcome {
        let mut facts = Vec::new();
        let status = match self.request(step, key, &mut facts) {
            Ok(_) => 0,
            Err(status) => status,
        };
        Outcome { status, facts }
    }

    fn request(&mut self, step: &Step<'_>, key: &mut dyn Key, facts: &mut Facts) -> Result<(), u8> {
        match *step {
            Step::GetInfo => {
                let answer = send(key, Command::GetInfo, None)?;
                let info = get_info::Response::parse(&answer).expect("getInfo");
                let option = |option: Option<bool>| option.map_or(2, u64::from);
                facts.push(("clientPin", option(info.options.client_pin())));
                facts.push(("alwaysUv", option(info.options.always_uv())));
                let without_uv = info.options.make_cred_uv_not_rqd();
                facts.push(("makeCredUvNotRqd", without_uv.unwrap_or(false).into()));
                facts.push(("credMgmt", option(info.options.cred_mgmt())));
                facts.push(("largeBlobs", option(info.options.large_blobs())));
                facts.push(("minPINLength", info.min_pin_length.unwrap_or(4).into()));
                facts.push((
                    "forcePINChange",
                    info.force_pin_change.unwrap_or(false).into(),
                ));
            }
            Step::PinRetries => {
                // Not wanted by the specification, but by some keys.
                let request = client_pin::Request {
                    pin_uv_auth_protocol: Some(2),
                    ..client_pin::Request::new(Subcommand::PinRetries)
                };
                let answer = send(key, Command::ClientPin, Some(&request))?;
                let answer = client_pin::Response::parse(&answer).expect("getPINRetries");
                facts.push(("pinRetries", answer.pin_retries.expect("a count").into()));
                let power_cycle = answer.power_cycle_state.unwrap_or(false);
                facts.push(("powerCycleState", power_cycle.into()));
            }
            Step::SetPin { protocol, pin } => self.set_pin(key, protocol, pin)?,
            Step::ChangePin {
                protocol,
                current,
                new,
            } => {
                self.change_pin(key, protocol, current, new)?;
            }
            Step::Token {
                protocol,
                pin,
                permissions,
                rp,
            } => {
                self.get_token(key, protocol, pin, permissions, rp)?;
            }
            Step::MakeCredential { .. } => self.make_credential(step, key, facts)?,
            Step::GetAssertion {
                rp,
                allow,
                options,
                auth,
            } => {
                self.get_assertion(key, rp, allow, options, auth, facts)?;
            }
            Step::GetNextAssertion => {
                let answer = send(key, Command::GetNextAssertion, None)?;
                self.asserted(&answer, facts);
            }
            Step::Selection => drop(send(key, Command::Selection, None)?),
            Step::Reset => {
                key.power_cycle();
                self.token = None;
                send(key, Command::Reset, None)?;
                self.ids.clear();
                self.fingers.clear();
                self.derived.clear();
            }
            Step::LateReset => {
                key.power_cycle();
                self.token = None;
                key.wait(11_000);
                send(key, Command::Reset, None)?;
            }
            Step::PowerCycle => {
                key.power_cycle();
                self.token = None;
            }
            Step::Bytes(bytes) => {
                let answer = key.send(bytes);
                let (&status, map) = answer.split_first().expect("a status");
                assert!(map.is_empty() || Raw::parse(map).is_ok(), "{map:02x?}");
                if status != 0 {
                    return Err(status);
                }
            }
            Step::SetMinPinLength {
                length,
                force,
                auth,
            } => {
                let rules = SetMinPinLength {
                    new_min_pin_length: length.map(Into::into),
                    force_change_pin: force,
                    ..SetMinPinLength::default()
                };
                let sub_command = authenticator_config::Subcommand::SetMinPinLength;
                self.configure(key, sub_command, Some(&rules), auth)?;
            }
            Step::NameRpIds { com, org, auth } => {
                let named = [com.then_some(Rp::Com.id()), org.then_some(Rp::Org.id())];
                let named: Vec<_> = named.into_iter().flatten().collect();
                let rules = SetMinPinLength {
                    min_pin_length_rp_ids: Some(List::new(&named)),
                    ..SetMinPinLength::default()
                };
                let sub_command = authenticator_config::Subcommand::SetMinPinLength;
                self.configure(key, sub_command, Some(&rules), auth)?;
            }
            Step::ToggleAlwaysUv { auth } => {
                let sub_command = authenticator_config::Subcommand::ToggleAlwaysUv;
                self.configure(key, sub_command, None, auth)?;
            }
            Step::EnableEnterpriseAttestation { auth } => {
                let sub_command = authenticator_config::Subcommand::EnableEnterpriseAttestation;
                self.configure(key, sub_command, None, auth)?;
            }
            Step::EnableLongTouch { auth } => {
                let sub_command = authenticator_config::Subcommand::EnableLongTouchForReset;
                self.configure(key, sub_command, None, auth)?;
            }
            Step::TokenByFinger {
                protocol,
                permissions,
                rp,
            } => self.get_token_by_finger(key, protocol, permissions, rp)?,
            Step::Sensor
            | Step::EnrollBegin { .. }
            | Step::EnrollNext { .. }
            | Step::EnrollCancel
            | Step::Fingers { .. }
            | Step::NameFinger { .. }
            | Step::RemoveFinger { .. } => self.lay_finger(step, key, facts)?,
            Step::ReadBlobs { offset, count } => {
                self.read_blobs(key, offset.into(), count.into(), facts)?;
            }
            Step::WriteBlobs {
                length,
                split,
                torn,
                auth,
            } => self.write_blobs(key, length, split, torn, auth)?,
            Step::MakeForBlob { .. } => self.make_for_blob(step, key, facts)?,
            Step::KeepBlob {
                rp,
                write,
                allow,
                auth,
            } => self.keep_blob(key, Asked { rp, allow, auth }, write, facts)?,
            Step::MakeForSecret { .. } => self.make_for_secret(step, key, facts)?,
            Step::DeriveSecret {
                rp,
                allow,
                salts,
                auth,
            } => self.derive_secret(key, Asked { rp, allow, auth }, salts, facts)?,
            Step::Register { .. } | Step::Authenticate { .. } | Step::Version => {
                self.speak_ctap1(step, key, facts);
            }
            _ => self.manage(step, key, facts)?,
        }
        Ok(())
    }

    fn authenticate(&mut self, auth: Auth, parts: &[&[u8]]) -> (Option<Vec<u8>>, Option<u8>) {
        authenticate(self.token.as_ref(), &mut self.crypto, auth, parts)
    }
}

fn authenticate(
    token: Option<&PinUvAuthToken>,
    crypto: &mut RustCrypto<Counter>,
    auth: Auth,
    parts: &[&[u8]],
) -> (Option<Vec<u8>>, Option<u8>) {
    let protocol = token.map_or(2, |token| token.protocol().id());
    let good = token.map_or(vec![0; 32], |token| {
        token.authenticate(crypto, parts).to_vec()
    });
    match auth {
        Auth::None => (None, None),
        Auth::Token => (Some(good), Some(protocol)),
        Auth::Wrong => (
            Some(good.iter().map(|byte| byte ^ 1).collect()),
            Some(protocol),
        ),
        Auth::Empty => (Some(Vec::new()), Some(protocol)),
        Auth::WithoutProtocol => (Some(good), None),
        Auth::UnknownProtocol => (Some(good), Some(3)),
    }
}

fn send(key: &mut dyn Key, command: Command, parameters: Option<&dyn Encode>) -> Answer {
    let mut room = [0; MAX_MESSAGE];
    let request = ctap2::request(command, parameters, &mut room).expect("the room");
    let answer = key.send(request);
    match answer.split_first().expect("a status") {
        (0, map) => Ok(map.to_vec()),
        (&status, map) => {
            assert!(map.is_empty(), "a refusal with a map");
            Err(status)
        }
    }
}

const HASH: &[u8; 32] = &[0x5A; 32];
