//! CTAP2 over NFC, as sessions see it.

use super::{CtapTransport, Keepalive, Millis};
use crate::iso7816::CardTransport;
use crate::nfcctap::{NfcError, NfcTransport};
use core::ops::ControlFlow;

impl<T: CardTransport> CtapTransport for NfcTransport<T> {
    type Error = NfcError<T::Error>;

    fn exchange<'r>(
        &mut self,
        request: &[u8],
        response: &'r mut [u8],
        deadline: Millis,
        on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<&'r [u8], Self::Error> {
        self.msg(request, response, deadline, on_keepalive)
    }
}
