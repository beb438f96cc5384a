//! Reads who a token is, when it comes and after it was changed. Asks for no secret and no touch.

use std::time::Duration;

use keysteward_core::{
    iso7816::{
        self, CardError, CardTransport as _, Command, Framing, Le, MAX_SHORT_RESPONSE, Status,
    },
    nfcctap::NfcError,
};

use super::conduct::{self, Conduct};
use crate::{
    token::{self, Bench, CardFacts, ChannelError, GidsFacts, PivFacts, Reading, Sight},
    transport::pcsc::{PcscError, PcscLink},
};

/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What its FIDO applet says of itself.
pub(super) fn fido(bench: &mut Bench) -> Reading {
    match bench.link() {
        Ok(link) if link.says_ctap2() == Some(false) => return Reading::U2f,
        Err(ChannelError::Nfc(NfcError::NoApplet)) => return Reading::NoFido,
        // Why it cannot be reached is told below.
        Ok(_) | Err(_) => {}
    }
    match conduct::get_info(bench, &mut Conduct::silent(PATIENCE)) {
        Ok(bytes) => match token::Facts::parse(&bytes) {
            Ok(facts) => Reading::Read(facts.into()),
            Err(error) => Reading::Fault(format!(
                "what the token says of itself cannot be read: {error}"
            )),
        },
        Err(failure) if failure.status_word.is_some_and(is_unknown_command) => Reading::U2f,
        Err(failure) => Reading::Fault(failure.message),
    }
}

/// A card has its FIDO applet, and that does not know CTAP2 messages.
fn is_unknown_command(status_word: u16) -> bool {
    matches!(
        Status::from(status_word),
        Status::InsNotSupported | Status::ClaNotSupported
    )
}

/// What its other applets say of themselves, where it is at a reader; `None` if the card cannot be
/// reached.
pub(super) fn card(bench: &mut Bench) -> Option<CardFacts> {
    let description = bench.token().description();
    let read = bench.card().map_err(CardError::Transport).and_then(|card| {
        let piv = has_applet(card, &PIV)?;
        let gids = has_applet(card, &GIDS)?;
        Ok(CardFacts {
            atr: description.atr.clone(),
            reader: description.reader.clone(),
            piv: piv.then(PivFacts::default),
            gids: gids.then(GidsFacts::default),
        })
    });
    read.inspect_err(|error| {
        let presence_id = bench.token().presence_id();
        tracing::warn!(presence_id, %error, "cannot read a card");
    })
    .ok()
}

/// SP 800-73-5 part 1 §2.2, without the version: the shorter one of the registry alone is not
/// taken by every card.
const PIV: [u8; 9] = *b"\xA0\x00\x00\x03\x08\x00\x00\x10\x00";

/// The generic identity device specification 2.0 §3.
const GIDS: [u8; 9] = *b"\xA0\x00\x00\x03\x97\x42\x54\x46\x59";

fn has_applet(card: &mut PcscLink, aid: &[u8]) -> Result<bool, CardError<PcscError>> {
    let select = Command {
        cla: 0x00,
        ins: 0xA4,
        p1: 0x04,
        p2: 0x00,
        data: aid,
        le: Some(Le::SHORT),
    };
    let deadline = card.now().after(5_000);
    let (mut scratch, mut room) = ([0; 261], [0; MAX_SHORT_RESPONSE]);
    let answer = iso7816::exchange(
        card,
        select,
        Framing::Short,
        &mut scratch,
        &mut room,
        deadline,
    );
    Ok(answer?.status == Status::Success)
}

/// Lists anew what the FIDO applet says of itself, if that has changed.
pub(super) fn refresh(bench: &mut Bench) {
    let reading = fido(bench);
    let same = match (&reading, bench.token().reading()) {
        (Reading::Read(now), Reading::Read(before)) => **now == *before,
        // A token that does not answer now is most likely on its way out.
        (Reading::Fault(_), _) => true,
        _ => false,
    };
    if !same {
        let card = bench.token().card();
        bench.put(Sight { reading, card });
    }
}
