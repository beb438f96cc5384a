//! A cable with a hostile key at its end, and a clock that only packets move.

use keysteward_core::ctaphid::{Link, Report};
use keysteward_core::session::Millis;
use keysteward_virtual_token::hostile::{Honest, Liar, Output};

/// A key that is plugged in.
pub(crate) struct Cable<H> {
    pub(crate) liar: Liar<H>,
    now: Millis,
    plugged: bool,
    /// Packets that the host has taken from the key.
    pub(crate) received: u64,
}

/// The key has left the bus.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Gone;

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("unplugged")
    }
}

impl std::error::Error for Gone {}

impl<H: Honest> Cable<H> {
    pub(crate) fn plug(mut liar: Liar<H>) -> Self {
        liar.power_up(Millis(0));
        Self {
            liar,
            now: Millis(0),
            plugged: true,
            received: 0,
        }
    }
}

impl<H: Honest> Link for Cable<H> {
    type Error = Gone;

    fn now(&mut self) -> Millis {
        self.now
    }

    fn send_report(&mut self, report: &Report) -> Result<(), Gone> {
        if !self.plugged {
            return Err(Gone);
        }
        self.liar.handle_report(self.now, report);
        Ok(())
    }

    fn receive_report(&mut self, until: Millis) -> Result<Option<Report>, Gone> {
        if !self.plugged {
            return Err(Gone);
        }
        // What has arrived is there even for who does not wait.
        let there = |due: &Millis| *due < until || *due <= self.now;
        match self.liar.due().filter(there) {
            None => {
                self.now = until;
                Ok(None)
            }
            Some(due) => {
                self.now = self.now.max(due);
                let output = self.liar.poll(self.now);
                // A USB frame takes some packets, and time.
                self.received += 1;
                if self.received.is_multiple_of(PACKETS_PER_MILLISECOND) {
                    self.now = self.now.after(1);
                }
                match output {
                    Some(Output::Report(report)) => Ok(Some(report)),
                    Some(Output::Unplug) => {
                        self.plugged = false;
                        Err(Gone)
                    }
                    None => Ok(None),
                }
            }
        }
    }
}

const PACKETS_PER_MILLISECOND: u64 = 8;
