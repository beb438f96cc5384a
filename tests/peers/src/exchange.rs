//! The recorded exchanges of two firmwares: what is decoded and encoded in every row.

/// What one firmware was asked and what it answered: the CBOR of each message, without the
/// command or status byte before it. getInfo has no parameters.
pub(crate) struct Exchange {
    pub(crate) firmware: &'static str,
    pub(crate) info: &'static [u8],
    pub(crate) make_request: &'static [u8],
    pub(crate) make_response: &'static [u8],
    pub(crate) get_request: &'static [u8],
    pub(crate) get_response: &'static [u8],
}

/// A message of an exchange.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Message {
    Info,
    MakeRequest,
    MakeResponse,
    GetRequest,
    GetResponse,
}

impl Message {
    pub(crate) const ALL: [Self; 5] = [
        Self::Info,
        Self::MakeRequest,
        Self::MakeResponse,
        Self::GetRequest,
        Self::GetResponse,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Info => "getInfo response",
            Self::MakeRequest => "makeCredential request",
            Self::MakeResponse => "makeCredential response",
            Self::GetRequest => "getAssertion request",
            Self::GetResponse => "getAssertion response",
        }
    }
}

impl Exchange {
    pub(crate) const fn bytes(&self, message: Message) -> &'static [u8] {
        match message {
            Message::Info => self.info,
            Message::MakeRequest => self.make_request,
            Message::MakeResponse => self.make_response,
            Message::GetRequest => self.get_request,
            Message::GetResponse => self.get_response,
        }
    }
}

macro_rules! recorded {
    ($firmware:literal, $message:literal) => {{
        let whole: &'static [u8] = include_bytes!(concat!(
            "../../../core-nostd/tests/vectors/",
            $firmware,
            "_",
            $message,
            ".bin"
        ));
        whole.split_at(1).1
    }};
}

macro_rules! exchange {
    ($firmware:literal) => {
        Exchange {
            firmware: $firmware,
            info: recorded!($firmware, "info_rsp"),
            make_request: recorded!($firmware, "mc_req"),
            make_response: recorded!($firmware, "mc_rsp"),
            get_request: recorded!($firmware, "ga_req"),
            get_response: recorded!($firmware, "ga_rsp"),
        }
    };
}

pub(crate) static EXCHANGES: [Exchange; 2] = [exchange!("opensk"), exchange!("trussed")];
