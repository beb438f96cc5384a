//! Certificates: renewed, lost, superseded, run out.

use std::time::Duration;

use keysteward_agent::{
    agent::Agent,
    settings::Settings,
    uplink::{
        DialError, Uplink,
        backoff::Pace,
        dial_uplink,
        enrol::{EnrolError, renew},
        link::Timing,
    },
};
use keysteward_proto::uplink::Refusal;
use keysteward_server::fleet::FleetSettings;
use rand::rngs::OsRng;

use crate::{
    proxy::{Line, Proxy},
    server::{OPERATOR, Server, address, soon},
};

fn refusal(end: Result<keysteward_agent::uplink::Stream, DialError>) -> Refusal {
    match end {
        Err(DialError::Refused { refusal, .. }) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn the_old_certificate_is_good_until_the_new_one_is_seen_in_use() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    let old = machine.identity();
    let new = renew(&machine.directory, &server.address(), &old)
        .await
        .unwrap();
    assert_eq!(new.host_id, old.host_id);
    assert_ne!(new.certificate, old.certificate);
    assert_eq!(machine.identity().certificate, new.certificate);

    dial_uplink(&server.address(), &old).await.unwrap();
    dial_uplink(&server.address(), &new).await.unwrap();
    let refused = refusal(dial_uplink(&server.address(), &old).await);
    assert_eq!(refused, Refusal::Superseded);
    let error = renew(&machine.directory, &server.address(), &old)
        .await
        .unwrap_err();
    assert!(matches!(error, EnrolError::Refused { .. }), "{error}");
    dial_uplink(&server.address(), &new).await.unwrap();
}

#[tokio::test]
async fn a_renewal_whose_answer_was_lost_shuts_nobody_out() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    let old = machine.identity();
    let line = Proxy::to(server.address, Line::SlowAnswers).await;
    let at = address(line.address);
    let (lost, ()) = tokio::join!(renew(&machine.directory, &at, &old), async {
        soon(async || server.host(machine.host()).await.next_serial).await;
        line.becomes(Line::Cut);
    });
    let error = lost.unwrap_err();
    assert!(matches!(error, EnrolError::AnswerLost(_)), "{error}");
    assert_eq!(machine.identity().certificate, old.certificate);
    dial_uplink(&server.address(), &old).await.unwrap();

    let new = renew(&machine.directory, &server.address(), &old)
        .await
        .unwrap();
    dial_uplink(&server.address(), &new).await.unwrap();
    let host = server.host(machine.host()).await;
    assert!(host.serial.is_some() && host.next_serial.is_none());
}

#[tokio::test]
async fn a_certificate_that_ran_out_is_renewed_but_links_no_more() {
    let settings = FleetSettings {
        agent_certificate_life: Duration::from_secs(1),
        ..FleetSettings::default()
    };
    let server = Server::start(settings).await;
    let machine = server.machine().await;
    let old = machine.identity();
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let error = dial_uplink(&server.address(), &old).await.unwrap_err();
    assert!(matches!(error, DialError::Handshake { .. }), "{error}");
    let server = server.restart(FleetSettings::default()).await;
    let new = renew(&machine.directory, &server.address(), &old)
        .await
        .unwrap();
    dial_uplink(&server.address(), &new).await.unwrap();
}

#[tokio::test]
async fn a_certificate_that_ran_out_too_long_ago_is_not_renewed() {
    let settings = FleetSettings {
        agent_certificate_life: Duration::from_secs(1),
        renewal_grace: Duration::from_secs(0),
        ..FleetSettings::default()
    };
    let server = Server::start(settings).await;
    let machine = server.machine().await;
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let identity = machine.identity();
    assert!(
        renew(&machine.directory, &server.address(), &identity)
            .await
            .is_err()
    );
    assert_eq!(machine.identity().certificate, identity.certificate);
}

#[tokio::test]
async fn a_revoked_host_renews_nothing() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    server
        .fleet
        .revoke_host(OPERATOR, machine.host(), "stolen")
        .await
        .unwrap();
    let identity = machine.identity();
    let error = renew(&machine.directory, &server.address(), &identity)
        .await
        .unwrap_err();
    assert!(matches!(error, EnrolError::Refused { .. }), "{error}");
    assert!(server.host(machine.host()).await.next_serial.is_none());
}

/// A whole agent, as `keysteward-agent run` starts it.
struct Running {
    task: tokio::task::JoinHandle<()>,
    agent: Agent,
}

fn run(state: &std::path::Path, pace: Pace) -> Running {
    let settings = format!(
        "state_dir = {state:?}\n[local_socket]\npath = {:?}\n",
        state.join("agent.sock")
    );
    let settings = Settings::parse(&settings).unwrap();
    let agent = Agent::start(&settings).unwrap();
    let uplink = Uplink {
        directory: keysteward_agent::uplink::identity::Directory::new(state),
        server: None,
        routes: agent.routes(),
        state: agent.uplink_state(),
        pace,
        timing: Timing::default(),
    };
    Running {
        task: tokio::spawn(uplink.run(OsRng)),
        agent,
    }
}

pub(crate) fn hurried() -> Pace {
    Pace {
        base: Duration::from_millis(50),
        cap: Duration::from_millis(500),
        herd: Duration::from_millis(50),
        ..Pace::default()
    }
}

#[tokio::test]
async fn a_running_agent_renews_at_half_life_without_losing_its_link() {
    let settings = FleetSettings {
        agent_certificate_life: Duration::from_secs(6),
        ..FleetSettings::default()
    };
    let server = Server::start(settings).await;
    let machine = server.machine().await;
    let first = machine.identity();
    let running = run(machine.state.path(), hurried());
    let link = server.link(machine.host()).await;
    let renewed = soon(async || {
        Some(machine.identity()).filter(|identity| identity.certificate != first.certificate)
    })
    .await;
    assert!(renewed.not_after > first.not_after);
    assert!(
        jiff::Timestamp::now() < first.not_after,
        "it waited until the end"
    );
    link.health().await.unwrap();
    assert_eq!(
        server.fleet.link(machine.host()).unwrap().epoch(),
        link.epoch()
    );
    running.task.abort();
    drop(running.agent);
}

#[tokio::test]
async fn a_running_agent_comes_back_after_the_server_was_away() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    // The line stays where it is when the server moves.
    let line = Proxy::to(server.address, Line::Up).await;
    let mut identity = machine.identity();
    identity.server = address(line.address);
    machine.directory.keep(&identity).unwrap();
    let running = run(machine.state.path(), hurried());
    let before = server.link(machine.host()).await;
    line.becomes(Line::Cut);
    soon(async || server.fleet.link(machine.host()).is_none().then_some(())).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    line.becomes(Line::Up);
    let after = server.link(machine.host()).await;
    assert!(after.epoch() > before.epoch());
    assert!(server.fleet.duplicates().is_empty());
    running.task.abort();
}

#[tokio::test]
async fn a_running_agent_that_is_refused_waits_as_long_as_it_was_told() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    let line = Proxy::to(server.address, Line::Up).await;
    let mut identity = machine.identity();
    identity.server = address(line.address);
    machine.directory.keep(&identity).unwrap();
    server
        .fleet
        .revoke_host(OPERATOR, machine.host(), "stolen")
        .await
        .unwrap();
    let running = run(machine.state.path(), hurried());
    soon(async || (line.dialled() > 0).then_some(())).await;
    // By its own pace it would have dialled several times by then.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(line.dialled(), 1);
    running.task.abort();
}
