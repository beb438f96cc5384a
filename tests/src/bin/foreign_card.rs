//! `piv-authenticator` as a card of its own on a reader of vpcd, with the control socket of
//! `keysteward-virtual-token`. It forgets everything when it ends.

#![forbid(unsafe_code)]

use std::{io, path::PathBuf, sync::Arc, thread};

use anyhow::Result;
use clap::Parser;
use keysteward_core::{nfcctap::Version, session::Millis};
use keysteward_tests::firmware::piv_authenticator::PivAuthenticator;
use keysteward_virtual_token::{
    authenticator::Environment,
    card::{Card, Handler, Presence},
    device::{Device, TouchPolicy},
    front_end::{control, vpcd::AtReader},
};

#[derive(Parser)]
struct Arguments {
    /// Where the reader listens, HOST:PORT
    #[arg(long)]
    vpcd: String,
    #[arg(long)]
    control: PathBuf,
}

/// In the place of FIDO's applet, which this card does not have.
struct NoFido;

impl Handler for NoFido {
    fn version(&self) -> Version {
        Version::Other
    }

    fn power_up(&mut self, _: Millis) {}

    fn ctap2<'r>(&mut self, _: &[u8], _: &mut dyn Environment, response: &'r mut [u8]) -> &'r [u8] {
        &response[..0]
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let device = Device::new(TouchPolicy::Always);
    let controls = control::bind(&arguments.control)?;
    let powered = Arc::clone(&device);
    thread::spawn(move || {
        let applets = (PivAuthenticator::new(),);
        let card = Card::with_applets(NoFido, Presence::Field, applets).without_fido();
        powered.run(&mut AtReader::with(Box::new(card), arguments.vpcd));
    });
    device.plug();
    Ok(control::run(&device, &controls)?)
}
