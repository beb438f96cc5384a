//! Users: found by name, created where they are not. REST API for STA, users.

use super::{
    api::{Answer, Api},
    settings::MappingAttribute,
};
use crate::connector::idp::{Call, IdpError, IdpUserId, User, Why};
use reqwest::Method;
use serde::{Deserialize, Serialize};

/// Finds the user by the mapping attribute's value, or creates it.
///
/// When somebody else creates it in between (409), it is looked for again.
pub(super) async fn ensure(
    api: &Api,
    attribute: MappingAttribute,
    user: &User,
) -> Result<IdpUserId, IdpError> {
    let user_name = user_name(attribute, user)?;
    if let Some(found) = find(api, user_name).await? {
        return Ok(found);
    }
    match create(api, user_name, user).await {
        Err(error) if matches!(error.why, Why::Exists { .. }) => {
            // Absent still: it is another member that is taken, say an alias.
            find(api, user_name).await?.ok_or(error)
        }
        created => created,
    }
}

fn user_name(attribute: MappingAttribute, user: &User) -> Result<&str, IdpError> {
    let failed = |why| IdpError {
        call: Call::FindUser,
        why,
    };
    let field = attribute.name();
    match attribute.of(user) {
        "" => Err(failed(Why::UserLacks { field })),
        // An address without this last element is the list of all users.
        dots @ ("." | "..") => Err(failed(Why::Unusable {
            field,
            found: dots.to_owned(),
            allowed: "a user name",
        })),
        name => Ok(name),
    }
}

async fn find(api: &Api, user_name: &str) -> Result<Option<IdpUserId>, IdpError> {
    let mut url = api.url(&["users", user_name]);
    url.set_query(Some("isUid=false"));
    match api.send(Call::FindUser, Method::GET, url, None).await {
        Ok(answer) => read(api, Call::FindUser, &answer, user_name).map(Some),
        Err(error) if matches!(error.why, Why::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn create(api: &Api, user_name: &str, user: &User) -> Result<IdpUserId, IdpError> {
    let call = Call::CreateUser;
    for (field, value) in [
        ("givenName", &user.given_name),
        ("sn", &user.sn),
        // The code that activates the authenticator is mailed to it.
        ("mail", &user.mail),
    ] {
        if value.is_empty() {
            return Err(IdpError {
                call,
                why: Why::UserLacks { field },
            });
        }
    }
    let new = serde_json::json!(NewUser {
        user_name,
        first_name: &user.given_name,
        last_name: &user.sn,
        email: &user.mail,
        is_synchronized: false,
    });
    let answer = api
        .send(call, Method::POST, api.url(&["users"]), Some(&new))
        .await?;
    read(api, call, &answer, user_name)
}

fn read(api: &Api, call: Call, answer: &Answer, expected: &str) -> Result<IdpUserId, IdpError> {
    let found: FoundUser = api.read(call, answer, "a user")?;
    // A credential published to the wrong person is the worst that can happen.
    if found.user_name.to_lowercase() != expected.to_lowercase() {
        return Err(IdpError {
            call,
            why: Why::WrongObject {
                field: "userName",
                expected: expected.to_owned(),
                found: found.user_name,
            },
        });
    }
    if !is_hex_id(&found.id) {
        return Err(api.malformed(call, answer, "a user with a hexadecimal id", &found.id));
    }
    Ok(IdpUserId(found.id))
}

/// Whether an id has the form that we ask for, and so may stand in a path.
pub(super) fn is_hex_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewUser<'a> {
    user_name: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    email: &'a str,
    is_synchronized: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FoundUser {
    id: String,
    user_name: String,
}

/// STA's have 36 digits.
const LONGEST_ID: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_is_not_hexadecimal_may_not_stand_in_a_path() {
        assert!(is_hex_id("08D8D266AC82F1E701E9CF60937F00000001"));
        for id in ["", "..", "a/b", "CNlM6Pyq3nADXA4rWyUAAAAc", &"a".repeat(65)] {
            assert!(!is_hex_id(id), "{id}");
        }
    }

    #[test]
    fn the_user_name_is_the_mapped_attribute_and_must_be_there() {
        let user = User {
            mail: "bob@example.com".to_owned(),
            sam_account_name: "bob".to_owned(),
            ..User::default()
        };
        assert_eq!(
            user_name(MappingAttribute::Mail, &user).unwrap(),
            "bob@example.com"
        );
        assert_eq!(
            user_name(MappingAttribute::SamAccountName, &user).unwrap(),
            "bob"
        );
        let error = user_name(MappingAttribute::UserPrincipalName, &user).unwrap_err();
        assert_eq!(
            error.why,
            Why::UserLacks {
                field: "userPrincipalName"
            }
        );
    }

    #[test]
    fn a_user_name_of_dots_cannot_climb_out_of_its_place() {
        for dots in [".", ".."] {
            let user = User {
                mail: dots.to_owned(),
                ..User::default()
            };
            let error = user_name(MappingAttribute::Mail, &user).unwrap_err();
            assert!(
                matches!(error.why, Why::Unusable { field: "mail", .. }),
                "{error}"
            );
        }
    }
}
