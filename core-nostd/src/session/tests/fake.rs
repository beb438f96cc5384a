//! A token that answers as a test tells it, and properly where it does not.

use super::super::*;
use crate::cbor::{Encode, Entries, List, Parse};
use crate::crypto::{PrivateKey, PublicPoint, RustCrypto, Secret};
use crate::ctap2::client_pin::{self, Subcommand};
use crate::ctap2::{self, Command, Status, get_info};
use crate::pin_protocol::{
    EncryptedMember, KeyAgreementKey, PersistentToken, Pin, PinProtocol, PinUvAuthToken,
};
use crate::webauthn::cose;
use core::fmt;
use core::ops::ControlFlow;
use rand_core::OsRng;
use std::boxed::Box;
use std::vec::Vec;

pub(super) type Crypto = RustCrypto<OsRng>;
pub(super) type Outcome<V> = Result<V, Error<Lost>>;
type Rule = Box<dyn FnMut(Command, &[u8]) -> Option<Vec<u8>>>;

/// The link is gone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Lost;

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the link is gone")
    }
}

impl core::error::Error for Lost {}

pub(super) struct Fake {
    pub(super) info: Info,
    pub(super) asked: Vec<Command>,
    rules: Vec<Rule>,
    key: KeyAgreementKey,
    crypto: Crypto,
}

/// The members of getInfo that matter to flows.
#[derive(Clone)]
pub(super) struct Info {
    pub(super) versions: &'static [&'static str],
    /// In canonical order.
    pub(super) options: &'static [(&'static str, bool)],
    pub(super) pin_protocols: Option<&'static [u8]>,
    pub(super) min_pin_length: Option<u32>,
    pub(super) max_pin_length: Option<u32>,
    pub(super) force_pin_change: Option<bool>,
    pub(super) pin_complexity_policy: Option<bool>,
    pub(super) config_commands: Option<&'static [u8]>,
    pub(super) max_msg_size: Option<u32>,
    pub(super) long_touch_for_reset: Option<bool>,
    pub(super) extensions: &'static [&'static str],
    pub(super) preferred_platform_uv_attempts: Option<u32>,
    pub(super) max_serialized_large_blob_array: Option<u32>,
    pub(super) max_cred_blob_length: Option<u32>,
    pub(super) max_rp_ids: Option<u32>,
    pub(super) max_credential_count_in_list: Option<u32>,
    pub(super) max_credential_id_length: Option<u32>,
    pub(super) transports_for_reset: Option<&'static [&'static str]>,
    pub(super) vendor_commands: Option<&'static [u64]>,
    /// Sealed to the persistent token at each getInfo.
    pub(super) identity: Option<Identity>,
}

/// A key of CTAP 2.1 with a PIN and everything this crate speaks.
pub(super) const CTAP_2_1: Info = Info {
    versions: &["FIDO_2_0", "FIDO_2_1"],
    options: &[
        ("ep", false),
        ("rk", true),
        ("alwaysUv", false),
        ("credMgmt", true),
        ("authnrCfg", true),
        ("clientPin", true),
        ("pinUvAuthToken", true),
        ("setMinPINLength", true),
    ],
    pin_protocols: Some(&[2, 1]),
    min_pin_length: Some(4),
    max_pin_length: None,
    force_pin_change: Some(false),
    pin_complexity_policy: None,
    config_commands: None,
    max_msg_size: Some(1200),
    long_touch_for_reset: None,
    extensions: &[],
    preferred_platform_uv_attempts: None,
    max_serialized_large_blob_array: None,
    max_cred_blob_length: None,
    max_rp_ids: None,
    max_credential_count_in_list: None,
    max_credential_id_length: None,
    transports_for_reset: None,
    vendor_commands: None,
    identity: None,
};

/// A key of CTAP 2.3 that knows fingers.
pub(super) const CTAP_2_3: Info = Info {
    versions: &["FIDO_2_0", "FIDO_2_1", "FIDO_2_3"],
    options: &[
        ("rk", true),
        ("uv", true),
        ("uvAcfg", true),
        ("credMgmt", true),
        ("authnrCfg", true),
        ("bioEnroll", true),
        ("clientPin", true),
        ("largeBlobs", true),
        ("uvBioEnroll", true),
        ("perCredMgmtRO", true),
        ("pinUvAuthToken", true),
        ("setMinPINLength", true),
    ],
    extensions: &[
        "credBlob",
        "credProtect",
        "hmac-secret",
        "largeBlobKey",
        "minPinLength",
        "hmac-secret-mc",
        "thirdPartyPayment",
        "pinComplexityPolicy",
    ],
    preferred_platform_uv_attempts: Some(3),
    max_serialized_large_blob_array: Some(2048),
    max_cred_blob_length: Some(32),
    max_rp_ids: Some(2),
    pin_complexity_policy: Some(false),
    ..CTAP_2_1
};

