//! What an administrator describes: token types, connections, templates, users.

use super::*;

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named_and_leaves_no_trace() {
    let bench = Bench::new().await;
    let admin = bench.with(&[Scope::Admin, Scope::Read]).await;
    let mut types = TokenTypesClient::new(admin.clone());
    let cases: [(fn(&mut wire::TokenType), &str); 8] = [
        (|t| t.name.clear(), "token_type.name"),
        (|t| t.aaguids = vec!["x".into()], "token_type.aaguids"),
        (
            |t| t.attestation_roots = vec!["PEM".into()],
            "token_type.attestation_roots",
        ),
        (
            |t| t.unrooted_attestation.clear(),
            "token_type.attestation_roots",
        ),
        (
            |t| t.unrooted_attestation = vec!["some".into()],
            "token_type.unrooted_attestation",
        ),
        (
            |t| t.trusted_by = vec!["everybody".into()],
            "token_type.trusted_by",
        ),
        // A word that exists, of a server whose settings name no such file.
        (
            |t| t.trusted_by = vec!["metadata".into()],
            "token_type.trusted_by",
        ),
        (
            |t| t.registration = "later".into(),
            "token_type.registration",
        ),
    ];
    for (spoil, field) in cases {
        let mut wrong = token_type("any");
        spoil(&mut wrong);
        let request = wire::CreateTokenTypeRequest {
            token_type: Some(wrong),
            factory: None,
        };
        let refused = types.create(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let detail = detail(&refused);
        assert_eq!(detail.field, field);
        assert!(!detail.allowed.is_empty(), "{detail:?}");
    }
    let listed = types.list(wire::ListTokenTypesRequest {}).await.unwrap();
    assert!(listed.get_ref().token_types.is_empty());
    let mut read = bench.rooms.store.read().await.unwrap();
    assert_eq!(rows::audit::head(&mut read).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_used_is_not_deleted_and_names_are_unique() {
    let bench = Bench::new().await;
    let Admin {
        mut types,
        mut connections,
        mut templates,
    } = bench.admin().await;
    types.create(any_type()).await.unwrap();
    let refused = types.create(any_type()).await.unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists);

    connections.create(connection()).await.unwrap();
    let lists = |allowed: &str, blocked: &str| wire::CreateTemplateRequest {
        template: Some(wire::Template {
            allowed_aaguids: vec![allowed.into()],
            blocked_aaguids: vec![blocked.into()],
            ..template()
        }),
    };
    let (one, other) = (
        "00000000-0000-0000-0000-000000000001",
        "00000000-0000-0000-0000-000000000002",
    );
    for (wrong, field) in [
        (lists("x", other), "template.allowed_aaguids"),
        (lists(one, "x"), "template.blocked_aaguids"),
        (lists(one, one), "template.blocked_aaguids"),
    ] {
        let refused = templates.create(wrong).await.unwrap_err();
        assert_eq!(detail(&refused).field, field);
    }
    let made = templates
        .create(lists(one, other))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (made.connection.as_str(), made.algorithms),
        ("sta", vec![-7])
    );
    assert_eq!(made.allowed_aaguids, [one]);
    assert_eq!(made.blocked_aaguids, [other]);
    assert_eq!(made.token_types, ["any"]);
    assert_eq!(made.pin.unwrap().custody, "hand-over");

    let delete_type = wire::DeleteTokenTypeRequest {
        token_type: "any".into(),
    };
    let refused = types.delete(delete_type.clone()).await.unwrap_err();
    assert!(detail(&refused).found.contains("staff"), "{refused:?}");
    let delete_connection = wire::DeleteConnectionRequest {
        connection: "STA".into(),
    };
    let refused = connections
        .delete(delete_connection.clone())
        .await
        .unwrap_err();
    assert_eq!(detail(&refused).reason, "STILL_USED");

    let delete_template = wire::DeleteTemplateRequest { template: made.id };
    templates.delete(delete_template).await.unwrap();
    types.delete(delete_type).await.unwrap();
    connections.delete(delete_connection).await.unwrap();
}

#[tokio::test]
async fn a_connection_never_shows_its_secret_and_the_database_does_not_hold_it_in_clear() {
    let bench = Bench::new().await;
    let mut connections = ConnectionsClient::new(bench.with(&[Scope::Admin, Scope::Read]).await);
    let made = connections.create(connection()).await.unwrap().into_inner();
    assert!(!format!("{made:?}").contains("sta-secret-of-ours"));
    let checked = connections
        .check(wire::CheckConnectionRequest {
            connection: "sta".into(),
        })
        .await
        .unwrap()
        .into_inner();
    // Port 9 answers nobody.
    assert!(!checked.ok && !checked.findings.is_empty());
    let shown = connections
        .get(wire::GetConnectionRequest {
            connection: made.id,
        })
        .await
        .unwrap()
        .into_inner();
    assert!(shown.checked_at_us > 0 && !shown.check_error.is_empty());
    bench.rooms.store.close().await;
    for file in std::fs::read_dir(bench.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let secret = b"sta-secret-of-ours";
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}

#[tokio::test]
async fn an_import_is_all_rows_or_none_and_a_dry_run_is_none() {
    let bench = Bench::new().await;
    let mut users = UsersClient::new(bench.with(&[Scope::Issue, Scope::Read]).await);
    let row = |name: &str| wire::User {
        user_name: name.into(),
        mail: format!("{name}@example.com"),
        given_name: "G".into(),
        sn: "S".into(),
        ..wire::User::default()
    };
    let request = |rows: Vec<wire::User>, dry_run| wire::ImportUsersRequest {
        users: rows,
        dry_run,
    };
    let mut wrong = row("bob");
    wrong.mail.clear();
    let refused = users
        .import(request(vec![row("alice"), wrong], false))
        .await
        .unwrap_err();
    assert_eq!(detail(&refused).field, "users[1].mail");
    let done = users
        .import(request(vec![row("alice"), row("bob")], true))
        .await
        .unwrap();
    assert_eq!(done.get_ref().created, 2);
    let all = wire::ListUsersRequest::default();
    assert!(
        users
            .list(all.clone())
            .await
            .unwrap()
            .get_ref()
            .users
            .is_empty()
    );

    users
        .import(request(vec![row("alice"), row("bob")], false))
        .await
        .unwrap();
    let mut changed = row("ALICE");
    changed.sn = "T".into();
    let done = users
        .import(request(vec![changed, row("bob")], false))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((done.created, done.updated, done.unchanged), (0, 1, 1));
    let by_mail = users
        .get(wire::GetUserRequest {
            user: "bob@example.com".into(),
        })
        .await
        .unwrap();
    assert_eq!(by_mail.get_ref().user_name, "bob");
    let first = users
        .list(wire::ListUsersRequest {
            page_size: 1,
            ..all.clone()
        })
        .await
        .unwrap()
        .into_inner();
    let rest = users
        .list(wire::ListUsersRequest {
            page_token: first.next_page_token,
            ..all
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (
            first.users.len(),
            rest.users.len(),
            rest.next_page_token.as_str()
        ),
        (1, 1, "")
    );
}
