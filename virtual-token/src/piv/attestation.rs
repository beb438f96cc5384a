//! ATTEST: a certificate that says that a key was made on this card, signed by the key F9. Yubico's
//! extension, with the extensions of its certificates; X.509 in DER (RFC 5280 §4.1).
//!
//! Where the factory burned no key F9 in, the card makes one, and a certificate that it signs
//! itself.

use super::key::StoredKey;
use super::keys::MAX_PUBLIC;
use super::{Piv, Primitives, failed, too_long};
use crate::storage::{Change, Failure, Record, Storage, whole};
use keysteward_core::iso7816::Status;
use keysteward_core::iso7816::tlv::{Objects, Tag, encode, template};
use keysteward_core::piv::certificate::Certificate;
use keysteward_core::piv::yubico::attest;
use keysteward_core::piv::{Algorithm, KeyReference, PinPolicy, PublicKey, TouchPolicy};

impl<S: Storage, C: Primitives> Piv<S, C> {
    pub(super) fn attest<'r>(
        &mut self,
        request: attest::Request,
        response: &'r mut [u8],
    ) -> Result<&'r [u8], Status> {
        let key = self.key(request.key)?;
        if !key.generated || request.key == KeyReference::Attestation {
            return Err(Status::IncorrectData);
        }
        let signer = self.key(KeyReference::Attestation)?;
        let mut room = [0; MAX_CERTIFICATE];
        let issuer = whole(&self.storage, CERTIFICATE, &mut room)
            .map_err(failed)?
            .and_then(subject)
            .ok_or(Status::ReferenceNotFound)?;
        self.certificate(&key, &signer, issuer, Some(request.key), response)
    }

    /// A key F9 where there is none.
    pub(super) fn make_attestation_key(&mut self) -> Result<(), Failure> {
        let reference = KeyReference::Attestation;
        if StoredKey::read(&self.storage, reference)?.is_some() {
            return Ok(());
        }
        let policies = (PinPolicy::Never, TouchPolicy::Never);
        let key = StoredKey::made(Algorithm::P256, policies, true, |room| {
            self.crypto.generate(Algorithm::P256, room)
        })
        .map_err(|_| Failure::Medium)?;
        let (mut name, mut der, mut content) = ([0; 64], [0; 600], [0; 640]);
        let content = common_name(b"Keysteward Virtual PIV Attestation", &mut name)
            .and_then(|name| self.certificate(&key, &key, name, None, &mut der))
            .and_then(|der| {
                Certificate::plain(der)
                    .encode(&mut content)
                    .map_err(too_long)
            })
            .map_err(|_| Failure::Medium)?;
        // The certificate first: a key without one would count as made.
        self.storage
            .commit(&[Change::replace(CERTIFICATE, content)])?;
        key.write(&mut self.storage, reference)
    }

    /// A certificate of `key`, signed with `signer`; its own if it is of no other place.
    fn certificate<'r>(
        &mut self,
        key: &StoredKey,
        signer: &StoredKey,
        issuer: &[u8],
        of: Option<KeyReference>,
        response: &'r mut [u8],
    ) -> Result<&'r [u8], Status> {
        let mut number = [0; 16];
        self.crypto
            .random(&mut number)
            .map_err(|_| Status::NoDiagnosis)?;
        // Positive, and in its shortest form.
        if let Some(first) = number.first_mut() {
            *first = (*first & 0x3F) | 0x40;
        }
        let (mut subject, mut info, mut extensions) = ([0; 64], [0; PublicKey::MAX_SPKI], [0; 160]);
        let subject = match of {
            Some(place) => attested_name(place, &mut subject)?,
            None => issuer,
        };
        let mut room = [0; MAX_PUBLIC];
        let spki = self
            .crypto
            .public(key.algorithm, key.private(), &mut room)?
            .spki(&mut info)
            .map_err(too_long)?;
        let extensions = match of {
            Some(_) => self.extensions(key, &mut extensions)?,
            None => authority(&mut extensions)?,
        };
        let mut tbs = [0; MAX_TBS];
        let fields = [
            (Tag(0xA0), &[0x02, 0x01, 0x02][..]),
            (INTEGER, &number),
            (SEQUENCE, &ECDSA_WITH_SHA256),
        ];
        let mut end = template(None, &fields, &mut tbs).map_err(too_long)?.len();
        // Names and public key come as whole objects.
        let mut append = |bytes: &[u8]| {
            let next = end.checked_add(bytes.len())?;
            tbs.get_mut(end..next)?.copy_from_slice(bytes);
            end = next;
            Some(())
        };
        for part in [issuer, &VALIDITY, subject, spki, extensions] {
            append(part).ok_or(Status::NoDiagnosis)?;
        }
        let body = tbs.get(..end).unwrap_or_default();
        let mut signed = [0; MAX_TBS + 8];
        let signed = encode(SEQUENCE, &[body], &mut signed).map_err(too_long)?;
        let digest = self.crypto.sha256(&[signed]);
        let mut room = [0; MAX_PUBLIC];
        let signature = self
            .crypto
            .sign(signer.algorithm, signer.private(), &digest, &mut room)?;
        let (mut algorithm, mut bits) = ([0; 16], [0; 96]);
        let algorithm = encode(SEQUENCE, &[&ECDSA_WITH_SHA256], &mut algorithm);
        let bits = encode(BIT_STRING, &[&[0x00], signature], &mut bits);
        let parts = [
            signed,
            algorithm.map_err(too_long)?,
            bits.map_err(too_long)?,
        ];
        encode(SEQUENCE, &parts, response).map_err(too_long)
    }

    /// What kind of card it is, which one, and when it uses the key.
    fn extensions<'b>(&self, key: &StoredKey, room: &'b mut [u8]) -> Result<&'b [u8], Status> {
        let serial = self.product.serial.to_be_bytes();
        // With a zero in front it is positive, whatever it is.
        let [a, b, c, d] = serial;
        let policies = [key.pin_policy.id(), key.touch_policy.id()];
        let (mut one, mut two, mut three) = ([0; 32], [0; 32], [0; 32]);
        let number = [0x00, a, b, c, d];
        let mut integer = [0; 8];
        let integer = encode(INTEGER, &[shortest(&number)], &mut integer).map_err(too_long)?;
        let all = [
            extension(FIRMWARE, &self.product.version.0, &mut one)?,
            extension(SERIAL, integer, &mut two)?,
            extension(POLICIES, &policies, &mut three)?,
        ];
        extension_list(&all, room)
    }
}

