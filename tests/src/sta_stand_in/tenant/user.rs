//! Users. REST API for STA, users.

use super::{Authenticator, new_id};
use crate::sta_stand_in::answer::Refused;
use serde_json::{Map, Value, json};

/// A user with its authenticators.
#[derive(Clone, Debug)]
pub(in crate::sta_stand_in) struct User {
    /// As they go over the wire.
    members: Map<String, Value>,
    /// For activation, where the user has one.
    pub(in crate::sta_stand_in) password: Option<String>,
    authenticators: Vec<Authenticator>,
}

impl User {
    /// From the body of a POST.
    pub(in crate::sta_stand_in) fn create(body: &Value) -> Result<Self, Refused> {
        let mut members = object(body)?;
        check_members(&members)?;
        for member in REQUIRED {
            let given = members
                .get(member)
                .and_then(Value::as_str)
                .unwrap_or_default();
            if given.trim().is_empty() {
                return Err(Refused::bad_request(format!("{member} is required")));
            }
        }
        members.insert("id".to_owned(), json!(new_id()));
        for (member, value) in [
            ("schemaVersionNumber", json!("1.0")),
            ("isSynchronized", json!(false)),
            ("isActive", json!(true)),
        ] {
            members.entry(member).or_insert(value);
        }
        Ok(Self {
            members,
            password: None,
            authenticators: Vec::new(),
        })
    }

    /// With the body of a PATCH laid over it: only changed members.
    pub(in crate::sta_stand_in) fn changed(&self, body: &Value) -> Result<Self, Refused> {
        let changes = object(body)?;
        check_members(&changes)?;
        let mut user = self.clone();
        for (member, value) in changes {
            let blank = value.as_str().is_none_or(|text| text.trim().is_empty());
            if REQUIRED.contains(&member.as_str()) && blank {
                return Err(Refused::bad_request(format!("{member} cannot be blank")));
            }
            user.members.insert(member, value);
        }
        Ok(user)
    }

    pub(in crate::sta_stand_in) fn to_json(&self) -> Value {
        Value::Object(self.members.clone())
    }

    pub(in crate::sta_stand_in) fn id(&self) -> &str {
        self.text("id")
    }

    pub(in crate::sta_stand_in) fn name(&self) -> &str {
        self.text("userName")
    }

    pub(in crate::sta_stand_in) fn email(&self) -> &str {
        self.text("email")
    }

    pub(in crate::sta_stand_in) fn is_named(&self, name: &str) -> bool {
        self.name().to_lowercase() == name.to_lowercase()
    }

    pub(in crate::sta_stand_in) fn authenticators(&self) -> &[Authenticator] {
        &self.authenticators
    }

    pub(in crate::sta_stand_in) const fn authenticators_mut(&mut self) -> &mut Vec<Authenticator> {
        &mut self.authenticators
    }

    pub(in crate::sta_stand_in) fn authenticator(
        &self,
        id: &str,
    ) -> Result<&Authenticator, Refused> {
        let found = self.authenticators.iter().find(|found| found.has_id(id));
        found.ok_or_else(|| no_authenticator(id))
    }

    pub(in crate::sta_stand_in) fn authenticator_mut(
        &mut self,
        id: &str,
    ) -> Result<&mut Authenticator, Refused> {
        let found = self
            .authenticators
            .iter_mut()
            .find(|found| found.has_id(id));
        found.ok_or_else(|| no_authenticator(id))
    }

    fn text(&self, member: &str) -> &str {
        self.members
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

fn no_authenticator(id: &str) -> Refused {
    Refused::not_found(format!("the user has no authenticator with the id {id}"))
}

fn object(body: &Value) -> Result<Map<String, Value>, Refused> {
    let object = body.as_object().cloned();
    object.ok_or_else(|| Refused::bad_request("a user is a JSON object"))
}

fn check_members(members: &Map<String, Value>) -> Result<(), Refused> {
    for (member, value) in members {
        let fits = if TEXTS.contains(&member.as_str()) {
            value.is_string()
        } else {
            SWITCHES.contains(&member.as_str()) && value.is_boolean()
        };
        if !fits {
            return Err(Refused::bad_request(format!(
                "{member} is unknown, read-only or of another type"
            )));
        }
    }
    for (member, longest) in LENGTHS {
        let given = members
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or_default();
        if given.chars().count() > longest {
            return Err(Refused::bad_request(format!(
                "{member} is longer than {longest} characters"
            )));
        }
    }
    Ok(())
}

const REQUIRED: [&str; 4] = ["userName", "firstName", "lastName", "email"];
const LENGTHS: [(&str, usize); 2] = [("userName", 64), ("email", 96)];
const SWITCHES: [&str; 2] = ["isSynchronized", "isActive"];
const TEXTS: [&str; 22] = [
    "userName",
    "firstName",
    "lastName",
    "email",
    "userPrincipalName",
    "mobileNumber",
    "alias1",
    "alias2",
    "alias3",
    "alias4",
    "custom1",
    "custom2",
    "custom3",
    "address",
    "city",
    "state",
    "country",
    "postalCode",
    "immutableId",
    "externalId",
    "schemaVersionNumber",
    "phoneNumber",
];
