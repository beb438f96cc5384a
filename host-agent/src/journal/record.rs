//! One attempt as it stands on disk.

mod version_1;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::JournalError;
use crate::verb::{Answer, Applet, Failure, PinReference, PinTries, Verb};

/// First byte of every value. The postcard behind it never changes its shape: a new shape is a new
/// version, and the old one is still read.
const VERSION: u8 = 2;

/// Names one try of one step of one operation.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct StepKey {
    /// 1 to 128 bytes.
    pub operation_id: String,
    /// 1 to 128 bytes.
    pub step: String,
    /// From 1.
    pub attempt: u32,
}

impl StepKey {
    pub(super) fn as_tuple(&self) -> (&str, &str, u32) {
        (&self.operation_id, &self.step, self.attempt)
    }

    pub(super) fn from_tuple((operation_id, step, attempt): (&str, &str, u32)) -> Self {
        Self {
            operation_id: operation_id.to_owned(),
            step: step.to_owned(),
            attempt,
        }
    }
}

impl fmt::Display for StepKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.operation_id, self.step, self.attempt)
    }
}

/// What is about to be done. On disk before the token sees a byte.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The thing that will be done.
    pub verb: Verb,
    /// Digest of the request without its secret fields.
    pub fingerprint: [u8; 32],
    /// Who asked: "server", or the user at the local socket.
    pub caller: String,
    /// The token that it will be done to.
    pub token: TokenName,
    /// What to compare the token with, should the attempt be cut off.
    pub probe: Probe,
}

/// A token as it can be known again after it was unplugged.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct TokenName {
    /// From plug-in to unplug.
    pub presence_id: String,
    /// USB.
    pub vendor_id: u16,
    /// USB.
    pub product_id: u16,
    /// The vendor's, empty where the link tells none.
    pub serial: String,
    /// Of authenticatorGetInfo; zeros while the token could not be read.
    pub aaguid: [u8; 16],
}

/// How the token stood before, and what will tell whether the attempt changed it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Probe {
    /// Cut off or not, the token's credentials and settings are as before.
    Harmless,
    /// `clientPin` turns true.
    PinSet {
        /// As it was before.
        was_set: bool,
    },
    /// `forcePINChange` turns false; nothing else shows without one of the PINs.
    PinChanged {
        /// As it was before.
        was_forced: bool,
    },
    /// As [`Settings`](Self::Settings), by agents that knew fewer of them.
    Configured {
        /// minPINLength
        min_pin_length: Option<u32>,
        /// forcePINChange
        force_pin_change: bool,
        /// option alwaysUv
        always_uv: Option<bool>,
        /// option ep
        enterprise_attestation: bool,
        /// minPinLengthRPIDs were replaced, which nothing shows.
        rp_ids: bool,
    },
    /// A credential for this user; a list with the PIN shows it.
    Made {
        /// Relying party.
        rp_id: String,
        /// User handle.
        user_id: Vec<u8>,
    },
    /// The credential is gone from a silent look.
    Deleted {
        /// Relying party; empty where nobody knew it.
        rp_id: String,
        /// The credential.
        credential_id: Vec<u8>,
        /// A silent look showed it before; what was hidden then proves nothing by being hidden.
        was_visible: bool,
    },
    /// PIN and credentials are gone.
    Reset {
        /// A PIN was set before; where none was, nothing shows a reset.
        pin_was_set: bool,
    },
    /// The agent does not know what the bytes do.
    Raw {
        /// First byte of the request.
        command: u8,
    },
    // On disk by their place: new ones come last.
    /// getInfo shows every member that was asked for.
    Settings(Settings),
    /// Nothing shows it without a PIN.
    Hidden,
    /// A card, and what about it becomes another.
    Card {
        /// The card as it named itself before.
        card: CardName,
        /// What will show the change.
        mark: Mark,
    },
    /// The agent does not know what the APDU does.
    CardRaw {
        /// Its class, instruction and parameters.
        header: [u8; 4],
    },
}

/// A card as its applet names it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct CardName {
    /// Which applet.
    pub applet: Applet,
    /// GUID or cardid; empty: it has none.
    pub id: Vec<u8>,
    /// 0: it tells none.
    pub serial: u32,
}

