//! One host with an agent and a key, and what can go wrong there.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use keysteward_proto::agent::v1::{
    self as agent, FidoFacts, Outcome, Progress, StepKey, StepResult, outcome::State as Journal,
    step::Verb, step_error::Code,
};
use tokio::sync::broadcast;

use super::{
    card::{self, Card},
    fault::{Fault, Gate},
    key::{AAGUID, Key, refusal},
};
use crate::{
    audit::Checkpoint,
    fleet::{FleetEvent, PresentToken},
    operation::hosts::{CallError, CardRequest, Hosts, StepRequest},
    store::{HostId, ServerId},
};

/// The host, the agent's journal, the key: they outlive the server.
pub(super) struct Host {
    pub(super) id: HostId,
    pub(super) gate: Arc<Gate>,
    state: Mutex<State>,
    events: broadcast::Sender<FleetEvent>,
}

pub(super) struct State {
    pub(super) key: Key,
    /// Where the token is a card, alone or beside the key.
    pub(super) card: Option<Card>,
    pub(super) has_key: bool,
    pub(super) linked: bool,
    pub(super) plugged: bool,
    pub(super) is_virtual: bool,
    pub(super) serial: String,
    presence: u32,
    journal: HashMap<(String, String, u32), Outcome>,
    /// Refused instead of done, this often.
    pub(super) refuse: Vec<agent::StepError>,
    pub(super) acknowledged: usize,
    pub(super) witnessed: Option<Checkpoint>,
    /// Names of verbs that reached the key, in order.
    pub(super) log: Vec<&'static str>,
}

