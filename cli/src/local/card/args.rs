//! What can be typed after `token card`.

use std::path::PathBuf;

use clap::Subcommand;

use super::{
    admin_key::{self, AdminKeys},
    certificate,
    messages::Cards,
    pin,
};
use crate::{failure::Result, secret_input};

/// Which card, and which of its applets, for every verb.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Which {
    /// Presence id, an unambiguous beginning of one, or serial; needed with several tokens
    #[arg(long)]
    pub(super) token: Option<String>,
    /// Needed on a card that has both
    #[arg(long, value_parser = ["piv", "gids"])]
    pub(super) applet: Option<String>,
}

impl Which {
    pub(super) fn card(&self, keys: AdminKeys) -> Cards {
        Cards {
            applet: self.applet.clone().unwrap_or_default(),
            keys,
        }
    }
}

/// The card's PIN.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Pin {
    /// File whose first line is the PIN; - is standard input [default: ask, or standard input]
    #[arg(long, value_name = "FILE")]
    pub(super) pin_file: Option<PathBuf>,
}

impl Pin {
    pub(super) fn read(&self) -> Result<String> {
        Ok(secret_input::required(self.pin_file.as_deref(), "PIN")?.to_string())
    }

    /// A PIV card's admin key does instead, a GIDS card wants both.
    pub(super) fn read_unless(&self, can_do_without: bool) -> Result<String> {
        if can_do_without && self.pin_file.is_none() {
            return Ok(String::new());
        }
        self.read()
    }
}

/// The card's admin key: PIV's card management key, or GIDS's admin key.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Admin {
    /// File of mode 0600 with the admin key in hexadecimal
    #[arg(long, value_name = "FILE")]
    pub(super) admin_key_file: Option<PathBuf>,
    /// What it is for [default: what the card tells]
    #[arg(long, value_parser = admin_key::ALGORITHMS)]
    pub(super) admin_algorithm: Option<String>,
}

impl Admin {
    pub(super) const fn is_given(&self) -> bool {
        self.admin_key_file.is_some()
    }

