//! `keysteward --agent ADDRESS token fido`: what an administrator does to a FIDO2 key.

mod fingerprint;
mod large_blob;
mod persistent;
mod view;

use std::{fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Subcommand;
use keysteward_proto::agent::v1::{self as wire, step::Verb, step_result::Result as Outcome};
use sha2::{Digest as _, Sha256};

use self::view::{Credential, Info, Made};
use super::{
    lease::Lease,
    token::{done, find},
};
use crate::{
    connect::Agent,
    failure::{Failure, Result},
    output::Output,
    secret_input,
};

/// Which key, for every verb.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Which {
    /// Presence id, an unambiguous beginning of one, or serial; needed with several keys
    #[arg(long)]
    token: Option<String>,
}

#[cfg(test)]
impl Which {
    pub(super) fn for_test(token: Option<&str>) -> Self {
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
    fn read(&self) -> Result<String> {
        Ok(secret_input::required(self.pin_file.as_deref(), "PIN")?.to_string())
    }
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
        which: Which,
        #[command(flatten)]
        pin: Pin,
        /// Only those of one relying party
        #[arg(
            long,
            default_value = "",
            hide_default_value = true,
            value_name = "DOMAIN"
        )]
        rp_id: String,
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
        #[arg(
            long,
            default_value = "",
            hide_default_value = true,
            value_name = "TEXT"
        )]
        user_name: String,
        /// Left out: the name is taken away
        #[arg(
            long,
            default_value = "",
            hide_default_value = true,
            value_name = "TEXT"
        )]
        user_display_name: String,
        /// Its relying party, where the key has many
        #[arg(
            long,
            default_value = "",
            hide_default_value = true,
            value_name = "DOMAIN"
        )]
        rp_id: String,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        pin: Pin,
    },
    /// Delete one credential
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token fido delete kX3yB0Yq")]
    Delete {
        /// As `credentials` shows it: base64url
        credential_id: String,
        /// Its relying party; needed where the host restricts relying parties
        #[arg(
            long,
            default_value = "",
            hide_default_value = true,
            value_name = "DOMAIN"
        )]
        rp_id: String,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        pin: Pin,
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
    which: Which,
    #[command(flatten)]
    pin: Pin,
    /// Code points; a key only ever raises it
    #[arg(long, value_name = "N")]
    min_pin_length: Option<u32>,
    /// Relying party that may read the minimum; may be given several times
    #[arg(long = "min-pin-length-rp-id", value_name = "DOMAIN")]
    min_pin_length_rp_ids: Vec<String>,
    /// The PIN must be changed before it is used again
    #[arg(long)]
    force_pin_change: bool,
    #[arg(long, value_name = "BOOL")]
    always_uv: Option<bool>,
    #[arg(long)]
    enable_enterprise_attestation: bool,
    /// A reset wants a touch of 5 seconds from now on
    #[arg(long)]
    enable_long_touch_for_reset: bool,
    /// Whether the key enforces its own rules on PINs
    #[arg(long, value_name = "BOOL")]
    pin_complexity_policy: Option<bool>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Make {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    pin: Pin,
    #[arg(long, value_name = "DOMAIN")]
    rp_id: String,
    #[arg(long, value_name = "TEXT")]
    user_name: String,
    /// COSE number, best first; may be given several times [default: -7, ES256]
    #[arg(
        long = "algorithm",
        allow_negative_numbers = true,
        value_name = "NUMBER"
    )]
    algorithms: Vec<i32>,
    /// The credential is found on the key only by its id
    #[arg(long)]
    no_resident_key: bool,
    #[command(flatten)]
    extensions: Extensions,
}

