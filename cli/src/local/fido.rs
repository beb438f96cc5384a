//! `keysteward --agent ADDRESS token fido`: what an administrator does to a FIDO2 key.

mod args;
mod fingerprint;
mod large_blob;
mod messages;
mod persistent;
mod view;

use std::fs;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use keysteward_proto::agent::v1::{self as wire, step::Verb, step_result::Result as Outcome};
use sha2::{Digest as _, Sha256};

pub(crate) use self::args::{Command, Which};
use self::args::{Key, Make};
pub(super) use self::messages::Keys;
use self::view::{Credential, Info, Made};
use super::{
    lease::{self, Lease},
    token::done,
};
use crate::{
    connect::Agent,
    failure::{Failure, Result},
    output::Output,
    secret_input,
};

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
            key,
            rp_id,
            persistent_token,
        } => {
            let kept = persistent_token
                .as_deref()
                .map(persistent::read)
                .transpose()?
                .flatten();
            let mut asked = wire::ListCredentials {
                rp_id: rp_id.unwrap_or_default(),
                ..wire::ListCredentials::default()
            };
            let mut lease = match (kept, persistent_token.as_deref()) {
                (Some(token), _) => {
                    asked.persistent_token = token;
                    open(agent, &key.which, "list credentials").await?.1
                }
                (None, file) => {
                    asked.pin = key.pin.read()?;
                    let mut lease = open(agent, &key.which, "list credentials").await?.1;
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
            key,
        } => {
            let verb = Verb::UpdateUser(wire::UpdateUser {
                credential_id: credential(&credential_id)?,
                pin: key.pin.read()?,
                user_name: user_name.unwrap_or_default(),
                user_display_name: user_display_name.unwrap_or_default(),
                rp_id: rp_id.unwrap_or_default(),
            });
            change(agent, &key.which, "rename", verb, output).await
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
            key,
        } => {
            let credential_id = credential(&credential_id)?;
            let pin = key.pin.read()?;
            let verb = Verb::DeleteCredential(wire::DeleteCredential {
                pin,
                credential_id,
                rp_id: rp_id.unwrap_or_default(),
            });
            change(agent, &key.which, "delete-credential", verb, output).await
        }
        Command::Configure(args) => {
            let verb = Verb::Configure(wire::Configure {
                pin: args.key.pin.read()?,
                min_pin_length: args.min_pin_length,
                min_pin_length_rp_ids: args.min_pin_length_rp_ids,
                force_pin_change: args.force_pin_change,
                always_uv: args.always_uv,
                enable_enterprise_attestation: args.enable_enterprise_attestation,
                enable_long_touch_for_reset: args.enable_long_touch_for_reset,
                pin_complexity_policy: args.pin_complexity_policy,
            });
            change(agent, &args.key.which, "configure", verb, output).await
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
    let pin = args.key.pin.read()?;
    let (presence_id, mut lease) = open(
        agent,
        &args.key.which,
        "make a credential to try the key out",
    )
    .await?;
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

async fn open(agent: &Agent, which: &Which, purpose: &str) -> Result<(String, Lease<Keys>)> {
    Lease::find(agent, Keys, which.token.as_deref(), purpose).await
}

async fn change(
    agent: &Agent,
    which: &Which,
    step: &str,
    verb: Verb,
    output: &mut Output<'_>,
) -> Result<()> {
    lease::change(agent, Keys, which.token.as_deref(), step, verb, output).await
}

const OTHER: Failure = Failure::Answer("it is the result of another verb");
