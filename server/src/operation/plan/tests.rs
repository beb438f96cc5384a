//! Every plan, walked through on paper: what each kind does, in order, when all
//! goes well and when it must turn round. Step names are known to journals.

use super::*;
use crate::{
    lifecycle::{self, Alphabet, Custody, PinPolicy, Template, TokenState},
    store::{
        ConnectionId, CredentialId, OperationId, SecretId, TokenId, UserId,
        credential::Credential,
        token::{self, Token},
    },
};

/// A token, its credential and its PINs, changed as steps and effects would.
struct Paper {
    progress: Progress,
    parameters: Parameters,
    token: Token,
    credentials: Vec<Credential>,
    pins: Pins,
    template: Template,
    present: bool,
    expected: bool,
    operation: OperationId,
}

fn paper(state: TokenState) -> Paper {
    let mut facts = token::Facts {
        min_pin_length: 4,
        ..token::Facts::default()
    };
    for option in [
        "rk",
        "clientPin",
        "credMgmt",
        "authnrCfg",
        "setMinPINLength",
    ] {
        facts.options.insert(option.into(), true);
    }
    let operation = OperationId::new();
    let issued = !matches!(state, TokenState::Registered);
    let mut paper = Paper {
        progress: Progress::default(),
        parameters: Parameters::default(),
        token: Token {
            id: TokenId::new(),
            identity: None,
            serial: String::new(),
            model: "key".into(),
            aaguid: [0; 16],
            is_virtual: false,
            token_type_id: None,
            state,
            needs_reset: false,
            user_id: issued.then(UserId::new),
            template_id: None,
            host_id: None,
            presence_id: None,
            facts,
            last_seen_at: None,
            created_at: Micros(0),
        },
        credentials: vec![],
        pins: Pins::default(),
        template: Template {
            token_types: vec![],
            resident_key: true,
            display_name: "{model}".into(),
            pin: PinPolicy {
                length: 8,
                alphabet: Alphabet::Digits,
                custody: Custody::Escrow,
                minimum_length: 6,
                force_change: false,
            },
            enterprise_attestation: false,
            always_uv: None,
            cred_protect: 0,
            algorithms: vec![-7],
            delete_at_idp: true,
            allowed_aaguids: vec![],
            blocked_aaguids: vec![],
            card: None,
        },
        present: true,
        expected: true,
        operation,
    };
    if issued {
        paper.pins.current = true;
        paper.make(OperationId::new());
        let idp_state = if state == TokenState::Suspended {
            "suspended"
        } else {
            "active"
        };
        for c in &mut paper.credentials {
            c.idp_authenticator_id = Some("a1".into());
            c.idp_state = Some(idp_state.into());
        }
    }
    paper
}

impl Paper {
    fn make(&mut self, operation_id: OperationId) {
        let id = CredentialId::new();
        self.progress.credential = Some(id);
        self.credentials.push(Credential {
            id,
            token_id: self.token.id,
            user_id: UserId::new(),
            operation_id,
            connection_id: ConnectionId::new(),
            rp_id: "example.com".into(),
            credential_id: vec![1],
            public_key: vec![],
            aaguid: [0; 16],
            sign_count: 0,
            attestation_object: vec![],
            client_data: vec![],
            origin: String::new(),
            friendly_name: String::new(),
            attestation: String::new(),
            idp_user_id: None,
            idp_authenticator_id: None,
            idp_state: None,
            on_token: OnToken::Present,
            created_at: Micros(0),
        });
    }

    fn next(&self, kind: Kind) -> Next {
        let facts = Facts {
            operation: self.operation,
            parameters: &self.parameters,
            token: &self.token,
            present: self.present,
            credentials: &self.credentials,
            pins: self.pins,
            template: Some(&self.template),
            expired: false,
            expected: self.expected,
            publishes: true,
            card: None,
            card_type: None,
            certificates: &[],
            card_pin: Held::default(),
            puk: Held::default(),
            puk_in_doubt: false,
            newest: None,
        };
        next(kind, &self.progress, &facts)
    }

