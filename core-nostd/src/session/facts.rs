//! What flows need to know of a token. CTAP 2.3 §6.4.

use crate::ctap2::Command;
use crate::ctap2::authenticator_config::Subcommand;
use crate::ctap2::get_info::{self, Response};
use crate::pin_protocol::PinProtocol;

/// The part of getInfo that decides what a flow sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Facts {
    /// The first of the token's PIN/UV auth protocols that we speak; one for
    /// tokens of CTAP 2.0, which name none.
    pub pin_protocol: Option<PinProtocol>,
    /// `clientPin`: `Some(true)` when a PIN is set, `None` without PINs.
    pub client_pin: Option<bool>,
    /// `pinUvAuthToken`: PIN tokens carry permissions.
    pub pin_uv_auth_token: bool,
    /// `noMcGaPermissionsWithClientPin`
    pub no_mc_ga_permissions_with_client_pin: bool,
    /// Which command manages credentials, if one does.
    pub credential_management: Option<Command>,
    /// `authnrCfg`
    pub authnr_cfg: bool,
    /// `setMinPINLength`
    pub set_min_pin_length: bool,
    /// `ep`
    pub ep: Option<bool>,
    /// `alwaysUv`
    pub always_uv: Option<bool>,
    /// longTouchForReset
    pub long_touch_for_reset: Option<bool>,
    /// forcePINChange
    pub force_pin_change: bool,
    /// minPINLength, in code points
    pub min_pin_length: u32,
    /// maxPINLength, in code points
    pub max_pin_length: u32,
    /// Whether pinComplexityPolicy is enforced.
    pub pin_complexity_policy: bool,
    /// maxMsgSize, in bytes
    pub max_msg_size: u32,
    /// maxCredentialCountInList; one for tokens that do not say
    pub max_credential_count_in_list: usize,
    /// maxCredentialIdLength, in bytes
    pub max_credential_id_length: Option<usize>,
    /// Whether the selection command is there: since CTAP 2.1.
    pub selection: bool,
    config_commands: Option<ConfigCommands>,
}

/// authenticatorConfigCommands, as bits.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct ConfigCommands(u64);

impl Facts {
    /// Whether the token takes this subcommand of authenticatorConfig. Those
    /// of CTAP 2.1 are known by their options; later ones are listed.
    pub(super) fn takes_config(&self, subcommand: Subcommand) -> bool {
        self.authnr_cfg
            && self
                .config_commands
                .is_none_or(|listed| listed.contains(subcommand))
    }
}

impl ConfigCommands {
    fn bit(subcommand: u8) -> u64 {
        1_u64.checked_shl(subcommand.into()).unwrap_or(0)
    }

    fn contains(self, subcommand: Subcommand) -> bool {
        self.0 & Self::bit(subcommand.into()) != 0
    }
}

impl From<&Response<'_>> for Facts {
    fn from(info: &Response<'_>) -> Self {
        let options = &info.options;
        let is = |option: Option<bool>| option == Some(true);
        let pin_protocol = match info.pin_uv_auth_protocols {
            Some(listed) => listed.iter().find_map(|id| PinProtocol::from_id(id.into())),
            None => Some(PinProtocol::One),
        };
        let credential_management = if is(options.cred_mgmt()) {
            Some(Command::CredentialManagement)
        } else if is(options.credential_mgmt_preview()) {
            Some(Command::CredentialManagementPreview)
        } else {
            None
        };
        let size = |value: Option<u32>| value.and_then(|value| usize::try_from(value).ok());
        Self {
            pin_protocol,
            client_pin: options.client_pin(),
            pin_uv_auth_token: is(options.pin_uv_auth_token()),
            no_mc_ga_permissions_with_client_pin: is(options.no_mc_ga_permissions_with_client_pin()),
            credential_management,
            authnr_cfg: is(options.authnr_cfg()),
            set_min_pin_length: is(options.set_min_pin_length()),
            ep: options.ep(),
            always_uv: options.always_uv(),
            long_touch_for_reset: info.long_touch_for_reset,
            force_pin_change: is(info.force_pin_change),
            min_pin_length: info
                .min_pin_length
                .unwrap_or(get_info::DEFAULT_MIN_PIN_LENGTH),
            max_pin_length: info
                .max_pin_length
                .unwrap_or(get_info::DEFAULT_MAX_PIN_LENGTH),
            pin_complexity_policy: is(info.pin_complexity_policy),
            max_msg_size: info.max_msg_size.unwrap_or(get_info::DEFAULT_MAX_MSG_SIZE),
            max_credential_count_in_list: size(info.max_credential_count_in_list)
                .unwrap_or(1)
                .max(1),
            max_credential_id_length: size(info.max_credential_id_length),
            selection: info
                .versions
                .iter()
                .any(|version| version.starts_with("FIDO_2_") && !is_before_2_1(version)),
            config_commands: info.authenticator_config_commands.map(|listed| {
                let bits = listed.iter().map(ConfigCommands::bit);
                ConfigCommands(bits.fold(0, |all, bit| all | bit))
            }),
        }
    }
}

fn is_before_2_1(version: &str) -> bool {
    version == get_info::FIDO_2_0 || version == get_info::FIDO_2_1_PRE
}
