//! Firmware's side of the device: reports, the button, the clock.

use super::fault::Verdict;
use super::{Device, Inner, PowerCut, TouchPolicy};
use crate::authenticator::Sample;
use crate::firmware::Contents;
use keysteward_core::ctaphid::Report;
use keysteward_core::session::Millis;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

/// What firmware can reach, for one power-up. Clones may be kept in callbacks: after the power
/// was cut every call says so.
#[derive(Clone, Debug)]
pub struct Io {
    device: Arc<Device>,
    power_up: u64,
}

impl Io {
    pub(super) fn new(device: Arc<Device>, power_up: u64) -> Self {
        Self { device, power_up }
    }

    /// The key's clock: real time and what the control socket added to it.
    pub fn now(&self) -> Millis {
        self.device.now_in(&self.device.lock())
    }

    /// When this power-up began.
    pub fn powered_at(&self) -> Millis {
        self.device.lock().powered_at
    }

    /// Waits for a report until the key's clock shows `until`. `None`: it does, or the user
    /// touched the key.
    pub fn receive(&self, until: Millis) -> Result<Option<Report>, PowerCut> {
        let mut inner = self.powered()?;
        loop {
            if let Some(report) = inner.incoming.pop_front() {
                return Ok(Some(report));
            }
            let now = self.device.now_in(&inner);
            if now.0 >= until.0 || (inner.touch_requests > 0 && inner.touched) {
                return Ok(None);
            }
            let left = Duration::from_millis(until.0.saturating_sub(now.0));
            inner = self.device.wait_timeout(inner, left);
            self.check(&inner)?;
        }
    }

    /// Waits for a report for as long as the power lasts.
    pub fn receive_any(&self) -> Result<Report, PowerCut> {
        let mut inner = self.powered()?;
        loop {
            if let Some(report) = inner.incoming.pop_front() {
                return Ok(report);
            }
            inner = self.device.wait(inner);
            self.check(&inner)?;
        }
    }

    /// Gives a report to the host; lost when none is connected.
    pub fn send(&self, report: &Report) -> Result<(), PowerCut> {
        let mut inner = self.powered()?;
        match inner.faults.outgoing(report) {
            Verdict::Pass => {
                inner.send_to_links(report);
                Ok(())
            }
            Verdict::Drop => Ok(()),
            Verdict::Hold => {
                inner.held_out.push(*report);
                Ok(())
            }
            Verdict::Unplug => {
                self.device.unplug_in(&mut inner);
                Err(PowerCut(()))
            }
        }
    }

    /// Lights the lamp. The user is asked for as long as the request lives.
    pub fn ask_for_touch(&self) -> TouchRequest {
        let mut inner = self.device.lock();
        if self.check(&inner).is_ok() {
            inner.touch_requests += 1;
            inner.touched = false;
        }
        TouchRequest { io: self.clone() }
    }

    /// Waits for a touch and takes no report meanwhile. False when the time is up.
    pub fn wait_for_touch(&self, timeout: Duration) -> Result<bool, PowerCut> {
        let request = self.ask_for_touch();
        let until = self.now().0.saturating_add(super::millis(timeout));
        loop {
            if request.touched()? {
                return Ok(true);
            }
            let inner = self.powered()?;
            let now = self.device.now_in(&inner).0;
            if now >= until {
                return Ok(false);
            }
            drop(
                self.device
                    .wait_timeout(inner, Duration::from_millis(until - now)),
            );
        }
    }

    /// The key leaves the bus by itself, as if it were pulled out.
    pub fn unplug(&self) -> PowerCut {
        let mut inner = self.device.lock();
        if self.check(&inner).is_ok() {
            self.device.unplug_in(&mut inner);
        }
        PowerCut(())
    }

    /// What the fingerprint sensor sees when the key is touched.
    pub fn finger(&self) -> Sample {
        self.device.lock().finger
    }

    /// Tells the control socket what is stored now.
    pub fn publish(&self, contents: Contents) {
        self.device.lock().contents = contents;
    }

    fn powered(&self) -> Result<MutexGuard<'_, Inner>, PowerCut> {
        let inner = self.device.lock();
        self.check(&inner)?;
        Ok(inner)
    }

    fn check(&self, inner: &Inner) -> Result<(), PowerCut> {
        if inner.plugged && inner.power_ups == self.power_up {
            Ok(())
        } else {
            Err(PowerCut(()))
        }
    }
}

/// The lamp is lit. It goes out when this is dropped.
#[derive(Debug)]
pub struct TouchRequest {
    io: Io,
}

impl TouchRequest {
    /// Whether the user has touched the key since the lamp was lit.
    pub fn touched(&self) -> Result<bool, PowerCut> {
        let inner = self.io.powered()?;
        Ok(match inner.touch_policy {
            TouchPolicy::Always => true,
            TouchPolicy::Never => false,
            TouchPolicy::Ask => inner.touched,
        })
    }
}

impl Drop for TouchRequest {
    fn drop(&mut self) {
        let mut inner = self.io.device.lock();
        // A lamp of an earlier life went out with the power.
        if inner.power_ups == self.io.power_up {
            inner.touch_requests = inner.touch_requests.saturating_sub(1);
            inner.touched = false;
        }
    }
}
