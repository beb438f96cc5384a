//! `piv-authenticator` on `trussed`: a PIV card, for which our own card's reader and chaining
//! stand.
//!
//! It lives on a thread of its own; when that ends, by a panic, its card answers nothing but 6F00.
//!
//! Known of it: GET METADATA answers nothing for most keys, attestation is not there, and RESET
//! RETRY COUNTER panics where its data lie in internal storage, which is not where they lie here.

mod dispatch;

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use dispatch::{BACKENDS, Dispatcher};
use iso7816::command::CommandView;
use keysteward_core::{
    iso7816::{Command, Form, Status},
    piv::{AID, select},
};
use keysteward_virtual_token::card::Applet;
use piv_authenticator::{Authenticator, Options};
use trussed::virt::{self, StoreConfig};

/// The applet of a new card.
#[derive(Debug)]
pub struct PivAuthenticator {
    commands: Sender<Vec<u8>>,
    answers: Receiver<(Vec<u8>, u16)>,
}

impl Default for PivAuthenticator {
    fn default() -> Self {
        Self::new()
    }
}

impl PivAuthenticator {
    /// Nobody has used it yet.
    #[must_use]
    pub fn new() -> Self {
        let (commands, from_card) = channel();
        let (to_card, answers) = channel();
        thread::spawn(move || live(&from_card, &to_card));
        Self { commands, answers }
    }

    fn ask<'r>(&self, command: &Command<'_>, response: &'r mut [u8]) -> (&'r [u8], Status) {
        let mut apdu = [0; MAX_APDU];
        let Ok(apdu) = command.encode(Form::Extended, &mut apdu) else {
            return (&[], Status::WrongLength);
        };
        let answered = self.commands.send(apdu.to_vec()).ok();
        let answered = answered.and_then(|()| self.answers.recv().ok());
        let (data, status) = answered.unwrap_or((Vec::new(), Status::NoDiagnosis.into()));
        let room = &mut response[..data.len()];
        room.copy_from_slice(&data);
        (room, Status::from(status))
    }
}

impl Applet for PivAuthenticator {
    // It insists on the whole of the applet's part.
    fn is_named(&self, aid: &[u8]) -> bool {
        aid.len() >= AID.len() && select::is_named(aid)
    }

    fn select<'r>(&mut self, response: &'r mut [u8]) -> (&'r [u8], Status) {
        self.ask(&select::request(), response)
    }

    fn deselect(&mut self) {}

    fn execute<'r>(&mut self, command: &Command<'_>, response: &'r mut [u8]) -> (&'r [u8], Status) {
        self.ask(command, response)
    }
}

fn live(commands: &Receiver<Vec<u8>>, answers: &Sender<(Vec<u8>, u16)>) {
    virt::with_platform(StoreConfig::ram(), |platform| {
        platform.run_client_with_backends("piv", Dispatcher::new(), BACKENDS, |client| {
            let mut card = Authenticator::new(client, Options::default());
            for apdu in commands {
                let mut reply = heapless::Vec::<u8, MAX_APDU>::new();
                let answered = match CommandView::try_from(apdu.as_slice()) {
                    Ok(command) => card.respond(command, &mut reply),
                    Err(_) => Err(iso7816::Status::WrongLength),
                };
                let answer = match answered {
                    Ok(()) => (reply.to_vec(), Status::Success.into()),
                    Err(status) => (Vec::new(), status.into()),
                };
                if answers.send(answer).is_err() {
                    break;
                }
            }
        });
    });
}

const MAX_APDU: usize = 7609;
