//! The reverse link, and its traps.

use std::{sync::atomic::Ordering, time::Duration};

use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use keysteward_agent::uplink::{
    dial_uplink,
    link::{self, LinkEnd, Timing},
};
use keysteward_proto::agent::v1::{
    AuditCheckpoint, GetHealthRequest, Outcome, StepKey, Token, host_client::HostClient,
    token_event,
};
use keysteward_server::{
    audit::{Checkpoint, checkpoint::sign_head},
    fleet::{CallError, FleetEvent, FleetSettings, Sent},
    store::Clock,
};
use tonic::Code;

use crate::{
    agent::{self, Script, link_at, routes},
    proxy::{Line, Proxy},
    server::{Machine, SOON, Server, event, soon},
};

fn key() -> StepKey {
    StepKey {
        operation_id: "operation-1".into(),
        step: "set-pin".into(),
        attempt: 1,
    }
}

#[tokio::test]
async fn hello_is_the_first_call_and_what_the_agent_says_there_is_passed_on() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    let mut events = server.fleet.subscribe();
    let (script, _) = Script::new();
    let unsettled = Outcome {
        key: Some(key()),
        ..Outcome::default()
    };
    script
        .unacknowledged
        .lock()
        .unwrap()
        .push(unsettled.clone());
    let _linked = agent::link(&machine, &server, &script).await;
    let up = event(&mut events, |event| match event {
        FleetEvent::HostUp { host } => Some(host),
        _ => None,
    })
    .await;
    assert_eq!(up, machine.host());
    let told = event(&mut events, |event| match event {
        FleetEvent::Unacknowledged { outcomes, .. } => Some(outcomes),
        _ => None,
    })
    .await;
    assert_eq!(told[..], [unsettled]);

    let hello = script.hellos.lock().unwrap()[0].clone();
    assert_eq!(
        hello.server_id,
        server.fleet.authority().server().to_string()
    );
    let link = server.link(machine.host()).await;
    assert_eq!(link.agent_version(), "9.9.9");
    assert!(link.can("fido.lease") && !link.can("fido.reset"));
    assert!(link.forbids("reset") && !link.forbids("set_pin"));
}

#[tokio::test]
async fn the_newest_audit_checkpoint_travels_in_the_hello() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    let key = server.audit_key();
    let mut tx = server.store.write().await.unwrap();
    let now = Clock::system().now();
    let signed = sign_head(&mut tx, &key, 1, now).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let (script, _) = Script::new();
    let _linked = agent::link(&machine, &server, &script).await;
    server.link(machine.host()).await;
    let witnessed = script.hellos.lock().unwrap()[0].checkpoint.clone().unwrap();
    assert_eq!(witnessed.sequence, signed.seq);
    assert_eq!(witnessed.hash, signed.hash);
    assert_eq!(witnessed.signature, signed.signature);
}

/// Links once with an agent that remembers `checkpoint`; whether that was recorded.
async fn remembered(server: &Server, machine: &Machine, checkpoint: Checkpoint) -> bool {
    let (script, _) = Script::new();
    *script.witness.lock().unwrap() = Some(AuditCheckpoint {
        stream: server.fleet.authority().server().to_string(),
        sequence: checkpoint.seq,
        hash: checkpoint.hash.to_vec(),
        signed_at_us: checkpoint.signed_at_us,
        signature: checkpoint.signature.to_vec(),
        public_key: checkpoint.public_key.to_vec(),
    });
    let mut events = server.fleet.subscribe();
    let linked = agent::link(machine, server, &script).await;
    event(&mut events, |event| {
        matches!(event, FleetEvent::HostUp { .. }).then_some(())
    })
    .await;
    linked.abort();
    soon(async || server.fleet.linked_hosts().is_empty().then_some(())).await;
    let recorded = server.audited().await;
    recorded
        .iter()
        .any(|(verb, _)| verb == "audit.witness-disagrees")
}

