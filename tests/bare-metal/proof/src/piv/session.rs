//! Sessions with a card of which nothing is known.

use keysteward_core::admin_key::{AdminKey, Answer, Cipher};
use keysteward_core::piv::session::{
    AdminVerified, Buffers, Error, Facts, PinVerified, PivSession,
};

use crate::iso7816::Reader;
use crate::unknown::{Lost, Primitives, any, see};

type AnySession<'s> = PivSession<'s, Reader, Primitives>;

pub(super) fn prove() {
    let (mut card, mut crypto, mut buffers) = (Reader, Primitives, Buffers::new());
    let Ok(mut session) = PivSession::select(&mut card, &mut crypto, &mut buffers, any()) else {
        return;
    };
    see(session.select_again());
    session.set_deadline(any());
    see(session.inspect(&mut |place| see(place)));
    see(session.inspect_again(&mut |place| see(place)));
    see(any::<&Facts>().label());
    see(session.facts());
    see(session.metadata(any()));
    see(any::<&Error<Lost>>().status_word());
    pins(&mut session);
    administration(&mut session);
    contents(&mut session);
    keys(&mut session);
}

fn pins(session: &mut AnySession<'_>) {
    see(session.verify(any()));
    see(session.verify_as(any(), any()));
    see(session.forget_pin());
    see(session.tries_left(any()));
    see(session.change_pin(any(), any(), any()));
    see(session.set_pin(any(), any()));
    see(session.block(any()));
    let (admin, pin): (&AdminVerified, &PinVerified) = (any(), any());
    see(session.set_retries(admin, pin, any(), any()));
    see(session.reset());
}

fn administration(session: &mut AnySession<'_>) {
    see(session.authenticate_admin(&mut Elsewhere));
    see(session.change_admin_key(any(), any(), any()));
    see(session.admin_cipher());
}

fn contents(session: &mut AnySession<'_>) {
    see(session.read_object(any()));
    see(session.write_object(any(), any(), any()));
    see(session.guid());
    see(session.personalise(any(), any()));
    see(session.renew_guid(any(), any()));
    see(session.read_certificate(any()));
    see(session.write_certificate(any(), any(), any()));
    see(session.write_container(any(), any()));
    see(session.container_map());
    see(session.delete_container(any(), any()));
}

fn keys(session: &mut AnySession<'_>) {
    see(session.generate(any(), any()));
    see(session.import(any(), any()));
    see(session.move_key(any(), any()));
    see(session.attest(any()));
    see(session.sign(any(), any(), any(), any()));
    see(session.agree(any(), any(), any(), any()));
}

/// An admin key that is somewhere else.
struct Elsewhere;

impl AdminKey for Elsewhere {
    type Error = Lost;

    fn cipher(&self) -> Option<Cipher> {
        any()
    }

    fn answer(&mut self, cipher: Cipher, witness: &[u8], challenge: &[u8]) -> Result<Answer, Lost> {
        see((cipher, witness, challenge));
        any()
    }
}
