//! How the person proves to be the key's user: with the PIN, or to the key itself. Neither is asked
//! for where the key, as it stands, wants none.

use std::path::PathBuf;

use keysteward_proto::agent::v1::{self as wire, step::Verification, step_error::Code as StepCode};

use super::{Key, Keys, lease_of};
use crate::{
    connect::Agent,
    failure::{Failure, Result},
    local::{
        lease::Lease,
        token::{find, speaks_u2f_alone},
    },
    secret_input,
};

/// The key's PIN, or what stands in for it.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct User {
    /// File whose first line is the PIN; - is standard input [default: ask, or standard input]
    #[arg(long, value_name = "FILE")]
    pub(in crate::local) pin_file: Option<PathBuf>,
    /// No PIN: the key verifies its user itself, by a finger or a face
    #[arg(long, conflicts_with = "pin_file")]
    pub(in crate::local) finger: bool,
}

/// What a verb wants of its user. CTAP 2.3 §6.1.2, §6.8, §6.11.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wanted {
    /// Proof, of every key.
    Always,
    /// Proof, of keys that are protected by a PIN or otherwise.
    OfProtected,
    /// The same, but for those that are not discoverable, and keys that make them without
    /// (makeCredUvNotRqd).
    ForCredential { discoverable: bool },
}

/// A key that was found, and the proof for it.
pub(super) struct Proven {
    pub(super) token: wire::Token,
    /// Empty where the key verifies its user itself, or wants no proof.
    pub(super) pin: String,
    keys: Keys,
}

impl Proven {
    /// Finds the key, and asks for a PIN where it wants one.
    pub(super) async fn find(agent: &Agent, key: &Key, wanted: Wanted) -> Result<Self> {
        let token = find(agent, key.which.token.as_deref()).await?;
        Self::of(token, &key.user, wanted)
    }

    pub(super) fn of(token: wire::Token, user: &User, wanted: Wanted) -> Result<Self> {
        let (pin, verification) = match way(&token, user, wanted)? {
            Way::Nothing => (String::new(), Verification::Unspecified),
            Way::BuiltIn => (String::new(), Verification::BuiltIn),
            Way::Pin => {
                let pin = secret_input::required(user.pin_file.as_deref(), "PIN")?;
                (pin.to_string(), Verification::Unspecified)
            }
        };
        Ok(Self {
            token,
            pin,
            keys: Keys { verification },
        })
    }

