//! The state of a pinUvAuthToken: what it permits, for which RP, and for how long.
//! CTAP 2.3 §6.5.2.1.

use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::pin_protocol::PinUvAuthToken;
use keysteward_core::time::Millis;

/// The pinUvAuthToken in use.
pub(super) struct Token {
    /// Authenticates under the protocol over which it went out.
    pub(super) value: PinUvAuthToken,
    permissions: Permissions,
    /// From getPinToken: platforms of the preview know no other.
    legacy: bool,
    /// SHA-256 of the RP ID that it is bound to.
    rp_id_hash: Option<[u8; 32]>,
    issued: Millis,
    used: bool,
    /// The finger that got it touched the key.
    user_present: bool,
}

/// What a platform is given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Grant {
    /// getPinToken: mc and ga, and what the preview of credentialManagement asks for.
    Legacy,
    /// These, and for the RP of this hash only.
    Permissions(Permissions, Option<[u8; 32]>),
}

impl Token {
    pub(super) fn issue(
        value: PinUvAuthToken,
        grant: Grant,
        user_present: bool,
        now: Millis,
    ) -> Self {
        let (permissions, legacy, rp_id_hash) = match grant {
            Grant::Legacy => (DEFAULT_PERMISSIONS, true, None),
            Grant::Permissions(permissions, rp_id_hash) => (permissions, false, rp_id_hash),
        };
        Self {
            value,
            permissions,
            legacy,
            rp_id_hash,
            issued: now,
            used: false,
            user_present,
        }
    }

    /// First use within so many milliseconds, ten minutes in all.
    pub(super) fn expired(&self, initial_usage_limit: u64, now: Millis) -> bool {
        let age = now.since(self.issued);
        age >= MAX_USAGE || (!self.used && age >= initial_usage_limit)
    }

    /// Whether the user touched the key a short while ago, for this token.
    pub(super) fn user_present(&self, now: Millis) -> bool {
        self.user_present && now.since(self.issued) < USER_PRESENT_LIMIT
    }

    /// Notes a use. The caller has verified a MAC made with the token.
    pub(super) fn used(&mut self) {
        self.used = true;
    }

    pub(super) fn permits(&self, permission: Permissions) -> bool {
        self.permissions.contains(permission)
    }

    /// Whether it came from getPinToken and has not been used up.
    pub(super) fn permits_preview(&self) -> bool {
        self.legacy && self.permits(DEFAULT_PERMISSIONS)
    }

    /// Whether it is bound to another RP.
    pub(super) fn bound_elsewhere(&self, rp_id_hash: &[u8; 32]) -> bool {
        self.rp_id_hash.is_some_and(|bound| bound != *rp_id_hash)
    }

    pub(super) fn rp_id_hash(&self) -> Option<&[u8; 32]> {
        self.rp_id_hash.as_ref()
    }

    /// Binds it at its first use.
    pub(super) fn bind(&mut self, rp_id_hash: &[u8; 32]) {
        self.rp_id_hash.get_or_insert(*rp_id_hash);
    }

    /// One touch, one ceremony: after it only large blobs may still be written.
    pub(super) fn clear_after_touch(&mut self) {
        self.user_present = false;
        self.permissions = if self.permits(Permissions::LARGE_BLOB_WRITE) {
            Permissions::LARGE_BLOB_WRITE
        } else {
            Permissions::default()
        };
    }
}

/// What getPinToken grants: mc and ga.
pub(super) const DEFAULT_PERMISSIONS: Permissions = Permissions(0x03);
/// Milliseconds.
const USER_PRESENT_LIMIT: u64 = 30_000;
/// Milliseconds.
const MAX_USAGE: u64 = 600_000;

#[cfg(test)]
mod tests {
    use super::*;
    use keysteward_core::crypto::Secret;
    use keysteward_core::pin_protocol::PinProtocol;

    fn value() -> PinUvAuthToken {
        PinUvAuthToken::restore(PinProtocol::Two, Secret([1; 32]))
    }

    fn token() -> Token {
        Token::issue(value(), Grant::Legacy, false, Millis(5_000))
    }

    #[test]
    fn an_unused_token_lasts_30_seconds_and_a_used_one_ten_minutes() {
        let mut token = token();
        assert!(!token.expired(30_000, Millis(34_999)));
        assert!(token.expired(30_000, Millis(35_000)));
        token.used();
        assert!(!token.expired(30_000, Millis(35_000)));
        assert!(!token.expired(30_000, Millis(604_999)));
        assert!(token.expired(30_000, Millis(605_000)));
    }

    #[test]
    fn a_token_is_bound_to_the_rp_of_its_first_use() {
        let mut token = token();
        let (a, b) = ([0xA; 32], [0xB; 32]);
        assert!(!token.bound_elsewhere(&a));
        token.bind(&a);
        token.bind(&b);
        assert!(!token.bound_elsewhere(&a));
        assert!(token.bound_elsewhere(&b));
    }

    #[test]
    fn a_touch_uses_up_every_permission_but_large_blobs() {
        let all = Grant::Permissions(Permissions(0xFF), None);
        let mut token = Token::issue(value(), all, true, Millis(0));
        assert!(token.permits(Permissions::CREDENTIAL_MANAGEMENT));
        assert!(token.user_present(Millis(29_999)));
        assert!(!token.user_present(Millis(30_000)));
        token.clear_after_touch();
        assert!(!token.user_present(Millis(0)));
        assert!(token.permits(Permissions::LARGE_BLOB_WRITE));
        assert!(!token.permits(Permissions::MAKE_CREDENTIAL));
        let mut token = self::token();
        assert!(token.permits_preview() && !token.user_present(Millis(5_000)));
        token.clear_after_touch();
        assert!(!token.permits(Permissions::LARGE_BLOB_WRITE));
        assert!(!token.permits_preview());
    }
}
