//! What can be typed after `token fido`.

use std::path::PathBuf;

use clap::Subcommand;

use super::{fingerprint, large_blob};
use crate::{failure::Result, secret_input};

/// Which key, for every verb.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Which {
    /// Presence id, an unambiguous beginning of one, or serial; needed with several keys
    #[arg(long)]
    pub(super) token: Option<String>,
}

#[cfg(test)]
impl Which {
    pub(in crate::local) fn for_test(token: Option<&str>) -> Self {
        Self {
            token: token.map(str::to_owned),
        }
    }
}

/// The key's PIN.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Pin {
    /// File whose first line is the PIN; - is standard input [default: ask, or standard input]
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
}

impl Pin {
    pub(super) fn read(&self) -> Result<String> {
        Ok(secret_input::required(self.pin_file.as_deref(), "PIN")?.to_string())
    }
}

/// Which key, and its PIN, for the verbs that want it.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Key {
    #[command(flatten)]
    pub(super) which: Which,
    #[command(flatten)]
    pub(super) pin: Pin,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// PIN state and tries left
    #[command(
        after_help = "Example:\n  keysteward --agent /run/keysteward-agent/agent.sock token fido info"
    )]
    Info {
        #[command(flatten)]
        which: Which,
    },
    /// Set the first PIN of a key
    #[command(
        after_help = "Example:\n  keysteward --agent /run/keysteward-agent/agent.sock token fido set-pin"
    )]
    SetPin {
        #[command(flatten)]
        which: Which,
        /// File whose first line is the new PIN; - is standard input
        #[arg(long, value_name = "FILE")]
        new_pin_file: Option<PathBuf>,
    },
    /// Change the PIN; from standard input, the current one comes first
    #[command(
        after_help = "Example:\n  keysteward --agent /run/keysteward-agent/agent.sock token fido change-pin"
    )]
    ChangePin {
        #[command(flatten)]
        which: Which,
        /// File whose first line is the current PIN; - is standard input
        #[arg(long, value_name = "FILE")]
        current_pin_file: Option<PathBuf>,
        /// File whose first line is the new PIN; - is standard input
        #[arg(long, value_name = "FILE")]
        new_pin_file: Option<PathBuf>,
    },
    /// Credentials on the key
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token fido credentials --rp-id example.com")]
    Credentials {
        #[command(flatten)]
        key: Key,
        /// Only those of one relying party
        #[arg(long, value_name = "DOMAIN")]
        rp_id: Option<String>,
        /// Read without a PIN: the file holds a token of the key's, good until the PIN is changed
        /// or the key reset. Where there is no such file yet, the PIN is asked for once and the
        /// file written; who can read it can list these credentials
        #[arg(long, value_name = "FILE")]
        persistent_token: Option<PathBuf>,
    },
    /// Give the user of a credential other names
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token fido rename kX3yB0Yq \\
      --user-name bob@example.com --user-display-name Bob")]
    Rename {
        /// As `credentials` shows it: base64url
        credential_id: String,
        /// Left out: the name is taken away
        #[arg(long, value_name = "TEXT")]
        user_name: Option<String>,
        /// Left out: the name is taken away
        #[arg(long, value_name = "TEXT")]
        user_display_name: Option<String>,
        /// Its relying party, where the key has many
        #[arg(long, value_name = "DOMAIN")]
        rp_id: Option<String>,
        #[command(flatten)]
        key: Key,
    },
    /// Delete one credential
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token fido delete kX3yB0Yq")]
    Delete {
        /// As `credentials` shows it: base64url
        credential_id: String,
        /// Its relying party; needed where the host restricts relying parties
        #[arg(long, value_name = "DOMAIN")]
        rp_id: Option<String>,
        #[command(flatten)]
        key: Key,
    },
    /// Change what the key demands
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token fido configure --min-pin-length 8")]
    Configure(Configure),
    /// Find out which key is which: the one that is touched answers
    #[command(
        after_help = "Example:\n  keysteward --agent /run/keysteward-agent/agent.sock token fido select"
    )]
    Select {
        #[command(flatten)]
        which: Which,
    },
    /// Let the key blink or beep
    #[command(
        after_help = "Example:\n  keysteward --agent /run/keysteward-agent/agent.sock token fido wink"
    )]
    Wink {
        #[command(flatten)]
        which: Which,
    },
    /// Fingers that the key knows
    #[command(subcommand)]
    Fingerprint(fingerprint::Command),
    /// Data that credentials carry with them
    #[command(subcommand)]
    Blob(large_blob::Command),
    /// Make a credential, to try the key out
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token fido make \\
      --rp-id example.com --user-name alice")]
    Make(Make),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Configure {
    #[command(flatten)]
    pub(super) key: Key,
    /// Code points; a key only ever raises it
    #[arg(long, value_name = "N")]
    pub(super) min_pin_length: Option<u32>,
    /// Relying party that may read the minimum; may be given several times
    #[arg(long = "min-pin-length-rp-id", value_name = "DOMAIN")]
    pub(super) min_pin_length_rp_ids: Vec<String>,
    /// The PIN must be changed before it is used again
    #[arg(long)]
    pub(super) force_pin_change: bool,
    #[arg(long, value_name = "BOOL")]
    pub(super) always_uv: Option<bool>,
    #[arg(long)]
    pub(super) enable_enterprise_attestation: bool,
    /// A reset wants a touch of 5 seconds from now on
    #[arg(long)]
    pub(super) enable_long_touch_for_reset: bool,
    /// Whether the key enforces its own rules on PINs
    #[arg(long, value_name = "BOOL")]
    pub(super) pin_complexity_policy: Option<bool>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Make {
    #[command(flatten)]
    pub(super) key: Key,
    #[arg(long, value_name = "DOMAIN")]
    pub(super) rp_id: String,
    #[arg(long, value_name = "TEXT")]
    pub(super) user_name: String,
    /// COSE number, best first; may be given several times [default: -7, ES256]
    #[arg(
        long = "algorithm",
        allow_negative_numbers = true,
        value_name = "NUMBER"
    )]
    pub(super) algorithms: Vec<i32>,
    /// The credential is found on the key only by its id
    #[arg(long)]
    pub(super) no_resident_key: bool,
    #[command(flatten)]
    pub(super) extensions: Extensions,
}

/// What the credential can do beside signing in.
#[derive(Debug, clap::Args)]
pub(crate) struct Extensions {
    /// When the credential shows and works: 1 always, 2 only by its id, 3 only with the PIN
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u32).range(1..=3))]
    pub(super) cred_protect: Option<u32>,
    /// The key keeps a secret for the credential
    #[arg(long)]
    pub(super) hmac_secret: bool,
    /// The credential may own a large blob
    #[arg(long, conflicts_with = "no_resident_key")]
    pub(super) large_blob_key: bool,
    /// A few bytes that the key keeps with the credential
    #[arg(long, value_name = "FILE")]
    pub(super) cred_blob_file: Option<PathBuf>,
    /// Tell the relying party the shortest PIN
    #[arg(long)]
    pub(super) tell_min_pin_length: bool,
    /// Payments may be made with it from other origins
    #[arg(long)]
    pub(super) third_party_payment: bool,
    /// Attestation format, best first; may be given several times
    #[arg(long = "attestation-format", value_name = "NAME")]
    pub(super) attestation_formats: Vec<String>,
    /// Ask for an attestation that names this very key
    #[arg(long)]
    pub(super) enterprise_attestation: bool,
}
