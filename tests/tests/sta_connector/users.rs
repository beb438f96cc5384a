//! Users: found, created, and never mistaken.

use super::{Failure, Settings, Site, When, bob, connect, settings};
use keysteward_server::connector::idp::{Call, IdentityProvider, IdpError, Outcome, User, Why};

#[tokio::test]
async fn a_user_is_created_once_under_the_mapped_attribute() {
    let site = Site::new().await;
    for (mapping_attribute, name) in [
        ("userPrincipalName", "bob@example.com"),
        ("mail", "bob.smith@example.com"),
        ("sAMAccountName", "bsmith"),
    ] {
        let mapping_attribute = mapping_attribute.to_owned();
        let settings = Settings {
            mapping_attribute,
            ..settings(&site.stand_in)
        };
        let sta = connect(&settings, site.stand_in.api_key());
        let created = sta.ensure_user(&bob()).await.unwrap();
        let found = sta.ensure_user(&bob()).await.unwrap();
        assert_eq!(created, found);
        let names = site.stand_in.user_names();
        assert_eq!(
            names.iter().filter(|one| *one == name).count(),
            1,
            "{names:?}"
        );
    }
    assert_eq!(site.stand_in.user_names().len(), 3);
}

#[tokio::test]
async fn names_with_marks_of_addresses_stay_names() {
    let site = Site::new().await;
    for name in ["a/b?c#d", "100%+é ü@example.com", "../users"] {
        let user = User {
            user_principal_name: name.to_owned(),
            ..bob()
        };
        let created = site.sta.ensure_user(&user).await.unwrap();
        assert_eq!(
            site.sta.ensure_user(&user).await.unwrap(),
            created,
            "{name}"
        );
        assert!(
            site.stand_in.user_names().contains(&name.to_owned()),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_user_that_somebody_creates_in_between_is_found_again() {
    let site = Site::new().await;
    let created = site.user().await;
    // The first look misses; the creation meets a 409.
    site.fault(
        "GET",
        "",
        When::Before,
        Failure::Status {
            code: 404,
            reset_seconds: None,
        },
    );
    assert_eq!(site.user().await, created);
    assert_eq!(site.stand_in.user_names().len(), 1);
}

#[tokio::test]
async fn a_409_without_such_a_user_stays_a_409() {
    let site = Site::new().await;
    site.fault(
        "POST",
        "/users",
        When::Before,
        Failure::Status {
            code: 409,
            reset_seconds: None,
        },
    );
    let error = site.sta.ensure_user(&bob()).await.unwrap_err();
    assert_eq!(
        (error.call, error.outcome()),
        (Call::CreateUser, Outcome::Unchanged)
    );
    assert!(matches!(error.why, Why::Exists { .. }), "{error}");
}

#[tokio::test]
async fn what_the_directory_does_not_say_is_named_before_anything_is_sent() {
    let site = Site::new().await;
    for (user, field) in [
        (
            User {
                user_principal_name: String::new(),
                ..bob()
            },
            "userPrincipalName",
        ),
        (
            User {
                given_name: String::new(),
                ..bob()
            },
            "givenName",
        ),
        (
            User {
                sn: String::new(),
                ..bob()
            },
            "sn",
        ),
        (
            User {
                mail: String::new(),
                ..bob()
            },
            "mail",
        ),
    ] {
        let error = site.sta.ensure_user(&user).await.unwrap_err();
        assert_eq!(error.why, Why::UserLacks { field });
        assert_eq!(error.outcome(), Outcome::Unchanged);
    }
    assert!(site.stand_in.user_names().is_empty());
}

#[tokio::test]
async fn an_answer_about_somebody_else_is_no_answer() {
    let site = Site::new().await;
    site.fault("GET", "", When::Before, Failure::WrongObject);
    let error = site.sta.ensure_user(&bob()).await.unwrap_err();
    let IdpError {
        call: Call::FindUser,
        why:
            Why::WrongObject {
                field: "userName",
                found,
                ..
            },
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(found, "somebody.else@example.com");
    assert!(site.stand_in.user_names().is_empty());

    site.fault("POST", "/users", When::After, Failure::WrongObject);
    let error = site.sta.ensure_user(&bob()).await.unwrap_err();
    assert_eq!(
        (error.call, error.outcome()),
        (Call::CreateUser, Outcome::MaybeChanged)
    );
    // And it had changed: the next look finds the user.
    site.user().await;
    assert_eq!(site.stand_in.user_names().len(), 1);
}
