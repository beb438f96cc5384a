//! Looking at a token, with the PIN we hold, for what an attempt did that was
//! cut off and that the host's journal could not settle.

use keysteward_proto::agent::v1::{
    self as agent, Inspected, Step, StepResult, step::Verb, step_error::Code,
    step_result::Result as Told,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::{
    StepName,
    hosts::{CallError, Hosts, StepRequest},
    presence::Place,
    token_step::{self, Judgement},
    work::Work,
};
use crate::{
    key_store::KeyStore,
    store::{
        operation::Kind as Operation,
        sealed_secret::{Kind, State},
    },
};

/// What to look for, and where.
pub(super) struct Look {
    pub(super) step: StepName,
    pub(super) place: Place,
    purpose: String,
    /// The PIN it should have now.
    pin: Option<Zeroizing<String>>,
    /// The PIN it had before.
    old_pin: Option<Zeroizing<String>>,
    rp_id: String,
    user_id: Vec<u8>,
    credential_id: Vec<u8>,
    known: Vec<Vec<u8>>,
    /// A credential that nothing lists would be left on the token.
    resident: bool,
}

/// What was found.
#[derive(Debug)]
pub(super) enum Found {
    /// It had its effect.
    Done,
    /// It had none.
    NotDone,
    /// A credential that nobody knows of.
    Orphan(Box<agent::Credential>),
    /// The token does not tell.
    CannotTell(String),
}

/// Why looking failed; it may pass.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotNow(String);

/// Puts together what to look for after `step`.
pub(super) fn prepare(keys: &KeyStore, work: &Work, step: StepName, place: Place) -> Look {
    let pin = |kind, state| token_step::pin(keys, work, kind, state).ok();
    let held = pin(Kind::GivenPin, State::Current).or_else(|| pin(Kind::Pin, State::Current));
    let pending = pin(Kind::Pin, State::Pending);
    let (now, old) = match step {
        StepName::SetPin | StepName::ChangePin => (pending, held),
        _ => (held, None),
    };
    let own = work.operation.kind == Operation::Issue;
    let facts = work.facts();
    let to_delete = facts.to_delete(own);
    let rp_id = to_delete.map(|c| c.rp_id.clone());
    Look {
        step,
        place,
        purpose: work.purpose(),
        pin: now,
        old_pin: old,
        rp_id: rp_id.unwrap_or_default(),
        user_id: work
            .user
            .as_ref()
            .map(|user| user.webauthn_id.to_vec())
            .unwrap_or_default(),
        credential_id: to_delete
            .map(|c| c.credential_id.clone())
            .unwrap_or_default(),
        known: work
            .credentials
            .iter()
            .map(|c| c.credential_id.clone())
            .collect(),
        resident: work
            .template
            .as_ref()
            .is_some_and(|row| row.definition.resident_key),
    }
}

impl Look {
    /// For the relying party of the template's connection.
    pub(super) fn at(mut self, rp_id: &str) -> Self {
        if self.rp_id.is_empty() {
            rp_id.clone_into(&mut self.rp_id);
        }
        self
    }

    /// Looks.
    pub(super) async fn perform(&self, hosts: &dyn Hosts) -> Result<Found, NotNow> {
        match self.step {
            StepName::SetPin => self.set_pin(hosts).await,
            StepName::ChangePin => self.change_pin(hosts).await,
            StepName::MakeCredential => self.make_credential(hosts).await,
            StepName::DeleteCredential => self.delete_credential(hosts).await,
            // Doing it again does no harm.
            _ => Ok(Found::NotDone),
        }
    }

    async fn set_pin(&self, hosts: &dyn Hosts) -> Result<Found, NotNow> {
        match self.ask(hosts, Verb::Inspect(agent::Inspect {})).await? {
            Ok(StepResult {
                result: Some(Told::Inspected(Inspected { pin_set: false, .. })),
            }) => return Ok(Found::NotDone),
            Ok(_) => {}
            Err(refused) => return Ok(Found::CannotTell(token_step::sentence(&refused))),
        }
        Ok(match self.list(hosts, self.pin.as_ref()).await? {
            Listed::Credentials(_) => Found::Done,
            Listed::OtherPin => {
                Found::CannotTell("the key has a PIN that this server did not make".into())
            }
            Listed::CannotTell(why) => Found::CannotTell(why),
        })
    }

    async fn change_pin(&self, hosts: &dyn Hosts) -> Result<Found, NotNow> {
        match self.list(hosts, self.pin.as_ref()).await? {
            Listed::Credentials(_) => return Ok(Found::Done),
            Listed::CannotTell(why) => return Ok(Found::CannotTell(why)),
            Listed::OtherPin => {}
        }
        Ok(match self.list(hosts, self.old_pin.as_ref()).await? {
            Listed::Credentials(_) => Found::NotDone,
            Listed::OtherPin => {
                Found::CannotTell("the key takes neither the old PIN nor the new one".into())
            }
            Listed::CannotTell(why) => Found::CannotTell(why),
        })
    }

    async fn make_credential(&self, hosts: &dyn Hosts) -> Result<Found, NotNow> {
        Ok(match self.list(hosts, self.pin.as_ref()).await? {
            Listed::Credentials(credentials) => credentials
                .into_iter()
                .find(|c| c.user_id == self.user_id && !self.known.contains(&c.credential_id))
                .map_or(Found::NotDone, |orphan| Found::Orphan(Box::new(orphan))),
            // Not discoverable: it is nowhere but in the answer that was lost.
            Listed::CannotTell(_) if !self.resident => Found::NotDone,
            Listed::CannotTell(why) => Found::CannotTell(why),
            Listed::OtherPin => {
                Found::CannotTell("the key does not take the PIN that this server holds".into())
            }
        })
    }

    async fn delete_credential(&self, hosts: &dyn Hosts) -> Result<Found, NotNow> {
        match self.list(hosts, self.pin.as_ref()).await? {
            Listed::Credentials(credentials) => {
                let there = credentials
                    .iter()
                    .any(|c| c.credential_id == self.credential_id);
                Ok(if there { Found::NotDone } else { Found::Done })
            }
            Listed::OtherPin => Ok(Found::CannotTell(
                "the key does not take the PIN that this server holds".into(),
            )),
            Listed::CannotTell(_) => self.look_silently(hosts).await,
        }
    }

    async fn look_silently(&self, hosts: &dyn Hosts) -> Result<Found, NotNow> {
        let verb = Verb::LookForCredentials(agent::LookForCredentials {
            rp_id: self.rp_id.clone(),
            credential_ids: vec![self.credential_id.clone()],
        });
        Ok(match self.ask(hosts, verb).await? {
            Ok(StepResult {
                result: Some(Told::FoundCredentials(found)),
            }) if found.credential_ids.is_empty() => Found::Done,
            Ok(_) => Found::NotDone,
            Err(refused) => Found::CannotTell(token_step::sentence(&refused)),
        })
    }

    async fn list(
        &self,
        hosts: &dyn Hosts,
        pin: Option<&Zeroizing<String>>,
    ) -> Result<Listed, NotNow> {
        let Some(pin) = pin else {
            return Ok(Listed::CannotTell(
                "this server does not hold the PIN of the key".into(),
            ));
        };
        let verb = Verb::ListCredentials(agent::ListCredentials {
            pin: pin.to_string(),
            rp_id: self.rp_id.clone(),
            ..agent::ListCredentials::default()
        });
        Ok(match self.ask(hosts, verb).await? {
            Ok(StepResult {
                result: Some(Told::CredentialList(list)),
            }) => Listed::Credentials(list.credentials),
            Ok(_) => Listed::CannotTell("the agent's answer lacks the list".into()),
            Err(refused) => match refused.code() {
                Code::CredentialNotFound => Listed::Credentials(Vec::new()),
                Code::PinInvalid => Listed::OtherPin,
                _ => Listed::CannotTell(token_step::sentence(&refused)),
            },
        })
    }

    /// Asks the token. Outer error: not now. Inner: what it refused.
    async fn ask(
        &self,
        hosts: &dyn Hosts,
        verb: Verb,
    ) -> Result<Result<StepResult, agent::StepError>, NotNow> {
        let (on_progress, _) = mpsc::channel(1);
        let request = StepRequest {
            presence_id: self.place.presence_id.clone(),
            purpose: self.purpose.clone(),
            step: Step {
                key: None,
                timeout_ms: 0,
                verb: Some(verb),
                ..Step::default()
            },
            on_progress,
            cancelled: CancellationToken::new(),
        };
        match hosts.step(self.place.host, request).await {
            Ok(result) => Ok(Ok(result)),
            Err(CallError::Refused(refused)) => match token_step::judge(&refused) {
                Judgement::Stands | Judgement::AskJournal => Ok(Err(*refused)),
                Judgement::Absent | Judgement::MayPass(_) => {
                    Err(NotNow(token_step::sentence(&refused)))
                }
            },
            Err(other) => Err(NotNow(other.to_string())),
        }
    }
}

enum Listed {
    Credentials(Vec<agent::Credential>),
    OtherPin,
    CannotTell(String),
}
