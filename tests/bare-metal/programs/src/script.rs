//! A token that answers by heart.

use core::convert::Infallible;
use core::ops::ControlFlow;

use keysteward_core::session::{CtapTransport, Keepalive, Millis};

/// The answer to each request, by its command byte and, for clientPIN, its subcommand.
pub type Answers = fn(&[u8]) -> &'static [u8];

/// A link to such a token.
#[derive(Debug)]
pub struct Script(pub Answers);

impl CtapTransport for Script {
    type Error = Infallible;

    fn exchange<'r>(
        &mut self,
        request: &[u8],
        response: &'r mut [u8],
        _: Millis,
        _: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<&'r [u8], Infallible> {
        let answer = (self.0)(request);
        let room = response.get_mut(..answer.len()).unwrap_or_default();
        room.copy_from_slice(answer);
        Ok(room)
    }
}
