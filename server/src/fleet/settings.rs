//! Times and limits of the fleet. The defaults are for production; tests hurry.

use std::time::Duration;

use keysteward_proto::uplink::Refusal;

use super::enrolment::service::CALL_CONNECTION;

/// Times and limits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FleetSettings {
    /// How long an agent's certificate lasts. It is renewed at half of it.
    pub agent_certificate_life: Duration,
    /// How long after its end it may still be renewed.
    pub renewal_grace: Duration,
    /// For each half of a TLS handshake.
    pub handshake_timeout: Duration,
    /// Handshakes at a time.
    pub max_handshakes: usize,
    /// Connections at a time that are not through their handshake; what comes
    /// beyond is closed at once.
    pub max_waiting: usize,
    /// For the first Hello on a new link.
    pub hello_timeout: Duration,
    /// How often a link is pinged.
    pub keep_alive_interval: Duration,
    /// How long the answer to a ping may take.
    pub keep_alive_timeout: Duration,
    /// How long a link has to show that it lives when another agent claims its identity.
    pub rival_timeout: Duration,
    /// How long a connection for enrolment or renewal may last.
    pub call_connection_life: Duration,
}

impl Default for FleetSettings {
    fn default() -> Self {
        Self {
            agent_certificate_life: Duration::from_secs(30 * 86_400),
            renewal_grace: Duration::from_secs(90 * 86_400),
            // Under ten seconds, a fleet that returns at once times out and returns again.
            handshake_timeout: Duration::from_secs(15),
            max_handshakes: 256,
            max_waiting: 2_000,
            hello_timeout: Duration::from_secs(10),
            keep_alive_interval: Duration::from_secs(30),
            keep_alive_timeout: Duration::from_secs(15),
            rival_timeout: Duration::from_secs(5),
            call_connection_life: CALL_CONNECTION,
        }
    }
}

impl FleetSettings {
    /// When an agent that was refused may come back.
    pub(super) fn retry_after(&self, refusal: Refusal) -> Duration {
        match refusal {
            Refusal::Busy => Duration::from_secs(10),
            // Somebody has to enrol it again first.
            _ => Duration::from_secs(300),
        }
    }
}
