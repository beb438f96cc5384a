//! What a borrowed transport or key does, and what one does that leaves its trait as it is.

use core::ops::ControlFlow;

use keysteward_core::admin_key::AdminKey;
use keysteward_core::ctaphid::Link;
use keysteward_core::iso7816::CardTransport;
use keysteward_core::session::{CtapTransport, Keepalive, Millis};

use crate::unknown::{Lost, any, see};

pub(crate) fn prove() {
    link::<&mut crate::ctaphid::Wire>();
    card::<&mut crate::iso7816::Reader>();
    card::<Plain>();
    token::<&mut crate::session::Token>();
    admin_key::<&mut crate::gids::Elsewhere>();
}

fn link<L: Link + 'static>() {
    let link: &mut L = any();
    see(link.now());
    see(link.send_report(any()));
    see(link.receive_report(any()));
}

fn card<C: CardTransport + 'static>() {
    let card: &mut C = any();
    see(card.now());
    card.pause(any());
    see(card.transmit(any(), any()));
    see(card.max_command());
    see(card.is_t0());
    see(C::refused_extended(any()));
}

fn token<T: CtapTransport + 'static>() {
    let mut wait = |told: Keepalive| {
        see(told);
        any::<ControlFlow<()>>()
    };
    see(any::<&mut T>().exchange(any(), any(), any(), &mut wait));
}

fn admin_key<K: AdminKey + 'static>() {
    let key: &mut K = any();
    see(key.cipher());
    see(key.answer(any(), any(), any()));
}

/// A reader that says nothing of itself.
struct Plain;

impl CardTransport for Plain {
    type Error = Lost;

    fn now(&mut self) -> Millis {
        any()
    }

    fn pause(&mut self, until: Millis) {
        see(until);
    }

    fn transmit<'r>(&mut self, command: &[u8], _: &'r mut [u8]) -> Result<&'r [u8], Lost> {
        see(command);
        any()
    }
}
