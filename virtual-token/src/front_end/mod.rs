//! The ways a host reaches a key: a local socket, uhid on Linux, and a PC/SC reader in software.
//! Beside them the control socket, which is no way to the key but the hand that holds it.

pub mod control;
pub mod socket;
#[cfg(target_os = "linux")]
pub mod uhid;
pub mod vpcd;

use serde::Serialize;

/// What a key says of itself before CTAPHID begins: the USB descriptors of a real one.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Identity {
    /// Tells keys apart on the host; a real key's place is its port.
    pub name: String,
    pub vendor_id: u16,
    pub product_id: u16,
    pub manufacturer: String,
    pub product: String,
    /// Many models give none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
}
