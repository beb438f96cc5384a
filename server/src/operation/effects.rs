//! Effects of plans on rows of ours, and how operations end.

use serde_json::{Map, Value, json};

use super::{
    card_effects,
    plan::{self, Effect, End, Parameters, Progress},
    work::Work,
};
use crate::{
    audit::{self, Entry, Outcome, checkpoint},
    key_store::KeyStore,
    lifecycle::{self, Event},
    store::{
        self, Micros, OperationId, Page, Write, credential,
        operation::{self, Operation, State},
        sealed_secret::{self, Kind, State as Sealed},
        token,
    },
};

/// Changes rows of ours.
pub(super) async fn apply(
    tx: &mut Write<'_>,
    work: &mut Work,
    effect: Effect,
) -> store::Result<()> {
    match effect {
        Effect::Move(event) => move_token(tx, work, event).await,
        Effect::Assign => {
            work.token.user_id = work.operation.user_id;
            work.token.template_id = work.parameters.template;
            token::update(tx, &work.token).await
        }
        Effect::Unassign => {
            work.token.user_id = None;
            work.token.template_id = None;
            token::update(tx, &work.token).await
        }
        Effect::ErasePins(state) => erase(tx, work, Kind::Pin, state).await,
        Effect::OfferPin => {
            work.progress.offered = work.secret(Kind::Pin, Sealed::Current).map(|pin| pin.id);
            if work.progress.offered.is_none() {
                work.progress.fail(
                    "this server does not hold the PIN of the key",
                    "reset the key",
                );
            }
            Ok(())
        }
        Effect::NeedsReset(needs) => {
            work.token.needs_reset = needs;
            token::update(tx, &work.token).await
        }
        Effect::Mark { own, from, to } => {
            for c in &mut work.credentials {
                if c.on_token == from && (!own || c.operation_id == work.operation.id) {
                    c.on_token = to;
                    credential::update(tx, c).await?;
                }
            }
            Ok(())
        }
        Effect::DeleteLater => delete_later(tx, work).await,
        Effect::TakeForCard
        | Effect::NoCard
        | Effect::BeginAdminKey
        | Effect::Erase(..)
        | Effect::OfferCardPin
        | Effect::WantRevoked(_)
        | Effect::RevokeLater
        | Effect::MarkOnCard { .. }
        | Effect::Renew(_)
        | Effect::Supersede => card_effects::apply(tx, work, effect).await,
    }
}

/// Moves the token, or parks the operation where its life does not allow it.
async fn move_token(tx: &mut Write<'_>, work: &mut Work, event: Event) -> store::Result<()> {
    let from = work.token.state;
    let to = match lifecycle::after(from, event) {
        Ok(to) => to,
        Err(refused) => {
            work.progress.fail(refused.to_string(), "");
            return Ok(());
        }
    };
    work.token.state = to;
    token::update(tx, &work.token).await?;
    let change = token::Change {
        at: work.now,
        event: event.as_str().to_owned(),
        from,
        to,
        operation_id: Some(work.operation.id),
    };
    token::add_change(tx, work.token.id, &change).await?;
    let mut facts = Map::new();
    facts.insert("from".into(), json!(from));
    facts.insert("to".into(), json!(to));
    if event == Event::Revoke {
        facts.insert("reason".into(), json!(work.parameters.reason));
    }
    record(tx, work, move_verb(event), Outcome::Ok, facts).await
}

/// An operation of its own waits for the token, with the PIN given for this one.
async fn delete_later(tx: &mut Write<'_>, work: &mut Work) -> store::Result<()> {
    work.progress.deferred = true;
    let filter = operation::Filter {
        kind: Some(operation::Kind::DeleteCredentials),
        token_id: Some(work.token.id),
        open: true,
        ..operation::Filter::default()
    };
    let waiting = operation::list(tx, &filter, Page::first(1)).await?;
    if let Some(waiting) = waiting.rows.first() {
        sealed_secret::pass_on(tx, work.token.id, Kind::GivenPin, waiting.id).await?;
        work.secrets.retain(|secret| secret.kind != Kind::GivenPin);
        return Ok(());
    }
    let later = later(
        work,
        operation::Kind::DeleteCredentials,
        "waits until an agent sees the key",
    )?;
    operation::insert(tx, &later).await?;
    sealed_secret::pass_on(tx, work.token.id, Kind::GivenPin, later.id).await?;
    // Not this one's to erase any more.
    work.secrets.retain(|secret| secret.kind != Kind::GivenPin);
    let mut facts = Map::new();
    facts.insert("later".into(), json!(later.id));
    record(tx, work, "token.delete-later", Outcome::Ok, facts).await
}

/// An operation that goes on with what this one leaves, for as long as it takes.
pub(super) fn later(work: &Work, kind: operation::Kind, remark: &str) -> store::Result<Operation> {
    let progress = Progress {
        todo: plan::steps(kind, &Progress::default(), &work.facts()),
        ..Progress::default()
    };
    let corrupt = |_| store::Error::Corrupt {
        column: "operation.progress",
    };
    Ok(Operation {
        id: OperationId::new(),
        kind,
        state: State::Waiting,
        token_id: Some(work.token.id),
        user_id: work.operation.user_id.or(work.token.user_id),
        host_id: None,
        parameters: serde_json::to_string(&Parameters::default()).map_err(corrupt)?,
        progress: serde_json::to_string(&progress).map_err(corrupt)?,
        remark: remark.to_owned(),
        next_action: String::new(),
        requested_by: work.operation.requested_by.clone(),
        batch: None,
        created_at: work.now,
        not_before: Micros(i64::MAX),
        deadline: None,
        ended_at: None,
        cancelled_by: None,
        version: 1,
    })
}