/// What the credential can do beside signing in.
#[derive(Debug, clap::Args)]
struct Extensions {
    /// When the credential shows and works: 1 always, 2 only by its id, 3 only with the PIN
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u32).range(1..=3))]
    cred_protect: Option<u32>,
    /// The key keeps a secret for the credential
    #[arg(long)]
    hmac_secret: bool,
    /// The credential may own a large blob
    #[arg(long, conflicts_with = "no_resident_key")]
    large_blob_key: bool,
    /// A few bytes that the key keeps with the credential
    #[arg(long, value_name = "FILE")]
    cred_blob_file: Option<PathBuf>,
    /// Tell the relying party the shortest PIN
    #[arg(long)]
    tell_min_pin_length: bool,
    /// Payments may be made with it from other origins
    #[arg(long)]
    third_party_payment: bool,
    /// Attestation format, best first; may be given several times
    #[arg(long = "attestation-format", value_name = "NAME")]
    attestation_formats: Vec<String>,
    /// Ask for an attestation that names this very key
    #[arg(long)]
    enterprise_attestation: bool,
}

pub(crate) async fn run(command: Command, agent: &Agent, output: &mut Output<'_>) -> Result<()> {
    match command {
        Command::Info { which } => {
            let (presence_id, mut lease) = open(agent, &which, "look at the key").await?;
            match lease.read(Verb::Inspect(wire::Inspect {})).await? {
                Outcome::Inspected(seen) => output.show(&Info {
                    presence_id,
                    pin_set: seen.pin_set,
                    pin_retries: seen.pin_retries,
                    power_cycle_needed: seen.power_cycle_needed,
                    get_info: hex::encode(seen.get_info),
                }),
                _ => Err(OTHER),
            }
        }
        Command::SetPin {
            which,
            new_pin_file,
        } => {
            let new_pin = secret_input::new_secret(new_pin_file.as_deref(), "new PIN")?.to_string();
            let verb = Verb::SetPin(wire::SetPin { new_pin });
            change(agent, &which, "set-pin", verb, output).await
        }
        Command::ChangePin {
            which,
            current_pin_file,
            new_pin_file,
        } => {
            let current_pin =
                secret_input::required(current_pin_file.as_deref(), "current PIN")?.to_string();
            let new_pin = secret_input::new_secret(new_pin_file.as_deref(), "new PIN")?.to_string();
            let verb = Verb::ChangePin(wire::ChangePin {
                current_pin,
                new_pin,
            });
            change(agent, &which, "change-pin", verb, output).await
        }
        Command::Credentials {
            which,
            pin,
            rp_id,
            persistent_token,
        } => {
            let kept = persistent_token
                .as_deref()
                .map(persistent::read)
                .transpose()?
                .flatten();
            let mut asked = wire::ListCredentials {
                rp_id,
                ..wire::ListCredentials::default()
            };
            let mut lease = match (kept, persistent_token.as_deref()) {
                (Some(token), _) => {
                    asked.persistent_token = token;
                    open(agent, &which, "list credentials").await?.1
                }
                (None, file) => {
                    asked.pin = pin.read()?;
                    let mut lease = open(agent, &which, "list credentials").await?.1;
                    if let Some(file) = file {
                        persistent::grant(&mut lease, &asked.pin, file).await?;
                    }
                    lease
                }
            };
            match lease.read(Verb::ListCredentials(asked)).await? {
                Outcome::CredentialList(list) => {
                    let rows: Vec<Credential> =
                        list.credentials.into_iter().map(Credential::from).collect();
                    output.list("credentials", &rows, None)
                }
                _ => Err(OTHER),
            }
        }
        Command::Rename {
            credential_id,
            user_name,
            user_display_name,
            rp_id,
            which,
            pin,
        } => {
            let verb = Verb::UpdateUser(wire::UpdateUser {
                credential_id: credential(&credential_id)?,
                pin: pin.read()?,
                user_name,
                user_display_name,
                rp_id,
            });
            change(agent, &which, "rename", verb, output).await
        }
        Command::Wink { which } => {
            let (presence_id, mut lease) = open(agent, &which, "find this key").await?;
            lease.read(Verb::Wink(wire::Wink {})).await?;
            done(output, "wink", &presence_id)
        }
        Command::Fingerprint(command) => fingerprint::run(command, agent, output).await,
        Command::Blob(command) => large_blob::run(command, agent, output).await,
        Command::Delete {
            credential_id,
            rp_id,
            which,
            pin,
        } => {
            let credential_id = credential(&credential_id)?;
            let pin = pin.read()?;
            let verb = Verb::DeleteCredential(wire::DeleteCredential {
                pin,
                credential_id,
                rp_id,
            });
            change(agent, &which, "delete-credential", verb, output).await
        }
        Command::Configure(args) => {
            let verb = Verb::Configure(wire::Configure {
                pin: args.pin.read()?,
                min_pin_length: args.min_pin_length,
                min_pin_length_rp_ids: args.min_pin_length_rp_ids,
                force_pin_change: args.force_pin_change,
                always_uv: args.always_uv,
                enable_enterprise_attestation: args.enable_enterprise_attestation,
                enable_long_touch_for_reset: args.enable_long_touch_for_reset,
                pin_complexity_policy: args.pin_complexity_policy,
            });
            change(agent, &args.which, "configure", verb, output).await
        }
        Command::Select { which } => {
            let (presence_id, mut lease) = open(agent, &which, "find this key").await?;
            lease.read(Verb::Select(wire::Select {})).await?;
            done(output, "select", &presence_id)
        }
        Command::Make(args) => make(args, agent, output).await,
    }
}

