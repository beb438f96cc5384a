//! Steps at a token: what is asked of the agent, and what its answer means.

use core::time::Duration;

use keysteward_proto::agent::v1::{self as agent, Step, step::Verb, step_error::Code};
use rand::RngCore as _;
use rand::rngs::OsRng;
use zeroize::Zeroizing;

use super::{StepName, hand_over_pin, pins, plan::Making, step::Target, work::Work};
use crate::{
    attestation::client_data,
    connector::idp::RelyingParty,
    key_store::{self, KeyStore},
    lifecycle::template::Names,
    store::{
        self, ConnectionId, Write,
        credential::OnToken,
        operation::Kind as Operation,
        sealed_secret::{Kind, State},
    },
};

/// Why a request could not be put together.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unprepared {
    /// Something that this step needs is not there; a sentence.
    #[error("{0}")]
    Lacks(String),
    #[error(transparent)]
    KeyStore(#[from] key_store::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Puts a step together, and writes down before it leaves what must be known
/// after a crash: the PIN it sets, the challenge it signs.
pub(super) async fn prepare(
    tx: &mut Write<'_>,
    keys: &KeyStore,
    work: &mut Work,
    step: StepName,
    relying_party: Option<(ConnectionId, &RelyingParty)>,
) -> Result<Step, Unprepared> {
    let verb = match step {
        StepName::Inspect => Verb::Inspect(agent::Inspect {}),
        StepName::SetPin => {
            make_pin(tx, keys, work).await?;
            let new_pin = pin(keys, work, Kind::Pin, State::Pending)?;
            Verb::SetPin(agent::SetPin {
                new_pin: new_pin.to_string(),
            })
        }
        StepName::ChangePin => {
            let current_pin = usable_pin(keys, work)?;
            let new_pin = pin(keys, work, Kind::Pin, State::Pending)?;
            Verb::ChangePin(agent::ChangePin {
                current_pin: current_pin.to_string(),
                new_pin: new_pin.to_string(),
            })
        }
        StepName::Configure => Verb::Configure(configure(keys, work)?),
        StepName::MakeCredential => {
            let (connection, relying_party) = relying_party
                .ok_or_else(|| Unprepared::Lacks("the template has no connection".into()))?;
            Verb::MakeCredential(make_credential(keys, work, connection, relying_party)?)
        }
        StepName::DeleteCredential => {
            let own = work.operation.kind == Operation::Issue;
            let (credential_id, rp_id) = work
                .facts()
                .to_delete(own)
                .map(|c| (c.credential_id.clone(), c.rp_id.clone()))
                .ok_or_else(|| Unprepared::Lacks("there is no credential to delete".into()))?;
            Verb::DeleteCredential(agent::DeleteCredential {
                pin: usable_pin(keys, work)?.to_string(),
                credential_id,
                rp_id,
            })
        }
        StepName::Reset => Verb::Reset(agent::Reset {}),
        _ => {
            return Err(Unprepared::Lacks(format!("{step} is no step at a token")));
        }
    };
    Ok(Step {
        key: None,
        timeout_ms: u32::try_from(time_limit(step).as_millis()).unwrap_or(u32::MAX),
        verb: Some(verb),
        ..Step::default()
    })
}

/// For the whole step, waiting for people included.
pub(super) const fn time_limit(step: StepName) -> Duration {
    Duration::from_secs(match step {
        StepName::MakeCredential => 60,
        // Unplug, plug in, touch.
        StepName::Reset => 120,
        _ => 30,
    })
}

/// The PIN that a step at this token needs: the one given, else the one we hold. Who gives one
/// knows better: the user may have changed the PIN at the key.
pub(super) fn usable_pin(keys: &KeyStore, work: &Work) -> Result<Zeroizing<String>, Unprepared> {
    pin(keys, work, Kind::GivenPin, State::Current)
        .or_else(|_| pin(keys, work, Kind::Pin, State::Current))
}

pub(super) fn pin(
    keys: &KeyStore,
    work: &Work,
    kind: Kind,
    state: State,
) -> Result<Zeroizing<String>, Unprepared> {
    let secret = work
        .secret(kind, state)
        .ok_or_else(|| Unprepared::Lacks("this server does not hold the PIN of the key".into()))?;
    Ok(pins::open(keys, secret)?)
}

/// Makes the PIN of a token being issued and seals it, once for all attempts: an
/// attempt that was cut off may have set it.
async fn make_pin(tx: &mut Write<'_>, keys: &KeyStore, work: &mut Work) -> Result<(), Unprepared> {
    if work.secret(Kind::Pin, State::Pending).is_some() {
        return Ok(());
    }
    let policy = work
        .template
        .as_ref()
        .map(|row| row.definition.pin.clone())
        .ok_or_else(|| Unprepared::Lacks("the template is gone".into()))?;
    let pin = policy.generate(&mut OsRng);
    let place = (work.token.id, work.operation.id);
    let kind = (Kind::Pin, State::Pending);
    let secret = pins::put(tx, keys, place, kind, &pin, work.now).await?;
    work.secrets.push(secret);
    Ok(())
}

fn configure(keys: &KeyStore, work: &Work) -> Result<agent::Configure, Unprepared> {
    let pin = usable_pin(keys, work)?.to_string();
    let template = work
        .template
        .as_ref()
        .map(|row| &row.definition)
        .ok_or_else(|| Unprepared::Lacks("the template is gone".into()))?;
    let mut wanted = agent::Configure {
        pin,
        ..agent::Configure::default()
    };
    if work.operation.kind == Operation::HandOverPin {
        wanted.force_pin_change = hand_over_pin::forces_change(&work.facts());
        return Ok(wanted);
    }
    let said = &work.token.facts;
    let minimum = template.pin.minimum_length;
    wanted.min_pin_length = (minimum > said.min_pin_length.max(4)).then_some(minimum);
    wanted.enable_enterprise_attestation =
        template.enterprise_attestation && work.facts().option("ep") == Some(false);
    wanted.always_uv = template
        .always_uv
        .filter(|wanted| work.facts().option("alwaysUv") != Some(*wanted));
    Ok(wanted)
}

fn make_credential(
    keys: &KeyStore,
    work: &mut Work,
    connection: ConnectionId,
    relying_party: &RelyingParty,
) -> Result<agent::MakeCredential, Unprepared> {
    let pin = usable_pin(keys, work)?.to_string();
    let (Some(template), Some(user)) = (&work.template, &work.user) else {
        return Err(Unprepared::Lacks("the template or the user is gone".into()));
    };
    let template = &template.definition;
    let mut challenge = [0; 32];
    OsRng.fill_bytes(&mut challenge);
    let json = client_data::registration(&challenge, relying_party.origin());
    let client_data_hash = client_data::hash(&json).to_vec();
    let exclude = work
        .credentials
        .iter()
        .filter(|c| c.on_token != OnToken::Deleted && c.rp_id == relying_party.id())
        .map(|c| c.credential_id.clone())
        .collect();
    let request = agent::MakeCredential {
        pin,
        rp_id: relying_party.id().to_owned(),
        rp_name: relying_party.name().to_owned(),
        client_data_hash,
        user_id: user.webauthn_id.to_vec(),
        user_name: user.user_name.clone(),
        user_display_name: user.display_name.clone(),
        algorithms: template.algorithms.clone(),
        resident_key: template.resident_key,
        exclude_credential_ids: exclude,
        enterprise_attestation: match template.enterprise_attestation {
            true => PLATFORM_MANAGED,
            false => 0,
        },
        cred_protect: template.cred_protect.into(),
        ..agent::MakeCredential::default()
    };
    let json = String::from_utf8(json)
        .map_err(|_| Unprepared::Lacks("the relying party's origin is not text".into()))?;
    work.progress.making = Some(Making {
        connection,
        rp_id: relying_party.id().to_owned(),
        origin: relying_party.origin().to_owned(),
        client_data: json,
    });
    Ok(request)
}

/// How the credential is called at the IdP.
pub(super) fn friendly_name(work: &Work) -> String {
    let (Some(template), Some(user)) = (&work.template, &work.user) else {
        return work.token.model.clone();
    };
    template.definition.display_name(Names {
        user_name: &user.user_name,
        display_name: &user.display_name,
        serial: &work.token.serial,
        model: &work.token.model,
    })
}

/// What a refusal by agent or token means for the operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Judgement {
    /// The token is not there: it may come back.
    Absent,
    /// It may pass, after a while and a few times.
    MayPass(Duration),
    /// The journal knows more.
    AskJournal,
    /// It will not pass by itself.
    Stands,
}

