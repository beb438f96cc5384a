//! A stand-in for Entrust CA Gateway, with a CA behind it that really issues.
//!
//! Says on standard output, in one line of JSON, where it is; ends at SIGTERM,
//! or when its standard input ends if `--with-parent` is given.

#![forbid(unsafe_code)]

use anyhow::Context;
use clap::Parser;
use keysteward_tests::ca_gateway_stand_in::{CaGatewayStandIn, Options};
use serde_json::json;
use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};
use tokio::{
    io::AsyncReadExt,
    signal::unix::{SignalKind, signal},
};

#[derive(Debug, Parser)]
#[command(about, version)]
struct Arguments {
    /// Takes the files `root.pem`, `client.pem`, `client.p12`, `client.password`.
    #[arg(long)]
    directory: PathBuf,
    /// HTTPS on the loopback address; 0: any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    #[arg(long)]
    ca_id: Option<String>,
    /// What the header ca-client-id must say.
    #[arg(long)]
    client_id: Option<String>,
    /// Start with enrolments that somebody has to agree to.
    #[arg(long)]
    agreement_needed: bool,
    /// End when standard input does.
    #[arg(long)]
    with_parent: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let mut options = Options {
        port: arguments.port,
        client_id: arguments.client_id,
        agreement_needed: arguments.agreement_needed,
        ..Options::default()
    };
    if let Some(id) = arguments.ca_id {
        options.ca_id = id;
    }
    let stand_in = CaGatewayStandIn::start(options).await?;

    let directory = &arguments.directory;
    fs::create_dir_all(directory)?;
    let root = directory.join("root.pem");
    fs::write(&root, stand_in.root())?;
    let client = stand_in.client("versasec")?;
    let pem = directory.join("client.pem");
    write_secret(&pem, client.pem.as_bytes())?;
    let p12 = directory.join("client.p12");
    let password = directory.join("client.password");
    let word = hex::encode(rand::random::<[u8; 8]>());
    write_secret(&p12, &client.pkcs12(&word)?)?;
    write_secret(&password, word.as_bytes())?;
    let ready = json!({
        "name": "ca-gateway-stand-in",
        "url": stand_in.url(),
        "console": format!("https://{}/console", stand_in.address()),
        "port": stand_in.address().port(),
        "ca_id": stand_in.options().ca_id,
        "root": root,
        "client_pem": pem,
        "client_p12": p12,
        "client_password_file": password,
    });
    println!("{ready}");
    stopped(arguments.with_parent).await
}

fn write_secret(path: &Path, secret: &[u8]) -> anyhow::Result<()> {
    // A file of an earlier run keeps its mode otherwise.
    let _ = fs::remove_file(path);
    let file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let mut file = file.with_context(|| format!("cannot write {}", path.display()))?;
    Ok(file.write_all(secret)?)
}

async fn stopped(with_parent: bool) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let parent_gone = async {
        if !with_parent {
            return std::future::pending().await;
        }
        let mut input = tokio::io::stdin();
        let mut bytes = [0; 64];
        while matches!(input.read(&mut bytes).await, Ok(1..)) {}
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
        () = parent_gone => {}
    }
    Ok(())
}
