//! What is asked of a card, checked. No `Debug`: some of it is secret.

use keysteward_core::admin_key::LocalAdminKey;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::AdminProof;
use crate::verb::Verb;

/// One request.
pub(crate) struct Request {
    /// `None`: the only one that the card has.
    pub(crate) applet: Option<Applet>,
    pub(crate) ask: Ask,
}

/// What is asked.
pub(crate) enum Ask {
    Inspect,
    TryAdminKeys {
        /// In this order; at most four.
        candidates: Vec<AdminProof>,
    },
    ChangeAdminKey {
        current: AdminProof,
        new_key: LocalAdminKey,
    },
    ChangePin {
        reference: PinReference,
        current_pin: CardPin,
        new_pin: CardPin,
    },
    SetPin {
        new_pin: CardPin,
        by: Authority,
    },
    BlockPin {
        reference: PinReference,
    },
    SetPinTries {
        admin: AdminProof,
        pin: CardPin,
        tries: PinTries,
    },
    Personalise {
        admin: Option<AdminProof>,
        /// GUID or cardid.
        card_id: [u8; 16],
        /// For a GIDS card that is not initialised.
        new: Option<NewCard>,
    },
    GenerateKey {
        admin: Option<AdminProof>,
        pin: Option<CardPin>,
        container: String,
        algorithm: KeyAlgorithm,
        pin_policy: Option<PinPolicy>,
        touch_policy: Option<TouchPolicy>,
    },
    SignCertificationRequest {
        pin: Option<CardPin>,
        container: String,
        /// CertificationRequestInfo, DER.
        info: Vec<u8>,
        algorithm: SignatureAlgorithm,
    },
    WriteCertificate {
        admin: Option<AdminProof>,
        pin: Option<CardPin>,
        container: String,
        /// X.509, DER.
        certificate: Vec<u8>,
        is_default: bool,
        /// What a PIV card is to be known by from then on; `None`: as before.
        guid: Option<[u8; 16]>,
    },
    DeleteContainer {
        admin: Option<AdminProof>,
        pin: Option<CardPin>,
        container: String,
    },
    MoveKey {
        admin: AdminProof,
        container: String,
    },
    Reset {
        admin: Option<AdminProof>,
        /// For a GIDS card.
        left_with: Option<LeftWith>,
    },
    GiveChallenge,
    AnswerChallenge {
        response: Zeroizing<[u8; 8]>,
        new_pin: CardPin,
    },
    /// One command APDU; at least its four bytes of header.
    Raw(Zeroizing<Vec<u8>>),
}

impl Request {
    pub(crate) const fn verb(&self) -> Verb {
        match self.ask {
            Ask::Inspect => Verb::InspectCard,
            Ask::TryAdminKeys { .. } => Verb::TryAdminKeys,
            Ask::ChangeAdminKey { .. } => Verb::ChangeAdminKey,
            Ask::ChangePin { .. } => Verb::ChangeCardPin,
            Ask::SetPin { .. } => Verb::SetCardPin,
            Ask::BlockPin { .. } => Verb::BlockCardPin,
            Ask::SetPinTries { .. } => Verb::SetPinTries,
            Ask::Personalise { .. } => Verb::Personalise,
            Ask::GenerateKey { .. } => Verb::GenerateKey,
            Ask::SignCertificationRequest { .. } => Verb::SignCertificationRequest,
            Ask::WriteCertificate { .. } => Verb::WriteCertificate,
            Ask::DeleteContainer { .. } => Verb::DeleteContainer,
            Ask::MoveKey { .. } => Verb::MoveKey,
            Ask::Reset { .. } => Verb::ResetCard,
            Ask::GiveChallenge => Verb::GiveChallenge,
            Ask::AnswerChallenge { .. } => Verb::AnswerChallenge,
            Ask::Raw(_) => Verb::CardRaw,
        }
    }
}

/// An applet that is administered.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Applet {
    /// SP 800-73-5.
    Piv,
    /// Generic identity device specification 2.0.
    Gids,
}

impl Applet {
    /// As `card.proto` spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Piv => "piv",
            Self::Gids => "gids",
        }
    }
}

/// One of the secrets that people type.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum PinReference {
    /// Of the applet.
    Pin,
    /// What sets the PIN anew.
    Puk,
}

impl PinReference {
    /// For people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pin => "PIN",
            Self::Puk => "PUK",
        }
    }
}

/// How many tries each is to have, 1 at least.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct PinTries {
    /// Of the PIN.
    pub pin: u8,
    /// Of the PUK.
    pub puk: u8,
}

/// A PIN or PUK as it was typed, wiped when dropped. What it may be, the applet says.
pub(crate) struct CardPin(Zeroizing<String>);

impl CardPin {
    pub(crate) const fn new(text: Zeroizing<String>) -> Self {
        Self(text)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who may set a PIN without knowing it.
pub(crate) enum Authority {
    Puk(CardPin),
    Admin(AdminProof),
}

/// What a card that is not initialised gets.
pub(crate) struct NewCard {
    pub(crate) pin: CardPin,
    pub(crate) admin_key: LocalAdminKey,
}

/// What a GIDS card is left with: no command makes it blank again.
pub(crate) struct LeftWith {
    pub(crate) pin: CardPin,
    /// cardid
    pub(crate) card_id: [u8; 16],
}

/// Names that `card.proto` spells out, and nothing else.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub(crate) enum $name {
            $($variant,)+
        }

        impl $name {
            /// Every one, as it is spelt.
            pub(crate) const NAMES: &[(&str, Self)] = &[$(($text, Self::$variant),)+];

            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}

named! {
    /// Of a key in a container.
    KeyAlgorithm {
        Rsa2048 = "rsa2048",
        Rsa3072 = "rsa3072",
        Rsa4096 = "rsa4096",
        P256 = "p256",
        P384 = "p384",
        Ed25519 = "ed25519",
        X25519 = "x25519",
    }
}

named! {
    /// When the card wants its PIN before a key is used. PIV alone.
    PinPolicy {
        Never = "never",
        Once = "once",
        Always = "always",
    }
}

named! {
    /// When the card wants a touch before a key is used. PIV alone.
    TouchPolicy {
        Never = "never",
        Always = "always",
        Cached = "cached",
    }
}

named! {
    /// Of a certification request.
    SignatureAlgorithm {
        RsaPkcs1Sha256 = "rsa-pkcs1-sha256",
        EcdsaSha256 = "ecdsa-sha256",
        EcdsaSha384 = "ecdsa-sha384",
        Ed25519 = "ed25519",
    }
}
