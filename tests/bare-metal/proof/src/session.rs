//! Every flow, with a token that may answer anything.

use core::ops::ControlFlow;

use keysteward_core::ctap2::get_info;
use keysteward_core::iso7816::{Command, Response};
use keysteward_core::session::ctap1::{U2fBuffers, U2fSession, U2fTransport};
use keysteward_core::session::{
    Buffers, CtapTransport, Error, Extension, Facts, Identity, Keepalive, Millis, Session, prf_salt,
};

use crate::cbor::go_on;
use crate::unknown::{Lost, Primitives, any, overwrite, see};

/// A token of which nothing is known.
pub(crate) struct Token;

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

impl U2fTransport for Token {
    type Error = Lost;

    fn now(&mut self) -> Millis {
        any()
    }

    fn pause(&mut self, until: Millis) -> Result<(), Lost> {
        see(until);
        any()
    }

    fn exchange_apdu<'r>(
        &mut self,
        command: Command<'_>,
        response: &'r mut [u8],
        deadline: Millis,
        on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<Response<'r>, Lost> {
        see((command, deadline, on_keepalive(any())));
        overwrite(response);
        any()
    }
}

type AnySession<'t> = Session<'t, Token, Primitives>;

pub(crate) fn prove() {
    facts();
    let (mut token, mut crypto, mut buffers) = (Token, Primitives, Buffers::new());
    let mut wait = go_on::<Keepalive>;
    let session = &mut Session::new(&mut token, &mut crypto, &mut buffers, any(), &mut wait);
    session.set_deadline(any());
    session.remember(any());
    see(session.facts());
    see(session.info());
    pins(session);
    tokens(session);
    credentials(session);
    management(session);
    configuration(session);
    fingerprints(session);
    large_blobs(session);
    see(session.select());
    see(session.reset());
    u2f();
}

fn facts() {
    see(Facts::from(any::<&get_info::Response<'_>>()));
    let facts: &Facts = any();
    see(facts.has(any()));
    see(facts.takes_reset_over(any()));
    see(facts.is_protected());
    see(any::<Extension>().identifier());
    see(Extension::from_identifier(any()));
    see(any::<Error<Lost>>().power_cycle_helps());
    see(any::<Error<Lost>>().pin_helps());
    see(any::<Identity>().is_device_of(any()));
    see(any::<Identity>().has_credentials_of(any()));
    see(prf_salt(&Primitives, any()));
}

fn pins(session: &mut AnySession<'_>) {
    see(session.pin_retries());
    see(session.set_pin(any()));
    see(session.change_pin(any(), any()));
    see(session.uv_retries());
}

fn tokens(session: &mut AnySession<'_>) {
    see(session.token(any(), any(), any()));
    see(session.persistent_token(any()));
    see(session.token_by_user_verification(any(), any(), &mut |told| go_on(told)));
    see(session.persistent_token_by_user_verification(&mut |told| go_on(told)));
    see(session.identity(any()));
    see(session.read_credentials(
        any(),
        |session| {
            see(session.facts());
            any()
        },
        |session, token| {
            see((session.facts(), token));
            any::<Result<u8, Error<Lost>>>()
        },
    ));
}

fn credentials(session: &mut AnySession<'_>) {
    see(session.make_credential(any(), any()));
    see(session.make_credential_with(any(), any(), any(), any()));
    see(session.get_assertion(any(), any()));
    see(session.get_assertion_with(any(), any(), any(), any()));
    see(session.next_assertion());
    see(session.next_assertion_with());
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
    see(session.enforce_pin_complexity(any()));
    see(session.enable_enterprise_attestation(any()));
    see(session.set_always_uv(any(), any()));
    see(session.enable_long_touch_for_reset(any()));
    see(session.vendor_prototype(any(), any()));
}

fn fingerprints(session: &mut AnySession<'_>) {
    see(session.fingerprint_sensor());
    see(session.fingerprints(any(), &mut |found| go_on(found)));
    see(session.enroll_fingerprint(any(), any(), &mut |sample| go_on(sample)));
    see(session.rename_fingerprint(any(), any(), any()));
    see(session.remove_fingerprint(any(), any()));
}

fn large_blobs(session: &mut AnySession<'_>) {
    see(session.large_blobs(any()));
    see(session.write_large_blobs(any(), any()));
    see(session.erase_large_blobs(any()));
    see(session.large_blob(any(), any()));
    see(session.store_large_blob(any(), any(), any(), any()));
    see(session.remove_large_blob(any(), any(), any()));
}

fn u2f() {
    let (mut token, mut buffers) = (Token, U2fBuffers::new());
    let mut wait = go_on::<Keepalive>;
    let session = &mut U2fSession::new(&mut token, &mut buffers, any(), &mut wait);
    see(session.version());
    see(session.register(any()));
    see(session.select());
    see(session.authenticate(any()));
    see(session.check(any(), any()));
    see(session.make_credential(&Primitives, any()));
    see(session.get_assertion(&Primitives, any()));
}