    pub(super) async fn lease(&self, agent: &Agent, purpose: &str) -> Result<Lease<Keys>> {
        lease_of(agent, self.keys, &self.token, purpose).await
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    Nothing,
    Pin,
    BuiltIn,
}

fn way(token: &wire::Token, user: &User, wanted: Wanted) -> Result<Way> {
    if user.finger {
        return Ok(Way::BuiltIn);
    }
    if speaks_u2f_alone(token) {
        return Ok(Way::Nothing);
    }
    let is = |option: &str| {
        let fido = token.fido.as_ref();
        fido.is_some_and(|fido| fido.options.get(option) == Some(&true))
    };
    // Of a key that could not be read nobody knows what it wants.
    let has_pin = is("clientPin") || token.fido.is_none();
    let has_finger = is("uv") && is("pinUvAuthToken");
    let wants = match wanted {
        Wanted::Always => true,
        Wanted::ForCredential {
            discoverable: false,
        } if is("makeCredUvNotRqd") => is("alwaysUv"),
        Wanted::OfProtected | Wanted::ForCredential { .. } => has_pin || is("uv") || is("alwaysUv"),
    };
    let for_credentials = matches!(wanted, Wanted::ForCredential { .. });
    match (user.pin_file.is_some(), wants) {
        (true, _) => Ok(Way::Pin),
        (false, false) => Ok(Way::Nothing),
        (false, true) if for_credentials && has_finger && is("noMcGaPermissionsWithClientPin") => {
            Ok(Way::BuiltIn)
        }
        (false, true) if has_pin => Ok(Way::Pin),
        (false, true) if has_finger => Ok(Way::BuiltIn),
        (false, true) => Err(no_pin()),
    }
}

fn no_pin() -> Failure {
    wire::StepError {
        code: StepCode::PinNotSet.into(),
        message: "the key has no PIN, which this wants; set one first (token fido set-pin)".into(),
        ..wire::StepError::default()
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(options: &[(&str, bool)]) -> wire::Token {
        wire::Token {
            applets: vec!["fido2".into()],
            fido: Some(wire::FidoFacts {
                options: options
                    .iter()
                    .map(|(name, on)| ((*name).to_owned(), *on))
                    .collect(),
                ..wire::FidoFacts::default()
            }),
            ..wire::Token::default()
        }
    }

    fn u2f() -> wire::Token {
        wire::Token {
            applets: vec!["u2f".into()],
            ..wire::Token::default()
        }
    }

    const HIDDEN: Wanted = Wanted::ForCredential {
        discoverable: false,
    };
    const SHOWN: Wanted = Wanted::ForCredential { discoverable: true };
    const PIN: (&str, bool) = ("clientPin", true);
    const FINGER: [(&str, bool); 3] =
        [("clientPin", false), ("uv", true), ("pinUvAuthToken", true)];

    #[test]
    fn nobody_is_asked_for_what_a_key_does_not_want() {
        use Wanted::{Always, OfProtected};
        let unprotected = [("clientPin", false)];
        let registers = [PIN, ("makeCredUvNotRqd", true)];
        let verifies_always = [PIN, ("makeCredUvNotRqd", true), ("alwaysUv", true)];
        for (token, wanted, due) in [
            (u2f(), OfProtected, Way::Nothing),
            (key(&unprotected), OfProtected, Way::Nothing),
            (key(&unprotected), HIDDEN, Way::Nothing),
            (key(&[PIN]), Always, Way::Pin),
            (key(&[PIN]), OfProtected, Way::Pin),
            (key(&[PIN]), HIDDEN, Way::Pin),
            (key(&registers), HIDDEN, Way::Nothing),
            (key(&registers), SHOWN, Way::Pin),
            (key(&unprotected), SHOWN, Way::Nothing),
            (key(&verifies_always), HIDDEN, Way::Pin),
            (key(&FINGER), Always, Way::BuiltIn),
            (key(&FINGER), OfProtected, Way::BuiltIn),
            // Nobody knows what a key that could not be read wants.
            (wire::Token::default(), OfProtected, Way::Pin),
        ] {
            let way = way(&token, &User::default(), wanted).unwrap();
            assert_eq!(way, due, "{wanted:?} {:?}", token.fido);
        }
    }

    #[test]
    fn a_key_without_a_pin_is_told_of_where_it_needs_one() {
        let refusal = way(
            &key(&[("clientPin", false)]),
            &User::default(),
            Wanted::Always,
        );
        let Failure::Step(error) = refusal.unwrap_err() else {
            panic!("no refusal of a step");
        };
        assert_eq!(error.code(), StepCode::PinNotSet);
    }

    #[test]
    fn what_a_person_asks_for_comes_first() {
        let finger = User {
            finger: true,
            ..User::default()
        };
        let file = User {
            pin_file: Some("pin".into()),
            ..User::default()
        };
        for wanted in [Wanted::Always, HIDDEN] {
            let registers = key(&[PIN, ("makeCredUvNotRqd", true)]);
            assert_eq!(way(&registers, &finger, wanted).unwrap(), Way::BuiltIn);
            assert_eq!(way(&registers, &file, wanted).unwrap(), Way::Pin);
        }
    }

    #[test]
    fn a_key_that_wants_no_pin_for_credentials_is_given_the_finger() {
        let options = [PIN, ("uv", true), ("pinUvAuthToken", true)];
        let refuses = [("noMcGaPermissionsWithClientPin", true)];
        let both = [&options[..], &refuses[..]].concat();
        for (options, due) in [(&options[..], Way::Pin), (&both[..], Way::BuiltIn)] {
            let way = way(&key(options), &User::default(), HIDDEN);
            assert_eq!(way.unwrap(), due);
        }
    }
}
