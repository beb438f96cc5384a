//! CTAP2 over HID, as sessions see it.

use super::{CtapTransport, Keepalive, Millis};
use crate::ctaphid::{HidTransport, Link, TransportError};
use core::ops::ControlFlow;

impl<L: Link> CtapTransport for HidTransport<L> {
    type Error = TransportError<L::Error>;

    fn exchange<'r>(
        &mut self,
        request: &[u8],
        response: &'r mut [u8],
        deadline: Millis,
        on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<&'r [u8], Self::Error> {
        self.cbor(request, response, deadline, on_keepalive)
    }
}
