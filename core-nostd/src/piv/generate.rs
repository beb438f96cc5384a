//! GENERATE ASYMMETRIC KEY PAIR. SP 800-73-5 part 2 §3.3.2; policies are Yubico's.

use super::policy::{PIN_POLICY, TOUCH_POLICY};
use super::{Algorithm, KeyReference, PinPolicy, TouchPolicy, command, ins};
use crate::iso7816::tlv::{EncodeError, Objects, Tag, template};
use crate::iso7816::{Command, Le, Status};
use heapless::Vec;

/// GENERATE ASYMMETRIC KEY PAIR request; wants the admin key. Answered by a
/// [`PublicKey`](super::PublicKey).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Request {
    /// P2: where to.
    pub key: KeyReference,
    /// 80
    pub algorithm: Algorithm,
    /// AA; `None`: the card's own.
    pub pin_policy: Option<PinPolicy>,
    /// AB; `None`: the card's own.
    pub touch_policy: Option<TouchPolicy>,
}

impl Request {
    /// The command, whose data are written to `data`.
    pub fn command<'b>(&self, data: &'b mut [u8]) -> Result<Command<'b>, EncodeError> {
        let algorithm = [self.algorithm.id()];
        let pin = self.pin_policy.map(|policy| [policy.id()]);
        let touch = self.touch_policy.map(|policy| [policy.id()]);
        let mut fields = Vec::<(Tag, &[u8]), 3>::new();
        // Three members fit three.
        let _ = fields.push((ALGORITHM, &algorithm));
        if let Some(policy) = &pin {
            let _ = fields.push((PIN_POLICY, policy));
        }
        if let Some(policy) = &touch {
            let _ = fields.push((TOUCH_POLICY, policy));
        }
        let data = template(Some(CONTROL), &fields, data)?;
        Ok(Command {
            le: Some(Le::SHORT),
            ..command(ins::GENERATE, 0x00, self.key.id(), data)
        })
    }

    /// Reads a command; the status is what the card answers to one that is none.
    pub fn parse(command: &Command<'_>) -> Result<Self, Status> {
        let key = match (command.p1, KeyReference::from_id(command.p2)) {
            (0x00, Some(key)) => key,
            _ => return Err(Status::IncorrectP1P2),
        };
        let wrong = Status::IncorrectData;
        let control = match Objects::new(command.data).next() {
            Some(Ok(object)) if object.tag == CONTROL => object.value,
            _ => return Err(wrong),
        };
        let (mut algorithm, mut pin_policy, mut touch_policy) = (None, None, None);
        for object in Objects::new(control) {
            match object.map(|object| (object.tag, object.value)) {
                Ok((ALGORITHM, [id])) => algorithm = Algorithm::from_id(*id),
                Ok((PIN_POLICY, [id])) => pin_policy = Some(PinPolicy::from_id(*id).ok_or(wrong)?),
                Ok((TOUCH_POLICY, [id])) => {
                    touch_policy = Some(TouchPolicy::from_id(*id).ok_or(wrong)?);
                }
                _ => return Err(wrong),
            }
        }
        Ok(Self {
            key,
            algorithm: algorithm.ok_or(wrong)?,
            pin_policy,
            touch_policy,
        })
    }
}

const CONTROL: Tag = Tag(0xAC);
const ALGORITHM: Tag = Tag(0x80);
