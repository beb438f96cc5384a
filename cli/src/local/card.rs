//! `keysteward --agent ADDRESS token card`: what an administrator does to a smart card, at its PIV
//! or its GIDS applet.

mod admin_key;
mod args;
mod certificate;
mod messages;
mod pin;
mod request;
mod unblock_offline;
mod view;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use keysteward_proto::agent::v1::{self as wire, card_step::Verb, step_result::Result as Outcome};

pub(crate) use self::args::{Command, Which};
use self::{
    admin_key::AdminKeys,
    args::{Admin, Generate},
    messages::Cards,
    view::{Applet, Container, Made, Moved},
};
use super::lease::{self, Lease};
use crate::{
    connect::Agent,
    failure::{Failure, Result},
    output::{Format, Output},
    secret_input,
};

pub(crate) async fn run(command: Command, agent: &Agent, output: &mut Output<'_>) -> Result<()> {
    match command {
        Command::Inspect { which } => {
            let (presence_id, seen) = inspect(agent, &which).await?;
            show(&presence_id, seen, output)
        }
        Command::Pin(command) => pin::run(command, agent, output).await,
        Command::UnblockOffline {
            which,
            new_pin_file,
            within,
        } => unblock_offline::run(&which, new_pin_file.as_deref(), within, agent, output).await,
        Command::Personalise {
            which,
            admin,
            card_id,
            new_pin_file,
            new_admin_key_file,
        } => {
            let new_pin = match new_pin_file.as_deref() {
                Some(file) => secret_input::required(Some(file), "PIN")?.to_string(),
                None => String::new(),
            };
            let new_admin_key = match new_admin_key_file.as_deref() {
                Some(file) => admin_key::read(file)?.to_vec(),
                None => Vec::new(),
            };
            let keys = admin.read()?;
            let verb = Verb::Personalise(wire::Personalise {
                admin: keys.proof(),
                card_id: card_id_of(card_id.as_deref())?,
                new_pin,
                new_admin_key,
            });
            change(agent, &which, keys, "personalise", verb, output).await
        }
        Command::Generate(args) => generate(args, agent, output).await,
        Command::Request(args) => request::run(args, agent, output).await,
        Command::Certificate(command) => certificate::run(command, agent, output).await,
        Command::Delete {
            container,
            which,
            admin,
            pin,
        } => {
            let pin = pin.read_unless(admin.is_given())?;
            let keys = admin.read()?;
            let verb = Verb::DeleteContainer(wire::DeleteContainer {
                pin,
                admin: keys.proof(),
                container,
            });
            change(agent, &which, keys, "delete-container", verb, output).await
        }
        Command::MoveKey {
            container,
            which,
            admin,
        } => move_key(container, &which, &admin, agent, output).await,
        Command::AdminKey(command) => admin_key::run(command, agent, output).await,
        Command::Reset {
            which,
            admin,
            new_pin_file,
            yes,
        } => {
            let what = "this takes every key and certificate off the card";
            pin::confirm("reset", what, yes)?;
            let keys = admin.read()?;
            let mut reset = wire::ResetCard {
                admin: keys.proof(),
                ..wire::ResetCard::default()
            };
            if admin.is_given() && which.applet.as_deref() != Some("piv") {
                let pin = secret_input::new_secret(new_pin_file.as_deref(), "new PIN")?;
                reset.new_pin = pin.to_string();
                reset.card_id = card_id_of(None)?;
            }
            let verb = Verb::ResetCard(reset);
            change(agent, &which, keys, "reset-card", verb, output).await
        }
    }
}

async fn generate(args: Generate, agent: &Agent, output: &mut Output<'_>) -> Result<()> {
    let pin = args.pin.read_unless(args.admin.is_given())?;
    let keys = args.admin.read()?;
    let verb = Verb::GenerateKey(wire::GenerateKey {
        pin,
        admin: keys.proof(),
        container: args.container.clone(),
        algorithm: args.algorithm,
        pin_policy: args.pin_policy.unwrap_or_default(),
        touch_policy: args.touch_policy.unwrap_or_default(),
    });
    let (presence_id, mut lease) = open(agent, &args.which, keys, "generate a key").await?;
    let Outcome::KeyGenerated(made) = lease.change("generate-key", verb).await? else {
        return Err(OTHER);
    };
    output.show(&Made {
        presence_id,
        container: args.container,
        public_key: hex::encode(made.public_key),
        attested: !made.attestation.is_empty(),
        attestation: crate::output::some(hex::encode(made.attestation)),
        attestation_issuer: crate::output::some(hex::encode(made.attestation_issuer)),
    })
}

