//! `keysteward decode`: what the bytes of a message say. Needs neither server nor agent.

use std::fs;
use std::path::Path;

use super::Context;
use crate::decode::{self, Kind};
use crate::failure::{Failure, Result};
use crate::output::Format;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keysteward decode --as ctap-request 04
  keysteward decode --as ctap-response --command get-info @answer.hex
  keysteward decode --as apdu 00A4040008A000000647 2F000100
  keysteward decode --as apdu --command u2f-version 5532465F56329000
  keysteward decode --as ctaphid --output json - < capture.bin

Exit code 2 when the bytes are wrong: what could be read is shown, and where it ends.")]
pub(crate) struct Args {
    /// What the bytes are
    #[arg(long = "as", value_name = "KIND")]
    kind: Kind,
    /// The command that a response answers; with apdu and ctaphid where its request is not there
    #[arg(long, value_name = "NAME")]
    command: Option<decode::Command>,
    /// Hexadecimal, blanks and colons allowed; or @FILE, which holds the same or the bytes
    /// themselves; - or @- is standard input
    #[arg(required = true, value_name = "HEX|@FILE")]
    bytes: Vec<String>,
}

pub(crate) fn run(args: &Args, mut context: Context<'_>) -> Result<()> {
    check(args.kind, args.command)?;
    let bytes = read(&args.bytes)?;
    let decoded = decode::decode(args.kind, args.command, &bytes);
    match context.output.format() {
        Format::Json => context.output.json(&decoded)?,
        Format::Table => {
            for line in decoded.lines() {
                context.output.say(&line)?;
            }
            if let unknown @ 1.. = decoded.unknown() {
                context
                    .output
                    .say(&format!("unknown here, and kept: {unknown}"))?;
            }
        }
    }
    match decoded.errors.first() {
        None => Ok(()),
        Some(fault) => Err(Failure::Undecodable {
            what: decoded.what,
            offset: fault.offset,
            why: fault.message.clone(),
        }),
    }
}

/// Whether `--command` goes with such bytes, and such bytes without it.
fn check(kind: Kind, command: Option<decode::Command>) -> Result<()> {
    let wrong = |found: &str, allowed| Err(Failure::wrong("--command", found, allowed));
    match (kind, command) {
        (Kind::CtapResponse, None) => wrong(
            "nothing",
            "the command that the response answers, such as get-info: a response does not say it itself",
        ),
        (Kind::CtapResponse, Some(command)) if command.ctap2().is_none() => wrong(
            &typed(command),
            "a command of CTAP2, such as get-info; answers of U2F are read by --as apdu",
        ),
        (_, Some(command)) if !kind.takes_command() => wrong(
            &typed(command),
            "nothing with this --as: ctap-response, apdu and ctaphid hold answers",
        ),
        _ => Ok(()),
    }
}

/// The name under which a command is typed.
fn typed(command: decode::Command) -> String {
    clap::ValueEnum::to_possible_value(&command)
        .map_or_else(String::new, |value| value.get_name().to_owned())
}

/// The bytes, wherever they are.
fn read(given: &[String]) -> Result<Vec<u8>> {
    let file = match given {
        [one] => one.strip_prefix('@').or((one == "-").then_some("-")),
        _ => None,
    };
    let Some(name) = file else {
        return hexadecimal(&given.concat(), "HEX");
    };
    let path = Path::new(name);
    let content = match name {
        "-" => {
            let mut content = Vec::new();
            let mut input = std::io::Read::take(std::io::stdin().lock(), MAX + 1);
            std::io::Read::read_to_end(&mut input, &mut content).map_err(Failure::file(path))?;
            content
        }
        _ => fs::read(path).map_err(Failure::file(path))?,
    };
    if content.len() as u64 > MAX {
        return Err(Failure::wrong(name, "more than 1 MiB", "at most 1 MiB"));
    }
    // A file of hexadecimal is text; whatever is not, is the bytes themselves.
    match std::str::from_utf8(&content) {
        Ok(text) if looks_hexadecimal(text) => hexadecimal(text, name),
        _ => Ok(content),
    }
}

fn looks_hexadecimal(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.chars().all(|c| c.is_ascii_hexdigit() || is_blank(c))
}

fn hexadecimal(text: &str, field: &str) -> Result<Vec<u8>> {
    const ALLOWED: &str = "pairs of hexadecimal digits, blanks and colons between them allowed";
    let mut digits = String::with_capacity(text.len());
    for (index, c) in text.chars().enumerate() {
        match c {
            c if c.is_ascii_hexdigit() => digits.push(c),
            c if is_blank(c) => {}
            other => {
                let found = format!("{other:?} as character {}", index.saturating_add(1));
                return Err(Failure::wrong(field, found, ALLOWED));
            }
        }
    }
    hex::decode(&digits).map_err(|_| {
        Failure::wrong(
            field,
            format!("{} digits, an odd number", digits.len()),
            ALLOWED,
        )
    })
}

fn is_blank(c: char) -> bool {
    c.is_ascii_whitespace() || c == ':'
}

/// Bytes that a file may hold.
const MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::{Kind, check};
    use crate::decode::Command::{GetInfo, U2fVersion};

    #[test]
    fn a_command_is_named_where_it_is_needed_and_only_there() {
        for (kind, command, words) in [
            (
                Kind::CtapResponse,
                None,
                "a response does not say it itself",
            ),
            (Kind::CtapResponse, Some(U2fVersion), "read by --as apdu"),
            (Kind::CtapRequest, Some(GetInfo), "nothing with this --as"),
            (Kind::Tlv, Some(GetInfo), "nothing with this --as"),
            (Kind::Attestation, Some(GetInfo), "nothing with this --as"),
        ] {
            let refused = format!("{:?}", check(kind, command).unwrap_err());
            assert!(refused.contains(words), "{kind:?}: {refused}");
        }
        for (kind, command) in [
            (Kind::CtapResponse, Some(GetInfo)),
            (Kind::Apdu, Some(U2fVersion)),
            (Kind::Ctaphid, Some(GetInfo)),
            (Kind::Apdu, None),
        ] {
            assert!(check(kind, command).is_ok(), "{kind:?}");
        }
    }
}
