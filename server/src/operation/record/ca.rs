//! What certification authorities answered.

use core::time::Duration;

use serde_json::{Map, json};

use super::{close, count, name};
use crate::{
    audit,
    connector::ca::{Issued, Nature, Reason},
    operation::{
        Inner, StepName,
        ca_step::{self, CaDone, CaFailed},
        effects,
        work::Work,
    },
    store::{
        self, CertificateId, Micros, Write,
        certificate::{self, Certificate, OnCard, State as At},
        operation::{self, Kind as Operation},
        step::{Attempt, State},
    },
};

impl Inner {
    pub(super) async fn ca(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        attempt: &Attempt,
        result: Result<CaDone, CaFailed>,
    ) -> store::Result<()> {
        let step = name(attempt)?;
        let done = match result {
            Ok(done) => done,
            Err(CaFailed::MayStillAct(until)) => {
                return self.may_still_act(tx, work, attempt, until).await;
            }
            Err(error) => return self.ca_failed(tx, work, attempt, &error).await,
        };
        close(tx, work, attempt, State::Done, "").await?;
        let mut facts = Map::new();
        match done {
            CaDone::Issued(id, issued) => {
                if let Some(row) = work.certificates.iter_mut().find(|row| row.id == id) {
                    take(row, &issued);
                    facts.insert("serial".into(), json!(row.serial));
                    facts.insert("container".into(), json!(row.container));
                    if work.progress.enrol_anyway {
                        row.lost_at = None;
                    }
                    certificate::update(tx, row).await?;
                }
                if let Some(old) = before(work, step, id) {
                    facts.insert("in_the_place_of".into(), json!(old));
                }
                work.progress.enrol_anyway = false;
            }
            CaDone::Pending(id, reference) => {
                let row = work.certificates.iter_mut().find(|row| row.id == id);
                let news = row.as_ref().is_some_and(|row| row.state != At::Pending);
                if let Some(row) = row {
                    row.state = At::Pending;
                    row.enrolment = reference.to_string();
                    certificate::update(tx, row).await?;
                }
                self.wait_for_authority(work, step, &reference.to_string());
                if !news {
                    return Ok(());
                }
                facts.insert("pending".into(), json!(reference.to_string()));
            }
            CaDone::Standing(id, state) => {
                if let Some(row) = work.certificates.iter_mut().find(|row| row.id == id) {
                    row.state = state;
                    facts.insert("serial".into(), json!(row.serial));
                    facts.insert("state".into(), json!(state));
                    certificate::update(tx, row).await?;
                }
            }
            CaDone::Underway => {
                let wait = self.patience_with_authority(work, step);
                work.wait_for(wait, format!("{step}: the authority has taken it on"));
                return Ok(());
            }
            CaDone::Stray(id, issued) => {
                facts.insert("stray".into(), json!(issued.serial().to_string()));
                stray(tx, work, id, &issued).await?;
            }
            CaDone::NoStray(id) => {
                let looked = work.facts().to_look_again().map(|row| row.id);
                let row = work.certificates.iter_mut().find(|row| row.id == id);
                if let Some(row) = row.filter(|_| looked == Some(id)) {
                    row.lost_at = None;
                    certificate::update(tx, row).await?;
                }
            }
        }
        work.progress.finish(step);
        effects::record(tx, work, step.verb(), audit::Outcome::Ok, facts).await
    }

    /// Somebody at the authority has to agree: waits where everybody can see.
    fn wait_for_authority(&self, work: &mut Work, step: StepName, reference: &str) {
        if work.expired() && work.progress.failure.is_none() {
            let why = format!("expired: the authority has not decided on {reference}");
            work.progress
                .fail(why, "ask at the authority, and start the operation again");
            return;
        }
        let wait = self.patience_with_authority(work, step);
        let remark = format!("waits for the authority, which has not decided on {reference} yet");
        work.wait_for(wait, remark);
    }

    fn patience_with_authority(&self, work: &mut Work, step: StepName) -> Duration {
        let tries = count(work, step);
        self.backoff(tries).saturating_mul(SLOWER)
    }

    /// Nothing came of a lost answer so far.
    async fn may_still_act(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        attempt: &Attempt,
        until: Micros,
    ) -> store::Result<()> {
        let step = name(attempt)?;
        let why = CaFailed::MayStillAct(until).to_string();
        close(tx, work, attempt, State::Failed, &why).await?;
        let revoking = step == StepName::RevokeCertificate;
        if revoking && work.operation.kind != Operation::RevokeCertificates {
            work.progress.unrevoked = Some(why);
        } else {
            work.wait_until(until, format!("{step}: {why}; it is asked again"));
        }
        Ok(())
    }

