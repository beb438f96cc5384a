//! Makes a key on the card. SP 800-73-5 part 2 §3.3.2; GIDS 2.0 §7.4.

use std::{ops::ControlFlow, time::Duration};

use keysteward_core::{
    gids::{key_file::KeySize, session::NewContainer},
    iso7816::Status,
    piv::{
        Algorithm, KeyReference, PinPolicy as PivPin, TouchPolicy as PivTouch, generate,
        session::Error,
    },
};

use super::{
    AdminProof, Ask, CardPin, KeyAlgorithm, PinPolicy, TouchPolicy, container,
    session::{GidsSession, PivSession},
    trouble::{gids_pin, needed, not_there},
    watched::Interrupted,
};
use crate::{
    transport::pcsc::PcscError,
    verb::{Answer, Code, Failure},
};

/// What the key is to be.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'w> {
    pub(super) container: &'w str,
    pub(super) algorithm: KeyAlgorithm,
    pub(super) pin_policy: Option<PinPolicy>,
    pub(super) touch_policy: Option<TouchPolicy>,
}

impl<'w> Wanted<'w> {
    pub(super) fn of(ask: &'w Ask) -> Option<Self> {
        match ask {
            Ask::GenerateKey {
                container,
                algorithm,
                pin_policy,
                touch_policy,
                ..
            } => Some(Self {
                container,
                algorithm: *algorithm,
                pin_policy: *pin_policy,
                touch_policy: *touch_policy,
            }),
            _ => None,
        }
    }
}

pub(super) fn piv(
    session: &mut PivSession<'_, '_>,
    admin: Option<&AdminProof>,
    wanted: Wanted<'_>,
    left: impl Fn() -> Duration + Copy,
) -> Result<Answer, Failure> {
    let key = container::piv(wanted.container)?;
    let request = generate::Request {
        key,
        algorithm: Algorithm::from_name(wanted.algorithm.as_str())
            .ok_or_else(|| not_there("PIV has no such keys"))?,
        pin_policy: wanted
            .pin_policy
            .and_then(|policy| PivPin::from_name(policy.as_str())),
        touch_policy: wanted
            .touch_policy
            .and_then(|policy| PivTouch::from_name(policy.as_str())),
    };
    let admin = needed("admin", admin, "a proof of the admin key")?;
    let admin = session.authenticate_admin(&mut admin.prover(left))?;
    let public = session
        .generate(&admin, &request)
        .map_err(|error| refused(error, wanted))?;
    let public_key = container::piv_spki(&public).ok_or_else(unreadable)?;
    // The key is there: a card that does not vouch for it has made it all the same.
    let attestation = session.attest(key).ok().flatten().map(<[u8]>::to_vec);
    let issuer = match &attestation {
        Some(_) => session.read_certificate(KeyReference::Attestation).ok(),
        None => None,
    };
    let issuer = issuer
        .flatten()
        .and_then(|one| container::piv_der(one.format, one.bytes));
    Ok(Answer::KeyGenerated {
        public_key,
        attestation: attestation.unwrap_or_default(),
        attestation_issuer: issuer.unwrap_or_default(),
    })
}

/// Each card knows some algorithms and policies, and which it does not say: what was asked for is
/// well-formed, so wrong data are those that it does not know.
fn refused(error: Error<Interrupted<PcscError>>, wanted: Wanted<'_>) -> Failure {
    let is_unknown = matches!(
        error,
        Error::Unsupported(_)
            | Error::Refused {
                status: Status::IncorrectData | Status::IncorrectP1P2 | Status::WrongP1P2,
                ..
            }
    );
    let failure = Failure::from(error);
    if !is_unknown {
        return failure;
    }
    Failure {
        code: Code::NotSupported,
        message: format!(
            "the card makes no key of {} in {}, or not with these policies; choose another",
            wanted.algorithm.as_str(),
            wanted.container
        ),
        ..failure
    }
}

