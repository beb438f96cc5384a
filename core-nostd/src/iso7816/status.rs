//! Status words. ISO/IEC 7816-4 §5.6.

use core::fmt;

/// How a command ended: SW1 and SW2.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// 9000
    Success,
    /// 61xx: the rest is to be fetched by GET RESPONSE.
    MoreData {
        /// Bytes left; 0 means 256 or more.
        left: u8,
    },
    /// 6282: the file ended before Le bytes.
    EndOfFile,
    /// 6285: the applet or file is terminated.
    Terminated,
    /// 63Cx: the PIN or another secret was wrong.
    VerifyFailed {
        /// Tries left.
        retries: u8,
    },
    /// 6700
    WrongLength,
    /// 6881
    LogicalChannelNotSupported,
    /// 6882
    SecureMessagingNotSupported,
    /// 6883: the last command of a chain was due.
    LastCommandExpected,
    /// 6884
    ChainingNotSupported,
    /// 6982
    SecurityStatusNotSatisfied,
    /// 6983: the secret is blocked.
    AuthenticationBlocked,
    /// 6984
    ReferenceDataNotUsable,
    /// 6985
    ConditionsNotSatisfied,
    /// 6986: no file or applet is selected.
    CommandNotAllowed,
    /// 6A80
    IncorrectData,
    /// 6A81
    FunctionNotSupported,
    /// 6A82: no such file or applet.
    NotFound,
    /// 6A84
    NotEnoughMemory,
    /// 6A86
    IncorrectP1P2,
    /// 6A88: no such key, PIN or data object.
    ReferenceNotFound,
    /// 6B00
    WrongP1P2,
    /// 6Cxx: the same command with this Le succeeds.
    WrongLe {
        /// Bytes there are; 0 means 256.
        exact: u8,
    },
    /// 6D00
    InsNotSupported,
    /// 6E00
    ClaNotSupported,
    /// 6F00
    NoDiagnosis,
    /// Any other, an applet's own among them.
    Other(u16),
}

impl From<u16> for Status {
    fn from(sw: u16) -> Self {
        let [sw1, sw2] = sw.to_be_bytes();
        match (sw1, sw2) {
            (0x90, 0x00) => Self::Success,
            (0x61, left) => Self::MoreData { left },
            (0x62, 0x82) => Self::EndOfFile,
            (0x62, 0x85) => Self::Terminated,
            (0x63, 0xC0..=0xCF) => Self::VerifyFailed {
                retries: sw2 & 0x0F,
            },
            (0x67, 0x00) => Self::WrongLength,
            (0x68, 0x81) => Self::LogicalChannelNotSupported,
            (0x68, 0x82) => Self::SecureMessagingNotSupported,
            (0x68, 0x83) => Self::LastCommandExpected,
            (0x68, 0x84) => Self::ChainingNotSupported,
            (0x69, 0x82) => Self::SecurityStatusNotSatisfied,
            (0x69, 0x83) => Self::AuthenticationBlocked,
            (0x69, 0x84) => Self::ReferenceDataNotUsable,
            (0x69, 0x85) => Self::ConditionsNotSatisfied,
            (0x69, 0x86) => Self::CommandNotAllowed,
            (0x6A, 0x80) => Self::IncorrectData,
            (0x6A, 0x81) => Self::FunctionNotSupported,
            (0x6A, 0x82) => Self::NotFound,
            (0x6A, 0x84) => Self::NotEnoughMemory,
            (0x6A, 0x86) => Self::IncorrectP1P2,
            (0x6A, 0x88) => Self::ReferenceNotFound,
            (0x6B, 0x00) => Self::WrongP1P2,
            (0x6C, exact) => Self::WrongLe { exact },
            (0x6D, 0x00) => Self::InsNotSupported,
            (0x6E, 0x00) => Self::ClaNotSupported,
            (0x6F, 0x00) => Self::NoDiagnosis,
            _ => Self::Other(sw),
        }
    }
}

impl From<Status> for u16 {
    fn from(status: Status) -> Self {
        match status {
            Status::Success => 0x9000,
            Status::MoreData { left } => Self::from_be_bytes([0x61, left]),
            Status::EndOfFile => 0x6282,
            Status::Terminated => 0x6285,
            Status::VerifyFailed { retries } => 0x63C0 | Self::from(retries & 0x0F),
            Status::WrongLength => 0x6700,
            Status::LogicalChannelNotSupported => 0x6881,
            Status::SecureMessagingNotSupported => 0x6882,
            Status::LastCommandExpected => 0x6883,
            Status::ChainingNotSupported => 0x6884,
            Status::SecurityStatusNotSatisfied => 0x6982,
            Status::AuthenticationBlocked => 0x6983,
            Status::ReferenceDataNotUsable => 0x6984,
            Status::ConditionsNotSatisfied => 0x6985,
            Status::CommandNotAllowed => 0x6986,
            Status::IncorrectData => 0x6A80,
            Status::FunctionNotSupported => 0x6A81,
            Status::NotFound => 0x6A82,
            Status::NotEnoughMemory => 0x6A84,
            Status::IncorrectP1P2 => 0x6A86,
            Status::ReferenceNotFound => 0x6A88,
            Status::WrongP1P2 => 0x6B00,
            Status::WrongLe { exact } => Self::from_be_bytes([0x6C, exact]),
            Status::InsNotSupported => 0x6D00,
            Status::ClaNotSupported => 0x6E00,
            Status::NoDiagnosis => 0x6F00,
            Status::Other(sw) => sw,
        }
    }
}

impl Status {
    pub(super) fn bytes(self) -> [u8; 2] {
        u16::from(self).to_be_bytes()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Success => "success",
            Self::MoreData { .. } => "more data are to be fetched",
            Self::EndOfFile => "the file ended early",
            Self::Terminated => "the applet is terminated",
            Self::VerifyFailed { retries: 1 } => "wrong secret, one try is left",
            Self::VerifyFailed { retries } => {
                return write!(f, "wrong secret, {retries} tries are left");
            }
            Self::WrongLength => "wrong length",
            Self::LogicalChannelNotSupported => "the card has no logical channels",
            Self::SecureMessagingNotSupported => "the card has no secure messaging",
            Self::LastCommandExpected => "the card waits for the end of a chain",
            Self::ChainingNotSupported => "the card takes no chains of commands",
            Self::SecurityStatusNotSatisfied => "the card wants an authentication first",
            Self::AuthenticationBlocked => "the secret is blocked",
            Self::ReferenceDataNotUsable => "the secret cannot be used",
            Self::ConditionsNotSatisfied => "the conditions of use are not met",
            Self::CommandNotAllowed => "the command is not allowed now",
            Self::IncorrectData => "the data of the command are wrong",
            Self::FunctionNotSupported => "the card does not have this function",
            Self::NotFound => "no such file or applet",
            Self::NotEnoughMemory => "the card is full",
            Self::IncorrectP1P2 | Self::WrongP1P2 => "wrong parameters",
            Self::ReferenceNotFound => "no such key, PIN or data object",
            Self::WrongLe { .. } => "another length is to be asked for",
            Self::InsNotSupported => "the card does not know this instruction",
            Self::ClaNotSupported => "the card does not know this class",
            Self::NoDiagnosis => "the card failed and does not say why",
            Self::Other(_) => "a status of the applet's own",
        };
        write!(f, "{words} (SW {:04X})", u16::from(*self))
    }
}