    /// As if the step had gone well.
    fn step(&mut self, step: StepName) {
        let idp = |c: &mut Credential, state: &str| {
            c.idp_authenticator_id.get_or_insert("a1".into());
            c.idp_state = Some(state.into());
        };
        let last = self.credentials.last_mut();
        match step {
            StepName::Inspect => self.progress.pin_set = Some(self.pins.current),
            StepName::SetPin | StepName::ChangePin => {
                (self.pins.current, self.pins.pending) = (true, false);
            }
            StepName::MakeCredential => self.make(self.operation),
            StepName::Publish => last.into_iter().for_each(|c| idp(c, "pending")),
            StepName::Suspend => last.into_iter().for_each(|c| idp(c, "suspended")),
            StepName::Resume => last.into_iter().for_each(|c| idp(c, "active")),
            StepName::Unpublish | StepName::DeleteAuthenticator => {
                last.into_iter().for_each(|c| idp(c, ABSENT));
            }
            StepName::DeleteCredential => {
                last.into_iter().for_each(|c| c.on_token = OnToken::Deleted);
            }
            StepName::FindUser | StepName::Configure | StepName::ReadBack | StepName::Reset => {}
            other => panic!("{other} is asked of a key that is no card"),
        }
        self.progress.at_idp |= step.changes_idp();
        self.progress.finish(step);
    }

    fn effect(&mut self, effect: &Effect) {
        match effect {
            Effect::Move(event) => {
                self.token.state = lifecycle::after(self.token.state, *event).unwrap();
            }
            Effect::Assign => self.token.user_id = Some(UserId::new()),
            Effect::Unassign => self.token.user_id = None,
            Effect::ErasePins(sealed_secret::State::Current) => self.pins.current = false,
            Effect::ErasePins(sealed_secret::State::Pending) => self.pins.pending = false,
            Effect::OfferPin => self.progress.offered = Some(SecretId::new()),
            Effect::NeedsReset(needs) => self.token.needs_reset = *needs,
            Effect::Mark { from, to, .. } => {
                for c in self.credentials.iter_mut().filter(|c| c.on_token == *from) {
                    c.on_token = *to;
                }
            }
            Effect::DeleteLater => self.progress.deferred = true,
            other => panic!("{other:?} of a key that is no card"),
        }
    }

    /// Everything that `kind` does, a line each; fails after the step `fail`.
    fn walk(&mut self, kind: Kind, fail: Option<StepName>) -> String {
        let mut lines = Vec::new();
        for _ in 0..32 {
            let next = self.next(kind);
            match &next {
                Next::Step(step) => {
                    lines.push(step.to_string());
                    self.step(*step);
                    if Some(*step) == fail {
                        lines.push("! fails".into());
                        self.progress.fail("it failed", "");
                    }
                }
                Next::Effect(effect) => {
                    lines.push(format!("  {effect:?}"));
                    self.effect(effect);
                }
                Next::WaitBriefly(step) => {
                    lines.push(format!("expects the token back: {step}"));
                    self.expected = false;
                }
                Next::WaitForToken(step) => {
                    lines.push(format!("waits for the token: {step}"));
                    return lines.join("\n");
                }
                Next::End(end) => {
                    let state = self.token.state;
                    let reset = if self.token.needs_reset {
                        ", needs reset"
                    } else {
                        ""
                    };
                    lines.push(format!("= {state}{reset} {:?}", end.remark));
                    return lines.join("\n");
                }
            }
        }
        panic!("no end: {lines:#?}");
    }
}

