//! From a connection's row to the certification authority that it speaks to.

use std::sync::Arc;

use crate::{connector::ca::CertificationAuthority, store::connection::Connection};

/// Finds the certification authority of a connection: the connectors in a server, a
/// script in a test.
pub trait Authorities: Send + Sync + 'static {
    /// The authority of this connection.
    ///
    /// # Errors
    /// Why the connection cannot be used, as a sentence.
    fn authority(&self, connection: &Connection)
    -> Result<Arc<dyn CertificationAuthority>, String>;
}
