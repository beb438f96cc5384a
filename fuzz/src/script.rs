//! A fuzzer's input as the steps of a dialogue.

use keysteward_core::ctaphid::{ChannelId, Report};

/// Reads the input from front to back.
#[derive(Clone, Debug)]
pub struct Script<'s> {
    all: &'s [u8],
    rest: &'s [u8],
}

impl<'s> Script<'s> {
    /// From the first byte on.
    pub const fn new(all: &'s [u8]) -> Self {
        Self { all, rest: all }
    }

    /// The whole input.
    pub const fn all(&self) -> &'s [u8] {
        self.all
    }

    /// What was not read yet.
    pub const fn rest(&self) -> &'s [u8] {
        self.rest
    }

    /// The next byte; `None` at the end.
    pub fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    /// As many bytes as the next two say, or as there are.
    pub fn rest_of_step(&mut self) -> &'s [u8] {
        let length = [self.byte(), self.byte()].map(|byte| byte.unwrap_or(0));
        let length = usize::from(u16::from_be_bytes(length)).min(4096);
        self.take(length)
    }

    /// A report on `channel`: kind, and up to as many bytes as the next byte says.
    pub fn report(&mut self, channel: ChannelId) -> Report {
        let mut report = [0; 64];
        report[..4].copy_from_slice(&channel.0.to_be_bytes());
        let length = usize::from(self.byte().unwrap_or(0)).min(60);
        let data = self.take(length);
        report[4..4 + data.len()].copy_from_slice(data);
        report
    }

    fn take(&mut self, length: usize) -> &'s [u8] {
        let (taken, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        taken
    }
}
