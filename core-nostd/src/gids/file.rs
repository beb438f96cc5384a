//! Files of data objects: created, activated, selected, deleted; and who may do what to a file.
//! GIDS 2.0; ISO/IEC 7816-9.

use super::{command, key_file, required, required_byte, unreadable};
use crate::der::{Item, encode};
use crate::iso7816::tlv::{EncodeError, Objects, Tag};
use crate::iso7816::{Command, Status};

/// Names a file.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FileId(pub u16);

impl FileId {
    /// The applet itself.
    pub const APPLICATION: Self = Self(0x3FFF);
    /// Which files there are, in words of the minidriver.
    pub const DIRECTORY: Self = Self(0xA000);
    /// Everybody reads, the user writes.
    pub const USER_WRITES: Self = Self(0xA010);
    /// Nobody reads, the user writes.
    pub const USER_EXECUTES: Self = Self(0xA011);
    /// Everybody reads, the administrator writes.
    pub const ADMIN_WRITES: Self = Self(0xA012);
    /// The user reads and writes.
    pub const USER_ONLY: Self = Self(0xA013);
    /// The administrator reads and writes.
    pub const ADMIN_ONLY: Self = Self(0xA014);
}

/// Who may do something. One byte; the bits that GIDS has for readers without contacts are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Access(pub u8);

impl Access {
    /// Everybody.
    pub const ALWAYS: Self = Self(0x00);
    /// Who verified the PIN.
    pub const USER: Self = Self(0x10);
    /// Who proved the admin key.
    pub const ADMIN: Self = Self(0x20);
    /// Either of them.
    pub const USER_OR_ADMIN: Self = Self(0x30);
    /// Nobody.
    pub const NEVER: Self = Self(0xFF);

    /// Whether one of whom this is known may do it.
    #[must_use]
    pub const fn permits(self, user: bool, admin: bool) -> bool {
        match self {
            Self::ALWAYS => true,
            Self::NEVER => false,
            // All of the conditions, and not one of them.
            Self(rule) if rule & EVERY != 0 => {
                (rule & Self::USER.0 == 0 || user)
                    && (rule & Self::ADMIN.0 == 0 || admin)
                    && rule & Self::USER_OR_ADMIN.0 != 0
            }
            Self(rule) => {
                (rule & Self::USER.0 != 0 && user) || (rule & Self::ADMIN.0 != 0 && admin)
            }
        }
    }
}

const EVERY: u8 = 0x80;

/// CREATE FILE. The file can be used once it is activated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CreateFile {
    /// For data objects.
    Objects(ObjectFile),
    /// For a key.
    Key(key_file::KeyFile),
}

/// A file for data objects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ObjectFile {
    /// Its name.
    pub id: FileId,
    /// Who writes its objects.
    pub write: Access,
    /// Who reads them.
    pub read: Access,
}

impl ObjectFile {
    /// The files of every GIDS card, in the order in which they are created.
    pub const ALL: [Self; 6] = [
        Self::new(FileId::DIRECTORY, Access::USER_OR_ADMIN, Access::ALWAYS),
        Self::new(FileId::USER_WRITES, Access::USER_OR_ADMIN, Access::ALWAYS),
        Self::new(FileId::USER_EXECUTES, Access::USER_OR_ADMIN, Access::NEVER),
        Self::new(FileId::ADMIN_WRITES, Access::ADMIN, Access::ALWAYS),
        Self::new(
            FileId::USER_ONLY,
            Access::USER_OR_ADMIN,
            Access::USER_OR_ADMIN,
        ),
        Self::new(FileId::ADMIN_ONLY, Access::ADMIN, Access::ADMIN),
    ];

    const fn new(id: FileId, write: Access, read: Access) -> Self {
        Self { id, write, read }
    }
}

impl CreateFile {
    /// The file's name.
    #[must_use]
    pub const fn id(&self) -> FileId {
        match self {
            Self::Objects(file) => file.id,
            Self::Key(file) => file.key.file(),
        }
    }

