//! One operation with everything that bears on it, as one transaction sees it.

use core::time::Duration;

use super::{
    StepName,
    plan::{self, Facts, Failure, Held, Parameters, Parked, Pins, Progress},
    presence::Place,
};
use crate::{
    lifecycle::{Template, TokenType},
    store::{
        self, Micros, Write,
        card::{self, Card},
        card_master_key::{self, CardMasterKey},
        certificate::{self, Certificate},
        credential::{self, Credential},
        operation::{self, Operation},
        sealed_secret::{self, Kind, SealedSecret, State},
        step::{self, Attempt},
        template,
        token::{self, Token},
        token_type,
        user::{self, User},
    },
};

/// One operation with everything that bears on it.
pub(super) struct Work {
    pub(super) operation: Operation,
    pub(super) parameters: Parameters,
    pub(super) progress: Progress,
    pub(super) token: Token,
    pub(super) user: Option<User>,
    pub(super) credentials: Vec<Credential>,
    pub(super) secrets: Vec<SealedSecret>,
    pub(super) template: Option<template::Row<Template>>,
    pub(super) token_type: Option<token_type::Row<TokenType>>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) card: Option<Card>,
    pub(super) certificates: Vec<Certificate>,
    /// Of the card master key.
    pub(super) generations: Vec<CardMasterKey>,
    pub(super) place: Option<Place>,
    pub(super) now: Micros,
    /// Nothing more is decided in this transaction.
    pub(super) paused: bool,
}

impl Work {
    pub(super) async fn load(
        tx: &mut Write<'_>,
        operation: Operation,
        place: Option<Place>,
        now: Micros,
    ) -> store::Result<Self> {
        let corrupt = |column| store::Error::Corrupt { column };
        let parameters: Parameters = serde_json::from_str(&operation.parameters)
            .map_err(|_| corrupt("operation.parameters"))?;
        let progress =
            serde_json::from_str(&operation.progress).map_err(|_| corrupt("operation.progress"))?;
        let token_id = operation.token_id.ok_or(corrupt("operation.token_id"))?;
        let token = token::get(tx, token_id)
            .await?
            .ok_or(corrupt("operation.token_id"))?;
        let user = match operation.user_id.or(token.user_id) {
            Some(id) => user::get(tx, id).await?,
            None => None,
        };
        let template = match parameters.template.or(token.template_id) {
            Some(id) => template::get(tx, id).await?,
            None => None,
        };
        let token_type = match token.token_type_id {
            Some(id) => token_type::get(tx, id).await?,
            None => None,
        };
        Ok(Self {
            credentials: credential::of_token(tx, token_id).await?,
            secrets: sealed_secret::of_token(tx, token_id).await?,
            attempts: step::of_operation(tx, operation.id).await?,
            card: card::get(tx, token_id).await?,
            certificates: certificate::of_token(tx, token_id).await?,
            generations: card_master_key::list(tx).await?,
            operation,
            parameters,
            progress,
            token,
            user,
            template,
            token_type,
            place,
            now,
            paused: false,
        })
    }

    /// Writes the operation down; `false` when somebody else has it.
    pub(super) async fn save(
        &mut self,
        tx: &mut Write<'_>,
        lease_until: Micros,
    ) -> store::Result<bool> {
        self.operation.progress =
            serde_json::to_string(&self.progress).map_err(|_| store::Error::Corrupt {
                column: "operation.progress",
            })?;
        operation::update(tx, &mut self.operation, lease_until).await
    }

