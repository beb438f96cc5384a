//! Steps at a certification authority. Each looks before it changes, wherever an
//! earlier try may have had its effect.

use std::sync::Arc;

use super::{StepName, enrolment, plan::Scope, work::Work};
use crate::{
    connector::ca::{
        Acted, CaError, CertificateStatus, CertificationAuthority, Enrolled, Enrolment, Found,
        Issued, Nature, Previous, Reason, Reference, Serial,
    },
    store::{
        self, CertificateId, ConnectionId, Micros, Write,
        certificate::{self, Certificate, State},
        operation::Kind as Operation,
    },
};

/// A request to an authority, with nothing left to look up.
#[derive(Debug)]
pub(super) struct CaRequest {
    pub(super) authority: Arc<dyn CertificationAuthority>,
    step: StepName,
    row: Certificate,
    /// Where the request that was signed is needed.
    enrolment: Option<Enrolment>,
    /// What it is to take the place of.
    previous: Option<Previous>,
    /// An earlier try may have had its effect.
    look_first: bool,
    /// Somebody has looked: there is nothing of an earlier try.
    nothing_there: bool,
    /// Until then it may act on an earlier try whose answer was lost.
    may_act_until: Option<Micros>,
}

/// What was found or done, about one certificate.
#[derive(Debug)]
pub(super) enum CaDone {
    Issued(CertificateId, Box<Issued>),
    /// It takes its time.
    Pending(CertificateId, Reference),
    /// It stands like this now.
    Standing(CertificateId, State),
    /// The authority has taken it on.
    Underway,
    /// It was issued after an answer was lost, beside the one that is known.
    Stray(CertificateId, Box<Issued>),
    /// There is none but what is known.
    NoStray(CertificateId),
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum CaFailed {
    #[error(transparent)]
    Call(#[from] CaError),
    /// Nobody can tell whether an earlier try had its effect.
    #[error("the authority has no list in which an answer that was lost could be found")]
    CannotTell,
    /// There is nothing of an earlier try, and there may be yet.
    #[error("the authority may still act on a request whose answer was lost")]
    MayStillAct(Micros),
    #[error("{0}")]
    Lacks(String),
}

impl CaFailed {
    pub(super) fn nature(&self) -> Option<Nature> {
        match self {
            Self::Call(error) => Some(error.nature()),
            Self::CannotTell | Self::MayStillAct(_) => None,
            Self::Lacks(_) => Some(Nature::Refused),
        }
    }

    pub(super) fn advice(&self) -> &'static str {
        match (self, self.nature()) {
            (Self::CannotTell, _) => {
                "look at the authority for a certificate of this request, revoke it there, then \
                 resolve with \"retry\""
            }
            (_, Some(Nature::Settings)) => "check the connection: keysteward connection check",
            (_, Some(Nature::Refused)) => "correct the user or the template, and try again",
            _ => "check the connection, and try again",
        }
    }
}

/// The certificate that `step` is about.
pub(super) fn about(work: &Work, step: StepName) -> Option<&Certificate> {
    let facts = work.facts();
    let scope = match work.operation.kind {
        Operation::Issue => Scope::Own,
        Operation::RenewCertificates | Operation::ReissueCertificates
            if work.progress.failure.is_some() =>
        {
            Scope::Own
        }
        _ => Scope::All,
    };
    let id = match step {
        step if step.asks_for_certificate() => facts
            .certificates_of(Scope::Own)
            .find(|row| row.state == State::Requested),
        StepName::PollEnrolment => facts
            .certificates_of(Scope::Own)
            .find(|row| row.state == State::Pending),
        StepName::HoldCertificate => facts
            .certificates_of(Scope::All)
            .find(|row| row.state == State::Valid),
        StepName::UnholdCertificate => facts
            .certificates_of(Scope::All)
            .find(|row| row.state == State::Held),
        StepName::LookAgain => facts.to_look_again(),
        _ => facts.to_revoke(scope),
    }
    .map(|row| row.id);
    work.certificates.iter().find(|row| Some(row.id) == id)
}

/// Of whose authority it is.
pub(super) fn connection(work: &Work, step: StepName) -> Option<ConnectionId> {
    about(work, step).map(|row| row.connection_id)
}

/// Puts a request together. The error is a sentence.
pub(super) fn prepare(
    work: &Work,
    step: StepName,
    authority: Arc<dyn CertificationAuthority>,
) -> Result<CaRequest, String> {
    let row = about(work, step).ok_or("there is no certificate that it is about")?;
    let needs_request =
        step == StepName::LookAgain || matches!(row.state, State::Requested | State::Pending);
    let enrolment = match needs_request {
        true => Some(enrolment::of(work, row)?),
        false => None,
    };
    let may_act_until = row
        .lost_at
        .map(|at| at.plus(authority.time_limit()))
        .filter(|until| *until > work.now);
    let facts = work.facts();
    let previous = facts.predecessor(row).and_then(|old| {
        Some(Previous {
            serial: Serial::from_hex(&old.serial)?,
            subject: old.subject.clone(),
        })
    });
    Ok(CaRequest {
        authority,
        step,
        row: row.clone(),
        enrolment,
        previous,
        look_first: match step {
            step if step.asks_for_certificate() => !row.enrolment.is_empty(),
            _ => work.attempts_of(step) > 0,
        },
        nothing_there: work.progress.enrol_anyway,
        may_act_until,
    })
}

/// Writes down that a request leaves: from then on its answer may be lost.
pub(super) async fn mark(tx: &mut Write<'_>, work: &mut Work, step: StepName) -> store::Result<()> {
    let leaving = about(work, step)
        .filter(|_| step.asks_for_certificate())
        .map(|row| row.id);
    let row = work
        .certificates
        .iter_mut()
        .find(|row| Some(row.id) == leaving);
    match row {
        Some(row) => {
            row.enrolment = row.id.to_string();
            certificate::update(tx, row).await
        }
        None => Ok(()),
    }
}

/// Does it.
pub(super) async fn perform(request: &CaRequest) -> Result<CaDone, CaFailed> {
    match request.step {
        step if step.asks_for_certificate() => request.enrol().await,
        StepName::PollEnrolment => request.poll().await,
        StepName::HoldCertificate => request.hold().await,
        StepName::UnholdCertificate => request.unhold().await,
        StepName::LookAgain => request.look_again().await,
        _ => request.revoke().await,
    }
}

impl CaRequest {
    async fn enrol(&self) -> Result<CaDone, CaFailed> {
        let enrolment = self.enrolment()?;
        if self.look_first {
            match self.find(enrolment).await? {
                Found::Issued(issued) => return Ok(self.issued(issued)),
                Found::CannotTell if !self.nothing_there => return Err(CaFailed::CannotTell),
                Found::Nothing | Found::CannotTell => self.only_once_over()?,
            }
        }
        let authority = &self.authority;
        let enrolled = match (self.step, &self.previous) {
            (StepName::RenewCertificate, Some(old)) => authority.renew(old, enrolment).await?,
            (StepName::ReissueCertificate, Some(old)) => authority.reissue(old, enrolment).await?,
            _ => authority.enrol(enrolment).await?,
        };
        Ok(self.enrolled(enrolled))
    }

