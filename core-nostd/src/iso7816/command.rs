//! Command APDUs in all their cases and both their forms. ISO/IEC 7816-4 §5.2.

use super::join;
use core::fmt;

/// Longest data field of the short form, in bytes.
pub const MAX_SHORT_DATA: usize = 255;

/// A command to a card. Its data may be a secret: not shown by `Debug`.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Command<'a> {
    /// Class.
    pub cla: u8,
    /// Instruction.
    pub ins: u8,
    /// First parameter.
    pub p1: u8,
    /// Second parameter.
    pub p2: u8,
    /// At most 65,535 bytes.
    pub data: &'a [u8],
    /// How much may be answered; `None`: nothing.
    pub le: Option<Le>,
}

/// How lengths are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// One byte: 255 bytes of data there, 256 back.
    Short,
    /// Two bytes: 65,535 bytes of data there, 65,536 back.
    Extended,
}

/// Most bytes that may be answered, 1 to 65,536.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Le(u16);

impl Le {
    /// The most that the short form can ask for: 256 bytes.
    pub const SHORT: Self = Self(0xFF);
    /// The most that the extended form can ask for: 65,536 bytes.
    pub const EXTENDED: Self = Self(0xFFFF);

    /// Asks for `bytes`, or for what comes nearest to it.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(u16::try_from(bytes.saturating_sub(1)).unwrap_or(u16::MAX))
    }

    /// How many bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        (self.0 as usize).saturating_add(1)
    }

    pub(super) const fn from_short(byte: u8) -> Self {
        Self(byte.wrapping_sub(1) as u16)
    }

    const fn from_extended(bytes: [u8; 2]) -> Self {
        Self(u16::from_be_bytes(bytes).wrapping_sub(1))
    }

    /// One that the form has no number for becomes the form's greatest.
    const fn short(self) -> [u8; 1] {
        let [_, low] = if self.0 < Self::SHORT.0 {
            self.0.wrapping_add(1).to_be_bytes()
        } else {
            [0; 2]
        };
        [low]
    }

    const fn extended(self) -> [u8; 2] {
        self.0.wrapping_add(1).to_be_bytes()
    }
}

impl Form {
    /// The most that it can ask for.
    #[must_use]
    pub const fn max_le(self) -> Le {
        match self {
            Self::Short => Le::SHORT,
            Self::Extended => Le::EXTENDED,
        }
    }
}

impl<'a> Command<'a> {
    /// Reads one APDU. One with neither data nor Le is called short.
    ///
    /// An extended Lc of 0 before an Le is taken too: several U2F clients send it.
    pub fn parse(apdu: &'a [u8]) -> Result<(Self, Form), CommandError> {
        let wrong = CommandError::WrongLength { len: apdu.len() };
        let (&[cla, ins, p1, p2], body) = apdu.split_first_chunk().ok_or(wrong)?;
        let (form, data, le) = match *body {
            [] => (Form::Short, body, None),
            [le] => (Form::Short, [].as_slice(), Some(Le::from_short(le))),
            [0, _] => return Err(wrong),
            [0, hi, lo] => (
                Form::Extended,
                [].as_slice(),
                Some(Le::from_extended([hi, lo])),
            ),
            [0, hi, lo, ref rest @ ..] => {
                let lc = usize::from(u16::from_be_bytes([hi, lo]));
                let (data, rest) = rest.split_at_checked(lc).ok_or(wrong)?;
                match *rest {
                    [] => (Form::Extended, data, None),
                    [hi, lo] => (Form::Extended, data, Some(Le::from_extended([hi, lo]))),
                    _ => return Err(wrong),
                }
            }
            [lc, ref rest @ ..] => {
                let (data, rest) = rest.split_at_checked(usize::from(lc)).ok_or(wrong)?;
                match *rest {
                    [] => (Form::Short, data, None),
                    [le] => (Form::Short, data, Some(Le::from_short(le))),
                    _ => return Err(wrong),
                }
            }
        };
        let command = Self {
            cla,
            ins,
            p1,
            p2,
            data,
            le,
        };
        Ok((command, form))
    }

    /// Encodes into the front of `buffer`. A form that cannot ask for all of `le` asks for the
    /// most that it can.
    pub fn encode<'b>(&self, form: Form, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        let len = self.data.len();
        let too_long = EncodeError::DataTooLong { form, len };
        let header = [self.cla, self.ins, self.p1, self.p2];
        let (lc_short, lc_extended, le_short, le_extended);
        let (lc, le): (&[u8], &[u8]) = match (form, self.le) {
            (Form::Short, le) => {
                lc_short = [u8::try_from(len).map_err(|_| too_long)?];
                le_short = le.map(Le::short);
                (&lc_short, le_short.as_ref().map_or(&[], |le| le))
            }
            (Form::Extended, le) => {
                let [hi, lo] = u16::try_from(len).map_err(|_| too_long)?.to_be_bytes();
                lc_extended = [0, hi, lo];
                let [hi, lo] = le.map_or([0; 2], Le::extended);
                le_extended = [0, hi, lo];
                // Without an Lc before it, the form shows in a zero of its own.
                let le: &[u8] = match (le, self.data) {
                    (None, _) => &[],
                    (Some(_), []) => &le_extended,
                    (Some(_), _) => le_extended.split_first().map_or(&[], |(_, le)| le),
                };
                (&lc_extended, le)
            }
        };
        let lc = if self.data.is_empty() { &[] } else { lc };
        join(buffer, &[&header, lc, self.data, le]).ok_or(EncodeError::BufferFull)
    }
}

impl fmt::Debug for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cla, ins, p1, p2, ..
        } = self;
        write!(f, "Command({cla:02X} {ins:02X} {p1:02X} {p2:02X}")?;
        write!(f, ", {} bytes", self.data.len())?;
        match self.le {
            Some(le) => write!(f, ", Le {})", le.bytes()),
            None => f.write_str(")"),
        }
    }
}

/// Why bytes are no command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CommandError {
    /// Header, Lc, data and Le do not add up. A card answers 6700.
    WrongLength {
        /// Bytes there are.
        len: usize,
    },
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::WrongLength { len } = self;
        write!(f, "the lengths in a command of {len} bytes do not add up")
    }
}

impl core::error::Error for CommandError {}

/// Why a command was not encoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The form does not carry so much.
    DataTooLong {
        /// The form.
        form: Form,
        /// Bytes of data.
        len: usize,
    },
    /// The buffer is too small.
    BufferFull,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DataTooLong { form, len } => {
                write!(f, "{len} bytes do not fit a command of the form {form:?}")
            }
            Self::BufferFull => f.write_str("the command does not fit the buffer"),
        }
    }
}

impl core::error::Error for EncodeError {}
