//! Certification authorities: where a public key becomes a certificate, and
//! where that certificate is put on hold, released and revoked.
//!
//! ```text
//!           enrol                          hold
//!  request -------> issued -- good -----------------> held
//!     |               ^        |   <-----------------   |
//!     | enrol         | poll   | revoke    unhold       | revoke
//!     '-> pending ----'        '--------> revoked <-----'
//! ```
//!
//! [`CertificationAuthority`] is what an operation sees; a folder per vendor
//! implements it. A template says how the fields of a request are filled
//! ([`request_field`]); what a CA answers becomes an [`Issued`] only after it
//! was checked against the request ([`issued`]).

pub mod builtin;
mod certification_request;
pub mod cfssl;
mod chain;
mod client_identity;
mod enrolment;
pub mod entrust;
mod error;
mod http;
pub mod issued;
mod now;
mod profile;
pub mod publication;
pub mod request_field;
mod secret;
mod serial;
mod settings;
mod status;
mod subject;

pub use certification_request::{CertificationRequest, InvalidRequest};
pub use client_identity::ClientIdentity;
pub use enrolment::{
    AlternativeName, AlternativeNameKind, Enrolled, Enrolment, Found, Previous, Reference,
};
pub use error::{CaError, Call, Nature, Refusal, Why};
pub use issued::{Issued, WrongCertificate};
pub use now::Now;
pub use profile::{Profile, ProfileField, Unfit};
pub use request_field::{Attributes, FieldName, RequestField};
pub use secret::Secret;
pub use serial::Serial;
pub use settings::{Connected, Credential, Settings, Surroundings};
pub use status::{Acted, CertificateStatus, Reason};
pub use subject::SubjectAttribute;

use super::Finding;
use async_trait::async_trait;
use std::{fmt, time::Duration};

/// One configured certification authority.
///
/// Nothing here retries: what a failure leaves behind is for the caller to
/// judge, by [`CaError::outcome`]. After a lost answer to [`enrol`](Self::enrol)
/// the caller asks [`find`](Self::find) before it enrols again; after a lost
/// answer to an action, [`status`](Self::status).
#[async_trait]
pub trait CertificationAuthority: fmt::Debug + Send + Sync {
    /// What this kind of CA can do at all.
    fn abilities(&self) -> Abilities;

    /// How long a request may be under way. Before that much time has passed since it was
    /// sent, that [`find`](Self::find) finds nothing does not say that nothing comes.
    fn time_limit(&self) -> Duration;

    /// Whether the CA can be reached, knows us, and has what the settings name:
    /// what an administrator asks for before saving a connection. Changes
    /// nothing.
    async fn check(&self) -> Vec<Finding>;

    /// The CAs behind the connection, of which the settings choose one.
    async fn authorities(&self) -> Result<Vec<Authority>, CaError>;

    /// The profiles of the chosen CA, with the fields that each wants.
    async fn profiles(&self) -> Result<Vec<Profile>, CaError>;

    /// Asks for a certificate.
    async fn enrol(&self, enrolment: &Enrolment) -> Result<Enrolled, CaError>;

    /// Asks what became of an enrolment that was pending.
    async fn poll(&self, reference: &Reference, enrolment: &Enrolment)
    -> Result<Enrolled, CaError>;

    /// Looks for the certificate of an enrolment whose answer was lost.
    async fn find(&self, enrolment: &Enrolment) -> Result<Found, CaError>;

    /// What the CA says of a certificate.
    async fn status(&self, serial: &Serial) -> Result<CertificateStatus, CaError>;

    /// Good to held.
    async fn hold(&self, serial: &Serial) -> Result<Acted, CaError>;

    /// Held to good.
    async fn unhold(&self, serial: &Serial) -> Result<Acted, CaError>;

    /// For good.
    async fn revoke(&self, serial: &Serial, reason: Reason) -> Result<Acted, CaError>;

    /// A successor for a certificate that ends, with the same names. The old
    /// one stays as it is.
    async fn renew(&self, previous: &Previous, enrolment: &Enrolment) -> Result<Enrolled, CaError>;

    /// A successor for a certificate whose names or token changed. The old one
    /// stays as it is: the caller revokes it.
    async fn reissue(
        &self,
        previous: &Previous,
        enrolment: &Enrolment,
    ) -> Result<Enrolled, CaError>;
}

/// What a CA can do; operations leave out what it cannot, and the user
/// interface does not offer it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Abilities {
    pub hold: bool,
    pub unhold: bool,
    /// A certificate whose answer was lost can be found again.
    pub find: bool,
    /// The state of a certificate can be asked for.
    pub status: bool,
    /// A user principal name enters the certificate, as smart-card logon needs.
    pub upn: bool,
    /// It knows [`renew`](CertificationAuthority::renew): a certificate that ends stays
    /// beside its successor until then. Without it, who renews enrols, and revokes the
    /// old one.
    pub renew: bool,
    /// It knows [`reissue`](CertificationAuthority::reissue), and keeps the history of
    /// what the old one was for. Without it, who reissues enrols.
    pub reissue: bool,
}

/// One CA behind a connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Authority {
    pub id: String,
    pub name: String,
    /// Which product it is, as the connection says; empty where it does not.
    pub product: String,
    /// The subject of its certificate; empty where the connection does not show it.
    pub subject: String,
}