/// The same, without a PIN yet.
pub(super) const CTAP_2_1_WITHOUT_PIN: Info = Info {
    options: &[
        ("rk", true),
        ("credMgmt", true),
        ("clientPin", false),
        ("pinUvAuthToken", true),
    ],
    ..CTAP_2_1
};

/// A key between the editions.
pub(super) const CTAP_2_1_PRE: Info = Info {
    versions: &["FIDO_2_0", "FIDO_2_1_PRE"],
    options: &[
        ("rk", true),
        ("clientPin", true),
        ("credentialMgmtPreview", true),
    ],
    pin_protocols: Some(&[1]),
    min_pin_length: None,
    max_pin_length: None,
    force_pin_change: None,
    pin_complexity_policy: None,
    config_commands: None,
    max_msg_size: None,
    long_touch_for_reset: None,
    extensions: &[],
    preferred_platform_uv_attempts: None,
    max_serialized_large_blob_array: None,
    max_cred_blob_length: None,
    max_rp_ids: None,
    max_credential_count_in_list: None,
    max_credential_id_length: None,
    transports_for_reset: None,
    vendor_commands: None,
    identity: None,
};

/// A key of CTAP 2.0, which names no PIN protocol.
pub(super) const CTAP_2_0: Info = Info {
    versions: &["FIDO_2_0"],
    options: &[("rk", true), ("clientPin", true)],
    pin_protocols: None,
    ..CTAP_2_1_PRE
};

impl Fake {
    pub(super) fn new(info: Info) -> Self {
        Self {
            info,
            asked: Vec::new(),
            rules: Vec::new(),
            key: key(),
            crypto: RustCrypto(OsRng),
        }
    }

    /// Answers a command, given its parameters, for as long as the rule gives
    /// an answer. Later rules go first.
    pub(super) fn on(
        mut self,
        command: Command,
        mut rule: impl FnMut(&[u8]) -> Option<Vec<u8>> + 'static,
    ) -> Self {
        self.rules.push(Box::new(move |asked, parameters| {
            (asked == command).then(|| rule(parameters)).flatten()
        }));
        self
    }

    /// Answers a command always in this way.
    pub(super) fn says(self, command: Command, status: Status) -> Self {
        self.on(command, move |_| Some(answer(status)))
    }

    /// Answers a subcommand of clientPIN always in this way.
    pub(super) fn pin_says(self, sub_command: Subcommand, status: Status) -> Self {
        self.on(Command::ClientPin, move |parameters| {
            let request = client_pin::Request::parse(parameters).unwrap();
            (request.sub_command == sub_command).then(|| answer(status))
        })
    }

    /// Answers getPINRetries.
    pub(super) fn retries(self, left: u8, power_cycle_state: Option<bool>) -> Self {
        self.on(Command::ClientPin, move |parameters| {
            let request = client_pin::Request::parse(parameters).unwrap();
            (request.sub_command == Subcommand::PinRetries).then(|| {
                ok(&client_pin::Response {
                    pin_retries: Some(left),
                    power_cycle_state,
                    ..Default::default()
                })
            })
        })
    }

    /// Holds a session.
    pub(super) fn session<R>(
        &mut self,
        act: impl FnOnce(&mut Session<'_, Self, Crypto>) -> R,
    ) -> R {
        let mut crypto = RustCrypto(OsRng);
        let mut buffers = Box::<Buffers>::default();
        let mut on_keepalive = |_| ControlFlow::Continue(());
        let mut session = Session::new(
            self,
            &mut crypto,
            &mut buffers,
            Millis(1000),
            &mut on_keepalive,
        );
        act(&mut session)
    }

    fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        let (command, parameters) = ctap2::parse_request(request).unwrap();
        self.asked.push(command);
        for rule in self.rules.iter_mut().rev() {
            if let Some(answer) = rule(command, parameters) {
                return answer;
            }
        }
        match command {
            Command::GetInfo => self.info(),
            Command::ClientPin => self.client_pin(parameters),
            _ => answer(Status::Ok),
        }
    }

