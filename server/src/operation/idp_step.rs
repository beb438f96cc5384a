//! Steps at an identity provider. Each looks before it changes, wherever an
//! earlier try may have had its effect.

use core::time::Duration;
use std::sync::Arc;

use super::{Kind as Operation, StepName, made, plan::ABSENT, work::Work};
use crate::{
    connector::idp::{
        Authenticator, AuthenticatorId, AuthenticatorState, IdentityProvider, IdpError, IdpUserId,
        NewAuthenticator, Outcome, User, Why,
    },
    store::{self, CredentialId},
};

/// A request to the identity provider, with nothing left to look up.
#[derive(Debug)]
pub(super) struct IdpRequest {
    pub(super) provider: Arc<dyn IdentityProvider>,
    pub(super) step: StepName,
    pub(super) user: User,
    /// Known after find-user.
    pub(super) idp_user: Option<IdpUserId>,
    /// For publish.
    pub(super) new: Option<NewAuthenticator>,
    /// The credentials that it is about.
    pub(super) about: Vec<About>,
    /// An earlier try may have had its effect.
    pub(super) look_first: bool,
    /// Revoking suspends instead of deleting.
    pub(super) keep: bool,
    /// Takes back what may have happened.
    pub(super) undo: bool,
}

/// A credential of ours, as the provider may know it.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) row: CredentialId,
    pub(super) credential_id: Vec<u8>,
    pub(super) authenticator: Option<AuthenticatorId>,
}

/// What was found or done.
#[derive(Clone, Debug)]
pub(super) enum IdpDone {
    User(IdpUserId),
    /// How credentials now stand at the provider.
    Standing(Vec<Standing>),
}

/// How one credential stands at the provider.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) row: CredentialId,
    pub(super) authenticator: Option<AuthenticatorId>,
    /// The provider's word, or `absent`.
    pub(super) state: String,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum IdpFailed {
    #[error(transparent)]
    Call(#[from] IdpError),
    /// The state found there does not allow it.
    #[error("{reason}")]
    State {
        reason: String,
        next_action: &'static str,
    },
    /// The list does not tell which one is ours.
    #[error(
        "the identity provider lists authenticators without credential ids, and none under an id known here"
    )]
    Ambiguous,
}

/// How a failure is to be taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Failing {
    /// Nothing changed; it may pass.
    Passing(Option<Duration>),
    /// Something may have changed: look, a bounded number of times.
    MaybeChanged,
    /// Nothing changed, and it will not pass by itself.
    Stands,
    /// Only a person can tell.
    AskPerson,
}

impl IdpFailed {
    pub(super) fn judge(&self) -> Failing {
        match self {
            Self::Ambiguous => Failing::AskPerson,
            Self::State { .. } => Failing::Stands,
            Self::Call(error) if error.outcome() == Outcome::MaybeChanged => Failing::MaybeChanged,
            Self::Call(error) if error.is_passing() => Failing::Passing(error.retry_after()),
            Self::Call(_) => Failing::Stands,
        }
    }

    pub(super) fn advice(&self) -> &'static str {
        match self {
            Self::Ambiguous => {
                "look at the user's authenticators at the identity provider, then resolve"
            }
            Self::State { next_action, .. } => next_action,
            Self::Call(error) => match error.why {
                Why::NotPermitted { .. } => {
                    "check the connection: its key, its permissions, and the import switch"
                }
                Why::UserLacks { .. } | Why::Unusable { .. } => "correct the user, and try again",
                _ => "check the connection, and try again",
            },
        }
    }
}

/// Puts a request together.
pub(super) fn prepare(
    work: &Work,
    step: StepName,
    provider: Arc<dyn IdentityProvider>,
) -> IdpRequest {
    let facts = work.facts();
    let own = facts.credential(work.progress.credential);
    let keep = work
        .template
        .as_ref()
        .is_some_and(|row| !row.definition.delete_at_idp);
    let is = |state: &'static str| {
        move |c: &&store::credential::Credential| c.idp_state.as_deref() == Some(state)
    };
    let about: Vec<_> = match (step, work.operation.kind) {
        (StepName::Publish | StepName::Unpublish, _) | (StepName::ReadBack, Operation::Issue) => {
            own.into_iter().collect()
        }
        // Taking back what may have happened: each is looked at.
        (StepName::Suspend, Operation::Resume) | (StepName::Resume, Operation::Suspend) => {
            facts.published().collect()
        }
        (StepName::Suspend, _) => facts
            .published()
            .find(|c| !is("suspended")(c))
            .into_iter()
            .collect(),
        (StepName::Resume, _) => facts
            .published()
            .find(is("suspended"))
            .into_iter()
            .collect(),
        (StepName::DeleteAuthenticator, _) => facts
            .published()
            .find(|c| !keep || !is("suspended")(c))
            .into_iter()
            .collect(),
        _ => facts.published().collect(),
    };
    // Who it belongs to there is known since it was published.
    let known = about.first().and_then(|c| c.idp_user_id.clone());
    let user = work.user.as_ref();
    let text =
        |field: fn(&store::user::User) -> &str| user.map(field).unwrap_or_default().to_owned();
    IdpRequest {
        provider,
        step,
        user: User {
            user_name: text(|user| &user.user_name),
            mail: text(|user| &user.mail),
            given_name: text(|user| &user.given_name),
            sn: text(|user| &user.sn),
            sam_account_name: text(|user| user.sam_account_name.as_deref().unwrap_or_default()),
            user_principal_name: text(|user| {
                user.user_principal_name.as_deref().unwrap_or_default()
            }),
        },
        idp_user: work.progress.idp_user.clone().or(known).map(IdpUserId),
        new: own.map(|c| made::to_publish(work, c)),
        about: about
            .into_iter()
            .map(|c| About {
                row: c.id,
                credential_id: c.credential_id.clone(),
                authenticator: c.idp_authenticator_id.clone().map(AuthenticatorId),
            })
            .collect(),
        look_first: work.attempts_of(step) > 0,
        keep: keep && work.operation.kind == Operation::Revoke,
        undo: work.progress.failure.is_some(),
    }
}