    async fn ca_failed(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        attempt: &Attempt,
        error: &CaFailed,
    ) -> store::Result<()> {
        let step = name(attempt)?;
        let why = error.to_string();
        let nature = error.nature();
        let (state, outcome) = match nature {
            Some(Nature::Unknown) => (State::Unknown, audit::Outcome::Unknown),
            _ => (State::Failed, audit::Outcome::Failed),
        };
        close(tx, work, attempt, state, &why).await?;
        if state == State::Unknown {
            answer_lost(tx, work, attempt).await?;
        }
        if matches!(
            nature,
            Some(Nature::NotNow(_) | Nature::Refused | Nature::Settings)
        ) {
            self.nothing_left(tx, work, step).await?;
        }
        let mut facts = Map::new();
        facts.insert("why".into(), json!(why));
        effects::record(tx, work, step.verb(), outcome, facts).await?;
        let revoking = matches!(step, StepName::RevokeCertificate | StepName::LookAgain);
        if revoking && work.operation.kind != Operation::RevokeCertificates {
            // It never holds up what can be done without the authority.
            work.progress.unrevoked = Some(why);
            return Ok(());
        }
        match nature {
            Some(Nature::NotNow(_) | Nature::Unknown) => {
                let after = match nature {
                    Some(Nature::NotNow(after)) => after.unwrap_or_default(),
                    _ => Duration::ZERO,
                };
                let tries = count(work, step);
                let wait = after.max(self.backoff(tries));
                let late = work
                    .operation
                    .deadline
                    .is_some_and(|at| work.now.plus(wait) >= at);
                if late {
                    self.gives_up(work, step, &why, error.advice());
                } else {
                    work.wait_for(wait, format!("{step}: {why}; tried again"));
                }
            }
            Some(Nature::Refused | Nature::Settings) if revoking => {
                // Nobody but a person can help, and it stays on the list.
                let remark = format!("{step}: {why}");
                let parked = operation::State::NeedsAttention;
                work.park(parked, step, remark, error.advice());
            }
            Some(Nature::Refused | Nature::Settings) => {
                self.gives_up(work, step, &why, error.advice());
            }
            None => {
                let remark = format!("{step}: {why}");
                let parked = operation::State::NeedsAttention;
                work.park(parked, step, remark, error.advice());
            }
        }
        Ok(())
    }

    /// The authority has done nothing: there is nothing to look for.
    async fn nothing_left(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        step: StepName,
    ) -> store::Result<()> {
        let about = ca_step::about(work, step)
            .filter(|_| step.asks_for_certificate())
            .map(|row| row.id);
        // Unless an earlier attempt is unknown.
        let unknown = work
            .attempts
            .iter()
            .filter(|a| a.state == State::Unknown)
            .any(|a| name(a).is_ok_and(StepName::asks_for_certificate));
        let row = work
            .certificates
            .iter_mut()
            .find(|row| Some(row.id) == about);
        if let Some(row) = row.filter(|_| !unknown) {
            row.enrolment = String::new();
            certificate::update(tx, row).await?;
        }
        Ok(())
    }
}

/// Nobody told what came of a request for a certificate.
pub(in crate::operation) async fn answer_lost(
    tx: &mut Write<'_>,
    work: &mut Work,
    attempt: &Attempt,
) -> store::Result<()> {
    let step = name(attempt)?;
    let about = ca_step::about(work, step)
        .filter(|_| step.asks_for_certificate())
        .map(|row| row.id);
    let row = work
        .certificates
        .iter_mut()
        .find(|row| Some(row.id) == about);
    match row {
        Some(row) => {
            // Who has looked has not looked for this one.
            work.progress.enrol_anyway = false;
            row.lost_at = Some(attempt.started_at);
            certificate::update(tx, row).await
        }
        None => Ok(()),
    }
}

/// A certificate that nobody asked for twice: it is on no card, and is to be revoked. Unless
/// its own request was under way while the authority was asked.
async fn stray(
    tx: &mut Write<'_>,
    work: &mut Work,
    beside: CertificateId,
    issued: &Issued,
) -> store::Result<()> {
    let looked = work.facts().to_look_again().cloned();
    let Some(known) = looked.filter(|row| row.id == beside) else {
        return Ok(());
    };
    let serial = issued.serial().to_string();
    if work.certificates.iter().any(|row| row.serial == serial) {
        return Ok(());
    }
    let mut row = Certificate {
        on_card: OnCard::Replaced,
        revocation: Reason::Superseded.as_str().to_owned(),
        ..known.another(known.operation_id, work.now)
    };
    take(&mut row, issued);
    certificate::insert(tx, &row).await?;
    work.certificates.push(row);
    Ok(())
}

/// The serial of what the certificate takes the place of.
fn before(work: &Work, step: StepName, id: CertificateId) -> Option<String> {
    let facts = work.facts();
    let row = work.certificates.iter().find(|row| row.id == id)?;
    let asked = step.asks_for_certificate() || step == StepName::PollEnrolment;
    let old = facts.predecessor(row).filter(|_| asked)?;
    Some(old.serial.clone())
}

fn take(row: &mut Certificate, issued: &Issued) {
    let time = |at: jiff::Timestamp| Some(Micros(at.as_microsecond()));
    row.state = At::Valid;
    row.enrolment = String::new();
    row.der = issued.certificate().to_vec();
    row.serial = issued.serial().to_string();
    row.issuer = issued.issuer().to_owned();
    row.subject = issued.subject().to_owned();
    row.not_before = time(issued.not_before());
    row.not_after = time(issued.not_after());
}

/// People decide more slowly than machines answer.
const SLOWER: u32 = 4;
