//! The key that opens a credential's large blob. CTAP 2.3 §12.3.

use core::fmt;

use crate::cbor::{BufferFull, Encode, Error, Parse, Reader, Writer};

/// A largeBlobKey inside a message. It is a secret: `Debug` does not show it, and whoever copies
/// it out of the message's buffer has two places to wipe.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct LargeBlobKey<'a>(pub &'a [u8; 32]);

impl fmt::Debug for LargeBlobKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LargeBlobKey(..)")
    }
}

impl Encode for LargeBlobKey<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.bytes(self.0)
    }
}

impl<'b> Parse<'b> for LargeBlobKey<'b> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        r.byte_array().map(Self)
    }
}
