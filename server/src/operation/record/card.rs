//! What agents and cards answered.

mod contents;
mod key;

use keysteward_proto::agent::v1::{
    StepError, StepResult, step_error::Code, step_result::Result as Told,
};
use serde_json::{Map, json};

use super::{acknowledge, close, count, name};
use crate::{
    audit,
    lifecycle::Applet,
    operation::{
        Inner, StepName, card_step, effects, key_history,
        plan::{self, AdminKeyIs, Scope},
        token_step::{self, Judgement},
        work::Work,
    },
    store::{
        self, CertificateId, Write,
        card::{self, Container},
        certificate::{self, Certificate, OnCard},
        sealed_secret::{self, Kind},
        step::{Attempt, State},
    },
};

/// A card's answer that will not do: a sentence, and what to do.
type Useless = (String, &'static str);

impl Inner {
    /// The card did it and told what.
    pub(super) async fn card_told(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        attempt: &Attempt,
        result: StepResult,
    ) -> store::Result<()> {
        let step = name(attempt)?;
        close(tx, work, attempt, State::Done, "").await?;
        acknowledge(tx, work, attempt).await?;
        let useless = match (step, result.result) {
            (StepName::InspectCard | StepName::ReadCard, Some(Told::CardInspected(seen))) => {
                contents::inspected(tx, work, &seen).await?;
                (step == StepName::ReadCard)
                    .then(|| read_back(work))
                    .flatten()
            }
            (StepName::TryAdminKeys, Some(Told::AdminKeyFound(found))) => {
                admin_key_found(tx, work, found.candidate).await?
            }
            (StepName::GenerateKey, Some(Told::KeyGenerated(made))) => {
                key::generated(self, tx, work, &made).await?
            }
            (StepName::SignRequest, Some(Told::RequestSigned(signed))) => {
                key::signed(tx, work, &signed.signature).await?
            }
            (StepName::MoveKey, Some(Told::KeyMoved(moved))) => {
                contents::moved(tx, work, &moved.container).await?;
                None
            }
            (
                StepName::InspectCard
                | StepName::ReadCard
                | StepName::TryAdminKeys
                | StepName::MoveKey
                | StepName::GenerateKey
                | StepName::SignRequest,
                _,
            ) => {
                // Each of them can be asked again.
                self.card_unsure(work, step, "the agent's answer lacks its result");
                return Ok(());
            }
            _ => None,
        };
        if let Some((why, advice)) = useless {
            let mut facts = Map::new();
            facts.insert("why".into(), json!(why));
            effects::record(tx, work, step.verb(), audit::Outcome::Failed, facts).await?;
            self.gives_up(work, step, &why, advice);
            return Ok(());
        }
        self.card_done(tx, work, step).await
    }

    /// The step had its effect, whoever says so.
    pub(in crate::operation) async fn card_done(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        step: StepName,
    ) -> store::Result<()> {
        let mut facts = Map::new();
        contents::changed(tx, work, step).await?;
        match step {
            StepName::ChangeAdminKey | StepName::Initialise => {
                took_admin_key(tx, work).await?;
                if step == StepName::Initialise {
                    promote(tx, work, Kind::CardPin).await?;
                    took_id(tx, work).await?;
                }
            }
            StepName::Personalise => took_id(tx, work).await?,
            // A PIV card has none then.
            StepName::ResetCard if is_gids(work) => took_id(tx, work).await?,
            StepName::RestoreAdminKey => work.progress.admin = Some(AdminKeyIs::Factory),
            StepName::SetPuk | StepName::CheckPuk | StepName::RestorePuk => {
                promote(tx, work, Kind::Puk).await?;
                work.progress.puk_unsure = false;
                work.progress.finish(StepName::SetPuk);
                if work.progress.factory_puk {
                    work.progress.finish(StepName::RestorePuk);
                }
                if let Some(row) = &mut work.card {
                    row.puk_spent = false;
                    card::put(tx, row).await?;
                }
            }
            StepName::SetCardPin | StepName::ChangeCardPin => {
                promote(tx, work, Kind::CardPin).await?;
            }
            StepName::GenerateKey => {
                if let Some(made) = work.certificates.last() {
                    facts.insert("container".into(), json!(made.container));
                    facts.insert("attestation".into(), json!(made.attestation));
                }
            }
            StepName::WriteCertificate => {
                took_id(tx, work).await?;
                let written = card_step::to_write(work).ok().map(|row| row.id);
                mark(tx, work, written, |row| row.on_card = OnCard::Present).await?;
                if let Some(row) = work.certificates.iter().find(|row| Some(row.id) == written) {
                    facts.insert("container".into(), json!(row.container));
                    facts.insert("serial".into(), json!(row.serial));
                }
            }
            StepName::DeleteContainer => {
                let container = card_step::to_delete(work).map(|row| row.container.clone());
                facts.insert("container".into(), json!(container));
                for row in &mut work.certificates {
                    let same = Some(&row.container) == container.as_ref();
                    if same && row.on_card == OnCard::ToDelete {
                        row.on_card = OnCard::Deleted;
                        certificate::update(tx, row).await?;
                    }
                }
            }
            _ => {}
        }
        work.progress.finish(step);
        effects::record(tx, work, step.verb(), audit::Outcome::Ok, facts).await
    }

    /// Nobody knows what became of it. What is done by authority is done again; of the
    /// admin key and the PUK the card is asked which it has.
    pub(in crate::operation) fn card_unsure(&self, work: &mut Work, step: StepName, why: &str) {
        match step {
            StepName::ChangeAdminKey | StepName::RestoreAdminKey | StepName::Initialise => {
                work.progress.admin = None;
                let again = |done: &StepName| *done != StepName::TryAdminKeys;
                work.progress.done.retain(again);
            }
            StepName::SetPuk | StepName::RestorePuk => work.progress.puk_unsure = true,
            _ => {}
        }
        if count(work, step) > self.settings.tries {
            self.gives_up(work, step, why, "look at the card and the host");
        }
    }

    /// Refusals that mean something else than a failure; `true` when that was all.
    pub(super) async fn card_settled_otherwise(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        attempt: &Attempt,
        error: &StepError,
    ) -> store::Result<bool> {
        let step = name(attempt)?;
        let as_wanted = matches!(
            (step, error.code()),
            (StepName::BlockCardPin, Code::PinBlocked)
                | (StepName::DeleteContainer, Code::ContainerEmpty)
        );
        let not_taken = step == StepName::CheckPuk && error.code() == Code::PukInvalid;
        let cannot = step == StepName::ResetCard && error.code() == Code::NotSupported;
        let no_reset = cannot && !is_gids(work);
        // It was moved by an attempt that told nobody: the card shows where it is.
        let moved = step == StepName::MoveKey && error.code() == Code::ContainerEmpty;
        let moves_none = step == StepName::MoveKey && error.code() == Code::NotSupported;
        let stays = match step {
            StepName::RestorePin => Some("its PIN"),
            StepName::RestorePuk => Some("its PUK"),
            _ => None,
        };
        let stays = stays.filter(|_| token_step::judge(error) == Judgement::Stands);
        if as_wanted {
            close(tx, work, attempt, State::Done, &error.message).await?;
            acknowledge(tx, work, attempt).await?;
            self.card_done(tx, work, step).await?;
        }
        if not_taken {
            // It has the one before: that one is known.
            close(
                tx,
                work,
                attempt,
                State::Done,
                "the card has the PUK before",
            )
            .await?;
            acknowledge(tx, work, attempt).await?;
            work.progress.puk_unsure = false;
            sealed_secret::pass_on(tx, work.token.id, Kind::Puk, work.operation.id).await?;
            work.secrets = sealed_secret::of_token(tx, work.token.id).await?;
        }
        if moved {
            close(tx, work, attempt, State::Done, &error.message).await?;
            acknowledge(tx, work, attempt).await?;
            self.card_done(tx, work, step).await?;
            let again = |done: &StepName| *done != StepName::InspectCard;
            work.progress.done.retain(again);
        }
        if moves_none {
            self.close_refused(tx, work, attempt, error).await?;
            let (reason, next_action) = key_history::CANNOT;
            if work.parameters.may_lose_decryption_key {
                work.progress.key_lost = true;
            } else {
                work.progress.fail(reason, next_action);
            }
        }
        if no_reset {
            // There is another way.
            self.close_refused(tx, work, attempt, error).await?;
            work.progress.no_reset = true;
            work.progress.todo = plan::steps(work.operation.kind, &work.progress, &work.facts());
        }
        if let Some(what) = stays {
            self.close_refused(tx, work, attempt, error).await?;
            let why = token_step::sentence(error);
            work.progress.remains.push(format!("{what} ({why})"));
            work.progress.finish(step);
        }
        Ok(as_wanted || not_taken || no_reset || moved || moves_none || stays.is_some())
    }
}

impl Inner {
    /// It did not happen, and the operation goes on.
    async fn close_refused(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        attempt: &Attempt,
        error: &StepError,
    ) -> store::Result<()> {
        let why = token_step::sentence(error);
        close(tx, work, attempt, State::Failed, &why).await?;
        acknowledge(tx, work, attempt).await?;
        let mut facts = Map::new();
        facts.insert("why".into(), json!(why));
        let verb = name(attempt)?.verb();
        effects::record(tx, work, verb, audit::Outcome::Failed, facts).await
    }
}

async fn promote(tx: &mut Write<'_>, work: &mut Work, kind: Kind) -> store::Result<()> {
    sealed_secret::promote(tx, work.token.id, kind).await?;
    work.secrets = sealed_secret::of_token(tx, work.token.id).await?;
    Ok(())
}

fn is_gids(work: &Work) -> bool {
    let applet = work.card.as_ref().map(|row| row.applet);
    applet == Some(Applet::Gids)
}

/// The id that the card was to give is the one it gives.
async fn took_id(tx: &mut Write<'_>, work: &mut Work) -> store::Result<()> {
    if let Some(row) = &mut work.card
        && !row.next_id.is_empty()
    {
        row.shown_id = std::mem::take(&mut row.next_id);
        card::put(tx, row).await?;
    }
    Ok(())
}

/// The pending admin key is the one that the card has.
async fn took_admin_key(tx: &mut Write<'_>, work: &mut Work) -> store::Result<()> {
    if let Some(row) = &mut work.card
        && let Some(pending) = row.pending.take()
    {
        row.admin = Some(pending);
        work.progress.admin = Some(AdminKeyIs::Derived(pending));
        card::put(tx, row).await?;
    }
    Ok(())
}

/// Whether the card holds what was written to it.
fn read_back(work: &Work) -> Option<Useless> {
    let facts = work.facts();
    let card = facts.card?;
    let missing = facts.certificates_of(Scope::Own).find(|row| {
        let holds = |container: &Container| {
            container.name == row.container && container.certificate == hex::encode(&row.der)
        };
        row.on_card == OnCard::Present && !card.containers.iter().any(holds)
    })?;
    Some((
        format!(
            "the card does not show the certificate that was written to container {}",
            missing.container
        ),
        "look at the card: keysteward card inspect",
    ))
}

async fn admin_key_found(
    tx: &mut Write<'_>,
    work: &mut Work,
    candidate: Option<u32>,
) -> store::Result<Option<Useless>> {
    let number = candidate.and_then(|number| usize::try_from(number).ok());
    let found = number.and_then(|number| card_step::candidate(work, number));
    work.progress.admin = found;
    match (found, &mut work.card) {
        (Some(AdminKeyIs::Derived(found)), Some(row)) => {
            if row.pending == Some(found) {
                took_admin_key(tx, work).await?;
                // What it was for is done.
                work.progress.finish(StepName::ChangeAdminKey);
            } else if row.pending.is_some() {
                row.pending = None;
                card::put(tx, row).await?;
            }
            Ok(None)
        }
        (Some(AdminKeyIs::Factory), _) => Ok(None),
        _ => Ok(Some((
            "none of the admin keys that this server knows opens the card".into(),
            "give the card's token type the admin key that it came with, or reset the card",
        ))),
    }
}

async fn mark(
    tx: &mut Write<'_>,
    work: &mut Work,
    id: Option<CertificateId>,
    change: impl FnOnce(&mut Certificate),
) -> store::Result<()> {
    match work.certificates.iter_mut().find(|row| Some(row.id) == id) {
        Some(row) => {
            change(row);
            certificate::update(tx, row).await
        }
        None => Ok(()),
    }
}
