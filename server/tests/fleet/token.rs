//! The whole way: server, link, the agent as it is shipped, a key.

use std::{path::Path, sync::Arc, thread, time::Duration};

use keysteward_agent::{agent::Agent, settings::Settings, uplink::identity::Directory};
use keysteward_core::crypto::RustCrypto;
use keysteward_proto::agent::v1::{
    MakeCredential, Progress, SetPin, Step, StepKey, Token, outcome::State, progress::Kind,
    step::Verb, step_result,
};
use keysteward_server::fleet::{CallError, FleetEvent, FleetSettings, Sent};
use keysteward_virtual_token::{
    authenticator::Authenticator,
    device::{Device, TouchPolicy},
    front_end::{Identity, socket},
    manufacture::{Manufacturer, Order},
    security_key::SecurityKey,
    storage::MemoryStorage,
};
use rand::rngs::OsRng;
use tokio::sync::mpsc;

use crate::{
    proxy::{Line, Proxy},
    renewal::hurried,
    server::{Machine, SOON, Server, address, event, soon},
};

const PIN: &str = "271828";

/// A key, plugged into the agent that listens at `path`.
fn key(path: &Path) -> Arc<Device> {
    let order = Order::default();
    let mut crypto = RustCrypto(rand_core::OsRng);
    let made = Manufacturer::found()
        .unwrap()
        .make(&order, &mut crypto)
        .unwrap();
    let mut storage = MemoryStorage::new();
    made.burn_in(&mut storage, &mut crypto).unwrap();
    let device = Device::new(TouchPolicy::Always);
    let powered = Arc::clone(&device);
    thread::spawn(move || {
        let authenticator = Authenticator::new(storage, RustCrypto(rand_core::OsRng)).unwrap();
        powered.run(&mut SecurityKey::new(authenticator))
    });
    let linked = Arc::clone(&device);
    let identity = Identity {
        name: "key".to_owned(),
        vendor_id: 0x1234,
        product_id: 1,
        manufacturer: "Keysteward".to_owned(),
        product: "Virtual Key".to_owned(),
        serial: Some("KS-1".to_owned()),
    };
    let path = path.to_owned();
    thread::spawn(move || socket::run(&linked, &identity, &path));
    device.plug();
    device
}

struct Desk {
    server: Server,
    machine: Machine,
    line: Proxy,
    device: Arc<Device>,
    token: Token,
    _agent: Agent,
}

/// A host on a line that can fail, with its agent running and a key plugged in.
async fn desk() -> Desk {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    let line = Proxy::to(server.address, Line::Up).await;
    let folder = machine.state.path();
    let tokens = folder.join("tokens.sock");
    let settings = format!(
        "state_dir = {folder:?}\ndanger_virtual_token_socket = {tokens:?}\n[local_socket]\npath = {:?}\n",
        folder.join("agent.sock")
    );
    let agent = Agent::start(&Settings::parse(&settings).unwrap()).unwrap();
    let uplink = keysteward_agent::uplink::Uplink {
        directory: Directory::new(folder),
        server: Some(address(line.address)),
        routes: agent.routes(),
        state: agent.uplink_state(),
        pace: hurried(),
        timing: keysteward_agent::uplink::link::Timing::default(),
    };
    tokio::spawn(uplink.run(OsRng));
    let device = key(&tokens);
    let host = machine.host();
    let token = soon(async || {
        let tokens = server.fleet.tokens(host);
        tokens.into_iter().find(|token| token.fido.is_some())
    })
    .await;
    Desk {
        server,
        machine,
        line,
        device,
        token,
        _agent: agent,
    }
}

fn step_key(step: &str) -> StepKey {
    StepKey {
        operation_id: "operation-1".into(),
        step: step.into(),
        attempt: 1,
    }
}

fn step(name: &str, verb: Verb) -> Step {
    Step {
        key: Some(step_key(name)),
        timeout_ms: 20_000,
        verb: Some(verb),
        ..Step::default()
    }
}

