//! The agent's process is killed in mid-step; the key keeps its power and its state.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::device::{
    TouchPolicy,
    fault::{Action, Fault, Moment},
};
use proto::{outcome::State, progress::Kind, step::Verb};
use tempfile::TempDir;
use tokio::net::UnixStream;

use crate::harness::{Caller, Key, PIN, delete, make_credential, set_pin, until_async};

/// An agent in a process of its own.
struct Process {
    child: Child,
}

impl Process {
    async fn start(folder: &Path) -> Self {
        let settings = folder.join("agent.toml");
        let path = |name: &str| folder.join(name).display().to_string();
        std::fs::write(
            &settings,
            format!(
                "state_dir = {:?}\ndanger_virtual_token_socket = {:?}\n\
                 [local_socket]\npath = {:?}\nmode = \"0600\"\n[policy]\nallow_reset = true\n",
                path("state"),
                path("tokens.sock"),
                path("agent.sock"),
            ),
        )
        .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_keysteward-agent"))
            .arg("--settings")
            .arg(&settings)
            .arg("run")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let socket = folder.join("agent.sock");
        until_async("the agent listens", async || {
            UnixStream::connect(&socket).await.is_ok()
        })
        .await;
        Self { child }
    }

    /// kill -9
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

struct Scene {
    folder: TempDir,
    key: Key,
    agent: Process,
}

impl Scene {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let agent = Process::start(folder.path()).await;
        let key = Key::new(folder.path(), Some("KS-1"));
        Self { folder, key, agent }
    }

    async fn caller(&self) -> Caller {
        Caller::connect(&self.folder.path().join("agent.sock")).await
    }

    /// Kills the agent, lets `meanwhile` happen to the key, starts the agent again.
    async fn killed(self, meanwhile: impl FnOnce(&Key)) -> Self {
        let Self { folder, key, agent } = self;
        agent.kill();
        meanwhile(&key);
        let agent = Process::start(folder.path()).await;
        Self { folder, key, agent }
    }
}

/// The command runs, and its answer never comes.
fn silent_after(command: u8, subcommand: u8) -> Fault {
    Fault {
        moment: Moment::After,
        command,
        subcommand: Some(subcommand),
        action: Action::DropResponse,
    }
}

#[tokio::test]
async fn a_pin_that_was_set_before_the_kill_is_found_set() {
    let scene = Scene::new().await;
    scene.key.device.arm(silent_after(0x06, 3));
    let lease = scene.caller().await.lease().await;
    lease.begin("set", set_pin(PIN)).await;
    crate::harness::until("the key has the PIN", || scene.key.pin_set()).await;
    let scene = scene.killed(|_| {}).await;
    let outcome = scene.caller().await.settled("set").await;
    assert_eq!(outcome.state(), State::Done, "{outcome:?}");
    assert_eq!(scene.key.device.state().power_ups, 1);
}

#[tokio::test]
async fn a_credential_that_waited_for_its_touch_is_unknown_and_the_intent_is_there() {
    let scene = Scene::new().await;
    let mut lease = scene.caller().await.lease().await;
    lease.set_pin("set").await;
    scene.key.device.set_touch_policy(TouchPolicy::Ask);
    lease.begin("make", make_credential()).await;
    lease.hears(Kind::TouchNeeded).await;
    let scene = scene
        .killed(|key| key.device.set_touch_policy(TouchPolicy::Always))
        .await;
    let caller = scene.caller().await;
    let outcome = caller.settled("make").await;
    assert_eq!(outcome.state(), State::Unknown, "{outcome:?}");
    assert_eq!(outcome.user_id, crate::harness::USER);
    // Asked again under the same key, it is not done a second time.
    let error = caller
        .lease()
        .await
        .step("make", make_credential())
        .await
        .unwrap_err();
    assert_eq!(error.code(), proto::step_error::Code::OutcomeUnknown);
    assert!(scene.key.credentials() <= 1);
}

#[tokio::test]
async fn a_deletion_is_found_done_or_not_done() {
    for (moment, state) in [
        (Moment::Before, State::Failed),
        (Moment::After, State::Done),
    ] {
        let scene = Scene::new().await;
        let mut lease = scene.caller().await.lease().await;
        lease.set_pin("set").await;
        let made = lease.make("make").await;
        scene.key.device.arm(Fault {
            moment,
            ..silent_after(0x0a, 6)
        });
        lease.begin("delete", delete(&made.credential_id)).await;
        let caller = scene.caller().await;
        until_async("the intent is on disk", async || {
            caller.outcome("delete").await.state() == State::Started
        })
        .await;
        if moment == Moment::After {
            crate::harness::until("it is deleted", || scene.key.credentials() == 0).await;
        }
        let scene = scene.killed(|_| {}).await;
        let outcome = scene.caller().await.settled("delete").await;
        assert_eq!(outcome.state(), state, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_reset_that_was_never_sent_is_known_to_have_changed_nothing() {
    let scene = Scene::new().await;
    let mut lease = scene.caller().await.lease().await;
    lease.set_pin("set").await;
    lease.begin("reset", Verb::Reset(proto::Reset {})).await;
    lease.hears(Kind::UnplugNeeded).await;
    let scene = scene.killed(Key::replug).await;
    let outcome = scene.caller().await.settled("reset").await;
    assert_eq!(outcome.state(), State::Failed, "{outcome:?}");
    assert!(!outcome.error.unwrap().changed);
    assert!(scene.key.pin_set());
}

#[tokio::test]
async fn a_result_that_nobody_heard_is_in_the_journal() {
    let scene = Scene::new().await;
    let mut lease = scene.caller().await.lease().await;
    lease.set_pin("set").await;
    let made = lease.make("make").await;
    let scene = scene.killed(|_| {}).await;
    let caller = scene.caller().await;
    let outcome = caller.outcome("make").await;
    let Some(proto::step_result::Result::CredentialMade(kept)) = outcome.result.unwrap().result
    else {
        panic!();
    };
    assert_eq!(kept, made);
}

#[tokio::test]
async fn no_pin_is_in_the_files_of_the_agent() {
    let scene = Scene::new().await;
    let pin = "Tell-nobody-7f3a";
    let mut lease = scene.caller().await.lease().await;
    lease.step("set", set_pin(pin)).await.unwrap();
    let change = Verb::ChangePin(proto::ChangePin {
        current_pin: pin.to_owned(),
        new_pin: "Tell-nobody-either".to_owned(),
    });
    lease.step("change", change).await.unwrap();
    let scene = scene.killed(|_| {}).await;
    let state = scene.folder.path().join("state");
    let mut searched = 0;
    for file in std::fs::read_dir(state).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        searched += bytes.len();
        assert!(!bytes.windows(11).any(|window| window == b"Tell-nobody"));
    }
    assert!(searched > 0);
}