/// A container that is there gets another key of the same length; one that is not is created, at
/// the first number that is free.
pub(super) fn gids(
    session: &mut GidsSession<'_, '_>,
    pin: Option<&CardPin>,
    wanted: Wanted<'_>,
) -> Result<Answer, Failure> {
    if wanted.pin_policy.is_some() || wanted.touch_policy.is_some() {
        return Err(not_there(
            "GIDS cards have one rule for all keys; leave pin_policy and touch_policy out",
        ));
    }
    let number = container::gids(wanted.container)?;
    let size = match wanted.algorithm {
        KeyAlgorithm::Rsa2048 => KeySize::Rsa2048,
        KeyAlgorithm::Rsa3072 => KeySize::Rsa3072,
        KeyAlgorithm::Rsa4096 => KeySize::Rsa4096,
        other => {
            return Err(Failure::invalid(
                "algorithm",
                other.as_str(),
                "rsa2048, rsa3072 or rsa4096: GIDS cards have RSA alone",
            ));
        }
    };
    let pin = needed("pin", pin, "the card's PIN, which makes its keys")?;
    let pin = gids_pin("pin", pin)?;
    let place = place(session, number)?;
    let verified = session.verify_pin(&pin)?;
    match place {
        Place::Taken(Some(there)) if there == size => session.generate_key(&verified, number)?,
        Place::Taken(there) => {
            let bits = there.map_or("no".to_owned(), |there| there.bits().to_string());
            return Err(Failure::invalid(
                "algorithm",
                wanted.algorithm.as_str(),
                &format!("a key of {bits} bits, as the container has; or delete it first"),
            ));
        }
        Place::Free(free) if free == number => {
            let name = format!("{{{}}}", guid());
            let new = NewContainer {
                name: &name,
                size,
                is_default: false,
            };
            session.create_container(&verified, &new)?;
        }
        Place::Free(free) => {
            return Err(Failure::invalid(
                "container",
                number,
                &format!("one that is there, or {free}, the first number that is free"),
            ));
        }
    }
    session.deauthenticate()?;
    Ok(Answer::KeyGenerated {
        public_key: container::gids_key(session, number)?.ok_or_else(unreadable)?,
        attestation: Vec::new(),
        attestation_issuer: Vec::new(),
    })
}

/// Where a container's number leads.
enum Place {
    Taken(Option<KeySize>),
    /// There is none; this is the first number that is free.
    Free(u8),
}

fn place(session: &mut GidsSession<'_, '_>, number: u8) -> Result<Place, Failure> {
    let mut taken = Vec::new();
    let mut there = None;
    session.containers(&mut |found, container| {
        taken.push(found);
        if found == number {
            there = Some(container.usage.and_then(|usage| usage.size()));
        }
        ControlFlow::Continue(())
    })?;
    Ok(match there {
        Some(size) => Place::Taken(size),
        None => Place::Free(
            (0..=u8::MAX)
                .find(|free| !taken.contains(free))
                .unwrap_or(u8::MAX),
        ),
    })
}

/// RFC 9562 version 4.
fn guid() -> String {
    use rand::RngCore as _;
    let mut bytes = [0; 16];
    rand::rngs::OsRng.fill_bytes(&mut bytes);
    let mut number = u128::from_be_bytes(bytes);
    number = number & !(0xF << 76) | (0x4 << 76);
    number = number & !(0x3 << 62) | (0x2 << 62);
    let hex = format!("{number:032x}");
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32];
    groups
        .map(|group| hex.get(group).unwrap_or_default())
        .join("-")
}

fn unreadable() -> Failure {
    Failure::new(
        Code::TokenMalformed,
        "the card made a key and does not tell its public half",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_of_version_4_and_fits_a_containers_name() {
        let guid = guid();
        assert_eq!(guid.len(), 36);
        assert_eq!(guid.as_bytes()[14], b'4');
        assert!(matches!(guid.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        assert_ne!(guid, self::guid());
    }
}
