//! NFCCTAP: CTAP messages in APDUs, over NFC and at contact readers. CTAP 2.3 §11.3.
//!
//! | part | what it does |
//! |---|---|
//! | [`NfcTransport`] | a blocking client over any reader |
//! | [`device::Applet`] | the token's side: sans-IO |
//!
//! A client selects the applet, then sends each CTAP2 message in an NFCCTAP_MSG. While the token
//! works it answers SW 9100 with a status, and the client asks again with NFCCTAP_GETRESPONSE.
//! U2F messages are APDUs of their own and go to the same applet.
//!
//! ```
//! use keysteward_core::ctaphid::Keepalive;
//! use keysteward_core::iso7816::Status;
//! use keysteward_core::nfcctap::Version;
//! use keysteward_core::nfcctap::device::{Applet, Event};
//!
//! let mut applet = Applet::new(Version::Fido2_0);
//! let (mut request, mut reply) = ([0; 64], [0; 64]);
//!
//! let select = b"\x00\xA4\x04\x00\x08\xA0\x00\x00\x06\x47\x2F\x00\x01\x00";
//! let Event::Reply { len } = applet.handle_command(select, &mut request, &[], &mut reply) else {
//!     panic!("not selected");
//! };
//! assert_eq!(&reply[..len], b"FIDO_2_0\x90\x00");
//!
//! // authenticatorSelection, from a client that knows NFCCTAP_GETRESPONSE.
//! let selection = b"\x80\x10\x80\x00\x01\x0B\x00";
//! let event = applet.handle_command(selection, &mut request, &[], &mut reply);
//! assert_eq!(event, Event::Ctap2 { len: 1 });
//! let len = applet.keepalive(Keepalive::UserPresenceNeeded, &mut reply).unwrap();
//! assert_eq!(&reply[..len], b"\x02\x91\x00");
//!
//! let poll = b"\x80\x11\x00\x00\x00";
//! let event = applet.handle_command(poll, &mut request, &[], &mut reply);
//! assert_eq!(event, Event::Poll);
//! let len = applet.respond(&[0x00], Status::Success, &mut reply).unwrap();
//! assert_eq!(&reply[..len], b"\x00\x90\x00");
//! ```

pub mod device;
mod transport;

pub use transport::{NfcError, NfcTransport};

use crate::iso7816::Status;

/// The applet's identifier.
pub const AID: [u8; 8] = [0xA0, 0x00, 0x00, 0x06, 0x47, 0x2F, 0x00, 0x01];

/// What SELECT answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Version {
    /// `U2F_V2`: CTAP1 works; whether CTAP2 does, getInfo tells.
    U2fV2,
    /// `FIDO_2_0`: CTAP2 alone.
    Fido2_0,
    /// A string that the specification does not have.
    Other,
}

impl Version {
    /// Reads the answer to SELECT.
    #[must_use]
    pub fn parse(answer: &[u8]) -> Self {
        match answer {
            b"U2F_V2" => Self::U2fV2,
            b"FIDO_2_0" => Self::Fido2_0,
            _ => Self::Other,
        }
    }

    /// The answer to SELECT; empty where the specification has none.
    #[must_use]
    pub const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::U2fV2 => b"U2F_V2",
            Self::Fido2_0 => b"FIDO_2_0",
            Self::Other => b"",
        }
    }
}

/// The class of NFCCTAP's own commands.
const CLA: u8 = 0x80;
/// NFCCTAP_MSG.
const MSG: u8 = 0x10;
/// Bit of P1 of NFCCTAP_MSG: the client knows NFCCTAP_GETRESPONSE.
const GETRESPONSE_KNOWN: u8 = 0x80;
/// NFCCTAP_GETRESPONSE.
const GETRESPONSE: u8 = 0x11;
/// P1 of NFCCTAP_GETRESPONSE: end the operation.
const CANCEL: u8 = 0x11;
/// NFCCTAP_CONTROL.
const CONTROL: u8 = 0x12;
/// P1 of NFCCTAP_CONTROL: deselect.
const END: u8 = 0x01;
/// SELECT, ISO/IEC 7816-4 §7.1.1.
const SELECT: u8 = 0xA4;
/// P1 of SELECT: by AID.
const BY_NAME: u8 = 0x04;
/// SW 9100: the operation goes on; one byte says how it stands.
const KEEPALIVE: Status = Status::Other(0x9100);
