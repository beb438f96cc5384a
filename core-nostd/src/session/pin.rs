//! The PIN itself. CTAP 2.3 §6.5.5.2, §6.5.5.5, §6.5.5.6.

use super::{CtapTransport, Error, Facts, Feature, PinRule, Session};
use crate::crypto::{Crypto, PublicPoint};
use crate::ctap2::client_pin::{Request, Response, Subcommand};
use crate::ctap2::{Command, Status};
use crate::pin_protocol::{Pin, PinProtocol, SharedSecret};
use crate::webauthn::cose::KeyAgreementKey;
use subtle::ConstantTimeEq;

/// What getPINRetries answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PinRetries {
    /// Tries before the PIN blocks for good.
    pub left: u8,
    /// Whether the token must be replugged before the next try counts.
    pub power_cycle_needed: bool,
}

impl<T: CtapTransport, C: Crypto> Session<'_, T, C> {
    /// How many wrong PINs the token still takes. Costs none of them.
    pub fn pin_retries(&mut self) -> Result<PinRetries, Error<T::Error>> {
        let protocol = self.pin_protocol()?;
        let answer = self.exchange(
            Command::ClientPin,
            Some(&Request {
                // Not wanted by the specification, but by some tokens.
                pin_uv_auth_protocol: Some(protocol.id()),
                ..Request::new(Subcommand::PinRetries)
            }),
        )?;
        let response: Response<'_> = self.read(answer)?;
        Ok(PinRetries {
            left: present(response.pin_retries, "pinRetries (0x03)")?,
            power_cycle_needed: response.power_cycle_state == Some(true),
        })
    }

    /// Gives a token without PIN its first one.
    pub fn set_pin(&mut self, new: &Pin) -> Result<(), Error<T::Error>> {
        let facts = self.facts()?;
        match facts.client_pin {
            None => return Err(Error::Unsupported(Feature::ClientPin)),
            Some(true) => return Err(Error::PinAlreadySet),
            Some(false) => check_length(&facts, new)?,
        }
        let (platform, secret) = self.encapsulate()?;
        let new_pin_enc = secret.encrypt(self.crypto, new.padded()).map_err(crypto)?;
        let param = secret.authenticate(self.crypto, &[&new_pin_enc]);
        let outcome = self.exchange(
            Command::ClientPin,
            Some(&Request {
                pin_uv_auth_protocol: Some(secret.protocol().id()),
                key_agreement: Some(cose(&platform)),
                pin_uv_auth_param: Some(&param),
                new_pin_enc: Some(&new_pin_enc),
                ..Request::new(Subcommand::SetPin)
            }),
        );
        self.forget_facts();
        match outcome {
            Ok(_) => Ok(()),
            // The MAC is right: what is not allowed is setting.
            Err(
                Error::TokenRejected { .. }
                | Error::Refused {
                    status: Status::NotAllowed,
                    ..
                },
            ) => Err(Error::PinAlreadySet),
            Err(Error::PinPolicy(_)) => Err(self.broken_rule(new, None)),
            Err(error) => Err(error),
        }
    }

    /// Replaces the PIN. Every pinUvAuthToken is void afterwards.
    pub fn change_pin(&mut self, current: &Pin, new: &Pin) -> Result<(), Error<T::Error>> {
        let facts = self.facts()?;
        match facts.client_pin {
            None => return Err(Error::Unsupported(Feature::ClientPin)),
            Some(false) => return Err(Error::PinNotSet),
            Some(true) => check_length(&facts, new)?,
        }
        let (platform, secret) = self.encapsulate()?;
        let new_pin_enc = secret.encrypt(self.crypto, new.padded()).map_err(crypto)?;
        let hash = current.hash(self.crypto);
        let pin_hash_enc = secret.encrypt(self.crypto, &hash.0).map_err(crypto)?;
        let param = secret.authenticate(self.crypto, &[&new_pin_enc, &pin_hash_enc]);
        let outcome = self.exchange(
            Command::ClientPin,
            Some(&Request {
                pin_uv_auth_protocol: Some(secret.protocol().id()),
                key_agreement: Some(cose(&platform)),
                pin_uv_auth_param: Some(&param),
                new_pin_enc: Some(&new_pin_enc),
                pin_hash_enc: Some(&pin_hash_enc),
                ..Request::new(Subcommand::ChangePin)
            }),
        );
        self.forget_facts();
        match outcome {
            Ok(_) => Ok(()),
            Err(Error::PinPolicy(_)) => Err(self.broken_rule(new, Some(current))),
            Err(error) => Err(self.with_retries(error)),
        }
    }

    /// Agrees on a fresh secret. To be done for every try: a wrong PIN makes
    /// the token renew its key.
    pub(super) fn encapsulate(&mut self) -> Result<(PublicPoint, SharedSecret), Error<T::Error>> {
        let protocol = self.pin_protocol()?;
        let answer = self.exchange(
            Command::ClientPin,
            Some(&Request {
                pin_uv_auth_protocol: Some(protocol.id()),
                ..Request::new(Subcommand::KeyAgreement)
            }),
        )?;
        let response: Response<'_> = self.read(answer)?;
        let theirs = present(response.key_agreement, "keyAgreement (0x01)")?;
        let theirs = PublicPoint {
            x: *theirs.x,
            y: *theirs.y,
        };
        protocol.encapsulate(self.crypto, &theirs).map_err(crypto)
    }

    /// Adds to a refused PIN what the token says of further tries.
    pub(super) fn with_retries(&mut self, error: Error<T::Error>) -> Error<T::Error> {
        if !matches!(
            error,
            Error::PinInvalid { .. } | Error::PinAuthBlocked { .. }
        ) {
            return error;
        }
        let Ok(PinRetries {
            left,
            power_cycle_needed,
        }) = self.pin_retries()
        else {
            return error;
        };
        let retries = Some(left);
        match error {
            // Some tokens give the general answer to the last try, too.
            _ if left == 0 => Error::PinBlocked,
            Error::PinInvalid { .. } if !power_cycle_needed => Error::PinInvalid { retries },
            _ => Error::PinAuthBlocked { retries },
        }
    }

    pub(super) fn pin_protocol(&mut self) -> Result<PinProtocol, Error<T::Error>> {
        let facts = self.facts()?;
        facts
            .pin_protocol
            .ok_or(Error::Unsupported(Feature::PinProtocol))
    }

    /// Finds the rule behind PIN_POLICY_VIOLATION, from what the token says of
    /// its rules now.
    fn broken_rule(&mut self, new: &Pin, current: Option<&Pin>) -> Error<T::Error> {
        let Ok(facts) = self.refresh() else {
            return Error::PinPolicy(PinRule::Unknown);
        };
        if let Err(error) = check_length(&facts, new) {
            return error;
        }
        let same = current.is_some_and(|current| current.padded().ct_eq(new.padded()).into());
        Error::PinPolicy(if same {
            PinRule::SameAsBefore
        } else if facts.pin_complexity_policy == Some(true) {
            PinRule::Complexity
        } else {
            PinRule::Unknown
        })
    }
}

/// Checks what the token says of lengths, so that a PIN that cannot be is not
/// even sent.
fn check_length<T>(facts: &Facts, pin: &Pin) -> Result<(), Error<T>> {
    let code_points = u32::try_from(pin.code_points()).unwrap_or(u32::MAX);
    let (min, max) = (facts.min_pin_length, facts.max_pin_length);
    if code_points < min {
        return Err(Error::PinPolicy(PinRule::TooShort { min, code_points }));
    }
    if code_points > max {
        return Err(Error::PinPolicy(PinRule::TooLong { max, code_points }));
    }
    Ok(())
}

/// A member that the answer must have.
pub(super) fn present<V, E>(value: Option<V>, member: &'static str) -> Result<V, Error<E>> {
    value.ok_or(Error::missing(Command::ClientPin, member))
}

pub(super) const fn cose(point: &PublicPoint) -> KeyAgreementKey<'_> {
    KeyAgreementKey {
        x: &point.x,
        y: &point.y,
    }
}

pub(super) fn crypto<E>(_: crate::crypto::Error) -> Error<E> {
    Error::Crypto
}
