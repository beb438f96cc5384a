//! Facts, health, watching, the local socket.

use std::os::unix::fs::PermissionsExt as _;

use keysteward_proto::agent::v1 as proto;
use proto::{outcome::State, token_event::Event};

use crate::harness::{Host, Key, SOON, key, list};

#[tokio::test]
async fn a_host_says_who_it_is_and_what_is_unacknowledged() {
    let host = Host::new().await;
    let _key = host.key().await;
    let caller = host.caller().await;
    let hello = async || {
        let mut client = caller.host();
        client
            .hello(proto::HelloRequest::default())
            .await
            .unwrap()
            .into_inner()
    };
    let said = hello().await;
    let facts = said.facts.unwrap();
    assert_eq!((facts.os.as_str(), said.link_epoch), ("linux", 0));
    assert!(!facts.hostname.is_empty() && !said.boot_id.is_empty());
    assert!(said.capabilities.contains(&"fido.lease".to_owned()));
    let [outcome] = &said.unacknowledged[..] else {
        panic!("{:?}", said.unacknowledged);
    };
    assert_eq!(
        (outcome.verb.as_str(), outcome.state()),
        ("set_pin", State::Done)
    );
    assert!(
        outcome.caller.starts_with("local user "),
        "{}",
        outcome.caller
    );
    let acknowledge = proto::AcknowledgeRequest {
        keys: vec![key("setup")],
    };
    caller.journal().acknowledge(acknowledge).await.unwrap();
    assert!(hello().await.unacknowledged.is_empty());
    let all = proto::ListOutcomesRequest { all: true };
    let listed = caller
        .journal()
        .list_outcomes(all)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(listed.outcomes.len(), 1);
}

#[tokio::test]
async fn health_counts_tokens_and_attempts() {
    let host = Host::new().await;
    let _key = host.key().await;
    let mut client = host.caller().await.host();
    let health = client
        .get_health(proto::GetHealthRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (
            health.tokens,
            health.journal_entries,
            health.journal_unsettled
        ),
        (1, 1, 0)
    );
    assert_eq!(health.uplink, "not enrolled");
    assert!(health.started_at_us > 0);
}

#[tokio::test]
async fn a_checkpoint_is_taken_from_the_server_alone() {
    let host = Host::new().await;
    let mut client = host.caller().await.host();
    let forged = proto::HelloRequest {
        checkpoint: Some(proto::AuditCheckpoint::default()),
        ..proto::HelloRequest::default()
    };
    let status = client.hello(forged).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::PermissionDenied);
}

#[tokio::test]
async fn watchers_see_a_snapshot_and_then_each_change() {
    let host = Host::new().await;
    let first = Key::new(host.folder.path(), Some("KS-1"));
    let caller = host.caller().await;
    let present = caller.token().await;
    let mut events = caller
        .tokens()
        .watch(proto::WatchRequest {})
        .await
        .unwrap()
        .into_inner();
    let mut next = async || events.message().await.unwrap().unwrap().event.unwrap();
    let Event::Snapshot(snapshot) = next().await else {
        panic!();
    };
    assert_eq!(snapshot.tokens, std::slice::from_ref(&present));
    first.device.unplug();
    assert_eq!(next().await, Event::Removed(present.presence_id.clone()));
    first.device.plug();
    let Event::Added(again) = next().await else {
        panic!();
    };
    assert_ne!(
        again.presence_id, present.presence_id,
        "a name is never used again"
    );
    assert_eq!(
        (again.serial.as_str(), again.transport.as_str()),
        ("KS-1", "socket")
    );
    assert!(again.r#virtual && again.fido.is_some());
    host.lease().await.set_pin("set").await;
    let Event::Changed(changed) = next().await else {
        panic!();
    };
    assert!(changed.fido.unwrap().options["clientPin"]);
}

#[tokio::test]
async fn a_key_and_the_journal_outlive_the_service() {
    let host = Host::new().await;
    let token = host.key().await;
    let before = host.caller().await.token().await;
    let host = host.restart().await;
    let caller = host.caller().await;
    let after = caller.token().await;
    assert_eq!(after.serial, before.serial);
    assert_ne!(after.presence_id, before.presence_id);
    assert_eq!(caller.outcome("setup").await.state(), State::Done);
    assert!(host.lease().await.step("", list()).await.is_ok());
    assert_eq!(token.device.state().power_ups, 1);
}

#[tokio::test]
async fn watchers_and_idle_leases_do_not_keep_the_service_from_stopping() {
    let host = Host::new().await;
    let _key = host.key().await;
    let _lease = host.lease().await;
    let caller = host.caller().await;
    let _events = caller.tokens().watch(proto::WatchRequest {}).await.unwrap();
    let stopping = tokio::time::timeout(SOON, host.restart());
    stopping.await.expect("stopped in time");
}

#[tokio::test]
async fn the_sockets_are_for_those_whom_the_settings_name() {
    let host = Host::new().await;
    for socket in ["agent.sock", "tokens.sock"] {
        let metadata = std::fs::metadata(host.folder.path().join(socket)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{socket}");
    }
}

#[tokio::test]
async fn a_program_that_does_not_describe_itself_is_no_token() {
    use std::io::{Read as _, Write as _};
    let host = Host::new().await;
    let caller = host.caller().await;
    for line in ["{}\n", "not json\n", &"x".repeat(5000)] {
        let path = host.folder.path().join("tokens.sock");
        let mut stream = std::os::unix::net::UnixStream::connect(path).unwrap();
        stream.write_all(line.as_bytes()).unwrap();
        // Refused: the agent hangs up.
        let mut rest = Vec::new();
        drop(stream.read_to_end(&mut rest));
        assert!(rest.is_empty());
    }
    assert!(caller.list().await.is_empty());
}

#[tokio::test]
async fn a_token_that_does_not_answer_is_listed_with_its_fault() {
    use std::io::Write as _;
    let host = Host::new().await;
    let caller = host.caller().await;
    let path = host.folder.path().join("tokens.sock");
    let mut mute = std::os::unix::net::UnixStream::connect(path).unwrap();
    mute.write_all(
        b"{\"name\":\"k\",\"vendor_id\":1,\"product_id\":2,\"manufacturer\":\"m\",\"product\":\"p\"}\n",
    )
    .unwrap();
    crate::harness::until_async("it is listed", async || !caller.list().await.is_empty()).await;
    let [token] = &caller.list().await[..] else {
        panic!();
    };
    assert!(token.fido.is_none());
    assert!(token.fault.contains("did not answer"), "{}", token.fault);
}