    async fn poll(&self) -> Result<CaDone, CaFailed> {
        let reference = Reference(self.row.enrolment.clone());
        let enrolment = self.enrolment()?;
        let enrolled = self.authority.poll(&reference, enrolment).await?;
        Ok(match enrolled {
            Enrolled::Issued(issued) if knows(enrolment, &issued) => {
                CaDone::Pending(self.row.id, reference)
            }
            enrolled => self.enrolled(enrolled),
        })
    }

    /// The certificate of an answer that was lost, and no older one for the same key.
    async fn find(&self, enrolment: &Enrolment) -> Result<Found, CaError> {
        Ok(match self.authority.find(enrolment).await? {
            Found::Issued(issued) if knows(enrolment, &issued) => Found::Nothing,
            found => found,
        })
    }

    /// Whether there is more than the certificate that is known.
    async fn look_again(&self) -> Result<CaDone, CaFailed> {
        match self.find(self.enrolment()?).await? {
            Found::Issued(issued) => Ok(CaDone::Stray(self.row.id, Box::new(issued))),
            Found::CannotTell if !self.nothing_there => Err(CaFailed::CannotTell),
            Found::Nothing | Found::CannotTell => {
                self.only_once_over()?;
                Ok(CaDone::NoStray(self.row.id))
            }
        }
    }

