//! What flows need to know of a token. CTAP 2.3 §6.4.

use super::Extension;
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
    /// `uv`: `Some(true)` when the token can verify its user itself, `Some(false)`
    /// when that has still to be set up.
    pub uv: Option<bool>,
    /// `uvBioEnroll`: built-in user verification gives a token for fingerprints.
    pub uv_bio_enroll: bool,
    /// `uvAcfg`: built-in user verification gives a token for configuration.
    pub uv_acfg: bool,
    /// preferredPlatformUvAttempts; one for tokens that do not say
    pub preferred_platform_uv_attempts: u32,
    /// Which command manages credentials, if one does.
    pub credential_management: Option<Command>,
    /// `perCredMgmtRO`: the token gives a persistent token to list credentials.
    pub per_cred_mgmt_ro: bool,
    /// Which command manages fingerprints, if one does.
    pub bio_enrollment: Option<Command>,
    /// maxSerializedLargeBlobArray, in bytes; `None` without `largeBlobs`
    pub max_serialized_large_blob_array: Option<usize>,
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
    /// pinComplexityPolicy: whether it is enforced; `None` when it cannot be set
    pub pin_complexity_policy: Option<bool>,
    /// maxRPIDsForSetMinPINLength
    pub max_rp_ids_for_set_min_pin_length: Option<usize>,
    /// maxMsgSize, in bytes
    pub max_msg_size: u32,
    /// maxCredentialCountInList; one for tokens that do not say
    pub max_credential_count_in_list: usize,
    /// maxCredentialIdLength, in bytes; a token that says 0, which §6.4 forbids, says nothing
    pub max_credential_id_length: Option<usize>,
    /// Whether the selection command is there: since CTAP 2.1.
    pub selection: bool,
    /// maxCredBlobLength, in bytes; zero without the extension
    pub max_cred_blob_length: usize,
    extensions: Extensions,
    transports_for_reset: Option<ResetTransports>,
    config_commands: Option<ConfigCommands>,
}

/// The extensions that we know, as bits.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Extensions(u16);

/// transportsForReset, as bits in the order of [`RESET_TRANSPORTS`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct ResetTransports(u8);

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

    /// Whether the token has this extension.
    #[must_use]
    pub const fn has(&self, extension: Extension) -> bool {
        self.extensions.0 & extension.bit() != 0
    }

    /// Whether the token takes a reset over this transport: `usb`, `nfc`, `ble`
    /// or `smart-card`. `None` where it does not say.
    #[must_use]
    pub fn takes_reset_over(&self, transport: &str) -> Option<bool> {
        let ResetTransports(listed) = self.transports_for_reset?;
        Some(listed & ResetTransports::bit(transport) != 0)
    }

    /// Whether the token has a PIN or verifies its user itself: then it wants
    /// one of both for what it protects.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        [self.client_pin, self.uv, self.always_uv].contains(&Some(true))
    }
}

impl Extensions {
    fn listed(info: &Response<'_>) -> Self {
        let listed = info.extensions.unwrap_or_default();
        Self(listed.iter().fold(0, |bits, identifier| {
            let known = Extension::from_identifier(identifier);
            bits | known.map_or(0, Extension::bit)
        }))
    }
}

impl ResetTransports {
    fn bit(transport: &str) -> u8 {
        let place = RESET_TRANSPORTS.iter().position(|one| *one == transport);
        place
            .and_then(|place| u32::try_from(place).ok())
            .and_then(|place| 1_u8.checked_shl(place))
            .unwrap_or(0)
    }
}

/// Transports of a security key.
const RESET_TRANSPORTS: [&str; 4] = ["usb", "nfc", "ble", "smart-card"];

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
        let bio_enrollment = if options.bio_enroll().is_some() {
            Some(Command::BioEnrollment)
        } else if options.user_verification_mgmt_preview().is_some() {
            Some(Command::BioEnrollmentPreview)
        } else {
            None
        };
        let extensions = Extensions::listed(info);
        let size = |value: Option<u32>| value.and_then(|value| usize::try_from(value).ok());
        Self {
            pin_protocol,
            client_pin: options.client_pin(),
            pin_uv_auth_token: is(options.pin_uv_auth_token()),
            no_mc_ga_permissions_with_client_pin: is(options.no_mc_ga_permissions_with_client_pin()),
            uv: options.uv(),
            uv_bio_enroll: is(options.uv_bio_enroll()),
            uv_acfg: is(options.uv_acfg()),
            preferred_platform_uv_attempts: info.preferred_platform_uv_attempts.unwrap_or(1).max(1),
            credential_management,
            per_cred_mgmt_ro: is(options.per_cred_mgmt_ro()),
            bio_enrollment,
            max_serialized_large_blob_array: is(options.large_blobs()).then(|| {
                size(info.max_serialized_large_blob_array).unwrap_or(MIN_LARGE_BLOB_ARRAY)
            }),
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
            pin_complexity_policy: info.pin_complexity_policy,
            max_rp_ids_for_set_min_pin_length: size(info.max_rp_ids_for_set_min_pin_length),
            // Every token takes that much, whatever it says.
            max_msg_size: info
                .max_msg_size
                .unwrap_or_default()
                .max(get_info::DEFAULT_MAX_MSG_SIZE),
            max_credential_count_in_list: size(info.max_credential_count_in_list)
                .unwrap_or(1)
                .max(1),
            max_credential_id_length: size(info.max_credential_id_length).filter(|max| *max > 0),
            selection: info
                .versions
                .iter()
                .any(|version| version.starts_with("FIDO_2_") && !is_before_2_1(version)),
            max_cred_blob_length: size(info.max_cred_blob_length).unwrap_or(0),
            extensions,
            transports_for_reset: info.transports_for_reset.map(|listed| {
                let bits = listed.iter().map(ResetTransports::bit);
                ResetTransports(bits.fold(0, |all, bit| all | bit))
            }),
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

/// What every token with large blobs has room for, in bytes.
const MIN_LARGE_BLOB_ARRAY: usize = 1024;
