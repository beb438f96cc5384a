//! Format `android-key`: a certificate for the credential's own key, with what the
//! hardware says of it. WebAuthn Level 3 §8.4; the schema is Android's key
//! attestation, of Keymaster (versions 1 to 4, 41) and of KeyMint (100 to 400),
//! which differ only in members that are not looked at here.
//!
//! The standard lets a relying party look at what software enforces too. We do
//! not: what an operating system says of itself is no proof against it.

use super::{Evidence, Signed, verify};
use crate::attestation::{
    Refusal,
    certificate::{Certificate, Chain},
};
use keysteward_core::{
    cbor::Raw,
    webauthn::attestation::{ANDROID_KEY, Statement},
};
use thiserror::Error;
use x509_parser::asn1_rs::{Any, Class, FromDer as _, Oid, Tag, oid};

/// Why an `android-key` attestation proves nothing.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum AndroidKeyFault {
    #[error("has no key description (1.3.6.1.4.1.11129.2.1.17) in its certificate")]
    NoDescription,
    #[error("has a key description that is not readable")]
    DescriptionUnreadable,
    #[error("certifies another key than the credential's")]
    OtherKey,
    #[error("was made for another challenge")]
    OtherChallenge,
    #[error("is for a key that every application may use")]
    AllApplications,
    #[error("is not for a key that the hardware generated, as far as the hardware says")]
    NotGenerated,
    #[error("is not for a key that signs, as far as the hardware says")]
    NotForSigning,
}

pub(super) fn evidence<'a>(
    att_stmt: Raw<'a>,
    signed: &Signed<'_>,
) -> Result<Evidence<'a>, Refusal> {
    let statement = Statement::parse(ANDROID_KEY, att_stmt).map_err(Refusal::Statement)?;
    let Statement::AndroidKey { alg, sig, x5c } = statement else {
        return Err(Refusal::Withdrawn {
            what: "ECDAA (format android-key with ecdaaKeyId)",
        });
    };
    let chain = Chain::read(x5c)?;
    let key = chain.leaf.key()?;
    verify(&key, alg, &signed.message(), sig)?;
    if !signed.is_of_credential(&key) {
        return Err(Refusal::AndroidKey(AndroidKeyFault::OtherKey));
    }
    check_description(&chain.leaf, signed.client_data_hash)?;
    Ok(Evidence::Certified {
        chain,
        types: &["basic_full", "attca"],
        serial: None,
    })
}

fn check_description(certificate: &Certificate<'_>, challenge: &[u8; 32]) -> Result<(), Refusal> {
    let fault = |fault| Err(Refusal::AndroidKey(fault));
    let Some(extension) = certificate.extension(&KEY_DESCRIPTION)? else {
        return fault(AndroidKeyFault::NoDescription);
    };
    let Some(description) = KeyDescription::read(extension.value) else {
        return fault(AndroidKeyFault::DescriptionUnreadable);
    };
    let KeyDescription {
        software, hardware, ..
    } = &description;
    if description.challenge != challenge.as_slice() {
        fault(AndroidKeyFault::OtherChallenge)
    } else if software.all_applications || hardware.all_applications {
        fault(AndroidKeyFault::AllApplications)
    } else if hardware.origin != Some(GENERATED) {
        fault(AndroidKeyFault::NotGenerated)
    } else if !hardware.purposes.contains(&SIGN) {
        fault(AndroidKeyFault::NotForSigning)
    } else {
        Ok(())
    }
}

/// KeyDescription ::= SEQUENCE { attestationVersion, attestationSecurityLevel,
/// keymasterVersion, keymasterSecurityLevel, attestationChallenge, uniqueId,
/// softwareEnforced, hardwareEnforced }
struct KeyDescription<'a> {
    challenge: &'a [u8],
    software: AuthorizationList,
    hardware: AuthorizationList,
}

impl<'a> KeyDescription<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let members = members(whole(der, Tag::Sequence)?)?;
        let [_, _, _, _, challenge, _, software, hardware, ..] = members.as_slice() else {
            return None;
        };
        Some(Self {
            challenge: of(challenge, Tag::OctetString)?,
            software: AuthorizationList::read(of(software, Tag::Sequence)?)?,
            hardware: AuthorizationList::read(of(hardware, Tag::Sequence)?)?,
        })
    }
}

/// What is looked at of it; each member has an explicit tag of its own.
#[derive(Default)]
struct AuthorizationList {
    purposes: Vec<u8>,
    all_applications: bool,
    origin: Option<u8>,
}

impl AuthorizationList {
    fn read(der: &[u8]) -> Option<Self> {
        let mut list = Self::default();
        for member in members(der)? {
            if member.class() != Class::ContextSpecific {
                return None;
            }
            match member.tag() {
                PURPOSE => {
                    for purpose in members(whole(member.data, Tag::Set)?)? {
                        list.purposes.extend(small(of(&purpose, Tag::Integer)?));
                    }
                }
                ALL_APPLICATIONS => list.all_applications = true,
                ORIGIN => list.origin = small(whole(member.data, Tag::Integer)?),
                _ => {}
            }
        }
        Some(list)
    }
}

/// The content of the one element that `der` is.
fn whole(der: &[u8], tag: Tag) -> Option<&[u8]> {
    let (rest, any) = Any::from_der(der).ok()?;
    rest.is_empty().then_some(())?;
    of(&any, tag)
}

fn of<'a>(any: &Any<'a>, tag: Tag) -> Option<&'a [u8]> {
    (any.class() == Class::Universal && any.tag() == tag).then_some(any.data)
}

fn members(mut der: &[u8]) -> Option<Vec<Any<'_>>> {
    let mut members = Vec::new();
    while !der.is_empty() {
        let (rest, any) = Any::from_der(der).ok()?;
        members.push(any);
        der = rest;
    }
    Some(members)
}

/// An integer of one byte; every one that is looked for is.
fn small(content: &[u8]) -> Option<u8> {
    match content {
        [byte] => Some(*byte),
        _ => None,
    }
}

const KEY_DESCRIPTION: Oid<'_> = oid!(1.3.6.1.4.1.11129.2.1.17);
const PURPOSE: Tag = Tag(1);
const ALL_APPLICATIONS: Tag = Tag(600);
const ORIGIN: Tag = Tag(702);
/// KM_ORIGIN_GENERATED
const GENERATED: u8 = 0;
/// KM_PURPOSE_SIGN
const SIGN: u8 = 2;
