//! `keysteward connection add`: certification authorities.

use std::{fs, path::PathBuf};

use keysteward_proto::server::v1::{self as wire, CreateConnectionRequest, connection::Settings};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{
    failure::{Failure, Result},
    secret_input,
};

pub(crate) const BUILTIN_EXAMPLE: &str = "\
Its key is made, and sealed in the server. With --authority and --private-key-file one that exists
is brought along.

Example:
  keysteward connection add builtin-ca office-ca --publish-url http://keysteward.example.com/ca";
pub(crate) const ENTRUST_EXAMPLE: &str = "\
The client certificate is a PKCS#12 file; its password is asked for, or read from standard input
or --password-file.

Example:
  keysteward connection add entrust-ca-gateway cagw --url https://cagw.example.com/cagw \\
      --ca-id 'partition~ca' --pkcs12 client.p12 --password-file client.password";
pub(crate) const CFSSL_EXAMPLE: &str = "\
Example:
  keysteward connection add cfssl lab-ca --url https://cfssl.example.com:8888 \\
      --authority signer.pem --ca-profile logon";

#[derive(Debug, clap::Args)]
pub(crate) struct BuiltinCa {
    name: String,
    /// Where readers of its certificates find the revocation list; it stands in each of them
    #[arg(long, value_name = "URL")]
    publish_url: String,
    /// How long its certificates are good for
    #[arg(long, default_value_t = 365, value_name = "N")]
    days: u32,
    /// PEM file with the certificate of an authority that exists, and those above it
    #[arg(long, value_name = "FILE", requires = "private_key_file")]
    authority: Option<PathBuf>,
    /// PEM file with its private key, PKCS#8
    #[arg(long, value_name = "FILE", requires = "authority")]
    private_key_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct EntrustCaGateway {
    name: String,
    /// https://HOST/cagw
    #[arg(long)]
    url: String,
    /// As the gateway lists it; left out, connection check shows the list
    #[arg(long, default_value = "", value_name = "ID")]
    ca_id: String,
    /// The header ca-client-id, which some installations want
    #[arg(long, default_value = "", value_name = "TEXT")]
    client_id: String,
    /// PEM roots of its certificate [default: those of the operating system]
    #[arg(long, value_name = "FILE")]
    roots: Option<PathBuf>,
    /// That one request may take, 1 to 300 [default: 45]
    #[arg(
        long,
        default_value_t = 0,
        hide_default_value = true,
        value_name = "SECONDS"
    )]
    time_limit: u32,
    /// Client certificate with its key
    #[arg(long, value_name = "FILE")]
    pkcs12: PathBuf,
    /// File whose first line is the password of --pkcs12; - is standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Cfssl {
    name: String,
    /// https://HOST:8888
    #[arg(long)]
    url: String,
    /// Of the signer, where a cfssl has several
    #[arg(long, default_value = "", value_name = "TEXT")]
    label: String,
    /// Profile that templates may name; may be given several times
    #[arg(long = "ca-profile", required = true, value_name = "NAME")]
    profiles: Vec<String>,
    /// PEM file with the signer's certificate [default: whoever answers is taken for it]
    #[arg(long, value_name = "FILE")]
    authority: Option<PathBuf>,
    /// PEM roots of its TLS certificate [default: those of the operating system]
    #[arg(long, value_name = "FILE")]
    roots: Option<PathBuf>,
    /// That one request may take, 1 to 300 [default: 30]
    #[arg(
        long,
        default_value_t = 0,
        hide_default_value = true,
        value_name = "SECONDS"
    )]
    time_limit: u32,
    /// File whose first line is the shared key in hexadecimal; - is standard input
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl BuiltinCa {
    pub(super) fn request(self) -> Result<CreateConnectionRequest> {
        let key = match &self.private_key_file {
            Some(path) => fs::read_to_string(path).map_err(Failure::file(path))?,
            None => String::new(),
        };
        let settings = Settings::BuiltinCa(wire::BuiltinCa {
            name: self.name.clone(),
            authority: text(self.authority.as_ref())?,
            publish_url: self.publish_url,
            days: self.days,
        });
        Ok(CreateConnectionRequest {
            api_key: key,
            ..of(self.name, settings)
        })
    }
}

impl EntrustCaGateway {
    pub(super) fn request(self) -> Result<CreateConnectionRequest> {
        let password = secret_input::required(self.password_file.as_deref(), "password")?;
        let settings = Settings::EntrustCaGateway(wire::EntrustCaGateway {
            url: self.url,
            ca_id: self.ca_id,
            client_id: self.client_id,
            trusted_roots: text(self.roots.as_ref())?,
            time_limit_s: self.time_limit,
        });
        Ok(CreateConnectionRequest {
            pkcs12: fs::read(&self.pkcs12).map_err(Failure::file(&self.pkcs12))?,
            pkcs12_password: password.to_string(),
            ..of(self.name, settings)
        })
    }
}

impl Cfssl {
    pub(super) fn request(self) -> Result<CreateConnectionRequest> {
        let key = match &self.key_file {
            Some(path) => secret_input::required(Some(path), "shared key")?,
            None => Zeroizing::default(),
        };
        let settings = Settings::Cfssl(wire::Cfssl {
            url: self.url,
            label: self.label,
            profiles: self.profiles,
            authority: text(self.authority.as_ref())?,
            trusted_roots: text(self.roots.as_ref())?,
            time_limit_s: self.time_limit,
        });
        Ok(CreateConnectionRequest {
            api_key: key.to_string(),
            ..of(self.name, settings)
        })
    }
}

/// A profile on one line, with what a request needs.
pub(super) fn sentence(profile: &wire::CaProfile) -> String {
    let mut line = format!("profile {}", profile.id);
    if !profile.name.is_empty() && profile.name != profile.id {
        line += &format!(" ({})", profile.name);
    }
    if !profile.required_fields.is_empty() {
        line += &format!(", needs {}", profile.required_fields.join(", "));
    }
    if profile.takes_request == Some(false) {
        line += ", makes the keys itself: not for cards";
    }
    line
}

pub(super) fn profiles(profiles: &[wire::CaProfile]) -> Vec<Value> {
    profiles
        .iter()
        .map(|profile| {
            json!({
                "id": profile.id,
                "name": profile.name,
                "required_fields": profile.required_fields,
                "optional_fields": profile.optional_fields,
                "takes_request": profile.takes_request,
            })
        })
        .collect()
}

fn of(name: String, settings: Settings) -> CreateConnectionRequest {
    CreateConnectionRequest {
        connection: Some(wire::Connection {
            name,
            settings: Some(settings),
            ..wire::Connection::default()
        }),
        ..CreateConnectionRequest::default()
    }
}

fn text(path: Option<&PathBuf>) -> Result<String> {
    match path {
        Some(path) => fs::read_to_string(path).map_err(Failure::file(path)),
        None => Ok(String::new()),
    }
}
