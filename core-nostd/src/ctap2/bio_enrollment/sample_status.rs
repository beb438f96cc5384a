//! lastEnrollSampleStatus. CTAP 2.3 §6.7, member 0x05 of the response.

use core::fmt;

macro_rules! sample_status {
    ($($code:literal $variant:ident $words:literal,)*) => {
        /// What the sensor made of a finger. Whatever it is, the status of the response is OK: a
        /// bad sample is taken again.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum SampleStatus {
            $(
                #[doc = concat!("`", stringify!($code), "`: ", $words, ".")]
                $variant,
            )*
            /// Of a later edition.
            Other(u8),
        }

        impl From<u8> for SampleStatus {
            fn from(code: u8) -> Self {
                match code {
                    $($code => Self::$variant,)*
                    other => Self::Other(other),
                }
            }
        }

        impl From<SampleStatus> for u8 {
            fn from(status: SampleStatus) -> Self {
                match status {
                    $(SampleStatus::$variant => $code,)*
                    SampleStatus::Other(code) => code,
                }
            }
        }

        /// In words for the person whose finger it is.
        impl fmt::Display for SampleStatus {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant => f.write_str($words),)*
                    Self::Other(code) => write!(f, "sample status {code:#04x} of the sensor"),
                }
            }
        }
    };
}

sample_status! {
    0x00 Good "the sample is good",
    0x01 TooHigh "the finger lay too far up",
    0x02 TooLow "the finger lay too far down",
    0x03 TooLeft "the finger lay too far to the left",
    0x04 TooRight "the finger lay too far to the right",
    0x05 TooFast "the finger moved too fast",
    0x06 TooSlow "the finger moved too slowly",
    0x07 PoorQuality "the sample is of poor quality",
    0x08 TooSkewed "the finger lay askew",
    0x09 TooShort "the finger was lifted too soon",
    0x0a MergeFailure "the sample does not fit those before it",
    0x0b Exists "this finger is enrolled already",
    0x0d NoUserActivity "no finger was laid on the sensor",
    0x0e NoUserPresenceTransition "the finger was not lifted after the last sample",
}
