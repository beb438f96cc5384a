//! Fingers: the sensor, enrolling, listing, renaming and removing. CTAP 2.3 §6.7.

use std::ops::ControlFlow;

use keysteward_core::{
    ctap2::{bio_enrollment::FingerprintKind, client_pin::Permissions},
    pin_protocol::PinUvAuthToken,
    session::Feature,
};

use super::{
    Answer, Failure, Fingerprint,
    conduct::TokenSession,
    progress::{Teller, Waiting},
    trouble::SessionError,
    verification::Verifier,
};

pub(super) fn describe_sensor(session: &mut TokenSession<'_, '_>) -> Result<Answer, Failure> {
    let sensor = session.fingerprint_sensor()?;
    Ok(Answer::FingerprintSensor {
        is_swiped: match sensor.kind {
            Some(FingerprintKind::Touch) => Some(false),
            Some(FingerprintKind::Swipe) => Some(true),
            _ => None,
        },
        max_samples: sensor
            .max_capture_samples_required_for_enroll
            .unwrap_or_default(),
        max_name_length: sensor.max_template_friendly_name.unwrap_or_default(),
    })
}

pub(super) fn list(
    session: &mut TokenSession<'_, '_>,
    verifier: &Verifier<'_>,
) -> Result<Answer, Failure> {
    let token = token(session, verifier)?;
    let mut fingerprints = Vec::new();
    session.fingerprints(&token, &mut |template| {
        fingerprints.push(Fingerprint {
            template_id: template.template_id.to_vec(),
            name: template.template_friendly_name.unwrap_or_default().into(),
        });
        ControlFlow::Continue(())
    })?;
    Ok(Answer::Fingerprints(fingerprints))
}

/// Enrols a finger and names it. Where the name is refused, the finger stays, without one.
pub(super) fn enroll(
    session: &mut TokenSession<'_, '_>,
    verifier: &Verifier<'_>,
    name: &str,
    teller: &Teller,
) -> Result<Answer, Failure> {
    let enrolling = token(session, verifier)?;
    let template_id = session
        .enroll_fingerprint(&enrolling, None, &mut |sample| {
            teller.tell(Waiting::Sample(sample));
            ControlFlow::Continue(())
        })?
        .to_vec();
    if !name.is_empty() {
        // The finger may have ended the first token.
        let naming = token(session, verifier)?;
        session.rename_fingerprint(&naming, &template_id, name)?;
    }
    Ok(Answer::FingerprintEnrolled(Fingerprint {
        template_id,
        name: name.to_owned(),
    }))
}

pub(super) fn rename(
    session: &mut TokenSession<'_, '_>,
    verifier: &Verifier<'_>,
    template_id: &[u8],
    name: &str,
) -> Result<Answer, Failure> {
    let token = token(session, verifier)?;
    session.rename_fingerprint(&token, template_id, name)?;
    Ok(Answer::Done)
}

pub(super) fn remove(
    session: &mut TokenSession<'_, '_>,
    verifier: &Verifier<'_>,
    template_id: &[u8],
) -> Result<Answer, Failure> {
    let token = token(session, verifier)?;
    session.remove_fingerprint(&token, template_id)?;
    Ok(Answer::Done)
}

fn token(
    session: &mut TokenSession<'_, '_>,
    verifier: &Verifier<'_>,
) -> Result<PinUvAuthToken, Failure> {
    // Without a sensor the token would refuse its PIN for it, and say nothing of the sensor.
    if session.facts()?.bio_enrollment.is_none() {
        return Err(SessionError::Unsupported(Feature::Fingerprints).into());
    }
    Ok(verifier.token(session, Permissions::BIO_ENROLLMENT, None)?)
}
