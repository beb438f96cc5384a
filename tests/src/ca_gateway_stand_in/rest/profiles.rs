//! "Templates".

use super::{super::server::Site, known};
use crate::ca_gateway_stand_in::refused::Refused;
use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// What a profile wants.
pub(super) struct Profile {
    pub(super) id: &'static str,
    key_client_generated: bool,
    pub(super) days: u32,
    pub(super) variables: &'static [(&'static str, bool)],
    pub(super) names: &'static [(&'static str, bool)],
}

pub(super) fn by_id(id: &str) -> Result<&'static Profile, Refused> {
    PROFILES
        .iter()
        .find(|profile| profile.id == id)
        .ok_or_else(|| Refused::not_found("Profile with specified name not found"))
}

pub(super) async fn list(
    State(site): State<Arc<Site>>,
    Path(ca): Path<String>,
) -> Result<Json<Value>, Refused> {
    known(&site, &ca)?;
    let profiles: Vec<_> = PROFILES.iter().map(Profile::described).collect();
    Ok(Json(json!({
        "type": "ProfilesResponse",
        "message": { "message": "", "details": [] },
        "profiles": profiles,
    })))
}

pub(super) async fn one(
    State(site): State<Arc<Site>>,
    Path((ca, profile)): Path<(String, String)>,
) -> Result<Json<Value>, Refused> {
    known(&site, &ca)?;
    Ok(Json(json!({ "profile": by_id(&profile)?.described() })))
}

impl Profile {
    fn described(&self) -> Value {
        let variables: Vec<_> = self
            .variables
            .iter()
            .map(|(name, required)| json!({ "name": name, "required": required }))
            .collect();
        let names: Vec<_> = self
            .names
            .iter()
            .map(|(kind, required)| json!({ "type": kind, "required": required }))
            .collect();
        json!({
            "id": self.id, "name": self.id,
            "properties": {
                "cert_lifetime": format!("{}h0m0s", self.days * 24),
                "key_client_generated": self.key_client_generated.to_string(),
                "key_usage": "digital signature",
            },
            "protocols": [], "requestedProperties": [],
            "subjectVariableRequirements": variables,
            "subjectAltNameRequirements": names,
        })
    }
}

const PROFILES: [Profile; 3] = [
    Profile {
        id: "smart-card-csr",
        key_client_generated: true,
        days: 1095,
        variables: &[("cn", true), ("o", false), ("ou", false)],
        names: &[("otherName", false), ("rfc822Name", false)],
    },
    Profile {
        id: "SMIME-csr",
        key_client_generated: true,
        days: 365,
        variables: &[("cn", true), ("o", false)],
        names: &[("rfc822Name", true)],
    },
    Profile {
        id: "SMIME-p12",
        key_client_generated: false,
        days: 365,
        variables: &[("cn", true)],
        names: &[],
    },
];
