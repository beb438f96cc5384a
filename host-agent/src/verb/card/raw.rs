//! One command APDU as it is. The agent does not know what it does.

use keysteward_core::{
    iso7816::{Command, Form, Framing, exchange},
    time::Millis,
};
use zeroize::Zeroizing;

use super::session::Card;
use crate::verb::{Code, Failure};

/// Longest answer: 65,536 bytes and the status.
const LONGEST: usize = 65_538;

/// Sends it, fetches all of the answer, and gives that with the status behind it.
pub(super) fn run(
    card: &mut Card<'_>,
    command: &[u8],
    deadline: Millis,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let (parsed, form) = Command::parse(command)
        .map_err(|error| Failure::new(Code::InvalidRequest, error.to_string()))?;
    let framing = match form {
        Form::Short => Framing::Short,
        Form::Extended => Framing::Extended,
    };
    let mut scratch = Zeroizing::new(vec![0; command.len() + 9]);
    let mut room = Zeroizing::new(vec![0; LONGEST]);
    let response = exchange(card, parsed, framing, &mut scratch, &mut room, deadline)?;
    let mut answer = Zeroizing::new(response.data.to_vec());
    answer.extend(u16::from(response.status).to_be_bytes());
    Ok(answer)
}

/// Class, instruction and parameters.
pub(super) fn header(command: &[u8]) -> [u8; 4] {
    command.first_chunk().copied().unwrap_or_default()
}
