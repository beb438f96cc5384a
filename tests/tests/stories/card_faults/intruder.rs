//! Another program at the same reader, which takes every chance between two leases: it resets the
//! card, talks to another applet, and leaves.

use std::{
    ffi::CString,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use pcsc::{Card, Context, Disposition, Protocols, Scope, ShareMode};

use super::{
    card::undisturbed,
    desk::{Desk, Make},
    life::Operation,
};

/// The program, until it is sent away.
struct Intruder {
    stop: Arc<AtomicBool>,
    visits: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Intruder {
    fn begin() -> Self {
        let (stop, visits) = (Arc::default(), Arc::<AtomicUsize>::default());
        let (theirs, count): (Arc<AtomicBool>, _) = (Arc::clone(&stop), Arc::clone(&visits));
        let thread = thread::spawn(move || {
            while !theirs.load(Ordering::Relaxed) {
                // A card that is not there, or held by somebody, is nothing to it.
                if visit().is_ok() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
                thread::sleep(Duration::from_millis(20));
            }
        });
        Self {
            stop,
            visits,
            thread: Some(thread),
        }
    }

    fn visits(&self) -> usize {
        self.visits.load(Ordering::Relaxed)
    }
}

impl Drop for Intruder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // What it panicked of, it has said.
            let _ = thread.join();
        }
    }
}

/// Resets the card by turns warm and cold, with another applet selected in between.
fn visit() -> Result<()> {
    let context = Context::establish(Scope::System)?;
    let readers = context.list_readers_owned()?;
    let reader: &CString = readers.first().context("no reader")?;
    let mut card = context.connect(reader, ShareMode::Shared, Protocols::ANY)?;
    card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::ResetCard)?;
    select_another(&card)?;
    card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::UnpowerCard)?;
    select_another(&card)?;
    card.disconnect(Disposition::LeaveCard)
        .map_err(|(_, error)| error)?;
    Ok(())
}

fn select_another(card: &Card) -> Result<()> {
    let mut room = [0; 258];
    // The OpenPGP applet, which none of these cards has, and the card's own manager.
    for aid in [
        &b"\xD2\x76\x00\x01\x24\x01"[..],
        b"\xA0\x00\x00\x01\x51\x00\x00\x00",
    ] {
        let head = [0x00, 0xA4, 0x04, 0x00, u8::try_from(aid.len())?];
        card.transmit(&[&head[..], aid, &[0x00]].concat(), &mut room)?;
    }
    Ok(())
}

/// Every operation, while the other program does what it can.
fn lives_beside_it(make: Make) -> Result<()> {
    let mut desk = Desk::open(make)?;
    let held = desk.hold(make)?;
    let intruder = Intruder::begin();
    for operation in Operation::ALL {
        let before = intruder.visits();
        let (state, _) = undisturbed(&desk, &held, operation)
            .with_context(|| format!("{operation:?} beside another program"))?;
        println!(
            "{make:?}: {operation:?} {state}, {} visits meanwhile",
            intruder.visits() - before
        );
    }
    ensure!(intruder.visits() > 0, "it never came to the card");
    drop(intruder);
    desk.put_away(held)?;
    desk.verify_audit()
}

pub(super) fn of_piv() {
    lives_beside_it(Make::Piv).unwrap();
}

pub(super) fn of_gids() {
    lives_beside_it(Make::Gids).unwrap();
}
