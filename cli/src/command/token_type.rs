//! `keysteward token-type`: how a model of key is recognised, and what it must prove.

use std::{fs, path::PathBuf};

use clap::Subcommand;
use keysteward_proto::server::v1::{
    self as wire, CreateTokenTypeRequest, DeleteTokenTypeRequest, GetTokenTypeRequest,
    ListTokenTypesRequest,
};
use serde::Serialize;

use super::Context;
use crate::{
    failure::{Failure, Result},
    output::{View, some},
    secret_input,
};

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "a process holds one")]
pub(crate) enum Command {
    /// Describe a model of key
    #[command(after_help = "\
Example:
  keysteward token-type create yubikey-5 --aaguid cb69481e-8ff7-4039-93ec-0a2729a154a8 \\
      --attestation-root yubico-root.pem")]
    Create(Create),
    /// Every token type
    #[command(after_help = "Example:\n  keysteward token-type list")]
    List,
    /// One token type
    #[command(after_help = "Example:\n  keysteward token-type show yubikey-5")]
    Show {
        /// Id, or name
        token_type: String,
    },
    /// Remove one that no template and no token uses
    #[command(after_help = "Example:\n  keysteward token-type delete yubikey-5")]
    Delete {
        /// Id, or name
        token_type: String,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    name: String,
    /// Model identifier; any of several; none means every key
    #[arg(long = "aaguid", value_name = "AAGUID")]
    aaguids: Vec<String>,
    /// PEM file with a certificate that attestation must lead to; may be given several times
    #[arg(long = "attestation-root", value_name = "FILE")]
    attestation_roots: Vec<PathBuf>,
    /// Whom to trust beside these roots, as the server's settings name it; may be given twice
    #[arg(long = "trusted-by", value_name = "SOURCE", value_parser = ["truststore", "metadata"])]
    trusted_by: Vec<String>,
    /// Attestation that is accepted without a root; may be given twice
    #[arg(long = "unrooted", value_name = "KIND", value_parser = ["none", "self"])]
    unrooted: Vec<String>,
    /// Accept keys in software
    #[arg(long)]
    allow_virtual: bool,
    /// automatic: registered when first seen
    #[arg(long, default_value = "automatic", value_parser = ["automatic", "manual"])]
    registration: String,
    /// The type is of smart cards (too): the applet that is administered
    #[arg(long, value_name = "APPLET", value_parser = ["piv", "gids"])]
    card_applet: Option<String>,
    /// Answer to reset, after a slash a mask; any of several; none means every card
    #[arg(long = "card-atr", value_name = "HEX[/MASK]", requires = "card_applet")]
    card_atrs: Vec<String>,
    /// Part of the label that the applet gives
    #[arg(
        long,
        default_value = "",
        value_name = "TEXT",
        requires = "card_applet"
    )]
    card_label: String,
    /// Of the admin key that registering gives to a card
    #[arg(long, default_value = "3des", value_parser = ["3des", "aes128", "aes192", "aes256"],
          requires = "card_applet")]
    card_admin_cipher: String,
    /// required: no certificate for a key that the card does not prove to have made
    #[arg(long, default_value = "recorded", value_parser = ["recorded", "required"],
          requires = "card_applet")]
    card_attestation: String,
    /// File whose first line is the admin key of the factory in hexadecimal; - is standard
    /// input [default: PIV 0102..08 three times, GIDS zeros]
    #[arg(long, value_name = "FILE", requires = "card_applet")]
    factory_admin_key_file: Option<PathBuf>,
    /// File whose first line is the PUK of the factory [default: 12345678]
    #[arg(long, value_name = "FILE", requires = "card_applet")]
    factory_puk_file: Option<PathBuf>,
}