/// Of a certificate in an object's content, the name of whom it is for.
fn subject(content: &[u8]) -> Option<&[u8]> {
    let der = Certificate::parse(content).ok()??.bytes;
    let certificate = Objects::new(der).next()?.ok()?;
    let tbs = Objects::new(certificate.value).next()?.ok()?;
    // Version, number, algorithm, issuer, validity, subject.
    let subject = Objects::new(tbs.value).nth(5)?.ok()?;
    let end = subject
        .offset
        .checked_add(subject.header)?
        .checked_add(subject.value.len())?;
    tbs.value.get(subject.offset..end)
}

fn attested_name(place: KeyReference, room: &mut [u8]) -> Result<&[u8], Status> {
    let id = place.id();
    let mut name = *b"Keysteward PIV Attestation 00";
    let [.., high, low] = &mut name;
    (*high, *low) = (digit(id >> 4), digit(id & 0x0F));
    common_name(&name, room)
}

const fn digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0'.wrapping_add(nibble),
        _ => b'a'.wrapping_sub(10).wrapping_add(nibble),
    }
}

/// A name of nothing but a common name.
fn common_name<'b>(name: &[u8], room: &'b mut [u8]) -> Result<&'b [u8], Status> {
    let (mut one, mut two) = ([0; 64], [0; 64]);
    let attribute = [(OBJECT_IDENTIFIER, &COMMON_NAME[..]), (UTF8_STRING, name)];
    let attribute = template(Some(SEQUENCE), &attribute, &mut one).map_err(too_long)?;
    let set = encode(SET, &[attribute], &mut two).map_err(too_long)?;
    encode(SEQUENCE, &[set], room).map_err(too_long)
}

fn extension<'b>(id: &[u8], value: &[u8], room: &'b mut [u8]) -> Result<&'b [u8], Status> {
    let fields = [(OBJECT_IDENTIFIER, id), (OCTET_STRING, value)];
    template(Some(SEQUENCE), &fields, room).map_err(too_long)
}

/// An authority that vouches for keys, and for no other authority; said to be critical.
fn authority(room: &mut [u8]) -> Result<&[u8], Status> {
    let mut one = [0; 32];
    let fields = [
        (OBJECT_IDENTIFIER, &BASIC_CONSTRAINTS[..]),
        (BOOLEAN, &[0xFF]),
        (OCTET_STRING, &AUTHORITY),
    ];
    let constraints = template(Some(SEQUENCE), &fields, &mut one).map_err(too_long)?;
    extension_list(&[constraints], room)
}

fn extension_list<'b>(all: &[&[u8]], room: &'b mut [u8]) -> Result<&'b [u8], Status> {
    let mut list = [0; 144];
    let list = encode(SEQUENCE, all, &mut list).map_err(too_long)?;
    encode(Tag(0xA3), &[list], room).map_err(too_long)
}

/// A number without zeros in front that its sign does not need.
fn shortest(mut number: &[u8]) -> &[u8] {
    while let [0x00, rest @ ..] = number
        && let [0x00..=0x7F, ..] = rest
    {
        number = rest;
    }
    number
}

/// Of the key F9.
const CERTIFICATE: Record = Record::PivObject(0xFF01);
const MAX_CERTIFICATE: usize = 1024;
const MAX_TBS: usize = 960;
const BOOLEAN: Tag = Tag(0x01);
const INTEGER: Tag = Tag(0x02);
const BIT_STRING: Tag = Tag(0x03);
const OCTET_STRING: Tag = Tag(0x04);
const OBJECT_IDENTIFIER: Tag = Tag(0x06);
const UTF8_STRING: Tag = Tag(0x0C);
const SEQUENCE: Tag = Tag(0x30);
const SET: Tag = Tag(0x31);
/// ecdsa-with-SHA256.
const ECDSA_WITH_SHA256: [u8; 10] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
/// From 2026 on, without an end (RFC 5280 §4.1.2.5).
const VALIDITY: [u8; 34] = *b"\x30\x20\x17\x0D260101000000Z\x18\x0F99991231235959Z";
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
const BASIC_CONSTRAINTS: [u8; 3] = [0x55, 0x1D, 0x13];
/// An authority, of which no other comes between it and keys.
const AUTHORITY: [u8; 8] = [0x30, 0x06, 0x01, 0x01, 0xFF, 0x02, 0x01, 0x00];
/// 1.3.6.1.4.1.41482.3.3, .7 and .8.
const FIRMWARE: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0xC4, 0x0A, 0x03, 0x03];
const SERIAL: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0xC4, 0x0A, 0x03, 0x07];
const POLICIES: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0xC4, 0x0A, 0x03, 0x08];