    fn info(&mut self) -> Vec<u8> {
        let info = &self.info;
        let identity = info.identity;
        let mut seal = |member, value: Option<[u8; 16]>| {
            let token = PersistentToken::new(given(PinProtocol::Two)).unwrap();
            value.map(|value| token.seal(&mut self.crypto, member, &value).unwrap())
        };
        let device = identity.and_then(|identity| identity.device);
        let device = seal(EncryptedMember::Identifier, device);
        let state = identity.and_then(|identity| identity.cred_store_state);
        let state = seal(EncryptedMember::CredStoreState, state);
        let versions = List::new(info.versions);
        let mut response = get_info::Response::new(versions, &[7; 16]);
        response.options = get_info::Options(Entries::new(info.options));
        response.pin_uv_auth_protocols = info.pin_protocols.map(List::new);
        response.min_pin_length = info.min_pin_length;
        response.max_pin_length = info.max_pin_length;
        response.force_pin_change = info.force_pin_change;
        response.pin_complexity_policy = info.pin_complexity_policy;
        response.authenticator_config_commands = info.config_commands.map(List::new);
        response.max_msg_size = info.max_msg_size;
        response.long_touch_for_reset = info.long_touch_for_reset;
        response.extensions = Some(List::new(info.extensions));
        response.preferred_platform_uv_attempts = info.preferred_platform_uv_attempts;
        response.max_serialized_large_blob_array = info.max_serialized_large_blob_array;
        response.max_cred_blob_length = info.max_cred_blob_length;
        response.max_rp_ids_for_set_min_pin_length = info.max_rp_ids;
        response.max_credential_count_in_list = info.max_credential_count_in_list;
        response.max_credential_id_length = info.max_credential_id_length;
        response.transports_for_reset = info.transports_for_reset.map(List::new);
        response.vendor_prototype_config_commands = info.vendor_commands.map(List::new);
        response.enc_identifier = device.as_ref().map(|sealed| &sealed[..]);
        response.enc_cred_store_state = state.as_ref().map(|sealed| &sealed[..]);
        ok(&response)
    }

    fn client_pin(&mut self, parameters: &[u8]) -> Vec<u8> {
        let request = client_pin::Request::parse(parameters).unwrap();
        let mut response = client_pin::Response::default();
        match request.sub_command {
            Subcommand::PinRetries => {
                response.pin_retries = Some(8);
                ok(&response)
            }
            Subcommand::KeyAgreement => {
                let PublicPoint { x, y } = self.key.public(&mut self.crypto).unwrap();
                response.key_agreement = Some(cose::KeyAgreementKey { x: &x, y: &y });
                ok(&response)
            }
            Subcommand::UvRetries => {
                response.uv_retries = Some(5);
                ok(&response)
            }
            Subcommand::PinToken
            | Subcommand::PinUvAuthTokenUsingUvWithPermissions
            | Subcommand::PinUvAuthTokenUsingPinWithPermissions => {
                let protocol = request.pin_uv_auth_protocol.unwrap();
                let protocol = PinProtocol::from_id(protocol.into()).unwrap();
                let theirs = request.key_agreement.unwrap();
                let theirs = PublicPoint {
                    x: *theirs.x,
                    y: *theirs.y,
                };
                let secret = self.key.decapsulate(&mut self.crypto, protocol, &theirs);
                let secret = secret.ok().unwrap();
                let encrypted = given(protocol).encrypt(&mut self.crypto, &secret).unwrap();
                response.pin_uv_auth_token = Some(&encrypted);
                ok(&response)
            }
            _ => answer(Status::Ok),
        }
    }
}

impl CtapTransport for Fake {
    type Error = Lost;

    fn exchange<'r>(
        &mut self,
        request: &[u8],
        response: &'r mut [u8],
        _: Millis,
        _: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<&'r [u8], Lost> {
        let answer = self.answer(request);
        let room = response.get_mut(..answer.len()).ok_or(Lost)?;
        room.copy_from_slice(&answer);
        Ok(room)
    }
}

/// The key that the fake agrees with.
pub(super) fn key() -> KeyAgreementKey {
    KeyAgreementKey::from_private(PrivateKey::from_bytes([0x4B; 32]))
}

/// The token that the fake gives to everybody.
pub(super) fn given(protocol: PinProtocol) -> PinUvAuthToken {
    PinUvAuthToken::restore(protocol, Secret([0x77; 32]))
}

pub(super) fn answer(status: Status) -> Vec<u8> {
    std::vec![status.into()]
}

pub(super) fn ok(map: &dyn Encode) -> Vec<u8> {
    let mut room = [0; 2048];
    ctap2::encode_response(Status::Ok, Some(map), &mut room)
        .unwrap()
        .to_vec()
}

pub(super) fn pin(text: &str) -> Pin {
    Pin::new(text).ok().unwrap()
}
