//! CTAPHID: CTAP messages in HID reports. CTAP 2.3 §11.2.

mod keepalive;

pub use keepalive::Keepalive;
