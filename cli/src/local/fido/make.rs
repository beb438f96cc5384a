//! `keysteward --agent ADDRESS token fido make`: a credential, to try a key out.

use std::{fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use keysteward_proto::agent::v1::{self as wire, step::Verb, step_result::Result as Outcome};
use sha2::{Digest as _, Sha256};

use super::{
    Key, OTHER, credential,
    user::{Proven, Wanted},
    view::Made,
};
use crate::{
    connect::Agent,
    failure::{Failure, Result},
    local::token::{find, speaks_u2f_alone},
    output::Output,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Make {
    #[command(flatten)]
    key: Key,
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
    /// Refuse where the key holds this credential, base64url; may be given several times
    #[arg(long = "exclude", value_name = "CREDENTIAL")]
    exclude: Vec<String>,
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
    /// Ask for an attestation that names this very key: one that its vendor allows this relying
    /// party, or one that the platform, which is this command, allows it
    #[arg(long, value_name = "KIND")]
    enterprise: Option<Enterprise>,
}

/// enterpriseAttestation. CTAP 2.3 §6.1.2.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(super) enum Enterprise {
    Vendor = 1,
    Platform = 2,
}

pub(super) async fn run(args: Make, agent: &Agent, output: &mut Output<'_>) -> Result<()> {
    let extensions = args.extensions;
    let cred_blob = match &extensions.cred_blob_file {
        Some(path) => fs::read(path).map_err(Failure::file(path))?,
        None => Vec::new(),
    };
    let exclude_credential_ids = args
        .exclude
        .iter()
        .map(|id| credential(id))
        .collect::<Result<_>>()?;
    let token = find(agent, args.key.which.token.as_deref()).await?;
    // A key of U2F keeps no credentials.
    let discoverable = !args.no_resident_key && !speaks_u2f_alone(&token);
    let proven = Proven::of(
        token,
        &args.key.user,
        Wanted::ForCredential { discoverable },
    )?;
    let mut lease = proven
        .lease(agent, "make a credential to try the key out")
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
    let verb = Verb::MakeCredential(wire::MakeCredential {
        pin: proven.pin,
        rp_id: args.rp_id.clone(),
        rp_name: args.rp_id.clone(),
        client_data_hash: Sha256::digest(client_data.as_bytes()).to_vec(),
        user_id: Sha256::digest(args.user_name.as_bytes()).to_vec(),
        user_name: args.user_name.clone(),
        user_display_name: args.user_name,
        algorithms: if args.algorithms.is_empty() {
            vec![-7]
        } else {
            args.algorithms
        },
        resident_key: discoverable,
        exclude_credential_ids,
        enterprise_attestation: extensions.enterprise.map_or(0, |kind| kind as u32),
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
            presence_id: proven.token.presence_id,
            rp_id: args.rp_id,
            credential_id: URL_SAFE_NO_PAD.encode(made.credential_id),
            attestation_object: URL_SAFE_NO_PAD.encode(made.attestation_object),
            client_data,
            enterprise_attestation: made.enterprise_attestation,
        }),
        _ => Err(OTHER),
    }
}
