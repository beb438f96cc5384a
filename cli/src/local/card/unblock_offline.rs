//! `keysteward --agent ADDRESS token card unblock-offline`: the card's challenge is shown, somebody
//! elsewhere who has the admin key answers it, and the PIN is set anew.

use std::{
    io::{self, BufRead as _},
    path::Path,
    time::{Duration, Instant},
};

use keysteward_proto::agent::v1::{self as wire, card_step::Verb, step_result::Result as Outcome};
use tokio::time::{interval, timeout_at};

use super::{OTHER, Which, admin_key::AdminKeys, open};
use crate::{
    connect::Agent,
    failure::{Failure, Result},
    local::token::done,
    output::Output,
    secret_input,
};

pub(super) async fn run(
    which: &Which,
    new_pin_file: Option<&Path>,
    within: Duration,
    agent: &Agent,
    output: &mut Output<'_>,
) -> Result<()> {
    // Asked for first: the challenge is alive for as long as nobody takes the card away.
    let new_pin = secret_input::new_secret(new_pin_file, "new PIN")?;
    let (presence_id, mut lease) =
        open(agent, which, AdminKeys::default(), "unblock offline").await?;
    let verb = Verb::GiveChallenge(wire::GiveChallenge {});
    let Outcome::ChallengeGiven(given) = lease.read(verb).await? else {
        return Err(OTHER);
    };
    lease.pause();
    eprintln!("challenge: {}", in_groups(&given.challenge));
    eprintln!("leave the card where it is, and type the answer:");
    let response = answer(within).await?;
    let verb = Verb::AnswerChallenge(wire::AnswerChallenge {
        response,
        new_pin: new_pin.to_string(),
    });
    lease.change("unblock-offline", verb).await?;
    done(output, "unblock-offline", &presence_id)
}

/// A line of standard input, while the time that is left is shown.
async fn answer(within: Duration) -> Result<Vec<u8>> {
    let end = Instant::now() + within;
    let reading = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    let telling = async {
        let mut ticks = interval(Duration::from_secs(30));
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let left = end.saturating_duration_since(Instant::now());
            eprintln!("{} seconds left", left.as_secs());
        }
    };
    let line = tokio::select! {
        line = timeout_at(end.into(), reading) => line,
        never = telling => never,
    };
    match line {
        Ok(Ok(Ok(line))) => parse(&line),
        Ok(Ok(Err(error))) => Err(Failure::file("standard input")(error)),
        Ok(Err(_)) => Err(Failure::Answer("standard input could not be read")),
        Err(_) => Err(Failure::wrong(
            "the answer",
            format!("nothing within {} seconds", within.as_secs()),
            "16 hexadecimal digits; ask for another challenge, or wait longer (--within)",
        )),
    }
}

/// As it is typed: 16 hexadecimal digits, spaces and dashes wherever.
fn parse(line: &str) -> Result<Vec<u8>> {
    let digits: String = line
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .collect();
    hex::decode(&digits)
        .ok()
        .filter(|bytes| bytes.len() == 8)
        .ok_or_else(|| {
            Failure::wrong(
                "the answer",
                format!("{} digits", digits.chars().count()),
                "16 hexadecimal digits",
            )
        })
}

/// Four digits each, as one reads them over the telephone.
fn in_groups(bytes: &[u8]) -> String {
    let groups: Vec<String> = bytes.chunks(2).map(hex::encode_upper).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_shown_in_groups_and_an_answer_is_read_in_them() {
        let bytes = [0x05, 0x57, 0x89, 0x7F, 0x8D, 0x84, 0x40, 0x7B];
        assert_eq!(in_groups(&bytes), "0557 897F 8D84 407B");
        for line in [
            "0557 897F 8D84 407B\n",
            "0557897f8d84407b",
            " 0557-897f-8d84-407b\r\n",
        ] {
            assert_eq!(parse(line).unwrap(), bytes, "{line}");
        }
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for line in ["", "0557", "zz57 897F 8D84 407B", "0557 897F 8D84 407B 00"] {
            let refusal = parse(line).unwrap_err();
            assert!(
                matches!(refusal, Failure::Wrong { .. }),
                "{line}: {refusal}"
            );
        }
    }
}
