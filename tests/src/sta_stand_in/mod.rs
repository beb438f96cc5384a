//! A *stand-in* for Thales SafeNet Trusted Access (STA), which cannot run here.
//!
//! It follows what Thales publishes of the REST API for STA and of external
//! FIDO management, to the letter, over TLS, and invents as little as it can
//! where nothing is published: `docs/sta.md` tells the one from the other. It
//! shares no code with the connector, nor with the core: what it checks, it
//! checks on its own.
//!
//! | folder or file | on the wire | what it is |
//! |---|---|---|
//! | `rest/` | `/api/v1/tenants/<code>/` | users, authenticators: what a CMS calls |
//! | `activation`, `sign_in` | `/activation/`, `/sign-in/` | what a user's browser calls |
//! | `console` | `/console/` | what STA's administrator does and sees |
//! | `faults` | `/faults` | makes the next requests go wrong; STA has no such thing |
//! | `tenant/` | | the data and their rules |
//! | `webauthn/` | | registrations and assertions, verified |
//! | `mail`, `tls` | | codes by SMTP; the listener |
//!
//! State lives in memory and ends with the process.

mod activation;
mod answer;
mod console;
mod faults;
mod mail;
mod rest;
mod server;
mod sign_in;
mod tenant;
mod tls;
mod webauthn;

pub use faults::{Failure, Fault, When};
pub use server::{Options, StaStandIn};
pub use tenant::{AuditEntry, AuthenticatorState};
