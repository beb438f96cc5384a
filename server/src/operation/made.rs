//! A credential was made: its attestation is checked, its row is written.

use keysteward_proto::agent::v1 as agent;

use super::{Inner, plan::Making, token_step, trust::timestamp, work::Work};
use crate::{
    attestation::{self, Expected, Refusal, TrustError, VerifiedAttestation, client_data},
    connector::idp,
    lifecycle::{Aaguid, Template, TokenType},
    store::{
        self, CredentialId, Write,
        credential::{self, Credential, OnToken},
    },
};

/// Why an attestation was not accepted.
#[derive(Debug, thiserror::Error)]
enum NotAccepted {
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("the token type cannot be trusted: {0}")]
    Trust(#[from] TrustError),
    #[error("the {0} is gone")]
    Gone(&'static str),
}

/// Writes the credential down, whatever its attestation proves, so that it can
/// be deleted; turns round where that is not enough.
pub(super) async fn record(
    inner: &Inner,
    tx: &mut Write<'_>,
    work: &mut Work,
    made: &agent::CredentialMade,
) -> store::Result<()> {
    let made_for = made_for(work)?;
    let verified = verify(inner, work, &made_for.0, &made.attestation_object);
    let (public_key, aaguid, sign_count, proof) = match &verified {
        Ok(proven) => (
            proven.public_key_cose().to_vec(),
            proven.aaguid(),
            proven.sign_count(),
            proven.to_string(),
        ),
        Err(why) => (Vec::new(), work.token.aaguid, 0, format!("refused: {why}")),
    };
    let credential_id = match &verified {
        Ok(proven) => proven.credential_id().to_vec(),
        Err(_) => made.credential_id.clone(),
    };
    let row = Credential {
        public_key,
        aaguid,
        sign_count,
        attestation_object: made.attestation_object.clone(),
        client_data: made_for.0.client_data.clone().into_bytes(),
        attestation: proof,
        ..blank(work, made_for, credential_id)
    };
    credential::insert(tx, &row).await?;
    if let Ok(proven) = &verified
        && proven
            .listed()
            .is_some_and(|listed| listed.update_available)
    {
        tracing::warn!(token = %work.token.id, attestation = %proven, "a key was issued with firmware that its maker has replaced");
    }
    work.progress.credential = Some(row.id);
    work.credentials.push(row);
    if let Err(why) = verified {
        let advice = match &why {
            NotAccepted::Refused(Refusal::NoDevice { .. }) => NO_DEVICE,
            _ => "check the token type, or issue another key",
        };
        let reason = format!("the attestation was refused: {why}");
        work.progress.fail(reason, advice);
    }
    Ok(())
}

/// Writes down a credential that an attempt left behind, to be deleted.
pub(super) async fn orphan(
    tx: &mut Write<'_>,
    work: &mut Work,
    found: &agent::Credential,
) -> store::Result<()> {
    let made_for = made_for(work)?;
    let row = Credential {
        public_key: found.public_key.clone(),
        attestation: "lost with an attempt that was cut off".into(),
        on_token: OnToken::ToDelete,
        ..blank(work, made_for, found.credential_id.clone())
    };
    credential::insert(tx, &row).await?;
    work.credentials.push(row);
    Ok(())
}

/// What is published, from the row.
pub(super) fn to_publish(work: &Work, c: &Credential) -> idp::NewAuthenticator {
    let mut transports = work.token.facts.transports.clone();
    if transports.is_empty() {
        transports.push("usb".into());
    }
    idp::NewAuthenticator {
        credential_id: c.credential_id.clone(),
        public_key_cose: c.public_key.clone(),
        aaguid: c.aaguid,
        sign_count: c.sign_count,
        attestation_object: c.attestation_object.clone(),
        client_data_json: c.client_data.clone(),
        user_handle: work
            .user
            .as_ref()
            .map(|user| user.webauthn_id.to_vec())
            .unwrap_or_default(),
        rp_id: c.rp_id.clone(),
        origin: c.origin.clone(),
        transports,
        friendly_name: c.friendly_name.clone(),
    }
}

fn verify(
    inner: &Inner,
    work: &Work,
    making: &Making,
    object: &[u8],
) -> Result<VerifiedAttestation, NotAccepted> {
    let template: &Template = work
        .template
        .as_ref()
        .map(|row| &row.definition)
        .ok_or(NotAccepted::Gone("template"))?;
    let token_type: &TokenType = work
        .token_type
        .as_ref()
        .map(|row| &row.definition)
        .ok_or(NotAccepted::Gone("token type"))?;
    let trust = inner.trust(token_type)?;
    let algorithms: Vec<i64> = template.algorithms.iter().map(|a| i64::from(*a)).collect();
    let bytes = |aaguids: &[Aaguid]| aaguids.iter().map(|a| a.0).collect::<Vec<_>>();
    let expected = Expected {
        rp_id: &making.rp_id,
        user_verified: true,
        algorithms: &algorithms,
        aaguids: &bytes(&token_type.aaguids),
        template_aaguids: &bytes(&template.allowed_aaguids),
        blocked_aaguids: &bytes(&template.blocked_aaguids),
        serial: Some(&work.token.serial),
        one_device: template.enterprise_attestation,
    };
    let now = timestamp(work.now);
    let hash = client_data::hash(making.client_data.as_bytes());
    Ok(attestation::verify(object, &hash, &expected, &trust, now)?)
}

/// What the credential was made for, and whose it is.
fn made_for(work: &Work) -> store::Result<(Making, store::UserId)> {
    let corrupt = |column| store::Error::Corrupt { column };
    let making = work.progress.making.clone();
    let user = work.user.as_ref().map(|user| user.id);
    Ok((
        making.ok_or(corrupt("operation.progress"))?,
        user.ok_or(corrupt("operation.user_id"))?,
    ))
}

fn blank(work: &Work, made_for: (Making, store::UserId), credential_id: Vec<u8>) -> Credential {
    let (making, user_id) = made_for;
    Credential {
        id: CredentialId::new(),
        token_id: work.token.id,
        user_id,
        operation_id: work.operation.id,
        connection_id: making.connection,
        rp_id: making.rp_id,
        credential_id,
        public_key: Vec::new(),
        aaguid: work.token.aaguid,
        sign_count: 0,
        attestation_object: Vec::new(),
        client_data: Vec::new(),
        origin: making.origin,
        friendly_name: token_step::friendly_name(work),
        attestation: String::new(),
        idp_user_id: work.progress.idp_user.clone(),
        idp_authenticator_id: None,
        idp_state: None,
        on_token: OnToken::Present,
        created_at: work.now,
    }
}

const NO_DEVICE: &str =
    "issue a key that its maker made for enterprise attestation, or change the template";
