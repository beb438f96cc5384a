//! By which way a step proves its user: the PIN that its verb carries, or the token itself.

use keysteward_proto::agent::v1 as proto;
use proto::step::{Verb, Verification as Asked};

use super::field::pin;
use crate::verb::{Code, Failure, Verification};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    /// The PIN of the verb, which may be empty.
    Pin,
    /// The token's own user verification.
    BuiltIn,
}

impl Way {
    pub(super) fn of(verification: i32) -> Result<Self, Failure> {
        match Asked::try_from(verification) {
            Ok(Asked::Unspecified) => Ok(Self::Pin),
            Ok(Asked::BuiltIn) => Ok(Self::BuiltIn),
            Err(_) => Err(Failure::invalid(
                "verification",
                verification,
                "VERIFICATION_UNSPECIFIED, BUILT_IN",
            )),
        }
    }

    /// Nobody lays a finger on a sensor for a verb that asks for no proof, or for a PIN alone.
    pub(super) fn check(self, verb: &Verb) -> Result<(), Failure> {
        let takes_a_finger = !matches!(
            verb,
            Verb::Inspect(_)
                | Verb::LookForCredentials(_)
                | Verb::Select(_)
                | Verb::SetPin(_)
                | Verb::ChangePin(_)
                | Verb::Reset(_)
                | Verb::Wink(_)
                | Verb::DescribeFingerprintSensor(_)
                | Verb::ReadIdentity(_)
        );
        if self == Self::BuiltIn && !takes_a_finger {
            return Err(Failure::invalid(
                "verification",
                "BUILT_IN",
                "nothing: this verb proves no user to the token",
            ));
        }
        Ok(())
    }

    /// For a verb, or a token, that may do without.
    pub(super) fn optional(self, text: String) -> Result<Option<Verification>, Failure> {
        match (self, text.is_empty()) {
            (Self::Pin, true) => Ok(None),
            (Self::Pin, false) => pin("pin", text).map(Verification::Pin).map(Some),
            (Self::BuiltIn, true) => Ok(Some(Verification::BuiltIn)),
            (Self::BuiltIn, false) => {
                // Wiped, as a PIN that is taken.
                pin("pin", text)?;
                Err(Failure::invalid(
                    "pin",
                    "a PIN beside the verification BUILT_IN",
                    "one of the two",
                ))
            }
        }
    }

    pub(super) fn needed(self, text: String) -> Result<Verification, Failure> {
        self.optional(text)?.ok_or_else(|| Failure {
            field: "pin".to_owned(),
            ..Failure::new(
                Code::PinRequired,
                "the token's PIN is needed for this; give it in pin, or let the token verify its \
                 user itself (verification)",
            )
        })
    }
}