pub(super) async fn erase(
    tx: &mut Write<'_>,
    work: &mut Work,
    kind: Kind,
    state: Sealed,
) -> store::Result<()> {
    sealed_secret::delete(tx, work.token.id, kind, state).await?;
    work.secrets.retain(|s| s.kind != kind || s.state != state);
    let mut facts = Map::new();
    facts.insert("secret".into(), json!(kind));
    record(tx, work, "secret.erase", Outcome::Ok, facts).await
}

/// Ends the operation: its own secrets go, the audit says how it ended.
pub(super) async fn end(
    tx: &mut Write<'_>,
    keys: &KeyStore,
    work: &mut Work,
    end: End,
) -> store::Result<()> {
    for (kind, state) in [
        (Kind::Pin, Sealed::Pending),
        (Kind::GivenPin, Sealed::Current),
        (Kind::CardPin, Sealed::Pending),
        (Kind::Puk, Sealed::Pending),
    ] {
        // A PUK that the card may have got is not forgotten.
        let doubt = kind == Kind::Puk && work.puk_in_doubt();
        if work.secret(kind, state).is_some() && !doubt {
            erase(tx, work, kind, state).await?;
        }
    }
    let mut parts = Vec::new();
    let mut next_action = end.next_action;
    let (state, outcome) = match &work.progress.failure {
        None => (State::Succeeded, Outcome::Ok),
        Some(failure) => {
            parts.push(failure.reason.clone());
            if next_action.is_empty() {
                next_action.clone_from(&failure.next_action);
            }
            if failure.cancelled {
                (State::Cancelled, Outcome::Failed)
            } else {
                if next_action.is_empty() {
                    next_action = "put that right, and start the operation again".into();
                }
                (State::Failed, Outcome::Failed)
            }
        }
    };
    parts.extend((!end.remark.is_empty()).then_some(end.remark));
    let operation = &mut work.operation;
    operation.state = state;
    operation.remark = parts.join("; ");
    operation.next_action = next_action;
    operation.ended_at = Some(work.now);
    operation.not_before = Micros(i64::MAX);
    work.progress.step = None;
    work.paused = true;
    let mut facts = Map::new();
    facts.insert("state".into(), json!(state));
    facts.insert("remark".into(), json!(work.operation.remark));
    record(
        tx,
        work,
        operation_verb(work.operation.kind),
        outcome,
        facts,
    )
    .await?;
    checkpoint::sign_head(tx, keys.signing_key(), 1, work.now).await?;
    // One that waited for the token may have nothing left to do.
    operation::wake_token(tx, work.token.id).await
}

/// A row of the audit about this operation and its token.
pub(super) async fn record(
    tx: &mut Write<'_>,
    work: &Work,
    verb: &'static str,
    outcome: Outcome,
    facts: Map<String, Value>,
) -> store::Result<()> {
    let entry = Entry {
        at: work.now,
        actor: work.operation.requested_by.clone(),
        verb,
        object: format!("token:{}", work.token.id),
        operation: Some(work.operation.id),
        outcome,
        facts,
    };
    audit::append(tx, entry).await.map(drop)
}

/// How the audit calls a move of a token.
pub(super) const fn move_verb(event: Event) -> &'static str {
    match event {
        Event::Register => "life.register",
        Event::Issue => "life.issue",
        Event::HandOver => "life.hand-over",
        Event::Suspend => "life.suspend",
        Event::Resume => "life.resume",
        Event::Revoke => "life.revoke",
        Event::Reset => "life.reset",
        Event::Retire => "life.retire",
        Event::Unregister => "life.unregister",
    }
}

/// How the audit calls an operation.
pub(super) const fn operation_verb(kind: operation::Kind) -> &'static str {
    match kind {
        operation::Kind::Issue => "operation.issue",
        operation::Kind::HandOverPin => "operation.hand-over-pin",
        operation::Kind::Suspend => "operation.suspend",
        operation::Kind::Resume => "operation.resume",
        operation::Kind::Revoke => "operation.revoke",
        operation::Kind::SetPin => "operation.set-pin",
        operation::Kind::ResetToken => "operation.reset-token",
        operation::Kind::DeleteCredentials => "operation.delete-credentials",
        operation::Kind::RegisterCard => "operation.register-card",
        operation::Kind::RenewCertificates => "operation.renew-certificates",
        operation::Kind::ReissueCertificates => "operation.reissue-certificates",
        operation::Kind::UnblockCard => "operation.unblock-card",
        operation::Kind::RotatePuk => "operation.rotate-puk",
        operation::Kind::ChangeAdminKey => "operation.change-admin-key",
        operation::Kind::RefreshCard => "operation.refresh-card",
        operation::Kind::Retire => "operation.retire",
        operation::Kind::Unregister => "operation.unregister",
        operation::Kind::RevokeCertificates => "operation.revoke-certificates",
    }
}
