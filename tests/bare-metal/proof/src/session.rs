//! Every flow, with a token that may answer anything.

use core::ops::ControlFlow;

use keysteward_core::ctap2::get_info;
use keysteward_core::session::{
    Buffers, CtapTransport, Error, Facts, Keepalive, LargeBlob, Millis, Salts, Session, prf_salt,
};

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
    let facts = Facts::from(any::<&get_info::Response<'_>>());
    see((facts.has(any()), facts.takes_reset_over(any())));
    see(facts.is_protected());
    see(any::<Error<Lost>>().power_cycle_helps());
    see(any::<Error<Lost>>().pin_helps());
    see(prf_salt(&Primitives, any()));

    let (mut token, mut crypto, mut buffers) = (Token, Primitives, Buffers::new());
    let mut wait = go_on::<Keepalive>;
    let session = &mut Session::new(&mut token, &mut crypto, &mut buffers, any(), &mut wait);
    session.set_deadline(any());
    session.remember(facts);
    see(session.facts());
    see(session.info());
    pins(session);
    user_verification(session);
    credentials(session);
    extensions(session);
    management(session);
    fingerprints(session);
    large_blobs(session);
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

fn user_verification(session: &mut AnySession<'_>) {
    see(session.uv_retries());
    see(session.token_by_user_verification(any(), any(), &mut |heard| go_on(heard)));
    see(session.persistent_token(any()));
    see(session.persistent_token_by_user_verification(&mut |heard| go_on(heard)));
    see(session.identity(any()));
    let read = session.read_credentials(
        any(),
        |_| any(),
        |session, token| session.credentials_metadata(token),
    );
    see(read);
}

fn credentials(session: &mut AnySession<'_>) {
    see(session.make_credential(any(), any()));
    see(session.get_assertion(any(), any()));
    see(session.next_assertion());
    see(session.find_credential(any(), any::<&[&[u8]]>().iter().copied(), any()));
}

fn extensions(session: &mut AnySession<'_>) {
    let salts = |wanted: bool| {
        wanted.then(|| Salts {
            first: any(),
            second: any(),
        })
    };
    see(session.make_credential_with(any(), any(), salts(any()), any()));
    see(session.get_assertion_with(any(), any(), salts(any()), any()));
}

fn management(session: &mut AnySession<'_>) {
    see(session.credentials_metadata(any()));
    see(session.relying_parties(any(), &mut |found| go_on(found)));
    see(session.credentials(any(), any(), &mut |found| go_on(found)));
    see(session.delete_credential(any(), any()));
    see(session.update_user(any(), any(), any()));
}

fn fingerprints(session: &mut AnySession<'_>) {
    see(session.fingerprint_sensor());
    see(session.fingerprints(any(), &mut |found| go_on(found)));
    see(session.enroll_fingerprint(any(), any(), &mut |heard| go_on(heard)));
    see(session.rename_fingerprint(any(), any(), any()));
    see(session.remove_fingerprint(any(), any()));
}

fn large_blobs(session: &mut AnySession<'_>) {
    let blob = LargeBlob {
        deflated: any(),
        orig_size: any(),
    };
    see(session.large_blobs(any()));
    see(session.large_blob(any(), any()));
    see(session.store_large_blob(any(), any(), blob, any()));
    see(session.remove_large_blob(any(), any(), any()));
    see(session.write_large_blobs(any(), any()));
    see(session.erase_large_blobs(any()));
}

fn configuration(session: &mut AnySession<'_>) {
    see(session.set_min_pin_length(any(), any()));
    see(session.force_pin_change(any()));
    see(session.enable_enterprise_attestation(any()));
    see(session.set_always_uv(any(), any()));
    see(session.enable_long_touch_for_reset(any()));
    see(session.enforce_pin_complexity(any()));
    see(session.vendor_prototype(any(), any()));
}
