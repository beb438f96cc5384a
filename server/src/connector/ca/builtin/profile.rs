//! What the CA inside this server issues: the certificates of a smart card.

use crate::connector::ca::{AlternativeNameKind, FieldName, Profile, ProfileField};
use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose};
use std::collections::BTreeMap;

/// One profile.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    SmartCardLogon,
    ClientAuthentication,
    Signature,
    Encryption,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [
        Self::SmartCardLogon,
        Self::ClientAuthentication,
        Self::Signature,
        Self::Encryption,
    ];

    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::SmartCardLogon => "smart-card-logon",
            Self::ClientAuthentication => "client-authentication",
            Self::Signature => "signature",
            Self::Encryption => "encryption",
        }
    }

    pub(super) fn by_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.id() == id)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::SmartCardLogon => "Smart card logon",
            Self::ClientAuthentication => "Client authentication",
            Self::Signature => "Signature",
            Self::Encryption => "Encryption",
        }
    }

    /// An RSA key enciphers keys; one on a curve agrees on them.
    pub(super) fn key_usages(self, rsa: bool) -> Vec<KeyUsagePurpose> {
        match self {
            Self::SmartCardLogon | Self::ClientAuthentication => {
                vec![KeyUsagePurpose::DigitalSignature]
            }
            Self::Signature => vec![
                KeyUsagePurpose::DigitalSignature,
                KeyUsagePurpose::ContentCommitment,
            ],
            Self::Encryption if rsa => vec![KeyUsagePurpose::KeyEncipherment],
            Self::Encryption => vec![KeyUsagePurpose::KeyAgreement],
        }
    }

    pub(super) fn extended_key_usages(self) -> Vec<ExtendedKeyUsagePurpose> {
        match self {
            Self::SmartCardLogon => vec![
                ExtendedKeyUsagePurpose::ClientAuth,
                ExtendedKeyUsagePurpose::Other(SMART_CARD_LOGON.to_vec()),
            ],
            Self::ClientAuthentication => vec![ExtendedKeyUsagePurpose::ClientAuth],
            Self::Signature | Self::Encryption => vec![ExtendedKeyUsagePurpose::EmailProtection],
        }
    }

    pub(super) fn profile(self, days: u32) -> Profile {
        let field = |name, required| ProfileField { name, required };
        let san = FieldName::AlternativeName;
        let mail_needed = matches!(self, Self::Signature | Self::Encryption);
        let mut fields = vec![
            field(FieldName::Subject("cn".to_owned()), true),
            field(san(AlternativeNameKind::Upn), self == Self::SmartCardLogon),
            field(san(AlternativeNameKind::Mail), mail_needed),
            field(san(AlternativeNameKind::Dns), false),
            field(san(AlternativeNameKind::Uri), false),
        ];
        fields.extend(OPTIONAL.map(|name| field(FieldName::Subject(name.to_owned()), false)));
        Profile {
            id: self.id().to_owned(),
            name: self.name().to_owned(),
            fields,
            takes_request: Some(true),
            properties: BTreeMap::from([("days".to_owned(), days.to_string())]),
        }
    }
}

/// `szOID_KP_SMARTCARD_LOGON`
const SMART_CARD_LOGON: [u64; 10] = [1, 3, 6, 1, 4, 1, 311, 20, 2, 2];
const OPTIONAL: [&str; 9] = [
    "givenName",
    "sn",
    "serialNumber",
    "uid",
    "emailAddress",
    "title",
    "ou",
    "o",
    "c",
];