#[tokio::test]
async fn an_agent_that_remembers_another_audit_is_heard_if_this_server_signed_it() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    let now = Clock::system().now();
    let ours = server.audit_key();
    let mut tx = server.store.write().await.unwrap();
    let true_one = sign_head(&mut tx, &ours, 1, now).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert!(!remembered(&server, &machine, true_one.clone()).await);

    let stranger = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let made_up = Checkpoint::sign(&stranger, true_one.seq, [9; 32], now);
    assert!(!remembered(&server, &machine, made_up).await);
    let mut altered = true_one.clone();
    altered.hash = [9; 32];
    assert!(!remembered(&server, &machine, altered).await);

    // Signed by us, and not what is in the record: cut off, or rewritten.
    for lost in [
        Checkpoint::sign(&ours, true_one.seq + 1000, [9; 32], now),
        Checkpoint::sign(&ours, true_one.seq, [9; 32], now),
    ] {
        let server = Server::start(FleetSettings::default()).await;
        let machine = server.machine().await;
        let lost = Checkpoint::sign(&server.audit_key(), lost.seq, lost.hash, now);
        assert!(remembered(&server, &machine, lost).await);
    }
}

#[tokio::test]
async fn what_is_plugged_in_is_known_as_long_as_it_is() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    let mut events = server.fleet.subscribe();
    let (script, _) = Script::new();
    let linked = agent::link(&machine, &server, &script).await;
    soon(async || (script.tokens.receiver_count() == 1).then_some(())).await;
    let token = |id: &str| Token {
        presence_id: id.into(),
        ..Token::default()
    };
    script
        .tokens
        .send(token_event::Event::Added(token("a")))
        .unwrap();
    script
        .tokens
        .send(token_event::Event::Added(token("b")))
        .unwrap();
    script
        .tokens
        .send(token_event::Event::Removed("a".into()))
        .unwrap();
    let gone = |event| match event {
        FleetEvent::TokenGone { presence_id, .. } => Some(presence_id),
        _ => None,
    };
    assert_eq!(event(&mut events, gone).await, "a");
    let present = server.fleet.present();
    assert_eq!(present.len(), 1);
    assert_eq!(present[0].host, machine.host());
    assert_eq!(present[0].token, token("b"));
    // With the link, what was there goes too.
    linked.abort();
    assert_eq!(event(&mut events, gone).await, "b");
    event(&mut events, |event| {
        matches!(event, FleetEvent::HostDown { .. }).then_some(())
    })
    .await;
    assert!(server.fleet.present().is_empty());
}

#[tokio::test]
async fn a_deadline_ends_the_handler_at_the_agent() {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (script, _) = Script::new();
    script.stuck.store(true, Ordering::SeqCst);
    let _served = tokio::spawn(link::serve(ours, routes(&script), Timing::default()));
    let (requests, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(theirs))
        .await
        .unwrap();
    let _connection = tokio::spawn(connection);
    // A caller that never gives up by itself: only the agent can end this.
    let patient = tower::service_fn(move |request| requests.clone().send_request(request));
    let mut client = HostClient::with_origin(patient, http::Uri::from_static("http://agent"));
    let mut request = tonic::Request::new(GetHealthRequest {});
    request.set_timeout(Duration::from_millis(150));
    let answer = tokio::time::timeout(SOON, client.get_health(request))
        .await
        .unwrap();
    assert_eq!(answer.unwrap_err().code(), Code::DeadlineExceeded);
    tokio::time::timeout(SOON, script.dropped.notified())
        .await
        .unwrap();
}

#[tokio::test]
async fn giving_up_a_call_ends_the_handler_at_the_agent() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    let (script, _) = Script::new();
    let _linked = agent::link(&machine, &server, &script).await;
    let link = server.link(machine.host()).await;
    script.stuck.store(true, Ordering::SeqCst);
    let call = tokio::spawn({
        let link = link.clone();
        async move { link.health().await.map(drop) }
    });
    tokio::time::timeout(SOON, script.began.notified())
        .await
        .unwrap();
    call.abort();
    // Far sooner than the call's own deadline.
    tokio::time::timeout(Duration::from_secs(5), script.dropped.notified())
        .await
        .unwrap();
    script.stuck.store(false, Ordering::SeqCst);
    link.health().await.unwrap();
}

