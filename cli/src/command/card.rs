//! `keysteward card`: smart cards, from registering them to giving them back.

mod view;

use std::{fs, path::PathBuf};

use clap::Subcommand;
use keysteward_proto::server::v1::{
    self as wire, AnswerCardChallengeRequest, CreateCardMasterKeyRequest, GetCertificateRequest,
    GetTokenRequest, ListCardMasterKeysRequest, ListCertificatesRequest, ListTokenTypesRequest,
    ListTokensRequest, ReleasePukRequest, start_operation_request::Kind,
};
use serde_json::json;
use zeroize::Zeroizing;

use super::{Context, life::Work, pin, token::Token};
use crate::{
    failure::{Failure, Result},
    output::Format,
    secret_input::{self, OptionalPin},
};
pub(super) use view::{Card, Certificate, MasterKey};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Cards that the server knows: tokens of a type that describes cards
    #[command(after_help = "Example:\n  keysteward card list --state active")]
    List {
        /// unregistered, registered, issued, active, suspended, revoked or retired
        #[arg(long)]
        state: Option<String>,
    },
    /// One card: its keys, its certificates, who holds its PIN
    #[command(after_help = "Example:\n  keysteward card show 5a1c")]
    Show {
        /// Id, an unambiguous beginning of one, or serial
        token: String,
    },
    /// Take a card over: admin key and PUK become ours, nobody knows the PIN
    #[command(after_help = "Example:\n  keysteward card register 5a1c")]
    Register(OfCard),
    /// Look what is on a card
    #[command(after_help = "Example:\n  keysteward card inspect 5a1c")]
    Inspect(OfCard),
    /// Give a card a new PIN; it is at hand
    #[command(after_help = "\
Without --ask-new-pin or --new-pin-file a PIN is made, and shown once.

Examples:
  keysteward card unblock 5a1c --ask-new-pin
  keysteward card unblock 5a1c")]
    Unblock {
        /// Id, an unambiguous beginning of one, or serial
        token: String,
        /// Ask for the PIN that the user chooses
        #[arg(long, conflicts_with = "new_pin_file")]
        ask_new_pin: bool,
        /// File whose first line is the PIN that the user chose; - is standard input
        #[arg(long, value_name = "FILE")]
        new_pin_file: Option<PathBuf>,
        #[command(flatten)]
        work: Work,
    },
    /// Answer the challenge that a GIDS card shows, read over the phone
    #[command(after_help = "\
The user opens the unblock dialog of Windows, reads 16 digits, types the 16 digits of the
answer, and chooses a PIN. A challenge is answered once, and the answer stands in the audit.

Example:
  keysteward card challenge 5a1c 0557897F8D84407B")]
    Challenge {
        /// Id, an unambiguous beginning of one, or serial
        token: String,
        /// 16 hexadecimal digits; spaces do not matter
        challenge: String,
    },
    /// Tell the PUK of a PIV card that is not at hand; once
    #[command(after_help = "\
The PUK stands in the audit as told, and is changed as soon as an agent sees the card.

Example:
  keysteward card release-puk 5a1c")]
    ReleasePuk {
        /// Id, an unambiguous beginning of one, or serial
        token: String,
    },
    /// New certificates for the keys on a card
    #[command(after_help = "Example:\n  keysteward card renew 5a1c --container 9a --ask-pin")]
    Renew(Again),
    /// New keys and certificates; what stood there is revoked
    #[command(after_help = "Example:\n  keysteward card reissue 5a1c --ask-pin")]
    Reissue {
        /// Where the card cannot keep the key that decrypts (PIV 9d): mail that was encrypted to
        /// it can no longer be read
        #[arg(long)]
        lose_old_decryption_key: bool,
        #[command(flatten)]
        again: Again,
    },
    /// Certificates of a card; without one, those that wait for their revocation
    #[command(after_help = "\
Examples:
  keysteward card certificates 5a1c
  keysteward card certificates")]
    Certificates {
        /// Id, an unambiguous beginning of one, or serial
        token: Option<String>,
    },
    /// Write a certificate to a file or to standard output
    #[command(after_help = "Example:\n  keysteward card export 59:12:bd:91 --file alice.pem")]
    Export {
        /// Id, or serial number
        certificate: String,
        /// A name that ends in .der is written as DER [default: PEM to standard output]
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Admin keys, and the master keys that they are derived from
    #[command(subcommand)]
    AdminKey(AdminKey),
    /// Take a card out of use
    #[command(after_help = "Example:\n  keysteward card retire 5a1c")]
    Retire(OfCard),
    /// Give a card back as it left the factory
    #[command(after_help = "Example:\n  keysteward card unregister 5a1c")]
    Unregister(OfCard),
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminKey {
    /// Move a card to the newest master key now
    #[command(after_help = "Example:\n  keysteward card admin-key rotate 5a1c")]
    Rotate(OfCard),
    /// Make a new master key; cards are moved when they are seen
    #[command(
        after_help = "Example:\n  keysteward card admin-key new-master --comment 'yearly, 2026'"
    )]
    NewMaster {
        /// Why
        #[arg(long, default_value = "", value_name = "TEXT")]
        comment: String,
    },
    /// Every generation of the master key
    #[command(after_help = "Example:\n  keysteward card admin-key list")]
    List,
}

