//! `keysteward connection`: outside systems: Thales SafeNet Trusted Access, and certification
//! authorities (`authority`).

mod authority;

use std::{fs, path::PathBuf};

use clap::Subcommand;
use keysteward_proto::server::v1::{
    self as wire, CheckConnectionRequest, CreateConnectionRequest, DeleteConnectionRequest,
    GetConnectionRequest, ListConnectionsRequest, connection::Settings,
};
use serde::Serialize;
use serde_json::json;

use super::Context;
use crate::{
    failure::{Failure, Result},
    output::{Format, View, some, time},
    secret_input,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Describe an outside system to the server
    #[command(subcommand)]
    Add(Add),
    /// Every connection
    #[command(after_help = "Example:\n  keysteward connection list")]
    List,
    /// One connection; never its secret
    #[command(after_help = "Example:\n  keysteward connection show sta-eu")]
    Show {
        /// Id, or name
        connection: String,
    },
    /// Speak to the outside system and say what was found
    #[command(after_help = "Example:\n  keysteward connection check sta-eu")]
    Check {
        /// Id, or name
        connection: String,
    },
    /// Remove one that no template uses
    #[command(after_help = "Example:\n  keysteward connection delete sta-eu")]
    Delete {
        /// Id, or name
        connection: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Add {
    /// Thales SafeNet Trusted Access
    #[command(after_help = "\
The API key is asked for, or read from standard input or --sta-key-file.

Example:
  keysteward connection add sta sta-eu --sta-key-file sta.key \\
      --rest-url https://api.eu.safenetid.com/api/v1/tenants/Q41RKXHPWU/ \\
      --tenant-code Q41RKXHPWU --rp-id idp.eu.safenetid.com \\
      --origin https://idp.eu.safenetid.com")]
    Sta(Sta),
    /// A certification authority inside the server
    #[command(after_help = authority::BUILTIN_EXAMPLE)]
    BuiltinCa(authority::BuiltinCa),
    /// Entrust CA Gateway
    #[command(after_help = authority::ENTRUST_EXAMPLE)]
    EntrustCaGateway(authority::EntrustCaGateway),
    /// cfssl
    #[command(after_help = authority::CFSSL_EXAMPLE)]
    Cfssl(authority::Cfssl),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Sta {
    name: String,
    /// As the STA console shows it
    #[arg(long, value_name = "URL")]
    rest_url: String,
    /// 10 characters of A-Z and 0-9
    #[arg(long, value_name = "CODE")]
    tenant_code: String,
    /// What a user is known by at STA
    #[arg(long, default_value = "mail",
          value_parser = ["mail", "sAMAccountName", "userPrincipalName"])]
    mapping_attribute: String,
    /// Relying party that credentials are made for
    #[arg(long, value_name = "DOMAIN")]
    rp_id: String,
    /// Shown by keys with a display [default: the RP id]
    #[arg(long, value_name = "TEXT")]
    rp_name: Option<String>,
    /// https:// and the RP id or a subdomain of it
    #[arg(long, value_name = "URL")]
    origin: String,
    /// PEM roots of the system's certificate [default: those of the operating system]
    #[arg(long, value_name = "FILE")]
    roots: Option<PathBuf>,
    /// File whose first line is the API key of STA; - is standard input
    #[arg(long, value_name = "FILE")]
    sta_key_file: Option<PathBuf>,
}

pub(crate) async fn run(command: Command, mut context: Context<'_>) -> Result<()> {
    let mut connections = context.server().await?.connections();
    let connection = match command {
        Command::Add(Add::Sta(sta)) => {
            let api_key = secret_input::required(sta.sta_key_file.as_deref(), "API key of STA")?;
            let request = CreateConnectionRequest {
                connection: Some(sta.into_wire()?),
                api_key: api_key.to_string(),
                ..CreateConnectionRequest::default()
            };
            connections.create(request).await?
        }
        Command::Add(Add::BuiltinCa(ca)) => connections.create(ca.request()?).await?,
        Command::Add(Add::EntrustCaGateway(ca)) => connections.create(ca.request()?).await?,
        Command::Add(Add::Cfssl(ca)) => connections.create(ca.request()?).await?,
        Command::Show { connection } => {
            connections.get(GetConnectionRequest { connection }).await?
        }
        Command::List => {
            let answer = connections
                .list(ListConnectionsRequest {})
                .await?
                .into_inner();
            let rows: Vec<Connection> = answer
                .connections
                .into_iter()
                .map(Connection::from)
                .collect();
            return context.output.list("connections", &rows, None);
        }
        Command::Check { connection } => {
            let answer = connections
                .check(CheckConnectionRequest { connection })
                .await?
                .into_inner();
            if context.output.format() == Format::Json {
                context.output.json(&json!({
                    "ok": answer.ok,
                    "findings": answer.findings,
                    "profiles": authority::profiles(&answer.profiles),
                }))?;
            }
            for finding in &answer.findings {
                context.output.say(finding)?;
            }
            for profile in &answer.profiles {
                context.output.say(&authority::sentence(profile))?;
            }
            return if answer.ok {
                Ok(())
            } else {
                Err(Failure::CheckFailed)
            };
        }
        Command::Delete { connection } => {
            connections
                .delete(DeleteConnectionRequest {
                    connection: connection.clone(),
                })
                .await?;
            return context.deleted("connection", &connection);
        }
    };
    context
        .output
        .show(&Connection::from(connection.into_inner()))
}

impl Sta {
    fn into_wire(self) -> Result<wire::Connection> {
        let trusted_roots = match &self.roots {
            Some(path) => fs::read_to_string(path).map_err(Failure::file(path))?,
            None => String::new(),
        };
        let sta = wire::Sta {
            rest_url: self.rest_url,
            tenant_code: self.tenant_code,
            mapping_attribute: self.mapping_attribute,
            rp_name: self.rp_name.unwrap_or_else(|| self.rp_id.clone()),
            rp_id: self.rp_id,
            origin: self.origin,
            trusted_roots,
        };
        Ok(wire::Connection {
            name: self.name,
            settings: Some(Settings::Sta(sta)),
            ..wire::Connection::default()
        })
    }
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Connection {
    id: String,
    name: String,
    kind: &'static str,
    rest_url: String,
    tenant_code: String,
    mapping_attribute: String,
    rp_id: String,
    rp_name: String,
    origin: String,
    own_roots: bool,
    url: Option<String>,
    ca_id: Option<String>,
    profiles: Vec<String>,
    publish_url: Option<String>,
    time_limit_s: Option<u32>,
    checked_at: Option<String>,
    check_error: Option<String>,
}

impl View for Connection {
    const COLUMNS: &'static [&'static str] =
        &["id", "name", "kind", "rp_id", "checked_at", "check_error"];
    const FIELDS: &'static [&'static str] = &[
        "id",
        "name",
        "kind",
        "rest_url",
        "tenant_code",
        "mapping_attribute",
        "rp_id",
        "rp_name",
        "origin",
        "own_roots",
        "url",
        "ca_id",
        "profiles",
        "publish_url",
        "time_limit_s",
        "checked_at",
        "check_error",
    ];
}

