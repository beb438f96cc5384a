//! Authenticators: imported, listed, suspended, resumed, deleted.

use super::{Site, bob, credential};
use keysteward_server::connector::idp::{
    AuthenticatorId,
    AuthenticatorState::{Active, Locked, Pending, Suspended},
    Call, Deleted, IdentityProvider, IdpUserId, Outcome, Why,
};
use keysteward_tests::{browser::https, sta_stand_in::AuthenticatorState as Held};

#[tokio::test]
async fn an_import_is_pending_and_stands_in_the_list() {
    let site = Site::new().await;
    let user = site.user().await;
    assert!(
        site.sta
            .list_authenticators(&user)
            .await
            .unwrap()
            .is_empty()
    );
    let new = credential(&site.stand_in);
    let added = site.sta.add_authenticator(&user, &new).await.unwrap();
    assert_eq!(added.state, Pending);
    assert_eq!(added.credential_id.as_ref(), Some(&new.credential_id));
    assert_eq!(added.friendly_name.as_deref(), Some("Key of Bob"));
    assert!(added.created_at.is_some() && added.last_used_at.is_none());
    assert_eq!(site.sta.list_authenticators(&user).await.unwrap(), [added]);
}

#[tokio::test]
async fn an_authenticator_goes_through_its_states() {
    let site = Site::new().await;
    let user = site.user().await;
    let id = site
        .sta
        .add_authenticator(&user, &credential(&site.stand_in))
        .await
        .unwrap()
        .id;
    let state = async || {
        site.sta.list_authenticators(&user).await.unwrap()[0]
            .state
            .clone()
    };

    let error = site.sta.suspend(&user, &id).await.unwrap_err();
    assert!(
        matches!(error.why, Why::BadRequest { status: 400, .. }),
        "pending: {error}"
    );
    assert_eq!(
        (error.call, error.outcome()),
        (Call::Suspend, Outcome::Unchanged)
    );

    site.stand_in.activate("bob@example.com", &id.0).unwrap();
    assert_eq!(state().await, Active);
    site.sta.suspend(&user, &id).await.unwrap();
    assert_eq!(state().await, Suspended);
    site.sta.resume(&user, &id).await.unwrap();
    assert_eq!(state().await, Active);
    assert_eq!(site.sta.delete(&user, &id).await.unwrap(), Deleted::Now);
    assert!(
        site.sta
            .list_authenticators(&user)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        site.sta.delete(&user, &id).await.unwrap(),
        Deleted::AlreadyGone
    );
}

#[tokio::test]
async fn a_pending_authenticator_can_be_deleted() {
    let site = Site::new().await;
    let user = site.user().await;
    let id = site
        .sta
        .add_authenticator(&user, &credential(&site.stand_in))
        .await
        .unwrap()
        .id;
    assert_eq!(site.sta.delete(&user, &id).await.unwrap(), Deleted::Now);
    assert!(site.stand_in.authenticators("bob@example.com").is_empty());
}

#[tokio::test]
async fn a_locked_authenticator_is_shown_so() {
    let site = Site::new().await;
    let user = site.user().await;
    let id = site
        .sta
        .add_authenticator(&user, &credential(&site.stand_in))
        .await
        .unwrap()
        .id;
    site.stand_in.activate("bob@example.com", &id.0).unwrap();
    let url = format!(
        "{}console/users/bob@example.com/authenticators/{id}/locked",
        site.stand_in.url()
    );
    let console = https(site.stand_in.root()).unwrap();
    console
        .put(url)
        .json(&true)
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();
    assert_eq!(
        site.sta.list_authenticators(&user).await.unwrap()[0].state,
        Locked
    );
    assert_eq!(
        site.stand_in.authenticators("bob@example.com")[0].1,
        Held::Locked
    );
}

#[tokio::test]
async fn an_import_is_refused_while_the_switch_is_off() {
    let site = Site::new().await;
    let user = site.user().await;
    site.stand_in.set_import_via_api(false);
    let error = site
        .sta
        .add_authenticator(&user, &credential(&site.stand_in))
        .await
        .unwrap_err();
    assert!(
        matches!(error.why, Why::NotPermitted { status: 403, .. }),
        "{error}"
    );
    assert_eq!(error.outcome(), Outcome::Unchanged);
    assert!(error.to_string().contains("switched off"), "{error}");
    assert!(site.stand_in.authenticators("bob@example.com").is_empty());
}

#[tokio::test]
async fn a_credential_is_imported_once() {
    let site = Site::new().await;
    let user = site.user().await;
    let new = credential(&site.stand_in);
    site.sta.add_authenticator(&user, &new).await.unwrap();
    let error = site.sta.add_authenticator(&user, &new).await.unwrap_err();
    assert!(matches!(error.why, Why::Exists { .. }), "{error}");
    assert_eq!(site.stand_in.authenticators("bob@example.com").len(), 1);
}

#[tokio::test]
async fn a_list_longer_than_a_page_comes_whole() {
    let site = Site::new().await;
    let user = site.user().await;
    for _ in 0..101 {
        site.sta
            .add_authenticator(&user, &credential(&site.stand_in))
            .await
            .unwrap();
    }
    let listed = site.sta.list_authenticators(&user).await.unwrap();
    let held: Vec<_> = site
        .stand_in
        .authenticators("bob@example.com")
        .into_iter()
        .map(|held| held.0)
        .collect();
    assert_eq!(
        listed
            .into_iter()
            .map(|found| found.id.0)
            .collect::<Vec<_>>(),
        held
    );
    assert_eq!(held.len(), 101);
}

#[tokio::test]
async fn a_user_that_is_gone_is_told_apart_from_one_without_authenticators() {
    let site = Site::new().await;
    let stranger = IdpUserId("0".repeat(36));
    let error = site.sta.list_authenticators(&stranger).await.unwrap_err();
    assert!(
        matches!(error.why, Why::NotFound { status: 404, .. }),
        "{error}"
    );
    let id = AuthenticatorId("0".repeat(36));
    let error = site.sta.suspend(&stranger, &id).await.unwrap_err();
    assert!(matches!(error.why, Why::NotFound { .. }), "{error}");
    assert_eq!(error.outcome(), Outcome::Unchanged);
    assert_eq!(
        site.sta.delete(&stranger, &id).await.unwrap(),
        Deleted::AlreadyGone
    );
}

#[tokio::test]
async fn an_id_that_is_none_never_reaches_an_address() {
    let site = Site::new().await;
    site.sta.ensure_user(&bob()).await.unwrap();
    for id in ["", "..", "a/../../users", "CNlM6Pyq3nADXA4rWyUAAAAc"] {
        let user = IdpUserId(id.to_owned());
        let error = site.sta.list_authenticators(&user).await.unwrap_err();
        assert!(
            matches!(
                error.why,
                Why::Unusable {
                    field: "user id",
                    ..
                }
            ),
            "{error}"
        );
        let user = site.user().await;
        let error = site
            .sta
            .delete(&user, &AuthenticatorId(id.to_owned()))
            .await
            .unwrap_err();
        assert!(
            matches!(
                error.why,
                Why::Unusable {
                    field: "authenticator id",
                    ..
                }
            ),
            "{error}"
        );
        assert_eq!(error.outcome(), Outcome::Unchanged);
    }
    assert_eq!(site.stand_in.user_names().len(), 1);
}
