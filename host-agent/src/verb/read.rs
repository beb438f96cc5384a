//! Reads who a token is, when it comes and after it was changed. Asks for no secret and no touch.

use std::time::Duration;

use keysteward_core::{
    crypto::RustCrypto,
    gids::session as gids,
    iso7816::{CardError, Status},
    nfcctap::NfcError,
    piv::session as piv,
    session::Millis,
};
use rand::rngs::OsRng;

use super::conduct::{self, Conduct};
use crate::{
    token::{self, Bench, CardFacts, ChannelError, GidsFacts, PivFacts, Reading, Sight},
    transport::pcsc::{PcscError, PcscLink},
};

/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What its FIDO applet says of itself.
pub(super) fn fido(bench: &mut Bench) -> Reading {
    let mut conduct = Conduct::silent(PATIENCE);
    match bench.link(conduct.deadline()) {
        Ok(link) if link.says_ctap2() == Some(false) => return Reading::U2f,
        Err(ChannelError::Nfc(NfcError::NoApplet)) => return Reading::NoFido,
        // Why it cannot be reached is told below.
        Ok(_) | Err(_) => {}
    }
    match conduct::get_info(bench, &mut conduct) {
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
/// reached. At most seven commands for PIV and seven for GIDS beside the two SELECTs.
pub(super) fn card(bench: &mut Bench) -> Option<CardFacts> {
    let description = bench.token().description();
    let read = bench.card(patience()).and_then(|card| {
        let deadline = patience();
        Ok(CardFacts {
            atr: description.atr.clone(),
            reader: description.reader.clone(),
            piv: piv(card, deadline)?,
            gids: gids(card, deadline)?,
        })
    });
    read.inspect_err(|error| {
        let presence_id = bench.token().presence_id();
        tracing::warn!(presence_id, %error, "cannot read a card");
    })
    .ok()
}

/// `None`: the card has no such applet. One that it has and that cannot be read is there.
fn piv(card: &mut PcscLink, deadline: Millis) -> Result<Option<PivFacts>, PcscError> {
    // On the heap: the stack of a token's thread is small.
    let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::new(piv::Buffers::new()));
    let told = piv::PivSession::select(card, &mut crypto, &mut buffers, deadline)
        .map(|mut session| session.facts());
    match told {
        Ok(Ok(told)) => Ok(Some(PivFacts::from(&told))),
        Err(piv::Error::Card(CardError::Transport(error)))
        | Ok(Err(piv::Error::Card(CardError::Transport(error)))) => Err(error),
        Ok(Err(error)) => {
            tracing::warn!(%error, "a card's PIV applet cannot be read");
            Ok(Some(PivFacts::default()))
        }
        Err(_) => Ok(None),
    }
}

fn gids(card: &mut PcscLink, deadline: Millis) -> Result<Option<GidsFacts>, PcscError> {
    let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::new(gids::Buffers::new()));
    let mut session = gids::Session::new(card, &mut crypto, &mut buffers, deadline);
    match session.select().map(|()| session.facts()) {
        Ok(Ok(told)) => Ok(Some(GidsFacts::from(&told))),
        Err(gids::Error::Card(CardError::Transport(error)))
        | Ok(Err(gids::Error::Card(CardError::Transport(error)))) => Err(error),
        Ok(Err(error)) => {
            tracing::warn!(%error, "a card's GIDS applet cannot be read");
            Ok(Some(GidsFacts::default()))
        }
        Err(_) => Ok(None),
    }
}

/// Lists anew what the FIDO applet says of itself, if that has changed.
pub(super) fn refresh(bench: &mut Bench) {
    let before = bench.token().sight();
    match (fido(bench), &before.reading) {
        // A token that does not answer now is most likely on its way out.
        (Reading::Fault(_), _) => {}
        (Reading::Read(now), Reading::Read(then)) if now == *then => {}
        (reading, _) => bench.put(Sight { reading, ..before }),
    }
}

/// The same of a card's PIV applet.
pub(super) fn refresh_piv(bench: &mut Bench) {
    refresh_applet(bench, |card, deadline, facts| {
        facts.piv = piv(card, deadline)?;
        Ok(())
    });
}

/// The same of a card's GIDS applet.
pub(super) fn refresh_gids(bench: &mut Bench) {
    refresh_applet(bench, |card, deadline, facts| {
        facts.gids = gids(card, deadline)?;
        Ok(())
    });
}

/// Lists what a look at a card has shown of its applets, if that is something else than before.
pub(super) fn list_anew(bench: &mut Bench, seen: &CardFacts) {
    let before = bench.token().sight();
    let Some(known) = before.card.as_deref() else {
        return;
    };
    let now = CardFacts {
        piv: seen.piv.clone().or_else(|| known.piv.clone()),
        gids: seen.gids.clone().or_else(|| known.gids.clone()),
        ..known.clone()
    };
    if now != *known {
        bench.put(Sight {
            card: Some(now.into()),
            ..before
        });
    }
}

fn refresh_applet(
    bench: &mut Bench,
    read: fn(&mut PcscLink, Millis, &mut CardFacts) -> Result<(), PcscError>,
) {
    let before = bench.token().sight();
    let Some(known) = before.card.as_deref() else {
        return refresh_card(bench);
    };
    let mut now = known.clone();
    let done = bench
        .card(patience())
        .and_then(|card| read(card, patience(), &mut now));
    if let Err(error) = done {
        let presence_id = bench.token().presence_id();
        tracing::warn!(presence_id, %error, "cannot read a card");
    } else if now != *known {
        bench.put(Sight {
            card: Some(now.into()),
            ..before
        });
    }
}

/// Has the PIV applet forget what it was shown, where it tells nothing else than before.
pub(super) fn leave_piv(bench: &mut Bench) {
    let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::new(piv::Buffers::new()));
    let done = bench
        .card(patience())
        .map(|card| piv::PivSession::select(card, &mut crypto, &mut buffers, patience()).map(drop));
    let presence_id = bench.token().presence_id();
    match done {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(presence_id, %error, "a card's PIV applet"),
        Err(error) => tracing::warn!(presence_id, %error, "cannot reach a card"),
    }
}

/// By when a look that begins now ends.
fn patience() -> Millis {
    Conduct::silent(PATIENCE).deadline()
}

/// The same of the other applets of a card.
pub(super) fn refresh_card(bench: &mut Bench) {
    let before = bench.token().sight();
    if let Some(now) = card(bench).filter(|now| before.card.as_deref() != Some(now)) {
        bench.put(Sight {
            card: Some(now.into()),
            ..before
        });
    }
}
