//! The life of a PIV and of a GIDS card, in front of you: registered, issued by an authority,
//! blocked, unblocked while the host is cut off, revoked, given back.
//!
//! Everything runs beside a smart card service of its own, in which this program starts itself
//! again.

use std::{env, time::Instant};

use anyhow::{Context, Result};
use clap::Parser;
use keysteward_tests::{
    card_life::{CardLife, GIDS, Issuer, PIV},
    demo::{Arguments, Output},
    pcscd::{beside_pcscd, is_beside_pcscd},
};
use serde_json::{Value, json};

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if !is_beside_pcscd() {
        let status = beside_pcscd(&env::current_exe()?)?
            .args(env::args_os().skip(1))
            .status()
            .context("cannot start unshare")?;
        std::process::exit(status.code().unwrap_or(1));
    }
    let begun = Instant::now();
    let mut life = CardLife::set_up(Issuer::CaGateway, |what| eprintln!("· {what}"))?;
    let cards = vec![life.tell(PIV)?, life.tell(GIDS)?];
    let story = json!({ "cards": cards, "audit": life.audit()? });
    match arguments.output {
        Output::Json => println!("{story}"),
        Output::Table => print!("{}", table(&story)),
    }
    eprintln!("done in {:.1} s", begun.elapsed().as_secs_f32());
    if arguments.stay {
        eprintln!("{}\npress Enter to end", life.how_to_reach());
        std::io::stdin().read_line(&mut String::new())?;
    }
    Ok(())
}

fn table(story: &Value) -> String {
    let mut lines = String::new();
    for card in story["cards"].as_array().into_iter().flatten() {
        lines += &format!(
            "{} card {}\n",
            plain(&card["applet"]),
            plain(&card["token"])
        );
        lines += &row([
            "",
            "server",
            "PIN tries",
            "keys on card",
            "authority",
            "signs",
            "factory admin key",
        ]);
        for step in card["steps"].as_array().into_iter().flatten() {
            lines += &row([
                &plain(&step["step"]),
                &plain(&step["server"]),
                &plain(&step["pin_tries"]),
                &plain(&step["containers"]),
                &plain(&step["authority"]),
                &said(&step["signs"], "verified", "refused"),
                &said(&step["factory_admin_key"], "opens", "refused"),
            ]);
        }
        lines.push('\n');
    }
    let chain = said(&story["audit"]["verified"], "verified", "BROKEN");
    lines
        + &format!(
            "audit: {} entries, chain {chain}\n",
            story["audit"]["entries"]
        )
}

fn row(cells: [&str; 7]) -> String {
    const WIDTHS: [usize; 7] = [19, 14, 11, 14, 18, 10, 0];
    let line: String = cells
        .iter()
        .zip(WIDTHS)
        .map(|(cell, width)| format!("{cell:<width$}"))
        .collect();
    format!("{}\n", line.trim_end())
}

fn said(value: &Value, yes: &str, no: &str) -> String {
    match value.as_bool() {
        Some(true) => yes.to_owned(),
        Some(false) => no.to_owned(),
        None => "-".to_owned(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}