    /// That there is nothing counts once nothing can come any more.
    fn only_once_over(&self) -> Result<(), CaFailed> {
        match self.may_act_until {
            Some(until) => Err(CaFailed::MayStillAct(until)),
            None => Ok(()),
        }
    }

    async fn hold(&self) -> Result<CaDone, CaFailed> {
        let acted = self.authority.hold(&self.serial()?).await?;
        Ok(self.acted(acted, State::Held))
    }

    async fn unhold(&self) -> Result<CaDone, CaFailed> {
        let acted = self.authority.unhold(&self.serial()?).await?;
        Ok(self.acted(acted, State::Valid))
    }

    async fn revoke(&self) -> Result<CaDone, CaFailed> {
        match self.row.state {
            // A lost answer: what it may have brought is found first.
            State::Requested => {
                return match self.find(self.enrolment()?).await? {
                    Found::Issued(issued) => Ok(self.issued(issued)),
                    Found::Nothing => {
                        self.only_once_over()?;
                        Ok(CaDone::Standing(self.row.id, State::Rejected))
                    }
                    Found::CannotTell if self.nothing_there => {
                        Ok(CaDone::Standing(self.row.id, State::Rejected))
                    }
                    Found::CannotTell => Err(CaFailed::CannotTell),
                };
            }
            State::Pending => {
                return match self.poll().await {
                    Err(CaFailed::Call(error)) if error.nature() == Nature::Refused => {
                        Ok(CaDone::Standing(self.row.id, State::Rejected))
                    }
                    other => other,
                };
            }
            _ => {}
        }
        let serial = self.serial()?;
        if self.look_first && self.authority.abilities().status {
            let status = self.authority.status(&serial).await?;
            if matches!(
                status,
                CertificateStatus::Revoked | CertificateStatus::Expired
            ) {
                return Ok(CaDone::Standing(self.row.id, State::Revoked));
            }
        }
        let reason = Reason::parse(&self.row.revocation).unwrap_or_default();
        let acted = self.authority.revoke(&serial, reason).await?;
        Ok(self.acted(acted, State::Revoked))
    }

    fn enrolled(&self, enrolled: Enrolled) -> CaDone {
        match enrolled {
            Enrolled::Issued(issued) => self.issued(issued),
            Enrolled::Pending(reference) => CaDone::Pending(self.row.id, reference),
        }
    }

    fn issued(&self, issued: Issued) -> CaDone {
        CaDone::Issued(self.row.id, Box::new(issued))
    }

    fn acted(&self, acted: Acted, state: State) -> CaDone {
        match acted {
            Acted::Accepted if self.authority.abilities().status => CaDone::Underway,
            _ => CaDone::Standing(self.row.id, state),
        }
    }

    fn enrolment(&self) -> Result<&Enrolment, CaFailed> {
        let lacks = || CaFailed::Lacks("the request that was signed is gone".into());
        self.enrolment.as_ref().ok_or_else(lacks)
    }

    fn serial(&self) -> Result<Serial, CaFailed> {
        Serial::from_hex(&self.row.serial)
            .ok_or_else(|| CaFailed::Lacks("the certificate has no serial number".into()))
    }
}

/// Whether it is one that this server has had for the token, which may be for the same key.
fn knows(enrolment: &Enrolment, issued: &Issued) -> bool {
    enrolment.known.contains(issued.serial())
}