/// Judges a refusal.
pub(super) fn judge(error: &agent::StepError) -> Judgement {
    if error.changed {
        return Judgement::AskJournal;
    }
    match error.code() {
        Code::TokenNotPresent | Code::TokenRemoved => Judgement::Absent,
        Code::TokenBusy
        | Code::TokenSilent
        | Code::TokenMalformed
        | Code::ResetWindowMissed
        | Code::CallerSilent => Judgement::MayPass(Duration::from_secs(2)),
        Code::TouchTimeout | Code::Cancelled => Judgement::MayPass(Duration::from_secs(1)),
        Code::CutOff => Judgement::MayPass(Duration::ZERO),
        Code::OutcomeUnknown | Code::KeyReused => Judgement::AskJournal,
        Code::Unspecified
        | Code::PinInvalid
        | Code::PinAuthBlocked
        | Code::PinBlocked
        | Code::PinNotSet
        | Code::PinAlreadySet
        | Code::PinPolicyViolation
        | Code::PinRequired
        | Code::PinChangeForced
        | Code::DeniedByUser
        | Code::CredentialExcluded
        | Code::CredentialNotFound
        | Code::NoRoom
        | Code::NotSupported
        | Code::TokenSwapped
        | Code::ForbiddenByHost
        | Code::InvalidRequest
        | Code::Refused
        | Code::AdminKeyWrong
        | Code::PukInvalid
        | Code::PukBlocked
        | Code::ContainerEmpty
        | Code::KeyMismatch
        | Code::ResetPretended
        | Code::UvInvalid
        | Code::UvBlocked
        | Code::UvNotSetUp
        | Code::Internal => Judgement::Stands,
    }
}

