//! CTAPHID: CTAP messages in HID reports. CTAP 2.3 §11.2.
//!
//! | part | what it does |
//! |---|---|
//! | [`Packet`] | one report, read |
//! | [`Fragments`] | one message, cut into reports |
//! | [`client::Channel`] | the platform's side of one channel: sans-IO |
//! | [`device::Device`] | the token's side of all channels: sans-IO |
//! | [`HidTransport`] | a blocking client over any [`Link`]: real HID, a socket, firmware in process |
//!
//! Reports are 64 bytes without the report id that host interfaces put in
//! front.
//!
//! ```
//! use keysteward_core::ctaphid::client::{self, Channel};
//! use keysteward_core::ctaphid::device::{self, Device};
//! use keysteward_core::ctaphid::{Capabilities, Command, DeviceVersion};
//! use keysteward_core::time::Millis;
//!
//! let mut token = Device::new(DeviceVersion::default(), Capabilities(Capabilities::CBOR));
//! let (mut asked, mut answered) = ([0; 1024], [0; 1024]);
//!
//! let (mut channel, init) = Channel::open(*b"a nonce.");
//! let device::Event::Reply(reply) = token.handle_report(Millis(0), &init, &mut asked) else {
//!     panic!("no channel");
//! };
//! let opened = channel.handle_report(&reply, &mut answered)?;
//! assert!(matches!(opened, client::Event::Opened(_)));
//!
//! for report in channel.request(Command::Ping, b"hello")? {
//!     let event = token.handle_report(Millis(0), &report, &mut asked);
//!     assert!(matches!(event, device::Event::Request { len: 5, .. }));
//! }
//! for report in token.respond(b"hello")?.unwrap() {
//!     let event = channel.handle_report(&report, &mut answered)?;
//!     assert_eq!(event, client::Event::Response { len: 5 });
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod body;
pub mod client;
mod code;
pub mod device;
mod fragments;
mod keepalive;
mod link;
mod packet;
mod transport;

pub use body::ReceiveError;
pub use code::{Command, ErrorCode};
pub use fragments::{Fragments, MessageTooLong};
pub use keepalive::Keepalive;
pub use link::Link;
pub use packet::{ChannelId, Packet, Report};
pub use transport::{HidTransport, TransportError};

/// Longest message: an init packet and 128 continuations. CTAP 2.3 §11.2.4.
pub const MAX_MESSAGE: usize = packet::INIT_DATA + 128 * packet::CONT_DATA;

/// The CTAPHID protocol that INIT answers with. CTAP 2.3 §11.2.9.1.3.
pub const PROTOCOL_VERSION: u8 = 2;

/// What the token can do, from its INIT response. CTAP 2.3 §11.2.9.1.3.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Capabilities(pub u8);

impl Capabilities {
    /// The token can draw attention to itself.
    pub const WINK: u8 = 0x01;
    /// The token speaks CTAP2.
    pub const CBOR: u8 = 0x04;
    /// The token does *not* speak CTAP1.
    pub const NMSG: u8 = 0x08;

    /// Whether WINK works.
    #[must_use]
    pub const fn wink(self) -> bool {
        self.0 & Self::WINK != 0
    }

    /// Whether CTAP2 works.
    #[must_use]
    pub const fn cbor(self) -> bool {
        self.0 & Self::CBOR != 0
    }

    /// Whether CTAP1 works.
    #[must_use]
    pub const fn msg(self) -> bool {
        self.0 & Self::NMSG == 0
    }
}

/// Version of the device's firmware, in the vendor's own counting.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DeviceVersion {
    /// Major number.
    pub major: u8,
    /// Minor number.
    pub minor: u8,
    /// Build number.
    pub build: u8,
}

/// Answer to INIT. CTAP 2.3 §11.2.9.1.3.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InitResponse {
    /// The nonce of the request, by which its sender knows the answer.
    pub nonce: [u8; 8],
    /// The channel from now on.
    pub channel: ChannelId,
    /// [`PROTOCOL_VERSION`], or a later one.
    pub protocol_version: u8,
    /// The vendor's version.
    pub device_version: DeviceVersion,
    /// What the token can do.
    pub capabilities: Capabilities,
}

impl InitResponse {
    /// Length on the wire; later protocol versions may append to it.
    pub const LEN: usize = 17;

    /// Reads the payload of an INIT response; `None` when it is too short.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let (nonce, rest) = payload.split_first_chunk()?;
        let (channel, rest) = rest.split_first_chunk()?;
        let [protocol_version, major, minor, build, capabilities, ..] = *rest else {
            return None;
        };
        Some(Self {
            nonce: *nonce,
            channel: ChannelId(u32::from_be_bytes(*channel)),
            protocol_version,
            device_version: DeviceVersion {
                major,
                minor,
                build,
            },
            capabilities: Capabilities(capabilities),
        })
    }

    /// The payload.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::LEN] {
        let [n0, n1, n2, n3, n4, n5, n6, n7] = self.nonce;
        let [c0, c1, c2, c3] = self.channel.0.to_be_bytes();
        let DeviceVersion {
            major,
            minor,
            build,
        } = self.device_version;
        [
            n0,
            n1,
            n2,
            n3,
            n4,
            n5,
            n6,
            n7,
            c0,
            c1,
            c2,
            c3,
            self.protocol_version,
            major,
            minor,
            build,
            self.capabilities.0,
        ]
    }
}