fn set_pin() -> Step {
    let new_pin = PIN.to_owned();
    step("set-pin", Verb::SetPin(SetPin { new_pin }))
}

fn make_credential() -> Step {
    step(
        "make-credential",
        Verb::MakeCredential(MakeCredential {
            pin: PIN.to_owned(),
            rp_id: "login.example.com".to_owned(),
            rp_name: "Example".to_owned(),
            client_data_hash: vec![5; 32],
            user_id: vec![6; 32],
            user_name: "alice".to_owned(),
            user_display_name: "Alice".to_owned(),
            algorithms: vec![-7],
            resident_key: true,
            ..MakeCredential::default()
        }),
    )
}

impl Desk {
    async fn step(
        &self,
        step: Step,
        progress: mpsc::Sender<Progress>,
    ) -> Result<step_result::Result, CallError> {
        let link = self.server.link(self.machine.host()).await;
        let result = link
            .step(
                &self.token.presence_id,
                "issue to alice@example.com",
                step,
                progress,
            )
            .await?;
        Ok(result.result.unwrap())
    }
}

#[tokio::test]
async fn a_key_on_another_machine_is_seen_and_worked_on() {
    let desk = desk().await;
    assert_eq!(desk.token.serial, "KS-1");
    assert!(desk.token.r#virtual);
    let done = desk.step(set_pin(), mpsc::channel(8).0).await.unwrap();
    assert!(matches!(done, step_result::Result::Done(_)), "{done:?}");
    assert!(desk.device.state().contents.pin_set);

    let made = desk
        .step(make_credential(), mpsc::channel(8).0)
        .await
        .unwrap();
    assert!(
        matches!(made, step_result::Result::CredentialMade(_)),
        "{made:?}"
    );
    let link = desk.server.link(desk.machine.host()).await;
    let outcome = link.outcome(step_key("set-pin")).await.unwrap();
    assert_eq!(
        (outcome.state(), outcome.caller.as_str()),
        (State::Done, "server")
    );
    assert_eq!(link.unacknowledged().await.unwrap().len(), 2);
    link.acknowledge(vec![step_key("set-pin"), step_key("make-credential")])
        .await
        .unwrap();
    assert!(link.unacknowledged().await.unwrap().is_empty());
    let never = link.outcome(step_key("reset")).await.unwrap();
    assert_eq!(never.state(), State::NotFound);
}

#[tokio::test]
async fn a_link_that_is_cut_in_mid_step_does_not_cut_the_step_and_the_next_link_tells_its_end() {
    let desk = desk().await;
    desk.step(set_pin(), mpsc::channel(8).0).await.unwrap();
    desk.device.set_touch_policy(TouchPolicy::Ask);
    let mut events = desk.server.fleet.subscribe();
    let (progress, mut told) = mpsc::channel(8);
    let (lost, ()) = tokio::join!(desk.step(make_credential(), progress), async {
        while told.recv().await.unwrap().kind() != Kind::TouchNeeded {}
        desk.line.becomes(Line::Cut);
    });
    let lost = lost.unwrap_err();
    assert!(
        matches!(
            lost,
            CallError::LinkLost {
                request_was_sent: Sent::Yes
            }
        ),
        "{lost:?}"
    );
    soon(async || desk.device.touch().ok()).await;
    soon(async || (desk.device.state().contents.credentials.len() == 1).then_some(())).await;

    desk.line.becomes(Line::Up);
    let told = event(&mut events, |event| match event {
        FleetEvent::Unacknowledged { outcomes, .. } => Some(outcomes),
        _ => None,
    })
    .await;
    assert!(
        told.iter()
            .any(|outcome| outcome.key == Some(step_key("make-credential"))),
        "{told:?}"
    );
    let link = desk.server.link(desk.machine.host()).await;
    let settled = tokio::time::timeout(SOON, async {
        loop {
            let outcome = link.outcome(step_key("make-credential")).await.unwrap();
            if outcome.state() != State::Started {
                return outcome;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(settled.state(), State::Done);
}
