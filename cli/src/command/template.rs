//! `keysteward template`: what issuing means.

use clap::Subcommand;
use keysteward_proto::server::v1::{
    self as wire, CreateTemplateRequest, DeleteTemplateRequest, GetTemplateRequest,
    ListTemplatesRequest,
};
use serde::Serialize;

use super::Context;
use crate::{
    failure::{Failure, Result},
    output::View,
};

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "a process holds one")]
pub(crate) enum Command {
    /// Describe what issuing a key does
    #[command(after_help = "\
Example:
  keysteward template create staff --connection sta-eu --token-type yubikey-5 \\
      --pin-length 8 --pin-force-change --display-name '{display_name} ({serial})'
  keysteward template create staff-cards --token-type piv-card \\
      --certificate 9a:office-ca:logon:p256 --field '9a:cn={user.display_name}'")]
    Create(Create),
    /// Every template
    #[command(after_help = "Example:\n  keysteward template list")]
    List,
    /// One template
    #[command(after_help = "Example:\n  keysteward template show staff")]
    Show {
        /// Id, or name
        template: String,
    },
    /// Remove one; keys that were issued with it keep what they have
    #[command(after_help = "Example:\n  keysteward template delete staff")]
    Delete {
        /// Id, or name
        template: String,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    name: String,
    /// Identity provider that credentials are published to; none for smart cards alone
    #[arg(
        long,
        default_value = "",
        required_unless_present = "certificates",
        value_name = "NAME"
    )]
    connection: String,
    /// Token type that may be issued; may be given several times
    #[arg(long = "token-type", required = true, value_name = "NAME")]
    token_types: Vec<String>,
    /// The credential is found on the key only by its id
    #[arg(long)]
    no_resident_key: bool,
    /// Name of the key at the identity provider, at most 64 characters;
    /// {user_name}, {display_name}, {serial} and {model} are replaced
    #[arg(long, default_value = "{model} {serial}", value_name = "TEXT")]
    display_name: String,
    /// Characters of the PIN made at issue, 4 to 63
    #[arg(long, default_value_t = 6, value_name = "N")]
    pin_length: u32,
    #[arg(long, default_value = "digits", value_parser = ["digits", "alphanumeric"])]
    pin_alphabet: String,
    /// hand-over: the server forgets the PIN; escrow: it keeps it, sealed
    #[arg(long, default_value = "hand-over", value_parser = ["hand-over", "escrow"])]
    pin_custody: String,
    /// Minimum that the key itself enforces; 0 leaves it as it is
    #[arg(long, default_value_t = 0, value_name = "N")]
    pin_minimum_length: u32,
    /// The user must choose a PIN before first use, where the key can force it
    #[arg(long)]
    pin_force_change: bool,
    /// Model that may be issued with it; may be given several times
    #[arg(long = "allow-aaguid", value_name = "AAGUID")]
    allowed_aaguids: Vec<String>,
    /// Model that may not; may be given several times
    #[arg(long = "block-aaguid", value_name = "AAGUID")]
    blocked_aaguids: Vec<String>,
    /// Demand attestation that names this very key
    #[arg(long)]
    enterprise_attestation: bool,
    /// Whether every use needs the PIN; left as it is when absent
    #[arg(long, value_name = "BOOL")]
    always_uv: Option<bool>,
    /// credProtect: 0 none, 1 to 3
    #[arg(long, default_value_t = 0, value_name = "LEVEL",
          value_parser = clap::value_parser!(u32).range(0..=3))]
    cred_protect: u32,
    /// COSE number, best first; may be given several times [default: -7, ES256]
    #[arg(
        long = "algorithm",
        allow_negative_numbers = true,
        value_name = "NUMBER"
    )]
    algorithms: Vec<i32>,
    /// What revoking does to the authenticator at the identity provider
    #[arg(long, default_value = "delete", value_parser = ["delete", "suspend"])]
    on_revoke: String,
    #[arg(
        long = "certificate",
        value_name = "SLOT",
        value_parser = slot,
        help = "Certificate on a card: CONTAINER:CONNECTION:PROFILE[:ALGORITHM]; up to three times, \
                the first is the one that logon takes [default ALGORITHM: rsa2048]"
    )]
    certificates: Vec<wire::CertificateSlot>,
    /// What the profile of a container asks for: CONTAINER:NAME=TEXT; may be given several times;
    /// {user.display_name}, {user.mail}, {user.user_principal_name} ... are replaced
    #[arg(long = "field", value_name = "FIELD", value_parser = field)]
    fields: Vec<(String, wire::RequestField)>,
    /// Digits of a card's PIN, 6 to 8
    #[arg(long, default_value_t = 6, value_name = "N")]
    card_pin_length: u32,
    #[arg(long, default_value = "hand-over", value_parser = ["hand-over", "escrow"])]
    card_pin_custody: String,
}

/// `9a:office-ca:logon:p256`
fn slot(text: &str) -> std::result::Result<wire::CertificateSlot, String> {
    let mut parts = text.split(':').map(str::to_owned);
    let slot = wire::CertificateSlot {
        container: parts.next().unwrap_or_default(),
        connection: parts.next().unwrap_or_default(),
        profile: parts.next().unwrap_or_default(),
        algorithm: parts.next().unwrap_or_default(),
        ..wire::CertificateSlot::default()
    };
    let whole = !slot.container.is_empty() && !slot.connection.is_empty();
    if whole && !slot.profile.is_empty() && parts.next().is_none() {
        return Ok(slot);
    }
    Err("allowed: CONTAINER:CONNECTION:PROFILE[:ALGORITHM], as in 9a:office-ca:logon:p256".into())
}

