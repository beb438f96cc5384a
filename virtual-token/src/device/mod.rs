//! The key as a thing: its power, its button, its clock and the packets that pass.
//!
//! A [`Device`] stands between a front end, which carries reports to a host, firmware, which
//! answers them, and the control socket, which is the hand that plugs, unplugs and touches.
//!
//! ```text
//!   front end --deliver--> [ faults ] --receive--> firmware
//!       ^                                             |
//!       '---- Link::send <--- [ faults ] <---- send --'
//! ```

pub mod fault;
mod io;

#[cfg(test)]
mod tests;

use crate::authenticator::Sample;
use crate::firmware::{Contents, Firmware};
use fault::{Fault, Faults, Seen, Verdict};
use keysteward_core::ctap2::bio_enrollment::SampleStatus;
use keysteward_core::ctaphid::Report;
use keysteward_core::session::Millis;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use io::{Io, TouchRequest};

/// Proof that the power was cut: only an [`Io`] gives it out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PowerCut(());

/// How a front end hands reports to the host.
pub trait Link: Send {
    /// Gives one report to the host. An error means that the link is gone.
    fn send(&mut self, report: &Report) -> std::io::Result<()>;

    /// Ends the link, so that the front end's reader wakes up.
    fn close(&mut self);
}

/// One program that has the key open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LinkId(u64);

/// What a person at the key does when its light blinks.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum TouchPolicy {
    /// Touches at once.
    Always,
    /// Is not there.
    Never,
    /// Touches when told to by the control socket.
    Ask,
}

/// What the control socket reports.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct State {
    pub plugged: bool,
    pub waiting_for_touch: bool,
    pub power_ups: u64,
    /// A fault holds what comes and goes.
    pub held: bool,
    #[serde(flatten)]
    pub contents: Contents,
}

/// Why a touch did nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("nothing waits for a touch: look at `waiting_for_touch` of `state` first")]
pub struct NothingWaits;

/// One key. Shared by the threads of its front end, its firmware and its control socket.
#[derive(Debug)]
pub struct Device {
    started: Instant,
    inner: Mutex<Inner>,
    changed: Condvar,
}

struct Inner {
    plugged: bool,
    /// Counts power-ups; an [`Io`] of an earlier one is dead.
    power_ups: u64,
    powered_at: Millis,
    advanced: u64,
    touch_policy: TouchPolicy,
    touch_requests: u32,
    touched: bool,
    finger: Sample,
    incoming: VecDeque<Report>,
    /// Every program that has the key open; each sees all that the key sends.
    links: Vec<(LinkId, Box<dyn Link>)>,
    links_made: u64,
    faults: Faults,
    /// On their way to firmware and to the host, while a fault holds them.
    held_in: Vec<Report>,
    held_out: Vec<Report>,
    contents: Contents,
}

impl Inner {
    fn send_to_links(&mut self, report: &Report) {
        self.links.retain_mut(|(_, link)| {
            let sent = link.send(report);
            if let Err(error) = &sent {
                tracing::debug!(%error, "a host program is gone");
            }
            sent.is_ok()
        });
    }
}

