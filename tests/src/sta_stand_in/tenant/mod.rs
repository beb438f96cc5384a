//! One tenant's data, and the rules that Thales states for them.

mod authenticator;
mod user;

pub use authenticator::AuthenticatorState;
pub(super) use authenticator::{Authenticator, Registration};
pub(super) use user::User;

use super::answer::Refused;
use axum::http::StatusCode;
use jiff::Timestamp;
use rand::{RngCore, rngs::OsRng};
use serde::Serialize;
use std::collections::BTreeMap;

/// The data of one tenant.
#[derive(Debug)]
pub(super) struct Tenant {
    /// Settings > FIDO-Based Authentication > Authenticator import via API.
    pub(super) import_via_api: bool,
    users: BTreeMap<String, User>,
    audit: Vec<AuditEntry>,
}

/// A line of the audit log.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    pub at: Timestamp,
    /// "import", "activate", "suspend", "resume", "delete".
    pub action: &'static str,
    pub user_name: String,
    pub authenticator_id: String,
}

impl Tenant {
    pub(super) const fn new(import_via_api: bool) -> Self {
        Self {
            import_via_api,
            users: BTreeMap::new(),
            audit: Vec::new(),
        }
    }

    pub(super) fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    pub(super) fn user(&self, id: &str) -> Result<&User, Refused> {
        let found = self.users.get(&id.to_ascii_uppercase());
        found.ok_or_else(|| Refused::not_found(format!("no user has the id {id}")))
    }

    pub(super) fn user_mut(&mut self, id: &str) -> Result<&mut User, Refused> {
        let found = self.users.get_mut(&id.to_ascii_uppercase());
        found.ok_or_else(|| Refused::not_found(format!("no user has the id {id}")))
    }

    pub(super) fn user_by_name(&self, name: &str) -> Result<&User, Refused> {
        let found = self.users.values().find(|user| user.is_named(name));
        found.ok_or_else(|| Refused::not_found(format!("no user is named {name}")))
    }

    /// Adds a user; its name is nobody else's.
    pub(super) fn create_user(&mut self, user: User) -> Result<&User, Refused> {
        self.check_name_is_free(&user)?;
        let id = user.id().to_owned();
        Ok(self.users.entry(id).or_insert(user))
    }

    /// Puts a changed user in the place of the one with its id.
    pub(super) fn replace_user(&mut self, user: User) -> Result<&User, Refused> {
        self.check_name_is_free(&user)?;
        let place = self.user_mut(user.id())?;
        *place = user;
        Ok(place)
    }

    pub(super) fn delete_user(&mut self, id: &str) -> Result<(), Refused> {
        self.user(id)?;
        self.users.remove(&id.to_ascii_uppercase());
        Ok(())
    }

    /// Takes over a credential that was registered elsewhere. It is pending.
    pub(super) fn import(
        &mut self,
        user_id: &str,
        friendly_name: String,
        registration: Registration,
    ) -> Result<&Authenticator, Refused> {
        if !self.import_via_api {
            return Err(Refused::forbidden(
                "authenticator import via API is switched off",
            ));
        }
        let id = &registration.credential_id;
        let known = self.users.values().flat_map(User::authenticators);
        if known
            .into_iter()
            .any(|authenticator| authenticator.credential_id() == id)
        {
            return Err(Refused::new(
                StatusCode::CONFLICT,
                "the credential is registered",
            ));
        }
        let user = self.user_mut(user_id)?;
        let user_name = user.name().to_owned();
        let imported = Authenticator::imported(new_id(), friendly_name, registration);
        let id = imported.id().to_owned();
        user.authenticators_mut().push(imported);
        self.log("import", &user_name, &id);
        self.user(user_id)?.authenticator(&id)
    }

    pub(super) fn delete_authenticator(&mut self, user_id: &str, id: &str) -> Result<(), Refused> {
        let user = self.user_mut(user_id)?;
        user.authenticator(id)?;
        user.authenticators_mut()
            .retain(|authenticator| !authenticator.has_id(id));
        let user_name = user.name().to_owned();
        self.log("delete", &user_name, id);
        Ok(())
    }

    /// What the API may do to a state: active to suspended and back.
    pub(super) fn set_state(
        &mut self,
        user_id: &str,
        id: &str,
        state: AuthenticatorState,
    ) -> Result<(), Refused> {
        let user = self.user_mut(user_id)?;
        let user_name = user.name().to_owned();
        let authenticator = user.authenticator_mut(id)?;
        authenticator.set_state_by_api(state)?;
        let action = match state {
            AuthenticatorState::Suspended => "suspend",
            _ => "resume",
        };
        self.log(action, &user_name, id);
        Ok(())
    }

    /// The user proved to be the one, and to hold the authenticator.
    pub(super) fn activate(
        &mut self,
        user_id: &str,
        id: &str,
        nickname: Option<&str>,
    ) -> Result<(), Refused> {
        let user = self.user_mut(user_id)?;
        let user_name = user.name().to_owned();
        let authenticator = user.authenticator_mut(id)?;
        if let Some(nickname) = nickname {
            authenticator.rename(nickname)?;
        }
        authenticator.activate()?;
        self.log("activate", &user_name, id);
        Ok(())
    }

    pub(super) fn audit(&self) -> &[AuditEntry] {
        &self.audit
    }

    fn check_name_is_free(&self, user: &User) -> Result<(), Refused> {
        let taken = self
            .users
            .values()
            .any(|other| other.id() != user.id() && other.is_named(user.name()));
        if taken {
            let why = format!("a user is named {} already", user.name());
            return Err(Refused::new(StatusCode::CONFLICT, why));
        }
        Ok(())
    }

    fn log(&mut self, action: &'static str, user_name: &str, authenticator_id: &str) {
        self.audit.push(AuditEntry {
            at: Timestamp::now(),
            action,
            user_name: user_name.to_owned(),
            authenticator_id: authenticator_id.to_owned(),
        });
    }
}

/// 36 hexadecimal digits, as STA writes its ids when asked for hexadecimal.
pub(super) fn new_id() -> String {
    let mut id = [0; 18];
    OsRng.fill_bytes(&mut id);
    hex::encode_upper(id)
}
