//! A token that answers by heart, so that the client half is alone in its program.

use core::convert::Infallible;
use core::ops::ControlFlow;

use keysteward_core::session::{CtapTransport, Keepalive, Millis};

/// A link to a token with PIN protocol two, without a PIN until one is set. What it gives for a
/// PIN token decrypts to something, whatever the keys are: protocol two has no check there.
#[derive(Debug, Default)]
pub struct Script {
    pin_set: bool,
}

/// Bytes of the answers in this program's flash.
pub const SCRIPT_BYTES: usize = WITHOUT_PIN.len()
    + WITH_PIN.len()
    + KEY_AGREEMENT.len()
    + PIN_TOKEN.len()
    + MADE.len()
    + ASSERTED.len();

const WITHOUT_PIN: &[u8] = b"\0\xa4\x01\x82\x68FIDO_2_0\x68FIDO_2_1\x03\x50sixteen bytes ..\
    \x04\xa2\x69clientPin\xf4\x6epinUvAuthToken\xf5\x06\x81\x02";
const WITH_PIN: &[u8] = b"\0\xa4\x01\x82\x68FIDO_2_0\x68FIDO_2_1\x03\x50sixteen bytes ..\
    \x04\xa2\x69clientPin\xf5\x6epinUvAuthToken\xf5\x06\x81\x02";
/// The base point of P-256.
const KEY_AGREEMENT: &[u8] = b"\0\xa1\x01\xa5\x01\x02\x03\x38\x18\x20\x01\
    \x21\x58\x20\x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8\xbc\xe6\xe5\x63\xa4\x40\xf2\
    \x77\x03\x7d\x81\x2d\xeb\x33\xa0\xf4\xa1\x39\x45\xd8\x98\xc2\x96\
    \x22\x58\x20\x4f\xe3\x42\xe2\xfe\x1a\x7f\x9b\x8e\xe7\xeb\x4a\x7c\x0f\x9e\x16\
    \x2b\xce\x33\x57\x6b\x31\x5e\xce\xcb\xb6\x40\x68\x37\xbf\x51\xf5";
const PIN_TOKEN: &[u8] = b"\0\xa1\x02\x58\x30an IV of 16 byteand a token of 32, in two blocks";
/// As OpenSK answered.
const MADE: &[u8] = include_bytes!("../../../../core-nostd/tests/vectors/opensk_mc_rsp.bin");
const ASSERTED: &[u8] = include_bytes!("../../../../core-nostd/tests/vectors/opensk_ga_rsp.bin");

impl CtapTransport for Script {
    type Error = Infallible;

    fn exchange<'r>(
        &mut self,
        request: &[u8],
        response: &'r mut [u8],
        _: Millis,
        _: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<&'r [u8], Infallible> {
        let answer = match request {
            [0x04] if self.pin_set => WITH_PIN,
            [0x04] => WITHOUT_PIN,
            [0x01, ..] => MADE,
            [0x02, ..] => ASSERTED,
            // clientPIN: the protocol comes first, then the subcommand.
            [0x06, _, 0x01, 0x02, 0x02, 0x02, ..] => KEY_AGREEMENT,
            [0x06, _, 0x01, 0x02, 0x02, 0x03, ..] => {
                self.pin_set = true;
                b"\0"
            }
            [0x06, _, 0x01, 0x02, 0x02, 0x09, ..] => PIN_TOKEN,
            _ => b"\x01",
        };
        let room = response.get_mut(..answer.len()).unwrap_or_default();
        room.copy_from_slice(answer);
        Ok(room)
    }
}
