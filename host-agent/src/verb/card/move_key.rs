//! A key leaves its place for a retired one. Yubico's MOVE KEY; SP 800-73-5 part 1 §3.3.3.
//!
//! ```text
//!   key moved ──> certificate copied ──> key history counts it ──> Windows sees it there
//!                                                                           │
//!                              the certificate leaves its old place <───────┘
//! ```
//!
//! Nothing is lost wherever that ends: a certificate whose key has gone on is followed to it.

use std::time::Duration;

use keysteward_core::piv::{
    KeyReference, MAX_OBJECT, ObjectId,
    container_map::encode_records,
    session::{AdminVerified, Error},
    yubico::move_key::Request,
};

use super::{
    AdminProof, certification_request, container, retired, session::PivSession, trouble::not_there,
};
use crate::verb::{Answer, Code, Failure};

pub(super) fn piv(
    session: &mut PivSession<'_, '_>,
    admin: &AdminProof,
    name: &str,
    left: impl Fn() -> Duration + Copy,
) -> Result<Answer, Failure> {
    let from = container::piv(name)?;
    if matches!(from, KeyReference::Retired(_)) {
        return Err(Failure::invalid(
            "container",
            name,
            "9a, 9c, 9d or 9e: a key in a retired place stays there",
        ));
    }
    if !container::piv_tells(session)? {
        return Err(not_there(
            "the card does not tell which of its retired places are free",
        ));
    }
    let certificate = Certificate::read(session, from, name)?;
    let moved = match container::piv_key(session, from)? {
        Some(key) => {
            certification_request::check_certificate(&certificate.spki, &key)?;
            None
        }
        None => Some(follow(session, &certificate, name)?),
    };
    let admin = session.authenticate_admin(&mut admin.prover(left))?;
    let place = match moved {
        Some(place) => place,
        None => go(session, &admin, from, &certificate)?,
    };
    let to = KeyReference::Retired(place);
    if let Err(error) = session.write_object(&admin, to.certificate(), &certificate.content) {
        let failure = Failure::from(error);
        // There is no room for it, say: better where it was than where nobody looks.
        let back = Request {
            from: to,
            to: Some(from),
        };
        return Err(match session.move_key(&admin, back) {
            Ok(()) => failure,
            Err(_) => Failure {
                message: format!(
                    "{}; the key is in {to} and its certificate in {name} still: move it again",
                    failure.message
                ),
                ..failure
            },
        });
    }
    if session.read_object(to.certificate())? != Some(certificate.content.as_slice()) {
        return Err(pretended(to, "its certificate"));
    }
    retired::recount(session, &admin, place)?;
    show(session, &admin, from, to)?;
    session.write_object(&admin, from.certificate(), &[])?;
    Ok(Answer::KeyMoved {
        container: to.to_string(),
    })
}

/// GIDS containers are as many as the card has room for: an old key stays where it is.
pub(super) fn gids() -> Failure {
    not_there("GIDS cards have no places for retired keys; make the next key in another container")
}

/// What goes with the key.
struct Certificate {
    /// Of the data object, as it stands.
    content: Vec<u8>,
    /// SubjectPublicKeyInfo, DER.
    spki: Vec<u8>,
}

impl Certificate {
    fn read(
        session: &mut PivSession<'_, '_>,
        of: KeyReference,
        name: &str,
    ) -> Result<Self, Failure> {
        let content = session.read_object(of.certificate())?.map(<[u8]>::to_vec);
        let content = content.ok_or_else(|| {
            Failure::new(
                Code::ContainerEmpty,
                format!(
                    "the container {name} holds no certificate, without which a retired key is \
                     not found again; write it first, or leave the key where it is"
                ),
            )
        })?;
        let der = container::piv_certificate(session, of)?;
        let spki = certification_request::key_of_certificate(&der)?;
        Ok(Self { content, spki })
    }
}

/// The retired place where the key of this certificate is already.
fn follow(
    session: &mut PivSession<'_, '_>,
    certificate: &Certificate,
    name: &str,
) -> Result<u8, Failure> {
    for place in 0..KeyReference::RETIRED {
        let key = container::piv_key(session, KeyReference::Retired(place))?;
        if key.as_ref() == Some(&certificate.spki) {
            return Ok(place);
        }
    }
    Err(container::empty(name))
}

/// Moves the key alone, and looks whether it is there.
fn go(
    session: &mut PivSession<'_, '_>,
    admin: &AdminVerified,
    from: KeyReference,
    certificate: &Certificate,
) -> Result<u8, Failure> {
    let place = retired::free(session)?;
    let to = KeyReference::Retired(place);
    session.move_key(admin, Request { from, to: Some(to) })?;
    if container::piv_key(session, to)?.as_ref() == Some(&certificate.spki) {
        Ok(place)
    } else {
        Err(pretended(to, "its key"))
    }
}

/// Has Windows see it where it is now. Logon takes the one that comes in its place.
fn show(
    session: &mut PivSession<'_, '_>,
    admin: &AdminVerified,
    from: KeyReference,
    to: KeyReference,
) -> Result<(), Failure> {
    let mut map = session.container_map()?;
    let Some(record) = map.iter_mut().find(|record| record.key == from.id()) else {
        return Ok(());
    };
    record.key = to.id();
    record.set_default(false);
    let mut room = vec![0; MAX_OBJECT];
    let content = encode_records(&map, &mut room)
        .map_err(|_| Failure::new(Code::NoRoom, "the card's container map is too long"))?;
    match session.write_object(admin, ObjectId::CONTAINER_MAP, content) {
        // As it is where a certificate is written: Windows reads many cards without.
        Err(Error::Refused { .. } | Error::Unsupported(_) | Error::Full) => Ok(()),
        written => Ok(written?),
    }
}

fn pretended(to: KeyReference, what: &str) -> Failure {
    Failure::new(
        Code::TokenMalformed,
        format!("the card says that {what} is in {to}, and shows another there, or none"),
    )
}
