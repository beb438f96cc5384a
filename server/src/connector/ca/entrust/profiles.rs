//! Profiles: what a CA issues, and what it wants to know for it.

use super::{Gateway, payload};
use crate::connector::ca::{CaError, Call, FieldName, Profile, ProfileField, http::read};
use reqwest::Method;
use serde::Deserialize;
use std::collections::BTreeMap;

pub(super) async fn list(gateway: &Gateway, call: Call) -> Result<Vec<Profile>, CaError> {
    let ca_id = gateway.ca_id(call)?;
    let answer = gateway
        .send(call, Method::GET, &[ca_id, "profiles"], None, None)
        .await?;
    let list: List = read(call, &answer, "a list of profiles")?;
    Ok(list.profiles.into_iter().map(Profile::from).collect())
}

pub(super) async fn one(gateway: &Gateway, id: &str) -> Result<Profile, CaError> {
    let call = Call::Profiles;
    let ca_id = gateway.ca_id(call)?;
    let path = [ca_id, "profiles", id];
    let answer = gateway.send(call, Method::GET, &path, None, None).await?;
    let one: One = read(call, &answer, "a profile")?;
    Ok(one.profile.into())
}

#[derive(Deserialize)]
struct List {
    profiles: Vec<Item>,
}

#[derive(Deserialize)]
struct One {
    profile: Item,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: String,
    name: Option<String>,
    #[serde(default)]
    properties: BTreeMap<String, serde_json::Value>,
    subject_variable_requirements: Option<Vec<Variable>>,
    subject_alt_name_requirements: Option<Vec<AlternativeName>>,
}

#[derive(Deserialize)]
struct Variable {
    name: String,
    #[serde(default)]
    required: bool,
}

#[derive(Deserialize)]
struct AlternativeName {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    required: bool,
}

impl From<Item> for Profile {
    fn from(item: Item) -> Self {
        let properties: BTreeMap<_, _> = item
            .properties
            .into_iter()
            .map(|(name, value)| match value {
                serde_json::Value::String(text) => (name, text),
                other => (name, other.to_string()),
            })
            .collect();
        let variables = item.subject_variable_requirements.unwrap_or_default();
        let variables = variables.into_iter().map(|variable| ProfileField {
            name: FieldName::Subject(variable.name),
            required: variable.required,
        });
        // Kinds that are not known here cannot be given either: the CA says so.
        let names = item.subject_alt_name_requirements.unwrap_or_default();
        let names = names.into_iter().filter_map(|name| {
            Some(ProfileField {
                name: FieldName::AlternativeName(payload::kind(&name.kind)?),
                required: name.required,
            })
        });
        Self {
            name: item.name.unwrap_or_else(|| item.id.clone()),
            takes_request: properties
                .get("key_client_generated")
                .map(|told| told == "true"),
            fields: variables.chain(names).collect(),
            id: item.id,
            properties,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::ca::AlternativeNameKind;

    #[test]
    fn a_profile_of_the_vendors_documents_is_read() {
        let text = r#"{"profiles":[{"id":"basic-ca-subord","name":"basic-ca-subord",
            "properties":{"cert_lifetime":"87600h0m0s","key_client_generated":"true"},
            "protocols":[],"requestedProperties":[],
            "subjectVariableRequirements":[{"name":"cn","required":true}],
            "subjectAltNameRequirements":[{"type":"rfc822Name","required":false},
                {"type":"registeredID","required":false}]}]}"#;
        let list: List = serde_json::from_str(text).unwrap();
        let profile: Profile = list.profiles.into_iter().next().unwrap().into();
        assert_eq!(profile.takes_request, Some(true));
        assert_eq!(profile.properties["cert_lifetime"], "87600h0m0s");
        let field = |name, required| ProfileField { name, required };
        assert_eq!(
            profile.fields,
            [
                field(FieldName::Subject("cn".to_owned()), true),
                field(FieldName::AlternativeName(AlternativeNameKind::Mail), false),
            ]
        );
    }

    #[test]
    fn a_profile_that_says_little_is_a_profile() {
        let list: List = serde_json::from_str(r#"{"profiles":[{"id":"x"}]}"#).unwrap();
        let profile: Profile = list.profiles.into_iter().next().unwrap().into();
        assert_eq!((profile.name.as_str(), profile.takes_request), ("x", None));
        assert!(profile.fields.is_empty());
    }
}
