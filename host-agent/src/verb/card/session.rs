//! A conversation with one applet of a held card.

use keysteward_core::{
    crypto::RustCrypto,
    gids::session::{self as gids, Session},
    piv::session::{self as piv},
    time::Millis,
};
use rand::rngs::OsRng;

use super::{Applet, watched::Watched};
use crate::{transport::pcsc::PcscLink, verb::Failure};

/// A held card of which it is known what was done to it.
pub(super) type Card<'c> = Watched<'c, PcscLink>;

pub(super) type PivSession<'s, 'c> = piv::PivSession<'s, Card<'c>, RustCrypto<OsRng>>;

pub(super) type GidsSession<'s, 'c> = Session<'s, Card<'c>, RustCrypto<OsRng>>;

/// Runs `flow` at the PIV applet, selected.
pub(super) fn with_piv<'c, R>(
    card: &mut Card<'c>,
    deadline: Millis,
    flow: impl FnOnce(&mut PivSession<'_, 'c>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let mut crypto = RustCrypto(OsRng);
    // On the heap: the stack of a token's thread is small.
    let mut buffers = Box::new(piv::Buffers::new());
    flow(&mut piv::PivSession::select(
        card,
        &mut crypto,
        &mut buffers,
        deadline,
    )?)
}

/// Runs `flow` at the GIDS applet, selected.
pub(super) fn with_gids<'c, R>(
    card: &mut Card<'c>,
    deadline: Millis,
    flow: impl FnOnce(&mut GidsSession<'_, 'c>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    with_gids_as_it_is(card, deadline, |gids| {
        gids.select()?;
        flow(gids)
    })
}

/// Runs `flow` at the GIDS applet that was selected before: a challenge that it gave still counts.
pub(super) fn with_gids_as_it_is<'c, R>(
    card: &mut Card<'c>,
    deadline: Millis,
    flow: impl FnOnce(&mut GidsSession<'_, 'c>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let mut crypto = RustCrypto(OsRng);
    let mut buffers = Box::new(gids::Buffers::new());
    flow(&mut Session::new(card, &mut crypto, &mut buffers, deadline))
}

/// Whether the card has the applet.
pub(super) fn has(card: &mut Card<'_>, applet: Applet, deadline: Millis) -> Result<bool, Failure> {
    let mut crypto = RustCrypto(OsRng);
    match applet {
        Applet::Piv => {
            let mut buffers = Box::new(piv::Buffers::new());
            match piv::PivSession::select(card, &mut crypto, &mut buffers, deadline) {
                Ok(_) => Ok(true),
                Err(error) if is_transport(&error) => Err(error.into()),
                Err(_) => Ok(false),
            }
        }
        Applet::Gids => {
            let mut buffers = Box::new(gids::Buffers::new());
            match Session::new(card, &mut crypto, &mut buffers, deadline).select() {
                Ok(()) => Ok(true),
                Err(error @ gids::Error::Card(_)) => Err(error.into()),
                Err(_) => Ok(false),
            }
        }
    }
}

const fn is_transport<T>(error: &piv::Error<T>) -> bool {
    matches!(error, piv::Error::Card(_) | piv::Error::Deadline)
}

/// The applet that is meant: the one that is named, or the only one that there is.
pub(super) fn choose(
    card: &mut Card<'_>,
    named: Option<Applet>,
    deadline: Millis,
) -> Result<Applet, Failure> {
    if let Some(applet) = named {
        return Ok(applet);
    }
    let piv = has(card, Applet::Piv, deadline)?;
    let gids = has(card, Applet::Gids, deadline)?;
    match (piv, gids) {
        (true, false) => Ok(Applet::Piv),
        (false, true) => Ok(Applet::Gids),
        (true, true) => Err(Failure::invalid(
            "applet",
            "nothing",
            "piv or gids, since the card has both",
        )),
        (false, false) => Err(super::trouble::no_applet()),
    }
}