pub(crate) async fn run(command: Command, mut context: Context<'_>) -> Result<()> {
    let mut token_types = context.server().await?.token_types();
    let token_type = match command {
        Command::Create(create) => {
            let factory = create.factory()?;
            let token_type = Some(create.into_wire()?);
            token_types
                .create(CreateTokenTypeRequest {
                    token_type,
                    factory,
                })
                .await?
        }
        Command::Show { token_type } => token_types.get(GetTokenTypeRequest { token_type }).await?,
        Command::List => {
            let answer = token_types
                .list(ListTokenTypesRequest {})
                .await?
                .into_inner();
            let rows: Vec<TokenType> = answer
                .token_types
                .into_iter()
                .map(TokenType::from)
                .collect();
            return context.output.list("token_types", &rows, None);
        }
        Command::Delete { token_type } => {
            token_types
                .delete(DeleteTokenTypeRequest {
                    token_type: token_type.clone(),
                })
                .await?;
            return context.deleted("token_type", &token_type);
        }
    };
    context
        .output
        .show(&TokenType::from(token_type.into_inner()))
}

impl Create {
    fn factory(&self) -> Result<Option<wire::FactorySecrets>> {
        if self.card_applet.is_none() {
            return Ok(None);
        }
        let mut secrets = wire::FactorySecrets::default();
        if let Some(path) = &self.factory_admin_key_file {
            let text = secret_input::required(Some(path), "admin key of the factory")?;
            secrets.admin_key = hex::decode(text.trim()).map_err(|_| {
                let allowed = "32, 48 or 64 hexadecimal digits";
                Failure::wrong("--factory-admin-key-file", "something else", allowed)
            })?;
        }
        if let Some(path) = &self.factory_puk_file {
            let text = secret_input::required(Some(path), "PUK of the factory")?;
            secrets.puk = text.to_string();
        }
        Ok(Some(secrets))
    }

    fn into_wire(self) -> Result<wire::TokenType> {
        let mut attestation_roots = Vec::new();
        for path in self.attestation_roots {
            attestation_roots.push(fs::read_to_string(&path).map_err(Failure::file(&path))?);
        }
        Ok(wire::TokenType {
            id: String::new(),
            name: self.name,
            aaguids: self.aaguids,
            attestation_roots,
            trusted_by: self.trusted_by,
            unrooted_attestation: self.unrooted,
            allow_virtual: self.allow_virtual,
            registration: self.registration,
            card: self.card_applet.map(|applet| wire::CardType {
                applet,
                atrs: self.card_atrs,
                label: self.card_label,
                admin_cipher: self.card_admin_cipher,
                attestation: self.card_attestation,
            }),
        })
    }
}

#[derive(Debug, Serialize)]
pub(super) struct TokenType {
    card_applet: Option<String>,
    card_atrs: Vec<String>,
    card_label: Option<String>,
    card_admin_cipher: Option<String>,
    card_attestation: Option<String>,
    id: String,
    name: String,
    aaguids: Vec<String>,
    attestation_roots: Vec<String>,
    /// How many, for the table.
    roots: usize,
    trusted_by: Vec<String>,
    unrooted_attestation: Vec<String>,
    allow_virtual: bool,
    registration: String,
}

impl View for TokenType {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "name",
        "aaguids",
        "roots",
        "trusted_by",
        "unrooted_attestation",
        "allow_virtual",
        "registration",
        "card_applet",
    ];
    const FIELDS: &'static [&'static str] = &[
        "id",
        "name",
        "aaguids",
        "roots",
        "trusted_by",
        "unrooted_attestation",
        "allow_virtual",
        "registration",
        "card_applet",
        "card_atrs",
        "card_label",
        "card_admin_cipher",
        "card_attestation",
    ];
}

impl From<wire::TokenType> for TokenType {
    fn from(token_type: wire::TokenType) -> Self {
        let card = token_type.card.unwrap_or_default();
        Self {
            card_applet: some(card.applet),
            card_atrs: card.atrs,
            card_label: some(card.label),
            card_admin_cipher: some(card.admin_cipher),
            card_attestation: some(card.attestation),
            id: token_type.id,
            name: token_type.name,
            aaguids: token_type.aaguids,
            roots: token_type.attestation_roots.len(),
            attestation_roots: token_type.attestation_roots,
            trusted_by: token_type.trusted_by,
            unrooted_attestation: token_type.unrooted_attestation,
            allow_virtual: token_type.allow_virtual,
            registration: token_type.registration,
        }
    }
}