async fn move_key(
    container: String,
    which: &Which,
    admin: &Admin,
    agent: &Agent,
    output: &mut Output<'_>,
) -> Result<()> {
    let keys = admin.read()?;
    let verb = Verb::MoveKey(wire::MoveKey {
        admin: keys.proof(),
        container: container.clone(),
    });
    let (presence_id, mut lease) = open(agent, which, keys, "move a key").await?;
    let Outcome::KeyMoved(moved) = lease.change("move-key", verb).await? else {
        return Err(OTHER);
    };
    output.show(&Moved {
        presence_id,
        container,
        moved_to: moved.container,
    })
}

fn show(presence_id: &str, seen: wire::CardInspected, output: &mut Output<'_>) -> Result<()> {
    let facts = seen.facts.unwrap_or_default();
    let (atr, reader) = (hex::encode(&facts.atr), facts.reader.clone());
    let applets = Applet::of(facts);
    let containers: Vec<Container> = seen.containers.into_iter().map(Container::from).collect();
    if output.format() == Format::Json {
        return output.json(&serde_json::json!({
            "presence_id": presence_id,
            "reader": reader,
            "atr": atr,
            "applets": applets,
            "containers": containers,
        }));
    }
    output.list("applets", &applets, None)?;
    output.section("containers", &containers)
}

/// What is on a card, and the card's presence id.
async fn inspect(agent: &Agent, which: &Which) -> Result<(String, wire::CardInspected)> {
    let (presence_id, mut lease) =
        open(agent, which, AdminKeys::default(), "look at the card").await?;
    match lease.read(Verb::InspectCard(wire::InspectCard {})).await? {
        Outcome::CardInspected(seen) => Ok((presence_id, seen)),
        _ => Err(OTHER),
    }
}

/// The container of that name.
fn container(seen: wire::CardInspected, name: &str) -> Result<wire::Container> {
    let names: Vec<&str> = seen
        .containers
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    let allowed = match names.as_slice() {
        [] => "nothing: the card holds no key and no certificate".to_owned(),
        names => format!("one of {}", names.join(", ")),
    };
    let found = seen.containers.into_iter();
    found
        .into_iter()
        .find(|one| one.name.eq_ignore_ascii_case(name))
        .ok_or_else(|| Failure::wrong("container", name, allowed))
}

async fn open(
    agent: &Agent,
    which: &Which,
    keys: AdminKeys,
    purpose: &str,
) -> Result<(String, Lease<Cards>)> {
    Lease::find(agent, which.card(keys), which.token.as_deref(), purpose).await
}

async fn change(
    agent: &Agent,
    which: &Which,
    keys: AdminKeys,
    step: &str,
    verb: Verb,
    output: &mut Output<'_>,
) -> Result<()> {
    let token = which.token.as_deref();
    lease::change(agent, which.card(keys), token, step, verb, output).await
}

/// 16 bytes; random where none are given.
fn card_id_of(hex: Option<&str>) -> Result<Vec<u8>> {
    let Some(text) = hex else {
        return Ok(uuid::Uuid::new_v4().into_bytes().to_vec());
    };
    hex::decode(text.replace('-', ""))
        .ok()
        .filter(|id| id.len() == 16)
        .ok_or_else(|| Failure::wrong("--card-id", text, "32 hexadecimal digits"))
}

/// RFC 7468.
fn pem(label: &str, der: &[u8]) -> String {
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in STANDARD.encode(der).as_bytes().chunks(64) {
        out.extend(line.iter().map(|byte| char::from(*byte)));
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

const OTHER: Failure = Failure::Answer("it is the result of another verb");
