//! From a token type and the server's files of trust to what an attestation must
//! lead to.

use jiff::Timestamp;

use super::{Engine, Inner};
use crate::{
    attestation::{Refusal, Source, Trust, TrustError, Unrooted},
    lifecycle::{self, TokenType, TrustedBy},
    store::Micros,
};

impl Engine {
    /// Whether the server has what a token type trusts, and may believe it now.
    ///
    /// # Errors
    /// Where its settings name no such file, or what it holds is stale.
    pub fn check_trust(&self, token_type: &TokenType) -> Result<(), Refusal> {
        self.0.check_trust(token_type, self.0.clock.now())
    }
}

impl Inner {
    pub(super) fn check_trust(&self, token_type: &TokenType, now: Micros) -> Result<(), Refusal> {
        self.anchors.check(&sources(token_type), timestamp(now))
    }

    pub(super) fn trust(&self, token_type: &TokenType) -> Result<Trust, TrustError> {
        let allows = |kind| token_type.unrooted_attestation.contains(&kind);
        let unrooted = Unrooted {
            none: allows(lifecycle::Unrooted::None),
            itself: allows(lifecycle::Unrooted::Itself),
        };
        let roots = &token_type.attestation_roots;
        self.anchors.trust(roots, &sources(token_type), unrooted)
    }
}

pub(super) fn timestamp(now: Micros) -> Timestamp {
    Timestamp::from_microsecond(now.0).unwrap_or(Timestamp::MAX)
}

fn sources(token_type: &TokenType) -> Vec<Source> {
    let source = |trusted: &TrustedBy| match trusted {
        TrustedBy::Truststore => Source::Truststore,
        TrustedBy::Metadata => Source::Metadata,
    };
    token_type.trusted_by.iter().map(source).collect()
}
