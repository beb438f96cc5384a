//! `keysteward --agent ADDRESS token card unblock-offline`: the card's challenge is shown, somebody
//! elsewhere who has the admin key answers it, and the PIN is set anew.
//!
//! The challenge dies when anybody else speaks to the card, so the lease is held from the challenge
//! to its answer, for a time that is shown from the first moment on and runs down.

mod countdown;
#[cfg(test)]
mod tests;

use std::{
    future::Future,
    io::{self, BufRead as _, IsTerminal as _, Write},
    path::Path,
    pin::pin,
    time::Duration,
};

use keysteward_proto::agent::v1::{self as wire, card_step::Verb, step_result::Result as Outcome};
use tokio::{
    sync::oneshot,
    time::{Instant, interval, sleep_until},
};

use self::countdown::Countdown;
use super::{OTHER, Which, admin_key::AdminKeys, open};
use crate::{
    connect::Agent,
    failure::{Failure, Result},
    local::token::done,
    output::Output,
    secret_input::{self, Secret},
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
    let desk = Desk {
        within,
        typed: line(),
        is_terminal: io::stderr().is_terminal() && !cfg!(windows),
        told: io::stderr(),
    };
    let presence_id = unblock(which, &new_pin, desk, agent).await?;
    done(output, "unblock-offline", &presence_id)
}

/// Where somebody sits with the challenge, and types its answer.
struct Desk<L, W> {
    within: Duration,
    /// A line.
    typed: L,
    /// Lines can be written over.
    is_terminal: bool,
    told: W,
}

/// The presence id of the card that has the new PIN.
async fn unblock<L, W>(
    which: &Which,
    new_pin: &Secret,
    mut desk: Desk<L, W>,
    agent: &Agent,
) -> Result<String>
where
    L: Future<Output = io::Result<String>>,
    W: Write,
{
    let (presence_id, mut lease) =
        open(agent, which, AdminKeys::default(), "unblock offline").await?;
    let verb = Verb::GiveChallenge(wire::GiveChallenge {});
    let Outcome::ChallengeGiven(given) = lease.read(verb).await? else {
        return Err(OTHER);
    };
    lease.pause();
    // A screen that is gone takes nobody's answer away.
    drop(writeln!(
        desk.told,
        "challenge: {}",
        in_groups(&given.challenge)
    ));
    let mut countdown = Countdown::new(desk.told, desk.is_terminal);
    let answered = answer(desk.within, desk.typed, |left| countdown.show(left));
    let response = lease.hold(answered).await??;
    let verb = Verb::AnswerChallenge(wire::AnswerChallenge {
        response,
        new_pin: new_pin.to_string(),
    });
    lease.change("unblock-offline", verb).await?;
    Ok(presence_id)
}

/// What is typed in time. `tell` is told what is left of it, at once and each second.
async fn answer(
    within: Duration,
    typed: impl Future<Output = io::Result<String>>,
    mut tell: impl FnMut(Duration),
) -> Result<Vec<u8>> {
    let end = Instant::now() + within;
    let mut typed = pin!(typed);
    let mut seconds = interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            biased;
            () = sleep_until(end) => return Err(expired(within)),
            line = &mut typed => {
                return parse(&line.map_err(Failure::file("standard input"))?);
            }
            _ = seconds.tick() => tell(end.saturating_duration_since(Instant::now())),
        }
    }
}

fn expired(within: Duration) -> Failure {
    Failure::wrong(
        "the answer",
        format!("nothing within {} seconds", within.as_secs()),
        "16 hexadecimal digits; ask for another challenge, or wait longer (--within)",
    )
}

/// A line of standard input. Nobody waits for the thread that reads it: who types nothing does not
/// keep the program from ending.
async fn line() -> io::Result<String> {
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line).map(|_| line);
        // An error means that the time was over before.
        drop(tell.send(read));
    });
    told.await
        .unwrap_or_else(|_| Err(io::ErrorKind::UnexpectedEof.into()))
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
