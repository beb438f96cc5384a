//! SELECT. SP 800-73-5 part 2 §3.1.1.

use super::{AID, command, ins};
use crate::admin_key::Cipher;
use crate::iso7816::tlv::{EncodeError, Error, Objects, Put, Tag, template};
use crate::iso7816::{Command, Le};
use heapless::Vec;

/// The command. The name is the one of 9 bytes: some cards refuse the provider's 5 alone, and some
/// the 11 with a version.
#[must_use]
pub const fn request() -> Command<'static> {
    let select = command(ins::SELECT, BY_NAME, 0x00, &AID);
    Command {
        le: Some(Le::SHORT),
        ..select
    }
}

/// Whether a SELECT of this name means the applet: cut short, but not in the provider's part, or
/// with any version.
#[must_use]
pub fn is_named(aid: &[u8]) -> bool {
    match aid.strip_prefix(&AID) {
        Some(version) => version.len() <= 2,
        None => aid.len() >= PROVIDER && AID.starts_with(aid),
    }
}

/// The application property template.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Properties<'a> {
    /// 4F: the application identifier, at least its last bytes.
    pub aid: &'a [u8],
    /// 50: what kind of card it is, in words.
    pub label: &'a [u8],
    /// AC: identifiers of ciphers and algorithms; empty: the card does not tell.
    pub algorithms: Vec<u8, MAX_ALGORITHMS>,
}

/// Most identifiers that are read; there are not more of them in the standard.
pub const MAX_ALGORITHMS: usize = 24;

impl<'a> Properties<'a> {
    /// Reads an answer. An empty one is taken: some cards answer nothing.
    pub fn parse(data: &'a [u8]) -> Result<Self, Error> {
        let template = match Objects::new(data).find(TEMPLATE)? {
            Some(template) => template.value,
            None => &[],
        };
        let mut properties = Self::default();
        for object in Objects::new(template) {
            let object = object?;
            match object.tag {
                IDENTIFIER => properties.aid = object.value,
                LABEL => properties.label = object.value,
                ALGORITHMS => properties.read_algorithms(object.value)?,
                _ => {}
            }
        }
        Ok(properties)
    }

    /// The ciphers that the card has for its admin key, as it tells.
    pub fn ciphers(&self) -> impl Iterator<Item = Cipher> {
        self.algorithms
            .iter()
            .filter_map(|id| Cipher::from_piv_id(*id))
    }

    /// Encodes into the front of `buffer`.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        let (mut authority, mut list) = ([0; 16], [0; 96]);
        let provider = AID.get(..PROVIDER).unwrap_or_default();
        let authority = template(None, &[(IDENTIFIER, provider)], &mut authority)?;
        let mut put = Put::new(&mut list);
        for id in &self.algorithms {
            put.header(ALGORITHM, 1)?;
            put.bytes(&[*id])?;
        }
        put.bytes(&OBJECT_IDENTIFIER)?;
        let list = put.finish()?;
        let fields = [
            (IDENTIFIER, self.aid),
            (AUTHORITY, authority),
            (LABEL, self.label),
            (ALGORITHMS, list),
        ];
        template(Some(TEMPLATE), &fields, buffer)
    }

    fn read_algorithms(&mut self, list: &[u8]) -> Result<(), Error> {
        for object in Objects::new(list) {
            let object = object?;
            if let (ALGORITHM, [id]) = (object.tag, object.value)
                && !self.algorithms.contains(id)
            {
                // More than there are in the standard are passed over.
                let _ = self.algorithms.push(*id);
            }
        }
        Ok(())
    }
}

const BY_NAME: u8 = 0x04;
/// Bytes of the provider's part of [`AID`].
const PROVIDER: usize = 5;
const TEMPLATE: Tag = Tag(0x61);
const IDENTIFIER: Tag = Tag(0x4F);
const AUTHORITY: Tag = Tag(0x79);
const LABEL: Tag = Tag(0x50);
const ALGORITHMS: Tag = Tag(0xAC);
const ALGORITHM: Tag = Tag(0x80);
/// Object identifier of the list: the standard's own.
const OBJECT_IDENTIFIER: [u8; 3] = [0x06, 0x01, 0x00];