    pub(super) fn facts(&self) -> Facts<'_> {
        Facts {
            operation: self.operation.id,
            parameters: &self.parameters,
            token: &self.token,
            present: self.place.is_some(),
            credentials: &self.credentials,
            pins: Pins {
                current: self.secret(Kind::Pin, State::Current).is_some(),
                pending: self.secret(Kind::Pin, State::Pending).is_some(),
                given: self.secret(Kind::GivenPin, State::Current).is_some(),
            },
            template: self.template.as_ref().map(|row| &row.definition),
            expired: self.expired(),
            expected: self.operation.host_id.is_some()
                && self
                    .progress
                    .patient_until
                    .is_none_or(|until| self.now < until),
            publishes: self
                .template
                .as_ref()
                .is_some_and(|row| row.connection_id.is_some()),
            card: self.card.as_ref(),
            card_type: self
                .token_type
                .as_ref()
                .and_then(|row| row.definition.card.as_ref()),
            certificates: &self.certificates,
            card_pin: self.held(Kind::CardPin),
            puk: self.held(Kind::Puk),
            puk_in_doubt: self.puk_in_doubt(),
            newest: self.generations.last().map(|row| row.generation),
        }
    }

    /// Whether the card may have the pending PUK.
    pub(super) fn puk_in_doubt(&self) -> bool {
        let earlier = |s: &SealedSecret| s.operation_id != self.operation.id;
        let pending = self.secret(Kind::Puk, State::Pending);
        self.progress.puk_unsure || pending.is_some_and(earlier)
    }

    fn held(&self, kind: Kind) -> Held {
        Held {
            current: self.secret(kind, State::Current).is_some(),
            pending: self.secret(kind, State::Pending).is_some(),
        }
    }

    pub(super) fn expired(&self) -> bool {
        plan::expired(self.operation.deadline, self.now)
    }

    /// A sealed secret: one that the token has, or one that this operation brought. A
    /// PUK that it may have got from an earlier operation is neither forgotten nor
    /// made anew.
    pub(super) fn secret(&self, kind: Kind, state: State) -> Option<&SealedSecret> {
        let shared = kind == Kind::Puk || (kind != Kind::GivenPin && state == State::Current);
        self.secrets.iter().find(|s| {
            s.kind == kind && s.state == state && (shared || s.operation_id == self.operation.id)
        })
    }

    /// The attempts of `step` so far.
    pub(super) fn attempts_of(&self, step: StepName) -> u32 {
        self.attempts
            .iter()
            .filter(|attempt| attempt.step == step.as_str())
            .map(|attempt| attempt.attempt)
            .max()
            .unwrap_or(0)
    }

    /// Waits until something happens that makes it due.
    pub(super) fn wait(&mut self, remark: String) {
        self.wait_until(Micros(i64::MAX), remark);
    }

    pub(super) fn wait_for(&mut self, time: Duration, remark: String) {
        self.wait_until(self.now.plus(time), remark);
    }

    /// Waits for a token that was there a moment ago.
    pub(super) fn wait_briefly(&mut self, patience: Duration, remark: String) {
        let until = self.now.plus(patience);
        let until = *self.progress.patient_until.get_or_insert(until);
        self.wait_until(until, remark);
    }

    pub(super) fn wait_until(&mut self, time: Micros, remark: String) {
        // A deadline that is still to come ends the wait.
        let deadline = self.operation.deadline.filter(|at| *at > self.now);
        self.operation.state = operation::State::Waiting;
        self.operation.not_before = deadline.map_or(time, |at| at.min(time));
        self.operation.remark = remark;
        self.paused = true;
    }

    /// Asks a person.
    pub(super) fn park(
        &mut self,
        state: operation::State,
        step: StepName,
        remark: String,
        next_action: &str,
    ) {
        self.operation.state = state;
        self.operation.remark = remark;
        self.operation.next_action = next_action.to_owned();
        self.progress.parked = Some(Parked {
            step,
            attempt: self.attempts_of(step),
        });
        self.paused = true;
    }

    pub(super) fn cancel(&mut self, by: &str) {
        self.progress.failure.get_or_insert(Failure {
            cancelled: true,
            reason: format!("cancelled by {by}"),
            next_action: String::new(),
        });
    }

    /// What the person at the host reads.
    pub(super) fn purpose(&self) -> String {
        let user = self.user.as_ref().map(|user| user.user_name.as_str());
        match user {
            Some(user) => format!("{} for {user}", self.operation.kind),
            None => self.operation.kind.to_string(),
        }
    }
}
