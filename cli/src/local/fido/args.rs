//! What can be typed after `token fido`.

use std::path::PathBuf;

use clap::Subcommand;

use super::{fingerprint, large_blob, make::Make, user::User, vendor};

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

/// Which key, and how the person proves to be its user, for the verbs that want it.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Key {
    #[command(flatten)]
    pub(super) which: Which,
    #[command(flatten)]
    pub(super) user: User,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What a key says of itself: versions, options, limits; PIN state and tries left
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
    /// Find out which key is which: of those plugged in, the one that is touched answers
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
    /// Who the key is and whether its credentials are those of before, without a PIN
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token fido identity --persistent-token key.token

Both values stay as they are until the key is reset, and until a credential comes, goes or changes:
compare them with those of the last time.")]
    Identity {
        #[command(flatten)]
        key: Key,
        /// As for `credentials`: read, or written where it does not exist yet
        #[arg(long, value_name = "FILE")]
        persistent_token: PathBuf,
    },
    /// Send a vendor's own command to the key's configuration
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token fido vendor --id 0x65d9e3a1 --integer 3=1

What it does the vendor's documents say. The host's settings must allow raw exchanges.")]
    Vendor(vendor::Args),
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