    pub(super) fn read(&self) -> Result<AdminKeys> {
        match self.admin_key_file.as_deref() {
            Some(file) => AdminKeys::read(file, self.admin_algorithm.as_deref()),
            None => Ok(AdminKeys::default()),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Applets, tries left, keys and certificates
    #[command(
        after_help = "Example:\n  keysteward --agent /run/keysteward-agent/agent.sock token card inspect"
    )]
    Inspect {
        #[command(flatten)]
        which: Which,
    },
    /// PIN and PUK
    #[command(subcommand)]
    Pin(pin::Command),
    /// Set a new PIN with somebody who has the admin key and is elsewhere
    #[command(after_help = "\
Shows a challenge, and waits for its answer: the 8 bytes under the card's admin key. The card stays
where it is meanwhile, and no other program gets at it.

Example:
  keysteward --agent /run/keysteward-agent/agent.sock token card unblock-offline")]
    UnblockOffline {
        #[command(flatten)]
        which: Which,
        /// File whose first line is the new PIN; - is standard input
        #[arg(long, value_name = "FILE")]
        new_pin_file: Option<PathBuf>,
        /// How long the answer is waited for
        #[arg(long, default_value = "5m", value_name = "DURATION", value_parser = crate::duration::parse)]
        within: std::time::Duration,
    },
    /// Give the card its identity, as Windows and others look for it
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token card personalise \\
      --admin-key-file admin.key")]
    Personalise {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        admin: Admin,
        /// GUID or card id, 32 hexadecimal digits [default: random]
        #[arg(long, value_name = "HEX")]
        card_id: Option<String>,
        /// File whose first line is the PIN of a GIDS card that is not initialised
        #[arg(long, value_name = "FILE", requires = "new_admin_key_file")]
        new_pin_file: Option<PathBuf>,
        /// File of mode 0600 with its admin key
        #[arg(long, value_name = "FILE", requires = "new_pin_file")]
        new_admin_key_file: Option<PathBuf>,
    },
    /// Make a key on the card
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token card generate 9a \\
      --algorithm p256 --admin-key-file admin.key")]
    Generate(Generate),
    /// Write a certification request that the card's key has signed
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token card request 9a \\
      --subject 'CN=Alice,O=Example' --email alice@example.com --to alice.csr")]
    Request(Request),
    /// Certificates beside their keys
    #[command(subcommand)]
    Certificate(certificate::Command),
    /// Delete a certificate, and its key where the card can
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token card delete 9a \\
      --admin-key-file admin.key")]
    Delete {
        /// PIV: the key reference, such as 9a. GIDS: its number
        container: String,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        admin: Admin,
        #[command(flatten)]
        pin: Pin,
    },
    /// Move a key to the first retired place that is free, with its certificate
    #[command(after_help = "\
What was enciphered for the key can be read for as long as the card lives, whatever key is made next.
PIV cards with Yubico's MOVE KEY. Cut off, type it again: it goes on where it stood.

Example:
  keysteward --agent /run/keysteward-agent/agent.sock token card move-key 9d \\
      --admin-key-file admin.key")]
    MoveKey {
        /// The key reference: 9a, 9c, 9d or 9e
        container: String,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        admin: Admin,
    },
    /// The admin key
    #[command(subcommand)]
    AdminKey(admin_key::Command),
    /// Leave the applet as it came: keys, certificates and PINs go
    #[command(after_help = "\
A PIV card is as it left the factory then. A GIDS card is as its initialisation left it, under another
card id and with another PIN; its admin key, which has to be given, stays.

Examples:
  keysteward --agent /run/keysteward-agent/agent.sock token card reset --yes
  keysteward --agent /run/keysteward-agent/agent.sock token card reset --applet gids --yes \\
      --admin-key-file admin.key --new-pin-file pin")]
    Reset {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        admin: Admin,
        /// GIDS: file whose first line is the PIN that the card is left with; - is standard input
        /// [default: ask, or standard input]
        #[arg(long, value_name = "FILE", requires = "admin_key_file")]
        new_pin_file: Option<PathBuf>,
        /// Do not ask whether it is meant
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Generate {
    /// PIV: the key reference, such as 9a. GIDS: its number
    pub(super) container: String,
    #[arg(long, value_parser = ["rsa2048", "rsa3072", "rsa4096", "p256", "p384", "ed25519", "x25519"])]
    pub(super) algorithm: String,
    /// PIV: when the PIN is wanted [default: the card's own]
    #[arg(long, value_parser = ["never", "once", "always"])]
    pub(super) pin_policy: Option<String>,
    /// PIV: when a touch is wanted [default: the card's own]
    #[arg(long, value_parser = ["never", "always", "cached"])]
    pub(super) touch_policy: Option<String>,
    #[command(flatten)]
    pub(super) which: Which,
    #[command(flatten)]
    pub(super) admin: Admin,
    #[command(flatten)]
    pub(super) pin: Pin,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Request {
    /// PIV: the key reference, such as 9a. GIDS: its number
    pub(super) container: String,
    /// Such as CN=Alice,O=Example
    #[arg(long, value_name = "NAME")]
    pub(super) subject: String,
    /// Goes into the alternative names; may be given several times
    #[arg(long = "email", value_name = "ADDRESS")]
    pub(super) emails: Vec<String>,
    /// The name that Windows signs in with; goes into the alternative names
    #[arg(long, value_name = "NAME@DOMAIN")]
    pub(super) upn: Option<String>,
    /// File to write, PEM; it must not exist
    #[arg(long, value_name = "FILE")]
    pub(super) to: PathBuf,
    #[command(flatten)]
    pub(super) which: Which,
    #[command(flatten)]
    pub(super) pin: Pin,
}