#[test]
fn every_kind_takes_its_steps_in_order() {
    let mut told = String::new();
    let mut tell = |what: &str, kind, mut paper: Paper, fail| {
        told += &format!("## {what}\n{}\n\n", paper.walk(kind, fail));
    };
    let with = |state, change: fn(&mut Paper)| {
        let mut paper = paper(state);
        change(&mut paper);
        paper
    };
    use TokenState::{Active, Issued, Registered, Revoked, Suspended};
    tell("issue", Kind::Issue, paper(Registered), None);
    let held = with(Registered, |p| p.pins.current = true);
    tell("issue, PIN held", Kind::Issue, held, None);
    for fail in [
        StepName::Inspect,
        StepName::MakeCredential,
        StepName::Publish,
    ] {
        let what = format!("issue, fails after {fail}");
        tell(&what, Kind::Issue, paper(Registered), Some(fail));
    }
    let hand_over = |p: &mut Paper| p.template.pin.custody = Custody::HandOver;
    tell("hand over, escrow", Kind::HandOverPin, paper(Issued), None);
    tell(
        "hand over, revealed",
        Kind::HandOverPin,
        with(Issued, hand_over),
        None,
    );
    let own: fn(&mut Paper) = |p| {
        p.template.pin.custody = Custody::HandOver;
        p.parameters.own_pin = true;
        p.pins.pending = true;
    };
    tell(
        "hand over, own PIN",
        Kind::HandOverPin,
        with(Issued, own),
        None,
    );
    let forced: fn(&mut Paper) = |p| {
        p.template.pin.custody = Custody::HandOver;
        p.template.pin.force_change = true;
    };
    tell(
        "hand over, forced change",
        Kind::HandOverPin,
        with(Issued, forced),
        None,
    );
    tell("suspend", Kind::Suspend, paper(Active), None);
    tell("resume", Kind::Resume, paper(Suspended), None);
    for (what, kind, state, fail) in [
        (
            "suspend, fails after suspend",
            Kind::Suspend,
            Active,
            StepName::Suspend,
        ),
        (
            "resume, fails after resume",
            Kind::Resume,
            Suspended,
            StepName::Resume,
        ),
    ] {
        tell(what, kind, paper(state), Some(fail));
    }
    tell("revoke, escrow", Kind::Revoke, paper(Active), None);
    let unplugged: fn(&mut Paper) = |p| p.present = false;
    tell(
        "revoke, key just unplugged",
        Kind::Revoke,
        with(Suspended, unplugged),
        None,
    );
    let absent: fn(&mut Paper) = |p| (p.present, p.expected) = (false, false);
    tell(
        "revoke, key absent",
        Kind::Revoke,
        with(Suspended, absent),
        None,
    );
    let unknown: fn(&mut Paper) = |p| p.pins = Pins::default();
    tell(
        "revoke, PIN not held",
        Kind::Revoke,
        with(Active, unknown),
        None,
    );
    let due: fn(&mut Paper) = |p| {
        for c in &mut p.credentials {
            c.on_token = OnToken::ToDelete;
            c.idp_state = Some(ABSENT.into());
        }
    };
    tell(
        "delete credentials",
        Kind::DeleteCredentials,
        with(Revoked, due),
        None,
    );
    let due_absent: fn(&mut Paper) = |p| {
        p.credentials
            .iter_mut()
            .for_each(|c| c.on_token = OnToken::ToDelete);
        p.present = false;
    };
    tell(
        "delete credentials, key absent",
        Kind::DeleteCredentials,
        with(Revoked, due_absent),
        None,
    );
    let pending: fn(&mut Paper) = |p| p.pins.pending = true;
    tell(
        "set PIN, first",
        Kind::SetPin,
        with(Registered, pending),
        None,
    );
    tell(
        "set PIN, another",
        Kind::SetPin,
        with(Active, pending),
        None,
    );
    tell("reset", Kind::ResetToken, paper(Revoked), None);
    insta::assert_snapshot!(told);
}

#[test]
fn no_plan_changes_anything_while_the_token_of_its_next_step_is_absent() {
    for (kind, state) in [
        (Kind::Issue, TokenState::Registered),
        (Kind::SetPin, TokenState::Registered),
        (Kind::ResetToken, TokenState::Revoked),
    ] {
        let mut paper = paper(state);
        paper.present = false;
        paper.pins.pending = true;
        assert!(matches!(paper.next(kind), Next::WaitForToken(_)), "{kind}");
    }
}
