//! GET DATA. SP 800-73-5 part 2 §3.1.2.

use super::{CURRENT, Malformed, ObjectId, command, ins};
use crate::iso7816::tlv::{EncodeError, Objects, Tag, template};
use crate::iso7816::{Command, Le, Status};

/// GET DATA request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Request {
    /// 5C: what to read.
    pub object: ObjectId,
}

impl Request {
    /// The command, whose data are written to `data`.
    pub fn command<'b>(&self, data: &'b mut [u8]) -> Result<Command<'b>, EncodeError> {
        let [p1, p2] = CURRENT;
        let list = self.object.bytes();
        let data = template(None, &[(TAG_LIST, list.as_ref())], data)?;
        Ok(Command {
            le: Some(Le::EXTENDED),
            ..command(ins::GET_DATA, p1, p2, data)
        })
    }

    /// Reads a command; the status is what the card answers to one that is none.
    pub fn parse(command: &Command<'_>) -> Result<Self, Status> {
        if [command.p1, command.p2] != CURRENT {
            return Err(Status::IncorrectP1P2);
        }
        let (object, rest) = object_asked(command.data)?;
        match rest {
            [] => Ok(Self { object }),
            _ => Err(Status::IncorrectData),
        }
    }
}

/// What an object holds, out of the answer.
pub fn response(object: ObjectId, data: &[u8]) -> Result<&[u8], Malformed> {
    let tag = if object.is_bare() {
        Tag(object.0)
    } else {
        WRAPPING
    };
    match Objects::new(data).find(tag) {
        Ok(Some(found)) => Ok(found.value),
        _ => Err(Malformed),
    }
}

/// Encodes an answer into the front of `buffer`: what `object` holds, in its wrapping.
pub fn encode_response<'b>(
    object: ObjectId,
    content: &[u8],
    buffer: &'b mut [u8],
) -> Result<&'b [u8], EncodeError> {
    let tag = if object.is_bare() {
        Tag(object.0)
    } else {
        WRAPPING
    };
    template(None, &[(tag, content)], buffer)
}

/// Splits the tag list off.
pub(super) fn object_asked(data: &[u8]) -> Result<(ObjectId, &[u8]), Status> {
    let mut objects = Objects::new(data);
    let Some(Ok(list)) = objects.next() else {
        return Err(Status::IncorrectData);
    };
    if list.tag != TAG_LIST {
        return Err(Status::IncorrectData);
    }
    let end = list.offset.saturating_add(list.header);
    let end = end.saturating_add(list.value.len());
    let object = ObjectId::parse(list.value).ok_or(Status::IncorrectData)?;
    Ok((object, data.get(end..).unwrap_or_default()))
}

pub(super) const TAG_LIST: Tag = Tag(0x5C);
pub(super) const WRAPPING: Tag = Tag(0x53);