#[derive(Debug, clap::Args)]
pub(crate) struct OfCard {
    /// Id, an unambiguous beginning of one, or serial
    token: String,
    #[command(flatten)]
    work: Work,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Again {
    /// Id, an unambiguous beginning of one, or serial
    token: String,
    /// Only this container; may be given several times
    #[arg(long = "container", value_name = "NAME")]
    containers: Vec<String>,
    #[command(flatten)]
    pin: OptionalPin,
    #[command(flatten)]
    work: Work,
}

pub(crate) async fn run(command: Command, mut context: Context<'_>) -> Result<()> {
    match command {
        Command::List { state } => list(state, context).await,
        Command::Show { token } => {
            let request = GetTokenRequest { token };
            let mut tokens = context.server().await?.tokens();
            let detail = tokens.get(request).await?.into_inner();
            let certificates: Vec<_> = detail.certificates.clone();
            let card = Card::try_from(detail)?;
            context.output.show(&card)?;
            let rows: Vec<_> = certificates.into_iter().map(Certificate::from).collect();
            context.output.section("certificates", &rows)
        }
        Command::Register(of) => {
            let kind = Kind::RegisterCard(wire::RegisterCard { token: of.token });
            of.work.run(kind, context).await
        }
        Command::Inspect(of) => {
            let kind = Kind::RefreshCard(wire::RefreshCard { token: of.token });
            of.work.run(kind, context).await
        }
        Command::Unblock {
            token,
            ask_new_pin,
            new_pin_file,
            work,
        } => {
            let own = ask_new_pin || new_pin_file.is_some();
            let new_pin = match own {
                true => secret_input::new_secret(new_pin_file.as_deref(), "new PIN")?.to_string(),
                false => String::new(),
            };
            let kind = Kind::UnblockCard(wire::UnblockCard { token, new_pin });
            if own || work.wait.is_off() {
                work.run(kind, context).await
            } else {
                pin::run_and_reveal(work, kind, &mut context).await
            }
        }
        Command::Challenge { token, challenge } => answer(token, &challenge, context).await,
        Command::ReleasePuk { token } => {
            let request = ReleasePukRequest {
                token: token.clone(),
            };
            let mut cards = context.server().await?.cards();
            let puk = Zeroizing::new(cards.release_puk(request).await?.into_inner().puk);
            match context.output.format() {
                Format::Json => context
                    .output
                    .json(&json!({ "token": token, "puk": puk.as_str() })),
                Format::Table => context.output.say(&puk),
            }
        }
        Command::Renew(again) => {
            let kind = Kind::RenewCertificates(wire::RenewCertificates {
                pin: again.pin()?,
                token: again.token,
                containers: again.containers,
            });
            again.work.run(kind, context).await
        }
        Command::Reissue {
            again,
            lose_old_decryption_key,
        } => {
            let kind = Kind::ReissueCertificates(wire::ReissueCertificates {
                lose_old_decryption_key,
                pin: again.pin()?,
                token: again.token,
                containers: again.containers,
            });
            again.work.run(kind, context).await
        }
        Command::Certificates { token } => {
            let request = ListCertificatesRequest {
                token: token.unwrap_or_default(),
            };
            let mut cards = context.server().await?.cards();
            let answer = cards.list_certificates(request).await?.into_inner();
            let rows: Vec<_> = answer
                .certificates
                .into_iter()
                .map(Certificate::from)
                .collect();
            context.output.list("certificates", &rows, None)
        }
        Command::Export { certificate, file } => export(certificate, file, context).await,
        Command::AdminKey(command) => admin_key(command, context).await,
        Command::Retire(of) => {
            let kind = Kind::Retire(wire::Retire { token: of.token });
            of.work.run(kind, context).await
        }
        Command::Unregister(of) => {
            let kind = Kind::Unregister(wire::Unregister { token: of.token });
            of.work.run(kind, context).await
        }
    }
}

impl Again {
    fn pin(&self) -> Result<String> {
        let pin = self.pin.read()?;
        Ok(pin.map(|pin| pin.to_string()).unwrap_or_default())
    }
}

async fn list(state: Option<String>, mut context: Context<'_>) -> Result<()> {
    let server = context.server().await?;
    let types = server.token_types().list(ListTokenTypesRequest {}).await?;
    let types = types.into_inner().token_types;
    let mut rows = Vec::new();
    for token_type in types.into_iter().filter(|kind| kind.card.is_some()) {
        let mut request = ListTokensRequest {
            state: state.clone().unwrap_or_default(),
            token_type: token_type.name,
            ..ListTokensRequest::default()
        };
        loop {
            let answer = server.tokens().list(request.clone()).await?.into_inner();
            rows.extend(answer.tokens.into_iter().map(Token::from));
            request.page_token = answer.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
    }
    context.output.list("tokens", &rows, None)
}

async fn answer(token: String, challenge: &str, mut context: Context<'_>) -> Result<()> {
    let request = AnswerCardChallengeRequest {
        challenge: digits(challenge)?,
        token: token.clone(),
    };
    let mut cards = context.server().await?.cards();
    let answer = cards.answer_challenge(request).await?.into_inner();
    let response = hex::encode_upper(answer.response);
    match context.output.format() {
        Format::Json => context
            .output
            .json(&json!({ "token": token, "response": response })),
        Format::Table => {
            // In fours, as people read them over the phone.
            let fours: Vec<_> = response
                .as_bytes()
                .chunks(4)
                .map(|four| String::from_utf8_lossy(four).into_owned())
                .collect();
            context.output.say(&fours.join(" "))
        }
    }
}

/// 16 hexadecimal digits, as somebody said them.
fn digits(text: &str) -> Result<Vec<u8>> {
    let plain: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .collect();
    match hex::decode(&plain) {
        Ok(bytes) if bytes.len() == 8 => Ok(bytes),
        _ => Err(Failure::wrong(
            "CHALLENGE",
            format!("{text:?}"),
            "16 hexadecimal digits",
        )),
    }
}

async fn export(
    certificate: String,
    file: Option<PathBuf>,
    mut context: Context<'_>,
) -> Result<()> {
    let request = GetCertificateRequest { certificate };
    let mut cards = context.server().await?.cards();
    let detail = cards.get_certificate(request).await?.into_inner();
    if detail.der.is_empty() {
        let state = detail.certificate.map(|row| row.state).unwrap_or_default();
        return Err(Failure::wrong(
            "CERTIFICATE",
            state,
            "one that the authority has issued",
        ));
    }
    let Some(path) = file else {
        return context.output.raw(pem(&detail.der).as_bytes());
    };
    let bytes = match path.extension().is_some_and(|end| end == "der") {
        true => detail.der,
        false => pem(&detail.der).into_bytes(),
    };
    fs::write(&path, bytes).map_err(Failure::file(&path))?;
    context.output.say(&format!("wrote {}", path.display()))
}

/// RFC 7468.
fn pem(der: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let text = STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in text.as_bytes().chunks(64) {
        pem += &String::from_utf8_lossy(line);
        pem.push('\n');
    }
    pem + "-----END CERTIFICATE-----\n"
}

async fn admin_key(command: AdminKey, mut context: Context<'_>) -> Result<()> {
    match command {
        AdminKey::Rotate(of) => {
            let kind = Kind::ChangeAdminKey(wire::ChangeAdminKey { token: of.token });
            of.work.run(kind, context).await
        }
        AdminKey::NewMaster { comment } => {
            let request = CreateCardMasterKeyRequest { comment };
            let mut cards = context.server().await?.cards();
            let made = cards.create_master_key(request).await?.into_inner();
            context.output.show(&MasterKey::from(made))
        }
        AdminKey::List => {
            let mut cards = context.server().await?.cards();
            let answer = cards.list_master_keys(ListCardMasterKeysRequest {}).await?;
            let keys = answer.into_inner().keys;
            let rows: Vec<_> = keys.into_iter().map(MasterKey::from).collect();
            context.output.list("card_master_keys", &rows, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_taken_as_people_say_it() {
        let bytes = vec![0x05, 0x57, 0x89, 0x7F, 0x8D, 0x84, 0x40, 0x7B];
        for said in [
            "0557897F8D84407B",
            "0557 897f 8d84 407b",
            " 0557-897F-8D84-407B ",
        ] {
            assert_eq!(digits(said).unwrap(), bytes, "{said}");
        }
        for wrong in [
            "",
            "0557897F8D84407",
            "0557897F8D84407B00",
            "055O897F8D84407B",
        ] {
            assert!(digits(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_certificate_is_written_in_lines_of_64() {
        let pem = pem(&[0xAB; 100]);
        let lines: Vec<_> = pem.lines().collect();
        assert_eq!(lines.first(), Some(&"-----BEGIN CERTIFICATE-----"));
        assert_eq!(lines.last(), Some(&"-----END CERTIFICATE-----"));
        assert!(lines.iter().all(|line| line.len() <= 64), "{pem}");
    }
}
