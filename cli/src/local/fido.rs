//! `keysteward --agent ADDRESS token fido`: what an administrator does to a FIDO2 key.

mod args;
mod fingerprint;
mod identity;
mod info;
mod large_blob;
mod make;
mod messages;
mod persistent;
mod select;
mod user;
mod vendor;
mod view;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use keysteward_proto::agent::v1::{self as wire, step::Verb, step_result::Result as Outcome};

use self::args::Key;
pub(crate) use self::args::{Command, Which};
pub(super) use self::messages::Keys;
use self::{
    user::{Proven, Wanted},
    view::Credential,
};
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
        Command::Info { which } => info::show(agent, &which, output).await,
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
            let mut asked = wire::ListCredentials {
                rp_id: rp_id.unwrap_or_default(),
                ..wire::ListCredentials::default()
            };
            let mut lease = match persistent_token {
                Some(file) => {
                    let held = persistent::hold(agent, &key, &file, LIST).await?;
                    asked.persistent_token = held.token;
                    held.lease
                }
                None => {
                    let proven = Proven::find(agent, &key, Wanted::Always).await?;
                    let lease = proven.lease(agent, LIST).await?;
                    asked.pin = proven.pin;
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
            let credential_id = credential(&credential_id)?;
            let proven = Proven::find(agent, &key, Wanted::Always).await?;
            let verb = Verb::UpdateUser(wire::UpdateUser {
                pin: proven.pin.clone(),
                credential_id,
                user_name: user_name.unwrap_or_default(),
                user_display_name: user_display_name.unwrap_or_default(),
                rp_id: rp_id.unwrap_or_default(),
            });
            prove(agent, proven, "rename", verb, output).await
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
            let proven = Proven::find(agent, &key, Wanted::Always).await?;
            let verb = Verb::DeleteCredential(wire::DeleteCredential {
                pin: proven.pin.clone(),
                credential_id,
                rp_id: rp_id.unwrap_or_default(),
            });
            prove(agent, proven, "delete-credential", verb, output).await
        }
        Command::Configure(args) => {
            let proven = Proven::find(agent, &args.key, Wanted::OfProtected).await?;
            let verb = Verb::Configure(wire::Configure {
                pin: proven.pin.clone(),
                min_pin_length: args.min_pin_length,
                min_pin_length_rp_ids: args.min_pin_length_rp_ids,
                force_pin_change: args.force_pin_change,
                always_uv: args.always_uv,
                enable_enterprise_attestation: args.enable_enterprise_attestation,
                enable_long_touch_for_reset: args.enable_long_touch_for_reset,
                pin_complexity_policy: args.pin_complexity_policy,
            });
            prove(agent, proven, "configure", verb, output).await
        }
        Command::Select { which } => select::run(agent, &which, output).await,
        Command::Identity {
            key,
            persistent_token,
        } => identity::run(agent, &key, &persistent_token, output).await,
        Command::Vendor(args) => vendor::run(args, agent, output).await,
        Command::Make(args) => make::run(args, agent, output).await,
    }
}

/// A credential id as it is typed.
fn credential(id: &str) -> Result<Vec<u8>> {
    URL_SAFE_NO_PAD
        .decode(id)
        .map_err(|_| Failure::wrong("credential id", id, "base64url without padding"))
}

async fn open(agent: &Agent, which: &Which, purpose: &str) -> Result<(String, Lease<Keys>)> {
    Lease::find(agent, Keys::default(), which.token.as_deref(), purpose).await
}

/// Of a key that was found before.
async fn lease_of(
    agent: &Agent,
    keys: Keys,
    token: &wire::Token,
    purpose: &str,
) -> Result<Lease<Keys>> {
    Lease::open(agent, keys, &token.presence_id, purpose).await
}

async fn change(
    agent: &Agent,
    which: &Which,
    step: &str,
    verb: Verb,
    output: &mut Output<'_>,
) -> Result<()> {
    lease::change(
        agent,
        Keys::default(),
        which.token.as_deref(),
        step,
        verb,
        output,
    )
    .await
}

/// Changes the key whose user was proven, and says so.
async fn prove(
    agent: &Agent,
    proven: Proven,
    step: &str,
    verb: Verb,
    output: &mut Output<'_>,
) -> Result<()> {
    proven.lease(agent, step).await?.change(step, verb).await?;
    done(output, step, &proven.token.presence_id)
}

const LIST: &str = "list credentials";
const OTHER: Failure = Failure::Answer("it is the result of another verb");
