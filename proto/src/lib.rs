//! The gRPC interfaces of Keysteward, in versioned packages.
//!
//! - [`agent`]: what an agent serves, through the uplink or a local socket.
//! - [`enrolment`]: how a host becomes known to the server.
//! - [`server`]: what the central server serves to operators and programs.
//! - [`error`]: the machine-readable half of every refusal.
//!
//! And what two parties must agree on that no `.proto` can say:
//!
//! - [`uplink`]: what passes between agent and server before HTTP/2.
//! - [`join_token`]: the string by which a machine enrols.
//!
//! Messages that carry a PIN or another secret print without it: see `secret.rs`.

#![forbid(unsafe_code)]
// Of generated code: a oneof is an enum of its messages.
#![allow(clippy::large_enum_variant)]

pub mod join_token;
mod secret;
pub mod uplink;

/// `keysteward.agent.v1`
pub mod agent {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("keysteward.agent.v1");
    }
}

/// `keysteward.enrolment.v1`
pub mod enrolment {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("keysteward.enrolment.v1");
    }
}

/// `keysteward.server.v1`
pub mod server {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("keysteward.server.v1");
    }
}

/// `keysteward.error.v1`
pub mod error {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("keysteward.error.v1");
    }
}

/// The encoded `FileDescriptorSet` of every package, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
