//! A hostile key as firmware, and the key of ours that is its honest half.

use super::{Honest, Hostile, Liar, Output};
use crate::device::{Io, PowerCut};
use crate::firmware::{Contents, Firmware};
use crate::in_process::InProcess;
use crate::storage::Storage;
use keysteward_core::crypto::Crypto;
use keysteward_core::ctaphid::MAX_MESSAGE;
use keysteward_core::session::{CtapTransport, Millis};
use std::convert::Infallible;
use std::ops::ControlFlow;

/// Firmware that lies.
#[expect(
    missing_debug_implementations,
    reason = "its honest half holds secrets"
)]
pub struct HostileKey<H> {
    liar: Liar<H>,
}

impl<H: Honest> HostileKey<H> {
    pub fn new(hostile: &'static Hostile, honest: H) -> Self {
        Self {
            liar: Liar::new(hostile, honest),
        }
    }

    fn live(&mut self, io: &Io) -> Result<Infallible, PowerCut> {
        self.liar.power_up(io.powered_at());
        loop {
            let report = match self.liar.due() {
                Some(due) => io.receive(due)?,
                None => Some(io.receive_any()?),
            };
            if let Some(report) = report {
                self.liar.handle_report(io.now(), &report);
                io.publish(self.liar.honest().contents());
            }
            // One at a time: what comes from the host is heard in the middle of a flood.
            match self.liar.poll(io.now()) {
                Some(Output::Report(report)) => io.send(&report)?,
                Some(Output::Unplug) => return Err(io.unplug()),
                None => {}
            }
        }
    }
}

impl<H: Honest> Firmware for HostileKey<H> {
    fn run(&mut self, io: &Io) -> PowerCut {
        match self.live(io) {
            Err(cut) => cut,
        }
    }

    fn contents(&self) -> Contents {
        self.liar.honest().contents()
    }
}

impl<S: Storage, C: Crypto> Honest for InProcess<S, C> {
    fn power_up(&mut self, now: Millis) {
        self.world().now = now;
        self.replug();
    }

    fn answer(&mut self, now: Millis, request: &[u8]) -> Vec<u8> {
        self.world().now = now;
        let mut room = vec![0; MAX_MESSAGE];
        let touched_at_once = &mut |_| ControlFlow::Continue(());
        match self.exchange(request, &mut room, Millis(u64::MAX), touched_at_once) {
            Ok(answer) => answer.to_vec(),
            Err(error) => {
                tracing::error!(%error, "the honest half of a hostile key");
                Vec::new()
            }
        }
    }

    fn contents(&self) -> Contents {
        self.authenticator().contents()
    }
}
