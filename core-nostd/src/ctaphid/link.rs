//! The one thing a CTAPHID client needs of the world.

use super::Report;
use crate::time::Millis;

/// Moves reports: a HID device, a socket, firmware in the same process.
pub trait Link {
    /// Why no report can be moved any more; usually the token is gone.
    type Error: core::error::Error + Send + Sync + 'static;

    /// The link's clock, on which every deadline is given.
    fn now(&mut self) -> Millis;

    /// Sends one report.
    fn send_report(&mut self, report: &Report) -> Result<(), Self::Error>;

    /// Waits for a report until `until`; `None` when none came.
    fn receive_report(&mut self, until: Millis) -> Result<Option<Report>, Self::Error>;
}

impl<L: Link + ?Sized> Link for &mut L {
    type Error = L::Error;

    fn now(&mut self) -> Millis {
        (**self).now()
    }

    fn send_report(&mut self, report: &Report) -> Result<(), Self::Error> {
        (**self).send_report(report)
    }

    fn receive_report(&mut self, until: Millis) -> Result<Option<Report>, Self::Error> {
        (**self).receive_report(until)
    }
}