impl Host {
    pub(super) fn new(id: HostId, gate: Arc<Gate>) -> Self {
        Self {
            id,
            gate,
            state: Mutex::new(State {
                key: Key::new(),
                card: None,
                has_key: true,
                linked: true,
                plugged: true,
                is_virtual: false,
                serial: "S1".into(),
                presence: 1,
                journal: HashMap::new(),
                refuse: Vec::new(),
                acknowledged: 0,
                witnessed: None,
                log: Vec::new(),
            }),
            events: broadcast::Sender::new(64),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn unplug(&self) {
        let mut state = self.state();
        state.plugged = false;
        let presence_id = format!("p{}", state.presence);
        state.presence += 1;
        drop(state);
        let _ = self.events.send(FleetEvent::TokenGone {
            host: self.id,
            presence_id,
        });
    }

    pub(super) fn plug(&self) {
        self.state().plugged = true;
        self.tell_token();
    }

    pub(super) fn cut_link(&self) {
        self.state().linked = false;
        let _ = self.events.send(FleetEvent::HostDown { host: self.id });
    }

    pub(super) fn link(&self) {
        self.state().linked = true;
        let _ = self.events.send(FleetEvent::HostUp { host: self.id });
        let outcomes: Vec<_> = self.state().journal.values().cloned().collect();
        let _ = self.events.send(FleetEvent::Unacknowledged {
            host: self.id,
            outcomes: outcomes.into(),
        });
        if self.state().plugged {
            self.tell_token();
        }
    }

    /// An outcome that this database never asked for.
    pub(super) fn remember(&self, outcome: Outcome) {
        let key = outcome.key.clone().unwrap();
        self.state().journal.insert(name(&key), outcome);
    }

    fn tell_token(&self) {
        let token = Arc::new(self.token());
        let _ = self.events.send(FleetEvent::TokenSeen {
            host: self.id,
            token,
        });
    }

    fn token(&self) -> agent::Token {
        let state = self.state();
        let options = [
            ("rk", Some(true)),
            ("clientPin", Some(state.key.pin.is_some())),
            ("credMgmt", Some(true)),
            ("authnrCfg", Some(true)),
            ("setMinPINLength", Some(true)),
            ("ep", state.key.ep),
        ];
        let options = options
            .into_iter()
            .filter_map(|(name, on)| Some((name.to_owned(), on?)));
        agent::Token {
            presence_id: format!("p{}", state.presence),
            transport: "hid".into(),
            r#virtual: state.is_virtual,
            vendor_id: 0x1209,
            product_id: 1,
            manufacturer: "Example".into(),
            product: "Example Key".into(),
            serial: state.serial.clone(),
            fido: state.has_key.then(|| FidoFacts {
                aaguid: AAGUID.to_vec(),
                versions: vec!["FIDO_2_1".into()],
                options: options.collect(),
                min_pin_length: state.key.min_pin_length,
                max_pin_length: 63,
                algorithms: vec![-7],
                transports: vec!["usb".into()],
                max_msg_size: 1200,
                max_credential_id_length: 128,
                max_cred_blob_length: 32,
                max_serialized_large_blob_array: 1024,
                long_touch_for_reset: true,
                transports_for_reset: vec!["usb".into()],
                pin_complexity_policy: Some(true),
                pin_complexity_policy_url: "https://example.com/pin".into(),
                uv_modality: 2,
                preferred_platform_uv_attempts: 3,
                certifications: [("FIDO".to_owned(), 6)].into(),
                vendor_prototype_config_commands: vec![u64::MAX],
                authenticator_config_commands: vec![1, 3],
                ..FidoFacts::default()
            }),
            fault: String::new(),
            applets: [
                state.has_key.then_some("fido2"),
                state.card.as_ref().map(|card| card.applet.as_str()),
            ]
            .into_iter()
            .flatten()
            .map(str::to_owned)
            .collect(),
            card: state.card.as_ref().map(Card::facts),
        }
    }

    /// The agent does the step: journal, key, journal.
    fn work(&self, request: &StepRequest) -> Result<StepResult, agent::StepError> {
        let mut state = self.state();
        if !state.plugged || request.presence_id != format!("p{}", state.presence) {
            return Err(refusal(Code::TokenNotPresent, "the key is not there"));
        }
        if let Some(refusal) = state.refuse.pop() {
            return Err(refusal);
        }
        let verb = request.step.verb.clone().unwrap();
        state.log.push(verb_name(&verb));
        let result = state.key.handle(verb);
        if let Some(key) = &request.step.key {
            let (journal, done, error) = match &result {
                Ok(done) => (Journal::Done, Some(done.clone()), None),
                Err(error) => (Journal::Failed, None, Some(error.clone())),
            };
            let outcome = Outcome {
                key: Some(key.clone()),
                state: journal.into(),
                result: done,
                error,
                caller: "server".into(),
                ..Outcome::default()
            };
            let old = state.journal.insert(name(key), outcome);
            assert!(old.is_none(), "an attempt started twice: {key:?}");
        }
        result
    }

    /// The agent does the step at the card: journal, card, journal.
    fn work_on_card(&self, request: &CardRequest) -> Result<StepResult, agent::StepError> {
        let mut state = self.state();
        if !state.plugged || request.presence_id != format!("p{}", state.presence) {
            return Err(refusal(Code::TokenNotPresent, "the card is not there"));
        }
        if let Some(refusal) = state.refuse.pop() {
            return Err(refusal);
        }
        let verb = request.step.verb.clone().unwrap();
        state.log.push(card::name(&verb));
        let Some(card) = &mut state.card else {
            return Err(refusal(Code::NotSupported, "it is no card"));
        };
        let result = card.handle(verb, &request.keys);
        if let Some(key) = &request.step.key {
            let (journal, done, error) = match &result {
                Ok(done) => (Journal::Done, Some(done.clone()), None),
                Err(error) => (Journal::Failed, None, Some(error.clone())),
            };
            let outcome = Outcome {
                key: Some(key.clone()),
                state: journal.into(),
                result: done,
                error,
                caller: "server".into(),
                ..Outcome::default()
            };
            let old = state.journal.insert(name(key), outcome);
            assert!(old.is_none(), "an attempt started twice: {key:?}");
        }
        result
    }

    /// The agent was cut off and cannot settle it.
    fn forget(&self, key: Option<&StepKey>) {
        let Some(key) = key else { return };
        let outcome = Outcome {
            key: Some(key.clone()),
            state: Journal::Unknown.into(),
            explanation: "the agent was killed".into(),
            caller: "server".into(),
            ..Outcome::default()
        };
        self.state().journal.insert(name(key), outcome);
    }
}

fn name(key: &StepKey) -> (String, String, u32) {
    (key.operation_id.clone(), key.step.clone(), key.attempt)
}

fn verb_name(verb: &Verb) -> &'static str {
    match verb {
        Verb::Inspect(_) => "inspect",
        Verb::LookForCredentials(_) => "look",
        Verb::ListCredentials(_) => "list",
        Verb::Select(_) => "select",
        Verb::SetPin(_) => "set-pin",
        Verb::ChangePin(_) => "change-pin",
        Verb::Configure(_) => "configure",
        Verb::MakeCredential(_) => "make-credential",
        Verb::DeleteCredential(_) => "delete-credential",
        Verb::ProveCredential(_) => "prove",
        Verb::Reset(_) => "reset",
        _ => "another",
    }
}

#[async_trait]
impl Hosts for Host {
    fn is_linked(&self, host: HostId) -> bool {
        host == self.id && self.state().linked
    }

    fn linked(&self) -> Vec<HostId> {
        if self.state().linked {
            vec![self.id]
        } else {
            vec![]
        }
    }

