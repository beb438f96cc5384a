//! What is looked at before an item is read. RFC 8949 §3.
//!
//! minicbor reads: it tells the type, the length of the head and the length of a string. Ours is
//! what it leaves to its callers: to refuse what CTAP2 forbids before anything is read, and to
//! keep text that is not UTF-8.

use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode;
use minicbor::decode::info::Size;

use super::Error;

/// Major type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Major {
    Unsigned,
    Negative,
    Bytes,
    Text,
    Array,
    Map,
    Tag,
    Simple,
}

/// Proof that an item may be read: its head is whole, and neither of indefinite length nor of a
/// reserved form. The only way to a decoder.
#[derive(Clone, Debug)]
pub(super) struct Head<'b> {
    pub(super) major: Major,
    /// Stands at the item.
    pub(super) decoder: Decoder<'b>,
}

impl<'b> Head<'b> {
    /// Looks at the item at `position`.
    pub(super) fn parse(input: &'b [u8], position: usize) -> Result<Self, Error> {
        let mut decoder = Decoder::new(input);
        decoder.set_position(position);
        let datatype = decoder.datatype();
        let major = match datatype.map_err(|_| Error::EndOfInput { position })? {
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => Major::Unsigned,
            Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => Major::Negative,
            Type::Bytes => Major::Bytes,
            Type::String => Major::Text,
            Type::Array => Major::Array,
            Type::Map => Major::Map,
            Type::Tag => Major::Tag,
            Type::Bool
            | Type::Null
            | Type::Undefined
            | Type::Simple
            | Type::F16
            | Type::F32
            | Type::F64 => Major::Simple,
            Type::BytesIndef
            | Type::StringIndef
            | Type::ArrayIndef
            | Type::MapIndef
            | Type::Break
            | Type::Unknown(_) => return Err(Error::Malformed { position }),
        };
        let (head, _) = split(&decoder).map_err(|_| Error::EndOfInput { position })?;
        // RFC 8949 §3.3: simple values below 32 have no two-byte form.
        if matches!(head, [0xf8, 0..32]) {
            return Err(Error::Malformed { position });
        }
        Ok(Self { major, decoder })
    }
}

/// Reads the bytes of a text, UTF-8 or not: [`Decoder::str`] keeps to itself those that are not.
pub(super) fn text_bytes<'b>(decoder: &mut Decoder<'b>) -> Result<&'b [u8], decode::Error> {
    let (head, rest) = split(decoder)?;
    let Size::Bytes(length) = Size::tail(head)? else {
        return Err(decode::Error::type_mismatch(decoder.datatype()?));
    };
    let (text, rest) = usize::try_from(length)
        .ok()
        .and_then(|length| rest.split_at_checked(length))
        .ok_or_else(decode::Error::end_of_input)?;
    decoder.set_position(decoder.input().len().saturating_sub(rest.len()));
    Ok(text)
}

/// The head of the item at which `decoder` stands, and all that follows.
fn split<'b>(decoder: &Decoder<'b>) -> Result<(&'b [u8], &'b [u8]), decode::Error> {
    let rest = decoder.input().get(decoder.position()..);
    let rest = rest.unwrap_or_default();
    let &initial = rest.first().ok_or_else(decode::Error::end_of_input)?;
    rest.split_at_checked(Size::head(initial)?)
        .ok_or_else(decode::Error::end_of_input)
}
