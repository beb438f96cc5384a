//! Every flow, with a token that may answer anything.

use core::ops::ControlFlow;

use keysteward_core::ctap2::get_info;
use keysteward_core::session::{Buffers, CtapTransport, Error, Facts, Keepalive, Millis, Session};

use crate::cbor::go_on;
use crate::unknown::{Lost, Primitives, any, overwrite, see};

/// A token of which nothing is known.
struct Token;

impl CtapTransport for Token {
    type Error = Lost;

    fn exchange<'r>(
        &mut self,
        request: &[u8],
        response: &'r mut [u8],
        deadline: Millis,
        on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<&'r [u8], Lost> {
        see((request, deadline, on_keepalive(any())));
        overwrite(response);
        any()
    }
}

pub(crate) fn prove() {
    see(Facts::from(any::<&get_info::Response<'_>>()));
    see(any::<Error<Lost>>().power_cycle_helps());

    let (mut token, mut crypto, mut buffers) = (Token, Primitives, Buffers::new());
    let mut wait = go_on::<Keepalive>;
    let session = &mut Session::new(&mut token, &mut crypto, &mut buffers, any(), &mut wait);
    session.set_deadline(any());
    see(session.facts());
    see(session.info());
    pins(session);
    credentials(session);
    management(session);
    configuration(session);
    see(session.select());
    see(session.reset());
}

type AnySession<'t> = Session<'t, Token, Primitives>;

fn pins(session: &mut AnySession<'_>) {
    see(session.pin_retries());
    see(session.set_pin(any()));
    see(session.change_pin(any(), any()));
    see(session.token(any(), any(), any()));
}

fn credentials(session: &mut AnySession<'_>) {
    see(session.make_credential(any(), any()));
    see(session.get_assertion(any(), any()));
    see(session.next_assertion());
    see(session.find_credential(any(), any::<&[&[u8]]>().iter().copied(), any()));
}

fn management(session: &mut AnySession<'_>) {
    see(session.credentials_metadata(any()));
    see(session.relying_parties(any(), &mut |found| go_on(found)));
    see(session.credentials(any(), any(), &mut |found| go_on(found)));
    see(session.delete_credential(any(), any()));
    see(session.update_user(any(), any(), any()));
}

fn configuration(session: &mut AnySession<'_>) {
    see(session.set_min_pin_length(any(), any()));
    see(session.force_pin_change(any()));
    see(session.enable_enterprise_attestation(any()));
    see(session.set_always_uv(any(), any()));
    see(session.enable_long_touch_for_reset(any()));
}
