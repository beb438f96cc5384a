use super::*;

async fn open() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("db")).await.unwrap();
    (folder, store)
}

fn join_token(uses: u32) -> join_token::JoinToken {
    join_token::JoinToken {
        id: JoinTokenId::new(),
        secret_hash: [3; 32],
        host_group: "berlin".into(),
        uses_left: uses,
        needs_approval: false,
        expires_at: Micros(100),
        created_by: "test".into(),
        created_at: Micros(1),
        revoked_at: None,
    }
}

fn host(token: JoinTokenId, hostname: &str) -> host::Host {
    host::Host {
        id: HostId::new(),
        hostname: hostname.into(),
        host_group: "berlin".into(),
        state: host::State::Pending,
        facts: host::Facts {
            os: "linux".into(),
            ..host::Facts::default()
        },
        agent_version: "0.1.0".into(),
        join_token_id: token,
        public_key: vec![1, 2, 3],
        serial: None,
        next_serial: None,
        link_epoch: 0,
        reconciled_at: None,
        enrolled_at: Micros(2),
        last_seen_at: None,
        revoked_at: None,
    }
}

#[tokio::test]
async fn a_join_token_is_used_no_more_often_than_it_says() {
    let (_folder, store) = open().await;
    let mut tx = store.write().await.unwrap();
    let token = join_token(2);
    join_token::insert(&mut tx, &token).await.unwrap();
    for left in [1, 0] {
        let used = join_token::take_use(&mut tx, &token.secret_hash, Micros(50))
            .await
            .unwrap();
        assert_eq!(used.unwrap().uses_left, left);
    }
    assert_eq!(
        join_token::take_use(&mut tx, &token.secret_hash, Micros(50))
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn a_join_token_that_expired_or_was_revoked_is_not_used() {
    let (_folder, store) = open().await;
    let mut tx = store.write().await.unwrap();
    let token = join_token(1);
    join_token::insert(&mut tx, &token).await.unwrap();
    assert_eq!(
        join_token::take_use(&mut tx, &[3; 32], Micros(100))
            .await
            .unwrap(),
        None
    );
    join_token::set_revoked(&mut tx, token.id, Micros(5))
        .await
        .unwrap();
    assert_eq!(
        join_token::take_use(&mut tx, &[3; 32], Micros(50))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        join_token::list(&mut tx, false, Micros(50)).await.unwrap(),
        []
    );
    assert_eq!(
        join_token::list(&mut tx, true, Micros(50))
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn both_serials_of_a_host_are_valid_until_the_new_one_is_seen() {
    let (_folder, store) = open().await;
    let mut tx = store.write().await.unwrap();
    let token = join_token(1);
    join_token::insert(&mut tx, &token).await.unwrap();
    let host = host(token.id, "laptop-7");
    host::insert(&mut tx, &host).await.unwrap();
    host::set_enrolled(&mut tx, host.id, "0a").await.unwrap();
    host::set_next_serial(&mut tx, host.id, "0b", b"key")
        .await
        .unwrap();
    for serial in ["0a", "0b"] {
        assert_eq!(
            host::by_serial(&mut tx, serial).await.unwrap().unwrap().id,
            host.id
        );
    }
    assert!(!host::promote_serial(&mut tx, host.id, "0a").await.unwrap());
    assert!(host::promote_serial(&mut tx, host.id, "0b").await.unwrap());
    assert_eq!(host::by_serial(&mut tx, "0a").await.unwrap(), None);
    assert_eq!(
        host::by_serial(&mut tx, "0b")
            .await
            .unwrap()
            .unwrap()
            .serial
            .unwrap(),
        "0b"
    );
}

#[tokio::test]
async fn lists_page_through_every_row_once() {
    let (_folder, store) = open().await;
    let mut tx = store.write().await.unwrap();
    let token = join_token(1);
    join_token::insert(&mut tx, &token).await.unwrap();
    for n in 0..7 {
        host::insert(&mut tx, &host(token.id, &format!("laptop-{n}")))
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let mut read = store.read().await.unwrap();
    let mut page = Page::first(3);
    let mut names = Vec::new();
    loop {
        let listed = host::list(&mut read, &host::Filter::default(), page)
            .await
            .unwrap();
        names.extend(listed.rows.into_iter().map(|host| host.hostname));
        match listed.next {
            Some(after) => page.after = Some(after),
            None => break,
        }
    }
    assert_eq!(
        names,
        (0..7).map(|n| format!("laptop-{n}")).collect::<Vec<_>>()
    );
    let other = host::Filter {
        host_group: Some("paris".into()),
        ..host::Filter::default()
    };
    assert_eq!(
        host::list(&mut read, &other, Page::first(3))
            .await
            .unwrap()
            .rows,
        []
    );
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused_whatever_its_case() {
    let (_folder, store) = open().await;
    let mut tx = store.write().await.unwrap();
    let mut key = api_key::ApiKey {
        id: ApiKeyId::new(),
        name: "Admin".into(),
        secret_hash: [1; 32],
        scopes: vec!["admin".into()],
        created_by: "init".into(),
        created_at: Micros(1),
        expires_at: Micros(100),
        last_used_at: None,
        revoked_at: None,
    };
    api_key::insert(&mut tx, &key).await.unwrap();
    assert_eq!(
        api_key::by_secret_hash(&mut tx, &[1; 32]).await.unwrap(),
        Some(key.clone())
    );
    key.id = ApiKeyId::new();
    key.secret_hash = [2; 32];
    key.name = "admin".into();
    let refused = api_key::insert(&mut tx, &key).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Duplicate { column } if column == "api_key.name"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn writers_wait_for_each_other_and_readers_do_not() {
    let (_folder, store) = open().await;
    let mut first = store.write().await.unwrap();
    join_token::insert(&mut first, &join_token(1))
        .await
        .unwrap();
    let other = store.clone();
    let second = tokio::spawn(async move {
        let mut tx = other.write().await.unwrap();
        join_token::list(&mut tx, true, Micros(0))
            .await
            .unwrap()
            .len()
    });
    let mut read = store.read().await.unwrap();
    assert_eq!(
        join_token::list(&mut read, true, Micros(0)).await.unwrap(),
        []
    );
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), 1);
}

#[tokio::test]
async fn a_database_of_a_newer_release_is_refused() {
    let (folder, store) = open().await;
    let mut tx = store.write().await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', 1, x'00', 0)",
    )
    .execute(tx.connection())
    .await
    .unwrap();
    tx.commit().await.unwrap();
    store.close().await;
    let refused = Store::open(&folder.path().join("db")).await.unwrap_err();
    assert!(
        matches!(refused, Error::NewerSchema { found: 9999, .. }),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_copy_holds_what_was_committed_and_is_never_written_over() {
    let (folder, store) = open().await;
    let mut tx = store.write().await.unwrap();
    join_token::insert(&mut tx, &join_token(1)).await.unwrap();
    tx.commit().await.unwrap();
    let path = folder.path().join("copy");
    store.copy_to(&path).await.unwrap();
    let copy = Store::open(&path).await.unwrap();
    let mut read = copy.read().await.unwrap();
    assert_eq!(
        join_token::list(&mut read, true, Micros(0))
            .await
            .unwrap()
            .len(),
        1
    );
    assert!(matches!(
        store.copy_to(&path).await,
        Err(Error::File { .. })
    ));
}

#[tokio::test]
async fn the_server_row_is_made_once() {
    let (_folder, store) = open().await;
    let mut tx = store.write().await.unwrap();
    let first = server::ensure(&mut tx, Micros(1)).await.unwrap();
    assert_eq!(server::ensure(&mut tx, Micros(2)).await.unwrap(), first);
    server::set_reconcile_since(&mut tx, Some(Micros(3)))
        .await
        .unwrap();
    assert_eq!(
        server::get(&mut tx).await.unwrap().unwrap().reconcile_since,
        Some(Micros(3))
    );
}
