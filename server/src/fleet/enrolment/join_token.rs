//! What a join token may be. Pure.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::EnrolmentError;
use crate::store::{JoinTokenId, Micros, join_token::JoinToken};

/// What an operator asks for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NewJoinToken {
    /// Where hosts that use it will belong.
    pub group: String,
    /// How many hosts. 0: one.
    pub uses: u32,
    /// How long. Zero: 24 hours.
    pub valid_for: Duration,
    /// Whether each host waits for an operator. Several uses need it.
    pub needs_approval: bool,
}

impl NewJoinToken {
    pub(super) fn row(
        self,
        secret: &[u8; 32],
        created_by: &str,
        now: Micros,
    ) -> Result<JoinToken, EnrolmentError> {
        let invalid = |field, found, allowed| EnrolmentError::Invalid {
            field,
            found,
            allowed,
        };
        if self.group.chars().count() > LONGEST_GROUP || self.group.contains(char::is_control) {
            return Err(invalid(
                "group",
                format!("{:?}", self.group),
                "at most 64 characters, none of them a control character",
            ));
        }
        let uses = self.uses.max(1);
        if uses > MOST_USES {
            return Err(invalid("uses", uses.to_string(), "1 to 10000"));
        }
        if uses > 1 && !self.needs_approval {
            return Err(invalid(
                "needs_approval",
                "false".to_owned(),
                "true where uses is more than 1: a token that many may use is one that leaks",
            ));
        }
        let valid_for = if self.valid_for.is_zero() {
            DEFAULT_LIFE
        } else {
            self.valid_for
        };
        if valid_for > LONGEST_LIFE {
            return Err(invalid(
                "valid_for_s",
                valid_for.as_secs().to_string(),
                "at most 2592000 (30 days)",
            ));
        }
        Ok(JoinToken {
            id: JoinTokenId::new(),
            secret_hash: hash(secret),
            host_group: self.group,
            uses_left: uses,
            needs_approval: self.needs_approval,
            expires_at: now.plus(valid_for),
            created_by: created_by.to_owned(),
            created_at: now,
            revoked_at: None,
        })
    }
}

/// What is kept of a secret. It has 256 bits, so no salt and no slow hash.
pub(super) fn hash(secret: &[u8; 32]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

const LONGEST_GROUP: usize = 64;
const MOST_USES: u32 = 10_000;
const DEFAULT_LIFE: Duration = Duration::from_secs(24 * 3600);
const LONGEST_LIFE: Duration = Duration::from_secs(30 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;

    fn row(new: NewJoinToken) -> Result<JoinToken, EnrolmentError> {
        new.row(&[7; 32], "api-key:admin", Micros(1_000))
    }

    #[test]
    fn a_join_token_is_good_for_one_use_and_a_day_unless_asked_otherwise() {
        let row = row(NewJoinToken::default()).unwrap();
        assert_eq!(row.uses_left, 1);
        assert!(!row.needs_approval);
        assert_eq!(row.expires_at, Micros(1_000 + 86_400_000_000));
        assert_ne!(row.secret_hash, [7; 32]);
    }

    #[test]
    fn what_is_not_allowed_is_refused_by_name() {
        let new = NewJoinToken::default();
        for (new, field) in [
            (
                NewJoinToken {
                    uses: 2,
                    ..new.clone()
                },
                "needs_approval",
            ),
            (
                NewJoinToken {
                    uses: MOST_USES + 1,
                    needs_approval: true,
                    ..new.clone()
                },
                "uses",
            ),
            (
                NewJoinToken {
                    valid_for: LONGEST_LIFE + Duration::from_secs(1),
                    ..new.clone()
                },
                "valid_for_s",
            ),
            (
                NewJoinToken {
                    group: "a".repeat(65),
                    ..new.clone()
                },
                "group",
            ),
            (
                NewJoinToken {
                    group: "a\nb".into(),
                    ..new.clone()
                },
                "group",
            ),
        ] {
            match row(new) {
                Err(EnrolmentError::Invalid { field: found, .. }) => assert_eq!(found, field),
                other => panic!("{field}: {other:?}"),
            }
        }
        assert!(
            row(NewJoinToken {
                uses: 2,
                needs_approval: true,
                ..new
            })
            .is_ok()
        );
    }
}
