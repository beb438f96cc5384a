//! Who is let in, and for how long.

use std::{sync::atomic::Ordering, time::Duration};

use keysteward_agent::uplink::{DialError, dial_uplink, link::LinkEnd};
use keysteward_proto::uplink::Refusal;
use keysteward_server::fleet::{FleetEvent, FleetSettings};

use crate::{
    agent::{self, Script},
    proxy::{Line, Proxy},
    server::{Machine, OPERATOR, SOON, Server, event, soon},
};

async fn refusal(machine: &Machine, server: &Server) -> (Refusal, Duration) {
    match dial_uplink(&server.address(), &machine.identity()).await {
        Err(DialError::Refused {
            refusal,
            retry_after,
        }) => (refusal, retry_after),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn revoking_a_host_closes_its_link_at_once_and_for_good() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    let (script, _) = Script::new();
    let linked = agent::link(&machine, &server, &script).await;
    let link = server.link(machine.host()).await;
    let mut events = server.fleet.subscribe();

    server
        .fleet
        .revoke_host(OPERATOR, machine.host(), "stolen")
        .await
        .unwrap();
    let end = tokio::time::timeout(SOON, linked).await.unwrap().unwrap();
    assert!(matches!(end, LinkEnd::Closed | LinkEnd::Lost(_)), "{end}");
    event(&mut events, |event| {
        matches!(event, FleetEvent::HostDown { .. }).then_some(())
    })
    .await;
    assert!(server.fleet.linked_hosts().is_empty());
    assert!(link.health().await.is_err());

    let (refused, retry_after) = refusal(&machine, &server).await;
    assert_eq!(refused, Refusal::Revoked);
    assert!(retry_after >= Duration::from_secs(60));
}

#[tokio::test]
async fn a_host_that_is_revoked_while_it_links_does_not_get_through() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    let mut events = server.fleet.subscribe();
    let (script, _) = Script::new();
    script.shy.store(true, Ordering::SeqCst);
    let linked = agent::link(&machine, &server, &script).await;
    // Let in, and not linked yet: there is no link to close.
    soon(async || (!script.hellos.lock().unwrap().is_empty()).then_some(())).await;
    server
        .fleet
        .revoke_host(OPERATOR, machine.host(), "stolen")
        .await
        .unwrap();
    script.speak.notify_one();
    tokio::time::timeout(SOON, linked).await.unwrap().unwrap();
    assert!(server.fleet.linked_hosts().is_empty());
    while let Ok(event) = events.try_recv() {
        assert!(!matches!(event, FleetEvent::HostUp { .. }), "{event:?}");
    }
}

#[tokio::test]
async fn a_server_that_lost_its_hosts_says_that_it_does_not_know_this_one() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    let host = machine.host();
    let directory = server.stop().await;
    // As after restoring a backup that is older than the enrolment.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(directory.path().join("db"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query("DELETE FROM host WHERE id = $1")
        .bind(host.to_string())
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let server = Server::reopen(directory).await;
    assert_eq!(refusal(&machine, &server).await.0, Refusal::UnknownHost);
}

#[tokio::test]
async fn after_a_restart_of_the_server_the_same_identity_links_again() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    let (script, _) = Script::new();
    let linked = agent::link(&machine, &server, &script).await;
    server.link(machine.host()).await;
    let server = server.restart(FleetSettings::default()).await;
    let end = tokio::time::timeout(SOON, linked).await.unwrap().unwrap();
    assert!(matches!(end, LinkEnd::Closed | LinkEnd::Lost(_)), "{end}");

    script.epoch.fetch_add(1, Ordering::SeqCst);
    let _linked = agent::link(&machine, &server, &script).await;
    server.link(machine.host()).await;
    let row =
        soon(async || Some(server.host(machine.host()).await).filter(|host| host.link_epoch == 2))
            .await;
    assert_eq!(row.hostname, "laptop-7");
    assert_eq!(row.agent_version, "9.9.9");
    assert!(row.last_seen_at.is_some());
}

