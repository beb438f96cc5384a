//! GENERAL AUTHENTICATE: proofs of the admin key, signatures, key agreement. SP 800-73-5 part 2
//! §3.2.4, appendix A.

use super::{Malformed, command, ins};
use crate::iso7816::tlv::{EncodeError, Object, Objects, Tag, template};
use crate::iso7816::{Command, Le, Status};
use heapless::Vec;

/// GENERAL AUTHENTICATE request.
#[expect(missing_debug_implementations, reason = "may hold secrets")]
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Request<'a> {
    /// P1: [`Algorithm::id`](super::Algorithm::id) or
    /// [`Cipher::piv_id`](crate::admin_key::Cipher::piv_id).
    pub algorithm: u8,
    /// P2: [`KeyReference::id`](super::KeyReference::id) or [`ADMIN_KEY`](super::ADMIN_KEY).
    pub key: u8,
    /// 7C
    pub template: Template<'a>,
}

/// Dynamic authentication template. An empty member is asked for.
#[expect(missing_debug_implementations, reason = "may hold secrets")]
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub struct Template<'a> {
    /// 80: a block that proves a key when it is deciphered.
    pub witness: Option<&'a [u8]>,
    /// 82: what was computed.
    pub response: Option<&'a [u8]>,
    /// 81: a block to encipher, or what is to be signed.
    pub challenge: Option<&'a [u8]>,
    /// 85: the other's point, to agree on a key.
    pub exponentiation: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    /// The command, whose data are written to `data`.
    pub fn command<'b>(&self, data: &'b mut [u8]) -> Result<Command<'b>, EncodeError> {
        Ok(Command {
            le: Some(Le::SHORT),
            ..command(
                ins::GENERAL_AUTHENTICATE,
                self.algorithm,
                self.key,
                self.template.encode(data)?,
            )
        })
    }

    /// Reads a command; the status is what the card answers to one that is none.
    pub fn parse(command: &Command<'a>) -> Result<Self, Status> {
        Ok(Self {
            algorithm: command.p1,
            key: command.p2,
            template: Template::parse(command.data).map_err(|Malformed| Status::IncorrectData)?,
        })
    }
}

impl<'a> Template<'a> {
    /// Encodes into the front of `buffer`.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        let members = [
            (WITNESS, self.witness),
            (RESPONSE, self.response),
            (CHALLENGE, self.challenge),
            (EXPONENTIATION, self.exponentiation),
        ];
        let mut fields = Vec::<(Tag, &[u8]), 4>::new();
        for (tag, member) in members {
            if let Some(value) = member {
                // Four members fit four.
                let _ = fields.push((tag, value));
            }
        }
        template(Some(TEMPLATE), &fields, buffer)
    }

    /// Reads a template, of either side.
    pub fn parse(data: &'a [u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(data);
        let (
            Some(Ok(Object {
                tag: TEMPLATE,
                value,
                ..
            })),
            None,
        ) = (objects.next(), objects.next())
        else {
            return Err(Malformed);
        };
        let mut template = Self::default();
        for object in Objects::new(value) {
            let object = object.map_err(|_| Malformed)?;
            let member = match object.tag {
                WITNESS => &mut template.witness,
                RESPONSE => &mut template.response,
                CHALLENGE => &mut template.challenge,
                EXPONENTIATION => &mut template.exponentiation,
                _ => continue,
            };
            if member.replace(object.value).is_some() {
                return Err(Malformed);
            }
        }
        Ok(template)
    }
}

const TEMPLATE: Tag = Tag(0x7C);
const WITNESS: Tag = Tag(0x80);
const CHALLENGE: Tag = Tag(0x81);
const RESPONSE: Tag = Tag(0x82);
const EXPONENTIATION: Tag = Tag(0x85);