impl From<wire::Connection> for Connection {
    fn from(connection: wire::Connection) -> Self {
        let mut shown = Self {
            id: connection.id,
            name: connection.name,
            checked_at: time(connection.checked_at_us),
            check_error: some(connection.check_error),
            ..Self::default()
        };
        match connection.settings {
            Some(Settings::Sta(sta)) => {
                shown.kind = "sta";
                shown.rest_url = sta.rest_url;
                shown.tenant_code = sta.tenant_code;
                shown.mapping_attribute = sta.mapping_attribute;
                shown.rp_id = sta.rp_id;
                shown.rp_name = sta.rp_name;
                shown.origin = sta.origin;
                shown.own_roots = !sta.trusted_roots.is_empty();
            }
            Some(Settings::BuiltinCa(ca)) => {
                shown.kind = "builtin-ca";
                shown.publish_url = some(ca.publish_url);
            }
            Some(Settings::EntrustCaGateway(ca)) => {
                shown.kind = "entrust-ca-gateway";
                shown.url = some(ca.url);
                shown.ca_id = some(ca.ca_id);
                shown.time_limit_s = (ca.time_limit_s != 0).then_some(ca.time_limit_s);
                shown.own_roots = !ca.trusted_roots.is_empty();
            }
            Some(Settings::Cfssl(ca)) => {
                shown.kind = "cfssl";
                shown.url = some(ca.url);
                shown.profiles = ca.profiles;
                shown.time_limit_s = (ca.time_limit_s != 0).then_some(ca.time_limit_s);
                shown.own_roots = !ca.trusted_roots.is_empty();
            }
            None => shown.kind = "unknown to this program",
        }
        shown
    }
}
