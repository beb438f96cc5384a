//! U2F messages, both ways, and what they mean in CTAP2.

use keysteward_core::ctap1::{Request, authenticate, register, version};

use crate::unknown::{any, see};

pub(crate) fn prove() {
    see(version());
    see(Request::parse(any()));

    see(any::<register::Request<'_>>().command(any()));
    see(register::Request::parse(any()));
    see(register::Response::parse(any()));
    let registered: &register::Response<'_> = any();
    see(registered.encode(any()));
    see(registered.signed(any()));
    see(registered.make_credential(any(), any()));

    see(authenticate::Control::from(any::<u8>()));
    see(u8::from(any::<authenticate::Control>()));
    see(any::<authenticate::Request<'_>>().command(any()));
    see(authenticate::Request::parse(any(), any()));
    see(authenticate::Response::parse(any()));
    let asserted: &authenticate::Response<'_> = any();
    see(asserted.encode(any()));
    see(authenticate::Response::signed(any(), any()));
    see(asserted.head());
    see(asserted.get_assertion(any(), any(), any()));
}
