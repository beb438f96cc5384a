//! PUT DATA. SP 800-73-5 part 2 §3.3.1.

use super::get_data::{TAG_LIST, WRAPPING, object_asked};
use super::{CURRENT, ObjectId, command, ins};
use crate::iso7816::tlv::{EncodeError, Objects, Tag, template};
use crate::iso7816::{Command, Status};

/// PUT DATA request; wants the admin key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Request<'a> {
    /// 5C: where to.
    pub object: ObjectId,
    /// 53: what it holds from now on; nothing: it is deleted.
    pub content: &'a [u8],
}

impl<'a> Request<'a> {
    /// The command, whose data are written to `data`.
    pub fn command<'b>(&self, data: &'b mut [u8]) -> Result<Command<'b>, EncodeError> {
        let [p1, p2] = CURRENT;
        let list = self.object.bytes();
        let data = if self.object.is_bare() {
            template(None, &[(Tag(self.object.0), self.content)], data)?
        } else {
            let fields = [(TAG_LIST, list.as_ref()), (WRAPPING, self.content)];
            template(None, &fields, data)?
        };
        Ok(command(ins::PUT_DATA, p1, p2, data))
    }

    /// Reads a command; the status is what the card answers to one that is none.
    pub fn parse(command: &Command<'a>) -> Result<Self, Status> {
        if [command.p1, command.p2] != CURRENT {
            return Err(Status::IncorrectP1P2);
        }
        let Some(Ok(first)) = Objects::new(command.data).next() else {
            return Err(Status::IncorrectData);
        };
        let bare = ObjectId(first.tag.0);
        if bare.is_bare() {
            return Ok(Self {
                object: bare,
                content: first.value,
            });
        }
        let (object, rest) = object_asked(command.data)?;
        match Objects::new(rest).next() {
            Some(Ok(found)) if found.tag == WRAPPING => Ok(Self {
                object,
                content: found.value,
            }),
            _ => Err(Status::IncorrectData),
        }
    }
}