/// What shows on a card whether it was changed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Mark {
    /// No tries are left.
    Blocked(PinReference),
    /// It is named so.
    Named {
        /// GUID or cardid.
        id: Vec<u8>,
    },
    /// The container has another key.
    Key {
        /// Which.
        container: String,
        /// SHA-256 of SubjectPublicKeyInfo; `None`: it had no key, or did not tell.
        before: Option<[u8; 32]>,
        /// Whether the card tells public keys at all.
        tells: bool,
    },
    /// The container has this certificate.
    Certificate {
        /// Which.
        container: String,
        /// Of the DER.
        sha256: [u8; 32],
    },
    /// The container has no certificate, and no key where the card deletes keys.
    Empty {
        /// Which.
        container: String,
        /// It had a certificate; where it had none, nothing shows the deletion.
        had_certificate: bool,
    },
    /// The applet has lost its name and what its containers held.
    Erased {
        /// Containers that held something.
        containers: u32,
    },
    /// PIN and PUK have as many tries, and are those of the factory.
    Tries(PinTries),
    /// The container has this certificate, and the card this name.
    CertificateAndGuid {
        /// Which.
        container: String,
        /// Of the DER.
        sha256: [u8; 32],
        /// Written after it.
        guid: [u8; 16],
    },
    /// A GIDS card is as its initialisation left it, but for its name and its PIN.
    Restored {
        /// The name that it gets.
        card_id: [u8; 16],
        /// Changes of containers that it had counted. Another one is counted first of all.
        counted: u32,
        /// The PIN had no try left: it has all once it is set, last of all, and by nothing else.
        was_blocked: bool,
    },
    /// The container is empty, and a retired one has its certificate.
    Moved {
        /// Which.
        container: String,
        /// Of the DER.
        sha256: [u8; 32],
    },
}

/// What was asked of authenticatorConfig; what is absent was not.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// minPINLength
    pub min_pin_length: Option<u32>,
    /// forcePINChange
    pub force_pin_change: bool,
    /// option alwaysUv
    pub always_uv: Option<bool>,
    /// option ep
    pub enterprise_attestation: bool,
    /// minPinLengthRPIDs were replaced, which nothing shows.
    pub rp_ids: bool,
    /// longTouchForReset
    pub long_touch_for_reset: bool,
    /// pinComplexityPolicy
    pub pin_complexity_policy: Option<bool>,
}

impl Probe {
    /// The settings that were asked for, whoever wrote them down.
    #[must_use]
    pub fn settings(&self) -> Option<Settings> {
        match self {
            Self::Settings(settings) => Some(settings.clone()),
            &Self::Configured {
                min_pin_length,
                force_pin_change,
                always_uv,
                enterprise_attestation,
                rp_ids,
            } => Some(Settings {
                min_pin_length,
                force_pin_change,
                always_uv,
                enterprise_attestation,
                rp_ids,
                ..Settings::default()
            }),
            _ => None,
        }
    }
}

/// Where an attempt stands.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum State {
    /// A person was asked to do something first; the token has seen nothing of it.
    Waiting,
    /// The token may have seen it.
    Started,
    /// It was done.
    Done(Answer),
    /// It was not done.
    Failed(Failure),
    /// It was cut off, and a look at the token could not tell.
    Unknown {
        /// Why not, and what can be done about it.
        explanation: String,
    },
}

impl State {
    /// Whether this is its last state.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        !matches!(self, Self::Waiting | Self::Started)
    }
}

/// One attempt.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What was to be done.
    pub intent: Intent,
    /// How far it came.
    pub state: State,
    /// Microseconds since 1970.
    pub started_at_us: i64,
    /// 0: not yet.
    pub ended_at_us: i64,
    /// 0: not yet.
    pub acknowledged_at_us: i64,
}

impl Record {
    pub(super) fn encode(&self) -> Result<Vec<u8>, JournalError> {
        let bytes = vec![VERSION];
        Ok(postcard::to_extend(self, bytes)?)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, JournalError> {
        match bytes.split_first() {
            Some((&VERSION, body)) => Ok(postcard::from_bytes(body)?),
            Some((1, body)) => Ok(postcard::from_bytes::<version_1::RecordOne>(body)?.into()),
            Some((&version, _)) => Err(JournalError::Version { version }),
            None => Err(JournalError::Damaged(
                postcard::Error::DeserializeUnexpectedEnd,
            )),
        }
    }
}
