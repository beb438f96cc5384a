//! An identity provider with the rules of STA, and what can go wrong there.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;

use super::fault::{Fault, Gate};
use crate::{
    connector::idp::{
        Authenticator, AuthenticatorId, AuthenticatorState, Call, Deleted, Finding,
        IdentityProvider, IdpError, IdpUserId, NewAuthenticator, RelyingParty, User, Why,
    },
    operation::Providers,
    store::connection::Connection,
};

pub(super) struct Idp {
    pub(super) relying_party: RelyingParty,
    pub(super) gate: Arc<Gate>,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) authenticators: Vec<Authenticator>,
    /// Imports ever taken.
    pub(super) imported: usize,
    /// Said instead of an answer, last first.
    pub(super) say: Vec<(Call, Why)>,
    /// Said to every such call.
    pub(super) always: Option<(Call, Why)>,
    /// Nobody may do anything.
    pub(super) refuses: bool,
    /// The list leaves credential ids out.
    pub(super) nameless: bool,
}

impl std::fmt::Debug for Idp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Idp")
    }
}

impl Idp {
    pub(super) fn new(gate: Arc<Gate>) -> Self {
        let relying_party =
            RelyingParty::new("idp.example", "Example", "https://idp.example").unwrap();
        Self {
            relying_party,
            gate,
            state: Mutex::default(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn activate(&self) {
        for authenticator in &mut self.state().authenticators {
            authenticator.state = AuthenticatorState::Active;
        }
    }

    async fn call<T>(
        &self,
        call: Call,
        work: impl FnOnce(&mut State) -> Result<T, Why> + Send,
    ) -> Result<T, IdpError> {
        let error = |why| IdpError { call, why };
        let scripted = {
            let mut state = self.state();
            let at = state.say.iter().rposition(|(of, _)| *of == call);
            let always = state.always.clone().filter(|(of, _)| *of == call);
            at.map(|at| state.say.remove(at).1)
                .or(always.map(|(_, why)| why))
        };
        if let Some(why) = scripted {
            return Err(error(why));
        }
        if self.state().refuses {
            return Err(error(refused()));
        }
        let no_answer = || error(Why::NoAnswer("connection reset".into()));
        match self.gate.pass() {
            None
            | Some(
                Fault::Unplugged
                | Fault::HostVanishes
                | Fault::NobodyTouches
                | Fault::TouchedTooLate,
            ) => {}
            Some(Fault::Refused) => return Err(error(refused())),
            Some(Fault::RefusedFromNowOn) => {
                let mut state = self.state();
                let _ = work(&mut state);
                state.refuses = true;
                return Err(no_answer());
            }
            Some(Fault::ServerDiesBefore) => self.gate.trip().await,
            Some(Fault::ServerDiesAfter) => {
                let _ = work(&mut self.state());
                self.gate.trip().await;
                return Err(no_answer());
            }
            Some(Fault::AnswerLost | Fault::AgentDiesAfter) => {
                let _ = work(&mut self.state());
                return Err(no_answer());
            }
            Some(Fault::RequestLost | Fault::AgentDiesBefore) => return Err(no_answer()),
        }
        work(&mut self.state()).map_err(error)
    }
}

fn find<'s>(state: &'s mut State, id: &AuthenticatorId) -> Result<&'s mut Authenticator, Why> {
    let found = state.authenticators.iter_mut().find(|a| a.id == *id);
    found.ok_or(Why::NotFound {
        status: 404,
        said: Default::default(),
    })
}

fn refused() -> Why {
    Why::NotPermitted {
        status: 403,
        said: Default::default(),
    }
}

fn wrong_state() -> Why {
    Why::BadRequest {
        status: 400,
        said: Default::default(),
    }
}

#[async_trait]
impl IdentityProvider for Idp {
    fn relying_party(&self) -> &RelyingParty {
        &self.relying_party
    }

    async fn check(&self) -> Vec<Finding> {
        Vec::new()
    }

    async fn ensure_user(&self, user: &User) -> Result<IdpUserId, IdpError> {
        let id = IdpUserId(format!("idp-{}", user.user_name));
        self.call(Call::FindUser, |_| Ok(id)).await
    }

    async fn list_authenticators(&self, _: &IdpUserId) -> Result<Vec<Authenticator>, IdpError> {
        self.call(Call::ListAuthenticators, |state| {
            let mut listed = state.authenticators.clone();
            for authenticator in &mut listed {
                if state.nameless {
                    authenticator.credential_id = None;
                }
            }
            Ok(listed)
        })
        .await
    }

    async fn add_authenticator(
        &self,
        _: &IdpUserId,
        new: &NewAuthenticator,
    ) -> Result<Authenticator, IdpError> {
        let id = Some(new.credential_id.clone());
        self.call(Call::AddAuthenticator, |state| {
            if state.authenticators.iter().any(|a| a.credential_id == id) {
                return Err(Why::Exists {
                    said: Default::default(),
                });
            }
            state.imported += 1;
            let added = Authenticator {
                id: AuthenticatorId(format!("a{}", state.imported)),
                state: AuthenticatorState::Pending,
                credential_id: id,
                friendly_name: Some(new.friendly_name.clone()),
                created_at: None,
                last_used_at: None,
            };
            state.authenticators.push(added.clone());
            Ok(added)
        })
        .await
    }

    async fn suspend(&self, _: &IdpUserId, id: &AuthenticatorId) -> Result<(), IdpError> {
        self.call(Call::Suspend, |state| {
            let found = find(state, id)?;
            if found.state != AuthenticatorState::Active {
                return Err(wrong_state());
            }
            found.state = AuthenticatorState::Suspended;
            Ok(())
        })
        .await
    }

    async fn resume(&self, _: &IdpUserId, id: &AuthenticatorId) -> Result<(), IdpError> {
        self.call(Call::Resume, |state| {
            let found = find(state, id)?;
            if found.state != AuthenticatorState::Suspended {
                return Err(wrong_state());
            }
            found.state = AuthenticatorState::Active;
            Ok(())
        })
        .await
    }

    async fn delete(&self, _: &IdpUserId, id: &AuthenticatorId) -> Result<Deleted, IdpError> {
        self.call(Call::Delete, |state| {
            let before = state.authenticators.len();
            state.authenticators.retain(|a| a.id != *id);
            Ok(if state.authenticators.len() == before {
                Deleted::AlreadyGone
            } else {
                Deleted::Now
            })
        })
        .await
    }
}

/// Every connection is this provider.
pub(super) struct Only(pub(super) Arc<Idp>);

impl Providers for Only {
    fn provider(&self, _: &Connection) -> Result<Arc<dyn IdentityProvider>, String> {
        Ok(self.0.clone())
    }
}
