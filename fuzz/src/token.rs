//! A token that answers from a script, or as an honest one does where the script leaves it to us.

use std::ops::ControlFlow;

use keysteward_core::cbor::{Entries, List, Parse};
use keysteward_core::ctap2::client_pin::{self, Subcommand};
use keysteward_core::ctap2::extension::identifier;
use keysteward_core::ctap2::{self, Command, Status, get_info};
use keysteward_core::session::{CtapTransport, Keepalive, Millis};
use keysteward_core::webauthn::cose::KeyAgreementKey;

use crate::Script;

/// Each answer begins with a byte that says how it comes: [`Self::KEEPALIVE`], [`Self::HONEST`],
/// [`Self::SWITCHED`]. No fuzzer would guess an honest getInfo, key agreement or PIN token.
#[derive(Debug)]
pub struct ScriptedToken<'s> {
    pub script: Script<'s>,
}

/// The script has ended.
#[derive(Debug)]
pub struct Unplugged;

impl ScriptedToken<'_> {
    /// A keep-alive comes first.
    pub const KEEPALIVE: u8 = 1;
    /// The answer is an honest one.
    pub const HONEST: u8 = 2;
    /// What can be set up is not, in the honest getInfo.
    pub const SWITCHED: u8 = 4;
}

impl CtapTransport for ScriptedToken<'_> {
    type Error = Unplugged;

    fn exchange<'r>(
        &mut self,
        request: &[u8],
        response: &'r mut [u8],
        _deadline: Millis,
        on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<&'r [u8], Unplugged> {
        let step = self.script.byte().ok_or(Unplugged)?;
        if step & Self::KEEPALIVE != 0 {
            let _cancelled = on_keepalive(Keepalive::UserPresenceNeeded);
        }
        if step & Self::HONEST != 0
            && let Some(length) = answer_properly(request, step & Self::SWITCHED == 0, response)
        {
            return Ok(&response[..length]);
        }
        let answer = self.script.rest_of_step();
        response[..answer.len()].copy_from_slice(answer);
        Ok(&response[..answer.len()])
    }
}

fn answer_properly(request: &[u8], set_up: bool, response: &mut [u8]) -> Option<usize> {
    let (command, parameters) = ctap2::parse_request(request).ok()?;
    let answer = match command {
        Command::GetInfo => info(set_up, response),
        Command::ClientPin => {
            let request = client_pin::Request::parse(parameters).expect("the session wrote it");
            let answer = match request.sub_command {
                // The generator of P-256.
                Subcommand::KeyAgreement => client_pin::Response {
                    key_agreement: Some(KeyAgreementKey { x: &GX, y: &GY }),
                    ..client_pin::Response::default()
                },
                Subcommand::PinToken
                | Subcommand::PinUvAuthTokenUsingPinWithPermissions
                | Subcommand::PinUvAuthTokenUsingUvWithPermissions => client_pin::Response {
                    // With the IV that protocol two has before it.
                    pin_uv_auth_token: Some(match request.pin_uv_auth_protocol {
                        Some(1) => &[9; 32],
                        _ => &[9; 48],
                    }),
                    ..client_pin::Response::default()
                },
                _ => return None,
            };
            ctap2::encode_response(Status::Ok, Some(&answer), response).ok()
        }
        _ => return None,
    };
    Some(answer.expect("the buffer holds any message").len())
}

fn info(set_up: bool, response: &mut [u8]) -> Option<&[u8]> {
    let options = [
        ("ep", set_up),
        ("rk", true),
        ("uv", set_up),
        ("uvAcfg", true),
        ("alwaysUv", set_up),
        ("credMgmt", true),
        ("authnrCfg", true),
        ("bioEnroll", set_up),
        ("clientPin", set_up),
        ("largeBlobs", true),
        ("uvBioEnroll", true),
        ("perCredMgmtRO", true),
        ("pinUvAuthToken", true),
        ("setMinPINLength", true),
        ("makeCredUvNotRqd", true),
    ];
    let extensions = [
        identifier::CRED_BLOB,
        identifier::CRED_PROTECT,
        identifier::HMAC_SECRET,
        identifier::HMAC_SECRET_MC,
        identifier::LARGE_BLOB_KEY,
        identifier::MIN_PIN_LENGTH,
        identifier::PIN_COMPLEXITY_POLICY,
        identifier::THIRD_PARTY_PAYMENT,
    ];
    let versions = [get_info::FIDO_2_0, get_info::FIDO_2_1, get_info::FIDO_2_3];
    let info = get_info::Response {
        options: get_info::Options(Entries::new(&options)),
        extensions: Some(List::new(&extensions)),
        pin_uv_auth_protocols: Some(List::new(&[2, 1])),
        preferred_platform_uv_attempts: Some(3),
        max_serialized_large_blob_array: Some(2048),
        max_credential_count_in_list: Some(2),
        max_cred_blob_length: Some(32),
        max_rp_ids_for_set_min_pin_length: Some(2),
        long_touch_for_reset: Some(set_up),
        pin_complexity_policy: Some(set_up),
        vendor_prototype_config_commands: Some(List::new(&[7])),
        enc_identifier: Some(&[9; 32]),
        enc_cred_store_state: Some(&[9; 32]),
        ..get_info::Response::new(List::new(&versions), &[0; 16])
    };
    ctap2::encode_response(Status::Ok, Some(&info), response).ok()
}

impl std::fmt::Display for Unplugged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the script has ended")
    }
}

impl std::error::Error for Unplugged {}

const GX: [u8; 32] = [
    0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
    0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
];
const GY: [u8; 32] = [
    0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
    0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
];
