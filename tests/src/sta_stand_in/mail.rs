//! Codes to users, by SMTP.

use anyhow::Context;
use lettre::{Message, SmtpTransport, Transport};
use std::net::SocketAddr;

/// Sends the code that activates an authenticator.
pub(super) async fn send_code(smtp: SocketAddr, to: &str, code: &str) -> anyhow::Result<()> {
    let message = Message::builder()
        .from("STA stand-in <no-reply@sta-stand-in.example>".parse()?)
        .to(to
            .parse()
            .with_context(|| format!("{to:?} is no mail address"))?)
        .subject("Activate your authenticator")
        .body(format!("Your verification code is {code}.\n"))?;
    let send = move || {
        SmtpTransport::builder_dangerous(smtp.ip().to_string())
            .port(smtp.port())
            .build()
            .send(&message)
    };
    tokio::task::spawn_blocking(send)
        .await?
        .context("the mail was not accepted")?;
    Ok(())
}
