//! A *stand-in* for Entrust CA Gateway, which cannot run here.
//!
//! It follows what Entrust's own clients and documents show of the REST API, to
//! the letter, over TLS with client certificates, and really issues: what comes
//! back is signed by a CA of its own. `docs/ca.md` tells what is documented from
//! what is not. It shares no code with the connector.
//!
//! | folder or file | on the wire | what it is |
//! |---|---|---|
//! | `rest/` | `/cagw/v1/certificate-authorities` | what a CMS calls |
//! | `console` | `/console/` | what the CA's administrator does and sees |
//! | `faults` | `/faults` | makes the next requests go wrong; CA Gateway has no such thing |
//! | `authority` | | the CA: signs, with a root above it |
//! | `register` | | what was issued, what is pending, what happened |
//! | `tls` | | the listener, and who may call |
//!
//! State lives in memory and ends with the process.

mod authority;
mod console;
mod faults;
mod refused;
mod register;
mod rest;
mod server;
mod tls;

pub use faults::{Failure, Fault, When};
pub use register::State;
pub use server::{CaGatewayStandIn, Options};
pub use tls::Client;
