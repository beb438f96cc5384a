//! Authenticators of a user. Authenticator management API.

use super::{
    api::{Answer, Api},
    payload,
    users::is_hex_id,
};
use crate::connector::idp::{
    Authenticator, AuthenticatorId, AuthenticatorState, Call, Deleted, IdpError, IdpUserId,
    NewAuthenticator, Why,
};
use jiff::Timestamp;
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::Value;

pub(super) async fn list(api: &Api, user: &IdpUserId) -> Result<Vec<Authenticator>, IdpError> {
    let call = Call::ListAuthenticators;
    let mut found = Vec::new();
    for index in 0..MOST_PAGES {
        let mut url = address(api, call, user, None)?;
        url.set_query(Some(&format!("pageIndex={index}&pageSize={PAGE_SIZE}")));
        let answer = api.send(call, Method::GET, url, None).await?;
        let page: Page = api.read(call, &answer, "a page of authenticators")?;
        // The link says only whether there is more: our key goes to the
        // configured address, not to one that an answer names.
        let last = page.page.items.is_empty() || page.links.next.is_none();
        for item in page.page.items {
            found.push(authenticator(api, call, &answer, item)?);
        }
        if last {
            return Ok(found);
        }
    }
    Err(IdpError {
        call,
        why: Why::TooManyPages { limit: MOST_PAGES },
    })
}

pub(super) async fn add(
    api: &Api,
    user: &IdpUserId,
    new: &NewAuthenticator,
) -> Result<Authenticator, IdpError> {
    let call = Call::AddAuthenticator;
    let url = address(api, call, user, None)?;
    let answer = api
        .send(call, Method::POST, url, Some(&payload::import(new)))
        .await?;
    let item = api.read(call, &answer, "an authenticator")?;
    let added = authenticator(api, call, &answer, item)?;
    match &added.credential_id {
        Some(found) if *found != new.credential_id => Err(IdpError {
            call,
            why: Why::WrongObject {
                field: "credentialId",
                expected: hex::encode(&new.credential_id),
                found: hex::encode(found),
            },
        }),
        _ => Ok(added),
    }
}

/// The state that `call` leads to. Only active and suspended can be set.
pub(super) async fn set_state(
    api: &Api,
    call: Call,
    user: &IdpUserId,
    id: &AuthenticatorId,
) -> Result<(), IdpError> {
    let state = match call {
        Call::Suspend => AuthenticatorState::Suspended,
        _ => AuthenticatorState::Active,
    };
    let url = address(api, call, user, Some(id))?;
    // What a PATCH answers is not published; its status is all we rely on.
    api.send(call, Method::PATCH, url, Some(&payload::state(&state)))
        .await?;
    Ok(())
}

pub(super) async fn delete(
    api: &Api,
    user: &IdpUserId,
    id: &AuthenticatorId,
) -> Result<Deleted, IdpError> {
    let call = Call::Delete;
    let url = address(api, call, user, Some(id))?;
    match api.send(call, Method::DELETE, url, None).await {
        // Something between us and STA may answer 200 with a page of its own: only STA's own
        // answer, which has no body, says that it is gone.
        Ok(answer) if answer.is_empty() => Ok(Deleted::Now),
        Ok(answer) => Err(api.malformed(call, &answer, "an empty answer", "a body")),
        Err(error) if matches!(error.why, Why::NotFound { .. }) => Ok(Deleted::AlreadyGone),
        Err(error) => Err(error),
    }
}

fn address(
    api: &Api,
    call: Call,
    user: &IdpUserId,
    id: Option<&AuthenticatorId>,
) -> Result<Url, IdpError> {
    let unusable = |field, id: &str| IdpError {
        call,
        why: Why::Unusable {
            field,
            found: id.to_owned(),
            allowed: "hexadecimal digits",
        },
    };
    if !is_hex_id(&user.0) {
        return Err(unusable("user id", &user.0));
    }
    let mut segments = vec!["users", user.0.as_str(), "authenticators"];
    if let Some(id) = id {
        if !is_authenticator_id(&id.0) {
            return Err(unusable("authenticator id", &id.0));
        }
        segments.push(&id.0);
    }
    Ok(api.url(&segments))
}

fn authenticator(
    api: &Api,
    call: Call,
    answer: &Answer,
    item: Item,
) -> Result<Authenticator, IdpError> {
    if !is_authenticator_id(&item.id) {
        let expected = "an authenticator with a hexadecimal id";
        return Err(api.malformed(call, answer, expected, &item.id));
    }
    let time = |text: Option<String>| text.and_then(|text| text.parse::<Timestamp>().ok());
    Ok(Authenticator {
        state: AuthenticatorState::from(item.state.as_str()),
        credential_id: payload::credential_id(&item.metadata),
        friendly_name: payload::friendly_name(&item.metadata),
        created_at: time(item.created_date_time),
        last_used_at: time(item.last_used_authn_date_time),
        id: AuthenticatorId(item.id),
    })
}

/// Thales says of these ids only that they are strings: a UUID with its hyphens
/// is taken too.
fn is_authenticator_id(id: &str) -> bool {
    is_hex_id(&id.replace('-', "")) && id.len() <= LONGEST_ID
}

#[derive(Deserialize)]
struct Page {
    page: Items,
    #[serde(default)]
    links: Links,
}

#[derive(Deserialize)]
struct Items {
    #[serde(default)]
    items: Vec<Item>,
}

#[derive(Default, Deserialize)]
struct Links {
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: String,
    state: String,
    created_date_time: Option<String>,
    last_used_authn_date_time: Option<String>,
    #[serde(default)]
    metadata: Value,
}

/// The most that a known client of STA asks for.
const PAGE_SIZE: usize = 100;
const MOST_PAGES: usize = 50;
const LONGEST_ID: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authenticator_id_is_hexadecimal_or_a_uuid() {
        assert!(is_authenticator_id("08D8D266AC82F1E701E9CF60937F00000001"));
        assert!(is_authenticator_id("6f0c7dc1-5a9d-4d0e-9a7e-6c6c0c6f8a01"));
        for id in [
            "",
            "-",
            "..",
            "a/b",
            "CNlM6Pyq3nADXA4rWyUAAAAc",
            &"-a".repeat(33),
        ] {
            assert!(!is_authenticator_id(id), "{id}");
        }
    }
}
