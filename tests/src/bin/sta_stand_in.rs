//! A stand-in for SafeNet Trusted Access, with the mailbox of its users.
//!
//! Says on standard output, in one line of JSON, where it is; ends at SIGTERM,
//! or when its standard input ends if `--with-parent` is given.

#![forbid(unsafe_code)]

use anyhow::Context;
use clap::Parser;
use keysteward_tests::{
    mail_catcher::MailCatcher,
    sta_stand_in::{Options, StaStandIn},
};
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
    /// Takes the files `root.pem` and `api-key`.
    #[arg(long)]
    directory: PathBuf,
    /// HTTPS on the loopback address; 0: any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// SMTP of the users' mailbox; 0: any free one.
    #[arg(long, default_value_t = 0)]
    smtp_port: u16,
    #[arg(long)]
    tenant_code: Option<String>,
    #[arg(long)]
    rp_id: Option<String>,
    #[arg(long)]
    origin: Option<String>,
    /// Start with "Authenticator import via API" switched off.
    #[arg(long)]
    import_off: bool,
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
    let mail = MailCatcher::start(arguments.smtp_port).await?;
    let mut options = Options::new(&mail);
    options.port = arguments.port;
    options.import_via_api = !arguments.import_off;
    for (option, argument) in [
        (&mut options.tenant_code, arguments.tenant_code),
        (&mut options.rp_id, arguments.rp_id),
        (&mut options.origin, arguments.origin),
    ] {
        if let Some(argument) = argument {
            *option = argument;
        }
    }
    let stand_in = StaStandIn::start(options).await?;

    fs::create_dir_all(&arguments.directory)?;
    let root = arguments.directory.join("root.pem");
    fs::write(&root, stand_in.root())?;
    let api_key = arguments.directory.join("api-key");
    write_secret(&api_key, stand_in.api_key())?;
    let ready = json!({
        "name": "sta-stand-in",
        "url": stand_in.url(),
        "rest_url": stand_in.rest_url(),
        "port": stand_in.address().port(),
        "smtp_port": mail.address().port(),
        "tenant_code": stand_in.options().tenant_code,
        "rp_id": stand_in.options().rp_id,
        "origin": stand_in.options().origin,
        "root": root,
        "api_key_file": api_key,
    });
    println!("{ready}");
    stopped(arguments.with_parent).await
}

fn write_secret(path: &Path, secret: &str) -> anyhow::Result<()> {
    // A file of an earlier run keeps its mode otherwise.
    let _ = fs::remove_file(path);
    let file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let mut file = file.with_context(|| format!("cannot write {}", path.display()))?;
    Ok(file.write_all(secret.as_bytes())?)
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