#[tokio::test]
async fn however_a_link_is_lost_the_caller_learns_the_same_and_whether_its_request_left() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    let line = Proxy::to(server.address, Line::Up).await;
    let (script, _) = Script::new();
    let linked = link_at(&machine, line.address, &script, Timing::default()).await;
    let link = server.link(machine.host()).await;
    script.stuck.store(true, Ordering::SeqCst);
    let (lost, ()) = tokio::join!(link.health(), async {
        script.began.notified().await;
        line.becomes(Line::Cut);
    });
    let error = lost.unwrap_err();
    assert!(
        matches!(
            error,
            CallError::LinkLost {
                request_was_sent: Sent::Unknown | Sent::Yes
            }
        ),
        "{error:?}"
    );
    linked.await.unwrap();
    soon(async || link.is_closed().then_some(())).await;
    let error = link.health().await.unwrap_err();
    assert!(
        matches!(
            error,
            CallError::LinkLost {
                request_was_sent: Sent::No
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_the_agent_itself_refuses_is_no_lost_link() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    let (script, _) = Script::new();
    let _linked = agent::link(&machine, &server, &script).await;
    let link = server.link(machine.host()).await;
    match link.unacknowledged().await {
        Err(CallError::Rejected(status)) => assert_eq!(status.code(), Code::FailedPrecondition),
        other => panic!("{other:?}"),
    }
    link.acknowledge(vec![key()]).await.unwrap();
}

#[tokio::test]
async fn an_answer_of_three_mebibytes_passes_and_one_of_five_does_not() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    let (script, _) = Script::new();
    let _linked = agent::link(&machine, &server, &script).await;
    let link = server.link(machine.host()).await;
    script.explanation.store(3 << 20, Ordering::SeqCst);
    assert_eq!(
        link.outcome(key()).await.unwrap().explanation.len(),
        3 << 20
    );
    script.explanation.store(5 << 20, Ordering::SeqCst);
    match link.outcome(key()).await {
        Err(CallError::Rejected(status)) => assert_eq!(status.code(), Code::OutOfRange),
        other => panic!("{other:?}"),
    }
    script.explanation.store(0, Ordering::SeqCst);
    link.outcome(key()).await.unwrap();
}

#[tokio::test]
async fn an_agent_does_not_wait_for_ever_for_a_server_that_never_speaks() {
    let (ours, _theirs) = tokio::io::duplex(4096);
    let timing = Timing {
        first_request: Duration::from_millis(300),
        keep_alive_interval: Duration::from_millis(50),
        keep_alive_timeout: Duration::from_millis(50),
    };
    let (script, _) = Script::new();
    let end = tokio::time::timeout(SOON, link::serve(ours, routes(&script), timing))
        .await
        .unwrap();
    assert!(matches!(end, LinkEnd::NeverUsed { .. }), "{end}");
}

#[tokio::test]
async fn a_server_does_not_wait_for_ever_for_an_agent_that_never_answers() {
    let settings = FleetSettings {
        hello_timeout: Duration::from_millis(300),
        ..FleetSettings::default()
    };
    let server = Server::start(settings).await;
    let machine = server.machine().await;
    let mut stream = dial_uplink(&server.address(), &machine.identity())
        .await
        .unwrap();
    // Nobody serves it; what the server sends is read and not answered.
    let mut sink = tokio::io::sink();
    let copied = tokio::io::copy(&mut stream, &mut sink);
    let _ = tokio::time::timeout(SOON, copied)
        .await
        .expect("the server still waits");
    assert!(server.fleet.linked_hosts().is_empty());
}

#[tokio::test]
async fn a_link_on_which_nothing_arrives_any_more_is_found_by_both_ends() {
    let settings = FleetSettings {
        keep_alive_interval: Duration::from_millis(200),
        keep_alive_timeout: Duration::from_millis(200),
        ..FleetSettings::default()
    };
    let server = Server::start(settings).await;
    let machine = server.machine().await;
    let line = Proxy::to(server.address, Line::Up).await;
    let (script, _) = Script::new();
    let timing = Timing {
        keep_alive_interval: Duration::from_millis(200),
        keep_alive_timeout: Duration::from_millis(200),
        ..Timing::default()
    };
    let linked = link_at(&machine, line.address, &script, timing).await;
    let link = server.link(machine.host()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(
        !linked.is_finished() && !link.is_closed(),
        "an idle link is not a dead one"
    );

    line.becomes(Line::BlackHole);
    let end = tokio::time::timeout(SOON, linked).await.unwrap().unwrap();
    assert!(matches!(end, LinkEnd::Lost(_)), "{end}");
    soon(async || server.fleet.linked_hosts().is_empty().then_some(())).await;
}

#[tokio::test]
async fn a_live_link_survives_the_silence_watchdog() {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    let (script, _) = Script::new();
    let timing = Timing {
        first_request: Duration::from_millis(300),
        ..Timing::default()
    };
    let linked = link_at(&machine, server.address, &script, timing).await;
    let link = server.link(machine.host()).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(!linked.is_finished());
    link.health().await.unwrap();
}