impl Device {
    /// A key in its box: unplugged.
    pub fn new(touch_policy: TouchPolicy) -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            inner: Mutex::new(Inner {
                plugged: false,
                power_ups: 0,
                powered_at: Millis(0),
                advanced: 0,
                touch_policy,
                touch_requests: 0,
                touched: false,
                finger: FINGER,
                incoming: VecDeque::new(),
                links: Vec::new(),
                links_made: 0,
                faults: Faults::default(),
                held_in: Vec::new(),
                held_out: Vec::new(),
                contents: Contents::default(),
            }),
            changed: Condvar::new(),
        })
    }

    /// Runs `firmware` on this thread, one life after the other.
    pub fn run(self: &Arc<Self>, firmware: &mut dyn Firmware) -> ! {
        loop {
            self.lock().contents = firmware.contents();
            let io = self.wait_for_power();
            let PowerCut(()) = firmware.run(&io);
        }
    }

    /// Plugs the key in: a power-up. Does nothing when it is plugged in already.
    pub fn plug(&self) {
        let mut inner = self.lock();
        if !inner.plugged {
            inner.plugged = true;
            inner.power_ups += 1;
            inner.powered_at = self.now_in(&inner);
            inner.incoming.clear();
            inner.touch_requests = 0;
            inner.touched = false;
            inner.faults.power_up();
            self.changed.notify_all();
        }
    }

    /// Pulls the key out: the link ends and whatever firmware was doing is cut short.
    pub fn unplug(&self) {
        self.unplug_in(&mut self.lock());
    }

    /// Touches the key.
    pub fn touch(&self) -> Result<(), NothingWaits> {
        let mut inner = self.lock();
        if inner.touch_requests == 0 {
            return Err(NothingWaits);
        }
        inner.touched = true;
        self.changed.notify_all();
        Ok(())
    }

    pub fn set_touch_policy(&self, policy: TouchPolicy) {
        self.lock().touch_policy = policy;
        self.changed.notify_all();
    }

    /// Says what the fingerprint sensor sees from now on when the key is touched.
    pub fn set_finger(&self, finger: Sample) {
        self.lock().finger = finger;
    }

    /// Moves the key's clock forward, as if `by` had passed.
    pub fn advance(&self, by: Duration) {
        let mut inner = self.lock();
        inner.advanced = inner.advanced.saturating_add(millis(by));
        self.changed.notify_all();
    }

    /// Arms a fault: it strikes once, at the next command that fits.
    pub fn arm(&self, fault: Fault) {
        self.lock().faults.arm(fault);
    }

    /// The CTAP2 requests that came since this was asked last, over packets; of very many, the
    /// newest.
    pub fn take_seen(&self) -> Vec<Seen> {
        self.lock().faults.take_seen()
    }

    /// Ends a hold: what waited goes on its way.
    pub fn release(&self) {
        let mut inner = self.lock();
        inner.faults.release();
        let held = std::mem::take(&mut inner.held_in);
        inner.incoming.extend(held);
        for report in std::mem::take(&mut inner.held_out) {
            inner.send_to_links(&report);
        }
        self.changed.notify_all();
    }

    pub fn state(&self) -> State {
        let inner = self.lock();
        State {
            plugged: inner.plugged,
            // Firmware may not have noticed yet that its power is gone.
            waiting_for_touch: inner.plugged && inner.touch_requests > 0,
            power_ups: inner.power_ups,
            held: inner.faults.holding(),
            contents: inner.contents.clone(),
        }
    }

    /// Waits until the key is plugged in; gives the number of the power-up.
    pub fn wait_until_plugged(&self) -> u64 {
        let mut inner = self.lock();
        while !inner.plugged {
            inner = self.wait(inner);
        }
        inner.power_ups
    }

    /// Whether the key is still plugged in since that power-up.
    pub fn plugged_since(&self, power_up: u64) -> bool {
        let inner = self.lock();
        inner.plugged && inner.power_ups == power_up
    }

    /// Sleeps, but not beyond an unplug. True when the key is still plugged in.
    pub fn pause(&self, power_up: u64, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut inner = self.lock();
        loop {
            if !inner.plugged || inner.power_ups != power_up {
                return false;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            inner = self.wait_timeout(inner, left);
        }
    }

    /// Gives firmware's reports to `link` too from now on. `None` when the key was unplugged
    /// meanwhile.
    pub fn attach(&self, power_up: u64, mut link: Box<dyn Link>) -> Option<LinkId> {
        let mut inner = self.lock();
        if !inner.plugged || inner.power_ups != power_up {
            link.close();
            return None;
        }
        if inner.links.is_empty() {
            inner.incoming.clear();
        }
        inner.links_made += 1;
        let id = LinkId(inner.links_made);
        inner.links.push((id, link));
        Some(id)
    }

    /// The program at this link is gone; the key keeps its power.
    pub fn detach(&self, id: LinkId) {
        let mut inner = self.lock();
        for (_, mut link) in inner.links.extract_if(.., |(other, _)| *other == id) {
            link.close();
        }
        // What a program that is gone had not got across is lost.
        inner.held_in.clear();
    }

    /// Takes a report from the host.
    pub fn deliver(&self, report: Report) {
        let mut inner = self.lock();
        if !inner.plugged {
            return;
        }
        match inner.faults.incoming(&report) {
            Verdict::Pass => {
                inner.incoming.push_back(report);
                self.changed.notify_all();
            }
            Verdict::Drop => {}
            Verdict::Hold => inner.held_in.push(report),
            Verdict::Unplug => self.unplug_in(&mut inner),
        }
    }

    fn unplug_in(&self, inner: &mut Inner) {
        inner.plugged = false;
        inner.incoming.clear();
        inner.held_in.clear();
        inner.held_out.clear();
        inner.touched = false;
        for (_, mut link) in inner.links.drain(..) {
            link.close();
        }
        self.changed.notify_all();
    }

    fn wait_for_power(self: &Arc<Self>) -> Io {
        let power_up = self.wait_until_plugged();
        Io::new(Arc::clone(self), power_up)
    }

    fn now_in(&self, inner: &Inner) -> Millis {
        Millis(millis(self.started.elapsed()).saturating_add(inner.advanced))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic of another thread leaves nothing half done in here.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, inner: MutexGuard<'a, Inner>) -> MutexGuard<'a, Inner> {
        self.changed
            .wait(inner)
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_timeout<'a>(
        &self,
        inner: MutexGuard<'a, Inner>,
        timeout: Duration,
    ) -> MutexGuard<'a, Inner> {
        self.changed
            .wait_timeout(inner, timeout)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner")
            .field("plugged", &self.plugged)
            .field("power_ups", &self.power_ups)
            .field("links", &self.links.len())
            .finish_non_exhaustive()
    }
}

/// The finger that touches the key unless another is laid on it.
const FINGER: Sample = Sample {
    finger: 1,
    quality: SampleStatus::Good,
};

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