    /// The command, whose data are written to `buffer`, at most 80 bytes.
    pub fn command<'b>(&self, buffer: &'b mut [u8]) -> Result<Command<'b>, EncodeError> {
        let data = match self {
            Self::Objects(file) => {
                let id = file.id.0.to_be_bytes();
                let rules = [READ_AND_WRITE, file.write.0, file.read.0];
                let parameters = [
                    Item::Value(DESCRIPTOR, &[OBJECTS]),
                    Item::Value(IDENTIFIER, &id),
                    Item::Value(SECURITY, &rules),
                ];
                encode(&[Item::Template(PARAMETERS, &parameters)], buffer)?
            }
            Self::Key(file) => file.encode(buffer)?,
        };
        Ok(command(CREATE, 0x00, 0x00, data, None))
    }

    /// Reads a command.
    pub fn parse(command: &Command<'_>) -> Result<Self, Status> {
        if command.ins != CREATE {
            return Err(Status::InsNotSupported);
        }
        let parameters = required(command.data, PARAMETERS).map_err(unreadable)?;
        let id = required(parameters, IDENTIFIER).map_err(unreadable)?;
        let id = FileId(u16::from_be_bytes(
            id.try_into().map_err(|_| Status::IncorrectData)?,
        ));
        let rules = required(parameters, SECURITY).map_err(unreadable)?;
        match required_byte(parameters, DESCRIPTOR).map_err(unreadable)? {
            OBJECTS => Ok(Self::Objects(ObjectFile {
                id,
                write: rule(rules, 0x02)?,
                read: rule(rules, 0x01)?,
            })),
            key_file::DESCRIPTOR => {
                let key = key_file::KeyFile::parse(id, rules, parameters)?;
                Ok(Self::Key(key))
            }
            _ => Err(Status::FunctionNotSupported),
        }
    }
}

/// ACTIVATE FILE: the one that is selected, which one just created is. From then on its rules hold;
/// when it is the applet, the rules of all.
#[must_use]
pub const fn activate() -> Command<'static> {
    command(ACTIVATE, 0x00, 0x00, &[], None)
}

/// SELECT of a file, by its name, which is written to `data`.
pub const fn select(id: FileId, data: &mut [u8; 2]) -> Command<'_> {
    *data = id.0.to_be_bytes();
    command(SELECT, 0x00, WITHOUT_ANSWER, data, None)
}

/// DELETE FILE: the one that is selected.
#[must_use]
pub const fn delete() -> Command<'static> {
    command(DELETE, 0x00, 0x00, &[], None)
}

/// What a SELECT by file name, which is no [`select`](super::select::select), is about.
pub fn parse_select(command: &Command<'_>) -> Result<FileId, Status> {
    match (command.p1, command.data) {
        (0x00, &[high, low]) => Ok(FileId(u16::from_be_bytes([high, low]))),
        (0x00, _) => Err(Status::WrongLength),
        _ => Err(Status::IncorrectP1P2),
    }
}

/// The rule for what has this bit in the access mode byte, with which security attributes in the
/// compact form begin. ISO/IEC 7816-4 §5.4.3.1.
pub(super) fn rule(rules: &[u8], bit: u8) -> Result<Access, Status> {
    let (&mode, bytes) = rules.split_first().ok_or(Status::IncorrectData)?;
    if mode & bit == 0 {
        return Ok(Access::ALWAYS);
    }
    // One byte for each bit that is set, the highest bit first; the topmost has none.
    let mut at: usize = 0;
    let mut higher = 0x40;
    while higher > bit {
        at = at.saturating_add(usize::from(mode & higher != 0));
        higher >>= 1;
    }
    bytes
        .get(at)
        .map(|byte| Access(*byte))
        .ok_or(Status::IncorrectData)
}

/// Tag and value of each object inside the one of this tag.
pub(super) fn templates<'a>(
    parameters: &'a [u8],
    tag: u32,
) -> impl Iterator<Item = Result<(Tag, &'a [u8]), Status>> + use<'a> {
    let found = Objects::new(parameters).find(Tag(tag)).ok().flatten();
    let inside = found.map_or(&[][..], |object| object.value);
    Objects::new(inside).map(|object| {
        object
            .map(|object| (object.tag, object.value))
            .map_err(|_| Status::IncorrectData)
    })
}

const CREATE: u8 = 0xE0;
const ACTIVATE: u8 = 0x44;
const DELETE: u8 = 0xE4;
const SELECT: u8 = 0xA4;
/// P2: no file control information is wanted.
const WITHOUT_ANSWER: u8 = 0x0C;
/// File control parameters.
pub(super) const PARAMETERS: u32 = 0x62;
/// File descriptor byte.
pub(super) const DESCRIPTOR: u32 = 0x82;
/// File identifier.
pub(super) const IDENTIFIER: u32 = 0x83;
/// Security attributes in the compact form.
pub(super) const SECURITY: u32 = 0x8C;
/// BER-TLV structure.
const OBJECTS: u8 = 0x39;
/// Access mode byte: read binary and update binary, here GET DATA and PUT DATA.
const READ_AND_WRITE: u8 = 0x03;
