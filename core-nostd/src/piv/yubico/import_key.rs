//! IMPORT ASYMMETRIC KEY.

use super::super::policy::{PIN_POLICY, TOUCH_POLICY};
use super::super::{Algorithm, KeyReference, PinPolicy, TouchPolicy, command, ins};
use crate::iso7816::tlv::{EncodeError, Objects, Tag, template};
use crate::iso7816::{Command, Status};
use heapless::Vec;

/// IMPORT ASYMMETRIC KEY request; wants the admin key.
#[expect(missing_debug_implementations, reason = "holds a private key")]
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Request<'a> {
    /// P2: where to.
    pub key: KeyReference,
    /// P1
    pub algorithm: Algorithm,
    /// The private key.
    pub secret: Secret<'a>,
    /// AA; `None`: the card's own.
    pub pin_policy: Option<PinPolicy>,
    /// AB; `None`: the card's own.
    pub touch_policy: Option<TouchPolicy>,
}

/// A private key, big-endian.
#[expect(missing_debug_implementations, reason = "a private key")]
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Secret<'a> {
    /// Each half as long as the modulus.
    Rsa {
        /// 01
        p: &'a [u8],
        /// 02
        q: &'a [u8],
        /// 03: d mod (p - 1)
        dp: &'a [u8],
        /// 04: d mod (q - 1)
        dq: &'a [u8],
        /// 05: 1 / q mod p
        q_inverse: &'a [u8],
    },
    /// 06: the scalar, as long as the curve's field.
    Ec(&'a [u8]),
    /// 07: the seed.
    Ed25519(&'a [u8]),
    /// 08
    X25519(&'a [u8]),
}

impl<'a> Request<'a> {
    /// The command, whose data are written to `data`.
    pub fn command<'b>(&self, data: &'b mut [u8]) -> Result<Command<'b>, EncodeError> {
        let pin = self.pin_policy.map(|policy| [policy.id()]);
        let touch = self.touch_policy.map(|policy| [policy.id()]);
        let mut fields = Vec::<(Tag, &[u8]), 7>::new();
        // Five halves and two policies fit seven.
        match self.secret {
            Secret::Rsa {
                p,
                q,
                dp,
                dq,
                q_inverse,
            } => {
                for (tag, half) in RSA.into_iter().zip([p, q, dp, dq, q_inverse]) {
                    let _ = fields.push((tag, half));
                }
            }
            Secret::Ec(scalar) => drop(fields.push((EC, scalar))),
            Secret::Ed25519(seed) => drop(fields.push((ED25519, seed))),
            Secret::X25519(scalar) => drop(fields.push((X25519, scalar))),
        }
        if let Some(policy) = &pin {
            let _ = fields.push((PIN_POLICY, policy));
        }
        if let Some(policy) = &touch {
            let _ = fields.push((TOUCH_POLICY, policy));
        }
        let data = template(None, &fields, data)?;
        let (p1, p2) = (self.algorithm.id(), self.key.id());
        Ok(command(ins::IMPORT_KEY, p1, p2, data))
    }

    /// Reads a command; the status is what the card answers to one that is none.
    pub fn parse(command: &Command<'a>) -> Result<Self, Status> {
        let algorithm = Algorithm::from_id(command.p1).ok_or(Status::IncorrectP1P2)?;
        let key = KeyReference::from_id(command.p2).ok_or(Status::IncorrectP1P2)?;
        let wrong = Status::IncorrectData;
        let mut halves: [&[u8]; 5] = [&[]; 5];
        let (mut other, mut pin_policy, mut touch_policy) = (None, None, None);
        for object in Objects::new(command.data) {
            let object = object.map_err(|_| wrong)?;
            let value = object.value;
            match object.tag {
                PIN_POLICY => pin_policy = Some(policy(value, PinPolicy::from_id)?),
                TOUCH_POLICY => touch_policy = Some(policy(value, TouchPolicy::from_id)?),
                EC => other = Some(Secret::Ec(value)),
                ED25519 => other = Some(Secret::Ed25519(value)),
                X25519 => other = Some(Secret::X25519(value)),
                tag => {
                    let number = RSA.iter().position(|half| *half == tag).ok_or(wrong)?;
                    *halves.get_mut(number).ok_or(wrong)? = value;
                }
            }
        }
        let [p, q, dp, dq, q_inverse] = halves;
        let secret = other.unwrap_or(Secret::Rsa {
            p,
            q,
            dp,
            dq,
            q_inverse,
        });
        if !secret.is_of(algorithm) {
            return Err(wrong);
        }
        Ok(Self {
            key,
            algorithm,
            secret,
            pin_policy,
            touch_policy,
        })
    }
}

impl Secret<'_> {
    /// Whether it is one of this algorithm, by its form and its length.
    #[must_use]
    pub fn is_of(&self, algorithm: Algorithm) -> bool {
        match (*self, algorithm) {
            (
                Self::Rsa {
                    p,
                    q,
                    dp,
                    dq,
                    q_inverse,
                },
                algorithm,
            ) => match algorithm.modulus_len() {
                Some(modulus) => [p, q, dp, dq, q_inverse]
                    .iter()
                    .all(|half| half.len() == modulus >> 1),
                None => false,
            },
            (Self::Ec(scalar), Algorithm::P256) => scalar.len() == 32,
            (Self::Ec(scalar), Algorithm::P384) => scalar.len() == 48,
            (Self::Ed25519(seed), Algorithm::Ed25519) => seed.len() == 32,
            (Self::X25519(scalar), Algorithm::X25519) => scalar.len() == 32,
            _ => false,
        }
    }
}

fn policy<P>(value: &[u8], of: impl FnOnce(u8) -> Option<P>) -> Result<P, Status> {
    match value {
        [id] => of(*id).ok_or(Status::IncorrectData),
        _ => Err(Status::IncorrectData),
    }
}

const RSA: [Tag; 5] = [Tag(0x01), Tag(0x02), Tag(0x03), Tag(0x04), Tag(0x05)];
const EC: Tag = Tag(0x06);
const ED25519: Tag = Tag(0x07);
const X25519: Tag = Tag(0x08);