/// `9a:cn={user.display_name}`; the name may have a colon: `9a:san:upn={user.mail}`.
fn field(text: &str) -> std::result::Result<(String, wire::RequestField), String> {
    let parts = text.split_once(':').and_then(|(container, rest)| {
        let (name, value) = rest.split_once('=')?;
        Some((container.to_owned(), name.to_owned(), value.to_owned()))
    });
    match parts {
        Some((container, name, value)) if !container.is_empty() && !name.is_empty() => {
            Ok((container, wire::RequestField { name, value }))
        }
        _ => Err("allowed: CONTAINER:NAME=TEXT, as in 9a:cn={user.display_name}".into()),
    }
}

pub(crate) async fn run(command: Command, mut context: Context<'_>) -> Result<()> {
    let mut templates = context.server().await?.templates();
    let template = match command {
        Command::Create(create) => {
            let card = create.card()?;
            let template = Some(create.into_wire(card));
            templates.create(CreateTemplateRequest { template }).await?
        }
        Command::Show { template } => templates.get(GetTemplateRequest { template }).await?,
        Command::List => {
            let answer = templates.list(ListTemplatesRequest {}).await?.into_inner();
            let rows: Vec<Template> = answer.templates.into_iter().map(Template::from).collect();
            return context.output.list("templates", &rows, None);
        }
        Command::Delete { template } => {
            templates
                .delete(DeleteTemplateRequest {
                    template: template.clone(),
                })
                .await?;
            return context.deleted("template", &template);
        }
    };
    context.output.show(&Template::from(template.into_inner()))
}

impl Create {
    fn card(&self) -> Result<Option<wire::CardSection>> {
        let mut certificates = self.certificates.clone();
        for (container, field) in &self.fields {
            let slot = certificates
                .iter_mut()
                .find(|slot| slot.container == *container);
            let slot = slot.ok_or_else(|| {
                let allowed = "a container that a --certificate names";
                Failure::wrong("--field", container.clone(), allowed)
            })?;
            slot.fields.push(field.clone());
        }
        Ok((!certificates.is_empty()).then(|| wire::CardSection {
            pin_length: self.card_pin_length,
            pin_custody: self.card_pin_custody.clone(),
            certificates,
        }))
    }

    fn into_wire(self, card: Option<wire::CardSection>) -> wire::Template {
        wire::Template {
            id: String::new(),
            name: self.name,
            connection: self.connection,
            token_types: self.token_types,
            resident_key: !self.no_resident_key,
            display_name: self.display_name,
            pin: Some(wire::PinPolicy {
                length: self.pin_length,
                alphabet: self.pin_alphabet,
                custody: self.pin_custody,
                minimum_length: self.pin_minimum_length,
                force_change: self.pin_force_change,
            }),
            enterprise_attestation: self.enterprise_attestation,
            always_uv: self.always_uv,
            cred_protect: self.cred_protect,
            algorithms: self.algorithms,
            delete_at_idp: self.on_revoke == "delete",
            allowed_aaguids: self.allowed_aaguids,
            blocked_aaguids: self.blocked_aaguids,
            card,
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Template {
    id: String,
    name: String,
    connection: String,
    token_types: Vec<String>,
    resident_key: bool,
    display_name: String,
    pin_length: u32,
    pin_alphabet: String,
    pin_custody: String,
    pin_minimum_length: u32,
    pin_force_change: bool,
    enterprise_attestation: bool,
    always_uv: Option<bool>,
    cred_protect: u32,
    algorithms: Vec<i32>,
    allowed_aaguids: Vec<String>,
    blocked_aaguids: Vec<String>,
    on_revoke: &'static str,
    card_pin_length: Option<u32>,
    card_pin_custody: Option<String>,
    certificates: Vec<String>,
}

impl View for Template {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "name",
        "connection",
        "token_types",
        "pin_custody",
        "on_revoke",
    ];
    const FIELDS: &'static [&'static str] = &[
        "id",
        "name",
        "connection",
        "token_types",
        "resident_key",
        "display_name",
        "pin_length",
        "pin_alphabet",
        "pin_custody",
        "pin_minimum_length",
        "pin_force_change",
        "enterprise_attestation",
        "always_uv",
        "cred_protect",
        "algorithms",
        "allowed_aaguids",
        "blocked_aaguids",
        "on_revoke",
        "card_pin_length",
        "card_pin_custody",
        "certificates",
    ];
}

impl From<wire::Template> for Template {
    fn from(template: wire::Template) -> Self {
        let pin = template.pin.unwrap_or_default();
        Self {
            id: template.id,
            name: template.name,
            connection: template.connection,
            token_types: template.token_types,
            resident_key: template.resident_key,
            display_name: template.display_name,
            pin_length: pin.length,
            pin_alphabet: pin.alphabet,
            pin_custody: pin.custody,
            pin_minimum_length: pin.minimum_length,
            pin_force_change: pin.force_change,
            enterprise_attestation: template.enterprise_attestation,
            always_uv: template.always_uv,
            cred_protect: template.cred_protect,
            algorithms: template.algorithms,
            allowed_aaguids: template.allowed_aaguids,
            blocked_aaguids: template.blocked_aaguids,
            on_revoke: if template.delete_at_idp {
                "delete"
            } else {
                "suspend"
            },
            card_pin_length: template.card.as_ref().map(|card| card.pin_length),
            card_pin_custody: template.card.as_ref().map(|card| card.pin_custody.clone()),
            certificates: template
                .card
                .map(|card| card.certificates)
                .unwrap_or_default()
                .into_iter()
                .map(|slot| {
                    let algorithm = slot.algorithm;
                    format!(
                        "{}:{}:{}:{algorithm}",
                        slot.container, slot.connection, slot.profile
                    )
                })
                .collect(),
        }
    }
}
