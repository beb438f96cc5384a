//! From a token type and the server's files of trust to what an attestation must
//! lead to.

use jiff::Timestamp;

use super::{Engine, Inner};
use crate::{
    attestation::{Refusal, Root, Source, Trust, TrustError, Unrooted},
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

    /// Makers of cards that a token type believes. FIDO metadata tell of none.
    pub(super) fn card_roots(&self, token_type: &TokenType) -> Result<Vec<Root>, TrustError> {
        let of_server = token_type.trusted_by.contains(&TrustedBy::Truststore);
        let sources: &[Source] = match of_server {
            true => &[Source::Truststore],
            false => &[],
        };
        let roots = &token_type.attestation_roots;
        let trust = self.anchors.trust(roots, sources, Unrooted::default())?;
        Ok(trust.roots().to_vec())
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