/// What a person should do about a refusal that stands, of a card or of a security key.
pub(super) fn advice(target: Target, error: &agent::StepError) -> &'static str {
    match (target, error.code()) {
        (Target::Card, Code::PinInvalid) => {
            "ask the card's user for its PIN, or unblock the card, which gives it another"
        }
        (_, Code::PinInvalid) => "ask the key's user for its PIN, or reset the key",
        (_, Code::PinAuthBlocked) => "unplug the key, plug it in, and try again",
        (Target::Card, Code::PinBlocked) => "unblock the card, which gives it another PIN",
        (_, Code::PinBlocked) => "reset the key: no PIN opens it any more",
        (_, Code::PinNotSet | Code::PinAlreadySet) => {
            "somebody changed the key meanwhile: reset it"
        }
        (_, Code::PinPolicyViolation) => "choose a PIN that keeps the rule named",
        (_, Code::PinChangeForced) => "the user must choose a new PIN at the key first",
        (Target::Card, Code::NoRoom) => "delete containers that nobody needs, or reset the card",
        (_, Code::NoRoom) => "delete credentials on the key, or reset it",
        (_, Code::TokenSwapped) => "plug the right key in, and try again",
        (_, Code::ForbiddenByHost) => "allow it in the host's own settings, or use another host",
        (_, Code::AdminKeyWrong) => {
            "somebody else changed the admin key: give the card's token type the one it has, or reset \
             the card"
        }
        (_, Code::PukInvalid) => {
            "somebody else changed the PUK: reset the card, and register it again"
        }
        (_, Code::PukBlocked) => "reset the card: nothing unblocks its PIN any more",
        (_, Code::ResetPretended) => "reset it again; if that does not help, take it out of use",
        (_, Code::DeniedByUser | Code::TouchTimeout) => {
            "ask the person at the host to touch the key"
        }
        _ => "",
    }
}

/// The refusal as a sentence, with what a person can use.
pub(super) fn sentence(error: &agent::StepError) -> String {
    let mut text = if error.message.is_empty() {
        error.code().as_str_name().to_lowercase().replace('_', " ")
    } else {
        error.message.clone()
    };
    if !error.rule.is_empty() && !text.contains(&error.rule) {
        text += &format!(" (rule: {})", error.rule);
    }
    if let Some(left) = error.pin_retries
        && !text.contains(&left.to_string())
    {
        text += &format!(" ({left} tries left)");
    }
    text
}

/// enterpriseAttestation: whose relying parties the administrator chose. CTAP 2.3 §6.1.
const PLATFORM_MANAGED: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_unblocked_where_a_key_must_be_reset() {
        let blocked = agent::StepError {
            code: Code::PinBlocked.into(),
            ..agent::StepError::default()
        };
        assert!(advice(Target::Card, &blocked).starts_with("unblock the card"));
        assert!(advice(Target::Token, &blocked).starts_with("reset the key"));
    }

    #[test]
    fn nobody_is_told_to_reset_a_key_that_is_a_card() {
        let codes = (0..100).filter_map(|code| Code::try_from(code).ok());
        let of_keys = [
            Code::PinAuthBlocked,
            Code::PinNotSet,
            Code::PinAlreadySet,
            Code::PinChangeForced,
        ];
        for code in codes.filter(|code| !of_keys.contains(code)) {
            let error = agent::StepError {
                code: code.into(),
                ..agent::StepError::default()
            };
            let advice = advice(Target::Card, &error);
            assert!(!advice.contains("reset the key"), "{code:?}: {advice}");
        }
    }
}