    fn present(&self) -> Vec<PresentToken> {
        let there = self.state().linked && self.state().plugged;
        let present = || PresentToken {
            host: self.id,
            token: self.token(),
        };
        there.then(present).into_iter().collect()
    }

    fn subscribe(&self) -> broadcast::Receiver<FleetEvent> {
        self.events.subscribe()
    }

    async fn step(&self, host: HostId, request: StepRequest) -> Result<StepResult, CallError> {
        if !self.is_linked(host) {
            return Err(CallError::NotSent("the host is not linked".into()));
        }
        let touch = Progress {
            kind: agent::progress::Kind::TouchNeeded.into(),
            message: "touch the key on laptop-7 now".into(),
            ..Progress::default()
        };
        if matches!(request.step.verb, Some(Verb::MakeCredential(_))) {
            let _ = request.on_progress.try_send(touch);
        }
        let key = request.step.key.clone();
        let lost = || CallError::Lost("the link was lost".into());
        let gave_up = || {
            let gave_up = refusal(Code::Cancelled, "the request was cancelled");
            CallError::Refused(Box::new(gave_up))
        };
        if request.cancelled.is_cancelled() {
            return Err(gave_up());
        }
        match self.gate.pass() {
            None | Some(Fault::Refused | Fault::RefusedFromNowOn) => {}
            Some(Fault::ServerDiesBefore) => self.gate.trip().await,
            Some(Fault::ServerDiesAfter) => {
                let _ = self.work(&request);
                self.gate.trip().await;
            }
            Some(Fault::AgentDiesBefore) => {
                self.forget(key.as_ref());
                return Err(lost());
            }
            Some(Fault::AgentDiesAfter) => {
                let _ = self.work(&request);
                self.forget(key.as_ref());
                return Err(lost());
            }
            Some(Fault::AnswerLost) => {
                let _ = self.work(&request);
                return Err(lost());
            }
            Some(Fault::TouchedTooLate) => request.cancelled.cancelled().await,
            Some(Fault::NobodyTouches) => {
                request.cancelled.cancelled().await;
                return Err(gave_up());
            }
            Some(Fault::HostVanishes) => {
                let _ = self.work(&request);
                self.cut_link();
                return Err(lost());
            }
            Some(Fault::RequestLost) => return Err(lost()),
            Some(Fault::Unplugged) => {
                self.unplug();
                self.plug();
            }
        }
        self.work(&request)
            .map_err(|error| CallError::Refused(Box::new(error)))
    }

    async fn card(&self, host: HostId, request: CardRequest) -> Result<StepResult, CallError> {
        if !self.is_linked(host) {
            return Err(CallError::NotSent("the host is not linked".into()));
        }
        let key = request.step.key.clone();
        let lost = || CallError::Lost("the link was lost".into());
        match self.gate.pass() {
            None => {}
            Some(Fault::ServerDiesBefore) => self.gate.trip().await,
            Some(Fault::ServerDiesAfter) => {
                let _ = self.work_on_card(&request);
                self.gate.trip().await;
            }
            Some(Fault::AgentDiesBefore) => {
                self.forget(key.as_ref());
                return Err(lost());
            }
            Some(Fault::AgentDiesAfter) => {
                let _ = self.work_on_card(&request);
                self.forget(key.as_ref());
                return Err(lost());
            }
            Some(Fault::AnswerLost) => {
                let _ = self.work_on_card(&request);
                return Err(lost());
            }
            Some(Fault::RequestLost) => return Err(lost()),
            Some(_) => {
                self.unplug();
                self.plug();
            }
        }
        self.work_on_card(&request)
            .map_err(|error| CallError::Refused(Box::new(error)))
    }

    async fn outcome(&self, host: HostId, key: StepKey) -> Result<Outcome, CallError> {
        if !self.is_linked(host) {
            return Err(CallError::NotSent("the host is not linked".into()));
        }
        let found = self.state().journal.get(&name(&key)).cloned();
        Ok(found.unwrap_or(Outcome {
            key: Some(key),
            state: Journal::NotFound.into(),
            ..Outcome::default()
        }))
    }

    async fn unacknowledged(&self, _: HostId) -> Result<Vec<Outcome>, CallError> {
        Ok(self.state().journal.values().cloned().collect())
    }

    async fn acknowledge(&self, _: HostId, keys: Vec<StepKey>) -> Result<(), CallError> {
        self.state().acknowledged += keys.len();
        Ok(())
    }

    async fn witness(
        &self,
        _: HostId,
        _: ServerId,
        checkpoint: &Checkpoint,
    ) -> Result<(), CallError> {
        self.state().witnessed = Some(checkpoint.clone());
        Ok(())
    }
}
