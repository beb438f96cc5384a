//! Writes a certificate beside its key, and so that Windows sees it. SP 800-73-5 part 1 §3.1.3;
//! the minidriver's files.
//!
//! Windows keeps what it read from a PIV card for as long as the card has the same GUID. So the
//! caller may give it another one with the certificate: the caller, because the card is known by it.

use std::time::Duration;

use keysteward_core::{
    gids::{minidriver::certificate::CertificateFile, session::Authority},
    piv::{
        Algorithm, KeyReference,
        certificate::{Certificate, Format},
        container_map::Record,
        session::Error,
    },
};

use super::{
    AdminProof, Ask, CardPin, certification_request as request, compression, container,
    session::{GidsSession, PivSession},
    sign_certification_request::piv_signature,
    trouble::{gids_pin, needed, piv_pin},
};
use crate::verb::{Answer, Code, Failure};

/// Every PIV card has room for a certificate of as many bytes. SP 800-73-5 part 1 table 7.
const ROOM_OF_ALL: usize = 1_856;

/// The certificate, and where it goes.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'w> {
    pub(super) container: &'w str,
    pub(super) certificate: &'w [u8],
    pub(super) is_default: bool,
    /// PIV alone.
    pub(super) guid: Option<&'w [u8; 16]>,
}

impl<'w> Wanted<'w> {
    pub(super) fn of(ask: &'w Ask) -> Option<Self> {
        match ask {
            Ask::WriteCertificate {
                container,
                certificate,
                is_default,
                guid,
                ..
            } => Some(Self {
                container,
                certificate,
                is_default: *is_default,
                guid: guid.as_ref(),
            }),
            _ => None,
        }
    }
}

/// `made_here` is the key of the container as this agent remembers it, for cards that do not tell.
pub(super) fn piv(
    session: &mut PivSession<'_, '_>,
    admin: Option<&AdminProof>,
    pin: Option<&CardPin>,
    wanted: Wanted<'_>,
    made_here: Option<&[u8]>,
    left: impl Fn() -> Duration + Copy,
) -> Result<Answer, Failure> {
    let key = container::piv(wanted.container)?;
    let admin = needed("admin", admin, "a proof of the admin key")?;
    let spki = request::key_of_certificate(wanted.certificate)?;
    match container::piv_key(session, key)? {
        Some(told) => request::check_certificate(&spki, &told)?,
        None if container::piv_tells(session)? => return Err(container::empty(wanted.container)),
        None => prove(session, key, pin, &spki, made_here)?,
    }
    let admin = session.authenticate_admin(&mut admin.prover(left))?;
    let packed = (wanted.certificate.len() > ROOM_OF_ALL)
        .then(|| compression::gzip(wanted.certificate).ok())
        .flatten()
        .filter(|packed| packed.len() < wanted.certificate.len());
    let certificate = match &packed {
        Some(bytes) => Certificate {
            format: Format::Gzip,
            bytes,
        },
        None => Certificate::plain(wanted.certificate),
    };
    if let Some(record) = record(key, &spki, wanted) {
        match session.write_container(&admin, record) {
            // Many cards have no such object, and Windows reads them without.
            Err(Error::Refused { .. } | Error::Unsupported(_) | Error::Full) => {}
            written => written?,
        }
    }
    session.write_certificate(&admin, key, &certificate)?;
    // Last, when there is something new to see: once it is there, all of it is.
    if let Some(guid) = wanted.guid {
        session.renew_guid(&admin, guid)?;
    }
    Ok(Answer::Done)
}

/// A card that does not tell its public keys shows by a signature which one it has; where that
/// needs a PIN that was not given, this agent's memory has to do.
fn prove(
    session: &mut PivSession<'_, '_>,
    key: KeyReference,
    pin: Option<&CardPin>,
    spki: &[u8],
    made_here: Option<&[u8]>,
) -> Result<(), Failure> {
    let (Some(pin), Some(algorithm)) = (pin, request::signature_algorithm(spki)) else {
        return match made_here {
            Some(made) => request::check_certificate(spki, made),
            None => Err(Failure::new(
                Code::NotSupported,
                "the card does not tell which key the container holds, and it was not made by \
                 this agent; give the PIN, so that the key can show itself",
            )),
        };
    };
    let pin = piv_pin("pin", pin)?;
    let info = request::nameless(spki);
    let asked = request::check(&info, spki)?;
    let kind = request::known_algorithm(spki)?;
    let to_sign = asked.to_sign(algorithm, kind)?;
    let signature = piv_signature(session, Some(&pin), key, kind, &to_sign)?;
    if asked.is_signed_by(algorithm, &signature) {
        Ok(())
    } else {
        Err(request::other_certificate())
    }
}

/// What Windows is to see of it; `None`: a key that Windows does not know.
fn record(key: KeyReference, spki: &[u8], wanted: Wanted<'_>) -> Option<Record> {
    let kind = request::known_algorithm(spki).ok()?;
    let algorithm = Algorithm::from_name(kind.as_str())?;
    let [name @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = super::sha256(spki);
    let mut record = Record::new(&name, key, algorithm);
    record.set_default(wanted.is_default);
    let sha1 = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, wanted.certificate);
    record.fingerprint = sha1.as_ref().try_into().ok()?;
    Some(record)
}

pub(super) fn gids(
    session: &mut GidsSession<'_, '_>,
    admin: Option<&AdminProof>,
    pin: Option<&CardPin>,
    wanted: Wanted<'_>,
    left: impl Fn() -> Duration + Copy,
) -> Result<Answer, Failure> {
    let number = container::gids(wanted.container)?;
    if wanted.guid.is_some() {
        return Err(Failure::invalid(
            "guid",
            "16 bytes",
            "nothing: GIDS cards count what is written to them, which Windows sees",
        ));
    }
    let spki = request::key_of_certificate(wanted.certificate)?;
    let told =
        container::gids_key(session, number)?.ok_or_else(|| container::empty(wanted.container))?;
    request::check_certificate(&spki, &told)?;
    let too_long = || Failure::new(Code::NoRoom, "no card has room for a certificate so long");
    let compressed = compression::zlib(wanted.certificate).map_err(|_| too_long())?;
    let file = CertificateFile {
        len: u16::try_from(wanted.certificate.len()).map_err(|_| too_long())?,
        compressed: &compressed,
    };
    by_authority(session, admin, pin, left, |session, by| {
        session.write_certificate(by, number, &file, wanted.is_default)?;
        Ok(())
    })?;
    Ok(Answer::Done)
}

/// Who writes the files of a GIDS card: the user, or the administrator.
pub(super) fn by_authority<'s, 'c>(
    session: &mut GidsSession<'s, 'c>,
    admin: Option<&AdminProof>,
    pin: Option<&CardPin>,
    left: impl Fn() -> Duration + Copy,
    write: impl FnOnce(&mut GidsSession<'s, 'c>, Authority<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    match (pin, admin) {
        (Some(pin), _) => {
            let verified = session.verify_pin(&gids_pin("pin", pin)?)?;
            write(session, Authority::User(&verified))?;
        }
        (None, Some(admin)) => {
            let proven = session.authenticate_admin(&mut admin.prover(left))?;
            write(session, Authority::Admin(&proven))?;
        }
        (None, None) => {
            needed::<CardPin>("pin", None, "the card's PIN, or a proof of its admin key")?;
        }
    }
    session.deauthenticate()?;
    Ok(())
}