#[tokio::test]
async fn of_two_live_agents_with_one_identity_the_newer_is_refused_recorded_and_shown() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    let (first, _) = Script::new();
    let first_link = agent::link(&machine, &server, &first).await;
    let link = server.link(machine.host()).await;

    for _ in 0..2 {
        let (clone, _) = Script::new();
        *clone.boot_id.lock().unwrap() = "boot-2".into();
        clone.epoch.store(7, Ordering::SeqCst);
        let refused = agent::link(&machine, &server, &clone).await;
        tokio::time::timeout(SOON, refused).await.unwrap().unwrap();
    }
    let [duplicate] = &server.fleet.duplicates()[..] else {
        panic!("it is not shown, or shown twice");
    };
    assert_eq!(duplicate.host, machine.host());
    assert_eq!(duplicate.boot_id, "boot-2");
    assert_eq!(duplicate.hostname, "laptop-7");
    assert_eq!(
        server.fleet.duplicate_of(machine.host()).as_ref(),
        Some(duplicate)
    );
    let recorded = server.audited().await;
    let times = recorded
        .iter()
        .filter(|(verb, _)| verb == "host.duplicate")
        .count();
    assert_eq!(times, 1, "{recorded:?}");
    // The first one never noticed.
    link.health().await.unwrap();
    assert!(!first_link.is_finished());
    assert_eq!(server.link(machine.host()).await.epoch(), 1);
}

#[tokio::test]
async fn an_agent_that_crashed_gets_its_place_back_from_its_own_dead_link() {
    let settings = FleetSettings {
        rival_timeout: Duration::from_millis(300),
        ..FleetSettings::default()
    };
    let server = Server::start(settings).await;
    let machine = server.machine().await;
    let line = Proxy::to(server.address, Line::Up).await;
    let (before, _) = Script::new();
    let _dead = agent::link_at(
        &machine,
        line.address,
        &before,
        keysteward_agent::uplink::link::Timing::default(),
    )
    .await;
    server.link(machine.host()).await;
    line.becomes(Line::BlackHole);

    let (after, _) = Script::new();
    *after.boot_id.lock().unwrap() = "boot-2".into();
    after.epoch.store(2, Ordering::SeqCst);
    let _linked = agent::link(&machine, &server, &after).await;
    soon(async || {
        server
            .fleet
            .link(machine.host())
            .filter(|link| link.epoch() == 2)
    })
    .await;
    assert!(server.fleet.duplicates().is_empty());
}

#[tokio::test]
async fn a_newer_link_of_the_same_process_takes_the_place_of_the_older_one() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    let (script, _) = Script::new();
    let older = agent::link(&machine, &server, &script).await;
    server.link(machine.host()).await;
    script.epoch.store(2, Ordering::SeqCst);
    let _newer = agent::link(&machine, &server, &script).await;
    tokio::time::timeout(SOON, older).await.unwrap().unwrap();
    let link = soon(async || {
        server
            .fleet
            .link(machine.host())
            .filter(|link| link.epoch() == 2)
    })
    .await;
    link.health().await.unwrap();
    assert_eq!(server.fleet.linked(), 1);
}

#[tokio::test]
async fn an_older_link_that_is_late_does_not_take_the_place_of_a_newer_one() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    let (script, _) = Script::new();
    script.epoch.store(2, Ordering::SeqCst);
    let newer = agent::link(&machine, &server, &script).await;
    let link = server.link(machine.host()).await;
    script.epoch.store(1, Ordering::SeqCst);
    let late = agent::link(&machine, &server, &script).await;
    tokio::time::timeout(SOON, late).await.unwrap().unwrap();
    link.health().await.unwrap();
    assert!(!newer.is_finished());
    assert_eq!(server.link(machine.host()).await.epoch(), 2);
}

#[tokio::test]
async fn an_old_copy_of_a_disk_is_recorded_when_it_comes_back() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    for epoch in [5, 3] {
        let (script, _) = Script::new();
        script.epoch.store(epoch, Ordering::SeqCst);
        let linked = agent::link(&machine, &server, &script).await;
        server.link(machine.host()).await;
        soon(async || (server.host(machine.host()).await.link_epoch == 5).then_some(())).await;
        linked.abort();
        soon(async || server.fleet.link(machine.host()).is_none().then_some(())).await;
    }
    soon(async || {
        let recorded = server.audited().await;
        recorded
            .iter()
            .any(|(verb, _)| verb == "host.epoch-went-back")
            .then_some(())
    })
    .await;
    // It does not count backwards.
    assert_eq!(server.host(machine.host()).await.link_epoch, 5);
}