/// Does it.
pub(super) async fn perform(request: &IdpRequest) -> Result<IdpDone, IdpFailed> {
    let idp = &request.provider;
    if request.step == StepName::FindUser {
        return Ok(IdpDone::User(idp.ensure_user(&request.user).await?));
    }
    let user = match &request.idp_user {
        Some(user) => user.clone(),
        None => idp.ensure_user(&request.user).await?,
    };
    let mut standing = Vec::new();
    for about in &request.about {
        standing.push(match request.step {
            StepName::Publish => publish(request, &user, about).await?,
            StepName::Unpublish => remove(request, &user, about).await?,
            StepName::DeleteAuthenticator if request.keep => hold(request, &user, about).await?,
            StepName::DeleteAuthenticator => remove(request, &user, about).await?,
            StepName::Suspend => hold(request, &user, about).await?,
            StepName::Resume => release(request, &user, about).await?,
            _ => look(request, &user, about).await?,
        });
    }
    Ok(IdpDone::Standing(standing))
}

async fn publish(
    request: &IdpRequest,
    user: &IdpUserId,
    about: &About,
) -> Result<Standing, IdpFailed> {
    let Some(new) = &request.new else {
        return Err(state("there is nothing to publish".into(), ""));
    };
    if request.look_first {
        let found = look(request, user, about).await?;
        if found.state != ABSENT {
            return Ok(found);
        }
    }
    match request.provider.add_authenticator(user, new).await {
        Ok(added) => Ok(of(about, Some(&added))),
        // Ours, from a try that nobody told us about.
        Err(IdpError {
            why: Why::Exists { .. },
            ..
        }) => {
            let found = look(request, user, about).await?;
            if found.state == ABSENT {
                return Err(state(
                    "the identity provider says that the credential is there already, and does \
                     not list it for this user"
                        .into(),
                    "look for the credential at the identity provider",
                ));
            }
            Ok(found)
        }
        Err(error) => Err(error.into()),
    }
}

async fn remove(
    request: &IdpRequest,
    user: &IdpUserId,
    about: &About,
) -> Result<Standing, IdpFailed> {
    let id = match &about.authenticator {
        Some(id) => Some(id.clone()),
        None => look(request, user, about).await?.authenticator,
    };
    if let Some(id) = id {
        request.provider.delete(user, &id).await?;
    }
    Ok(of(about, None))
}

async fn hold(
    request: &IdpRequest,
    user: &IdpUserId,
    about: &About,
) -> Result<Standing, IdpFailed> {
    let found = look(request, user, about).await?;
    let Some(id) = &found.authenticator else {
        return missing(request, found);
    };
    match AuthenticatorState::from(found.state.as_str()) {
        AuthenticatorState::Suspended => Ok(found),
        AuthenticatorState::Pending if request.keep => remove(request, user, about).await,
        AuthenticatorState::Pending => Err(state(
            "the authenticator is pending at the identity provider: its user has not activated it"
                .into(),
            "let the user activate it first, or revoke the key",
        )),
        _ => {
            request.provider.suspend(user, id).await?;
            look(request, user, about).await
        }
    }
}

async fn release(
    request: &IdpRequest,
    user: &IdpUserId,
    about: &About,
) -> Result<Standing, IdpFailed> {
    let found = look(request, user, about).await?;
    let Some(id) = &found.authenticator else {
        return missing(request, found);
    };
    if AuthenticatorState::from(found.state.as_str()) == AuthenticatorState::Suspended {
        request.provider.resume(user, id).await?;
        return look(request, user, about).await;
    }
    Ok(found)
}

/// Revoking finds what it wants, and there is nothing to take back; anything else
/// has nothing to work on.
fn missing(request: &IdpRequest, found: Standing) -> Result<Standing, IdpFailed> {
    if request.keep || request.undo {
        return Ok(found);
    }
    Err(state(
        "the authenticator is gone at the identity provider: somebody deleted it there".into(),
        "revoke the key",
    ))
}

async fn look(
    request: &IdpRequest,
    user: &IdpUserId,
    about: &About,
) -> Result<Standing, IdpFailed> {
    let listed = request.provider.list_authenticators(user).await?;
    let ours = |a: &&Authenticator| {
        a.credential_id.as_deref() == Some(&about.credential_id)
            || (about.authenticator.is_some() && about.authenticator.as_ref() == Some(&a.id))
    };
    let found = listed.iter().find(ours);
    let nameless = listed.iter().any(|a| a.credential_id.is_none());
    if found.is_none() && nameless && about.authenticator.is_none() {
        return Err(IdpFailed::Ambiguous);
    }
    Ok(of(about, found))
}

fn of(about: &About, found: Option<&Authenticator>) -> Standing {
    Standing {
        row: about.row,
        authenticator: found.map(|a| a.id.clone()),
        state: found.map_or_else(|| ABSENT.to_owned(), |a| a.state.as_str().to_owned()),
    }
}

fn state(reason: String, next_action: &'static str) -> IdpFailed {
    IdpFailed::State {
        reason,
        next_action,
    }
}
