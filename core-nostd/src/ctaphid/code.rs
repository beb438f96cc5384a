//! Command and error codes. CTAP 2.3 §11.2.9.

use core::fmt;

/// A CTAPHID command, without the bit that marks an init packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Command {
    /// 0x01: echo.
    Ping,
    /// 0x03: a CTAP1 APDU.
    Msg,
    /// 0x04: keep other channels out for some seconds.
    Lock,
    /// 0x06: allocate or synchronise a channel.
    Init,
    /// 0x08: draw attention.
    Wink,
    /// 0x10: a CTAP2 message.
    Cbor,
    /// 0x11: end the running CTAP2 request.
    Cancel,
    /// 0x3B: still at work.
    Keepalive,
    /// 0x3F: the request was not taken.
    Error,
    /// A later or a vendor's command (0x40 to 0x7F).
    Other(u8),
}

impl Command {
    /// Reads CMD, with or without the bit that marks an init packet.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code & 0x7F {
            0x01 => Self::Ping,
            0x03 => Self::Msg,
            0x04 => Self::Lock,
            0x06 => Self::Init,
            0x08 => Self::Wink,
            0x10 => Self::Cbor,
            0x11 => Self::Cancel,
            0x3B => Self::Keepalive,
            0x3F => Self::Error,
            other => Self::Other(other),
        }
    }
}

impl From<u8> for Command {
    fn from(code: u8) -> Self {
        Self::from_code(code)
    }
}

impl From<Command> for u8 {
    fn from(command: Command) -> Self {
        match command {
            Command::Ping => 0x01,
            Command::Msg => 0x03,
            Command::Lock => 0x04,
            Command::Init => 0x06,
            Command::Wink => 0x08,
            Command::Cbor => 0x10,
            Command::Cancel => 0x11,
            Command::Keepalive => 0x3B,
            Command::Error => 0x3F,
            Command::Other(other) => other & 0x7F,
        }
    }
}

/// Why a token did not take a request. CTAP 2.3 §11.2.9.1.6.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ErrorCode {
    /// 0x01
    InvalidCommand,
    /// 0x02
    InvalidParameter,
    /// 0x03
    InvalidLength,
    /// 0x04
    InvalidSeq,
    /// 0x05: the request did not come in time.
    Timeout,
    /// 0x06: another channel has the token; try again in a moment.
    ChannelBusy,
    /// 0x0A
    LockRequired,
    /// 0x0B: the channel was never allocated, or before the last power-up.
    InvalidChannel,
    /// 0x7F, and what editions to come may add.
    Other(u8),
}

impl From<u8> for ErrorCode {
    fn from(code: u8) -> Self {
        match code {
            0x01 => Self::InvalidCommand,
            0x02 => Self::InvalidParameter,
            0x03 => Self::InvalidLength,
            0x04 => Self::InvalidSeq,
            0x05 => Self::Timeout,
            0x06 => Self::ChannelBusy,
            0x0A => Self::LockRequired,
            0x0B => Self::InvalidChannel,
            other => Self::Other(other),
        }
    }
}

impl From<ErrorCode> for u8 {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::InvalidCommand => 0x01,
            ErrorCode::InvalidParameter => 0x02,
            ErrorCode::InvalidLength => 0x03,
            ErrorCode::InvalidSeq => 0x04,
            ErrorCode::Timeout => 0x05,
            ErrorCode::ChannelBusy => 0x06,
            ErrorCode::LockRequired => 0x0A,
            ErrorCode::InvalidChannel => 0x0B,
            ErrorCode::Other(other) => other,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidCommand => "the token does not know this CTAPHID command",
            Self::InvalidParameter => "a CTAPHID parameter is wrong",
            Self::InvalidLength => "the message is too long for the token",
            Self::InvalidSeq => "packets reached the token out of order",
            Self::Timeout => "the request reached the token too slowly",
            Self::ChannelBusy => "the token is busy with another program; try again",
            Self::LockRequired => "the token wants its channel locked first",
            Self::InvalidChannel => "the token no longer knows this channel",
            Self::Other(code) => return write!(f, "CTAPHID error 0x{code:02X}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_a_round_trip() {
        for code in 0..=0x7F {
            assert_eq!(u8::from(Command::from(code)), code);
        }
        for code in 0..=0xFF {
            assert_eq!(u8::from(ErrorCode::from(code)), code);
        }
    }
}
