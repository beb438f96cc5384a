//! The one thing a session needs of a link.

use super::{Keepalive, Millis};
use core::ops::ControlFlow;

/// Carries CTAP2 messages: over HID, over NFC, in process, from a script.
pub trait CtapTransport {
    /// Why a message did not arrive; never why the token refused.
    type Error: core::error::Error + Send + Sync + 'static;

    /// Sends `request` (command byte, then CBOR) and waits for the response
    /// (status byte, then CBOR), which it puts at the front of `response`.
    ///
    /// Returns by `deadline`, a moment on the transport's own clock, whatever
    /// the token does. Each keep-alive goes to `on_keepalive`; `Break` sends
    /// CANCEL once, and the exchange then ends with what the token makes of it
    /// (status 0x2D, or the answer that won the race).
    fn exchange<'r>(
        &mut self,
        request: &[u8],
        response: &'r mut [u8],
        deadline: Millis,
        on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<&'r [u8], Self::Error>;
}

impl<T: CtapTransport + ?Sized> CtapTransport for &mut T {
    type Error = T::Error;

    fn exchange<'r>(
        &mut self,
        request: &[u8],
        response: &'r mut [u8],
        deadline: Millis,
        on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<&'r [u8], Self::Error> {
        (**self).exchange(request, response, deadline, on_keepalive)
    }
}