async fn make(args: Make, agent: &Agent, output: &mut Output<'_>) -> Result<()> {
    let extensions = args.extensions;
    let cred_blob = match &extensions.cred_blob_file {
        Some(path) => fs::read(path).map_err(Failure::file(path))?,
        None => Vec::new(),
    };
    let pin = args.pin.read()?;
    let (presence_id, mut lease) =
        open(agent, &args.which, "make a credential to try the key out").await?;
    // Nobody will verify it, but it must be like no other: two random ids and their hash.
    let challenge = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()]
        .map(|id| id.into_bytes())
        .concat();
    let client_data = serde_json::json!({
        "type": "webauthn.create",
        "challenge": URL_SAFE_NO_PAD.encode(&challenge),
        "origin": format!("https://{}", args.rp_id),
    })
    .to_string();
    let user_id = Sha256::digest(args.user_name.as_bytes()).to_vec();
    let verb = Verb::MakeCredential(wire::MakeCredential {
        pin,
        rp_id: args.rp_id.clone(),
        rp_name: args.rp_id.clone(),
        client_data_hash: Sha256::digest(client_data.as_bytes()).to_vec(),
        user_id,
        user_name: args.user_name.clone(),
        user_display_name: args.user_name,
        algorithms: if args.algorithms.is_empty() {
            vec![-7]
        } else {
            args.algorithms
        },
        resident_key: !args.no_resident_key,
        exclude_credential_ids: Vec::new(),
        enterprise_attestation: if extensions.enterprise_attestation {
            2
        } else {
            0
        },
        cred_protect: extensions.cred_protect.unwrap_or(0),
        hmac_secret: extensions.hmac_secret,
        large_blob_key: extensions.large_blob_key,
        cred_blob,
        min_pin_length: extensions.tell_min_pin_length,
        third_party_payment: extensions.third_party_payment,
        attestation_formats: extensions.attestation_formats,
    });
    match lease.change("make-credential", verb).await? {
        Outcome::CredentialMade(made) => output.show(&Made {
            presence_id,
            rp_id: args.rp_id,
            credential_id: URL_SAFE_NO_PAD.encode(made.credential_id),
            attestation_object: URL_SAFE_NO_PAD.encode(made.attestation_object),
            client_data,
        }),
        _ => Err(OTHER),
    }
}

/// A credential id as it is typed.
fn credential(id: &str) -> Result<Vec<u8>> {
    URL_SAFE_NO_PAD
        .decode(id)
        .map_err(|_| Failure::wrong("credential id", id, "base64url without padding"))
}

async fn open(agent: &Agent, which: &Which, purpose: &str) -> Result<(String, Lease)> {
    let token = find(agent, which.token.as_deref()).await?;
    let lease = Lease::open(agent, &token.presence_id, purpose).await?;
    Ok((token.presence_id, lease))
}

async fn change(
    agent: &Agent,
    which: &Which,
    step: &str,
    verb: Verb,
    output: &mut Output<'_>,
) -> Result<()> {
    let (presence_id, mut lease) = open(agent, which, step).await?;
    lease.change(step, verb).await?;
    done(output, step, &presence_id)
}

const OTHER: Failure = Failure::Answer("it is the result of another verb");
