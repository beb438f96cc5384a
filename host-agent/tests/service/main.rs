//! The program as a service manager and an administrator meet it.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::Write as _,
    os::unix::net::UnixDatagram,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use keysteward_proto::join_token::JoinToken;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

/// A machine with a settings file of its own.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let machine = Self { folder };
        machine.settings("");
        machine
    }

    fn settings(&self, more: &str) {
        let folder = self.folder.path();
        let text = format!(
            "{more}\nstate_dir = {:?}\n[local_socket]\npath = {:?}\nmode = \"0600\"\n",
            folder.join("state"),
            folder.join("agent.sock"),
        );
        fs::write(folder.join("agent.toml"), text).unwrap();
    }

    fn agent(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keysteward-agent"));
        command
            .arg("--settings")
            .arg(self.folder.path().join("agent.toml"))
            .args(arguments)
            .env_remove("NOTIFY_SOCKET")
            .env_remove("WATCHDOG_USEC")
            .env_remove("WATCHDOG_PID");
        command
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn status(&self) -> (Option<i32>, serde_json::Value) {
        let output = self
            .agent(&["status", "--output", "json"])
            .output()
            .unwrap();
        let status = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), status)
    }
}

/// A running agent, ended with the test.
struct Running(Child);

impl Running {
    /// As a service manager stops it; how long that took, and the exit code.
    fn stop(mut self) -> (Duration, Option<i32>) {
        let since = Instant::now();
        let pid = Pid::from_raw(self.0.id().try_into().unwrap());
        kill(pid, Signal::SIGTERM).unwrap();
        let status = self.0.wait().unwrap();
        (since.elapsed(), status.code())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn failed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn until(what: &str, mut look: impl FnMut() -> bool) {
    let since = Instant::now();
    while !look() {
        assert!(since.elapsed() < SOON, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_service_manager_hears_ready_then_the_watchdog_then_stopping() {
    let machine = Machine::new();
    let path = machine.folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(SOON)).unwrap();
    let hear = || {
        let mut buffer = [0; 256];
        let length = manager.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec())
            .unwrap()
            .trim()
            .to_owned()
    };
    let child = machine
        .agent(&["run"])
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "200000")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running(child);
    assert_eq!(hear(), "READY=1");
    for _ in 0..3 {
        assert_eq!(hear(), "WATCHDOG=1");
    }
    let (took, code) = running.stop();
    assert_eq!(code, Some(0));
    assert!(took < SOON, "{took:?}");
    until("it said that it stops", || hear() == "STOPPING=1");
}

#[test]
fn without_a_watchdog_nobody_is_fed() {
    let machine = Machine::new();
    let path = machine.folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(SOON)).unwrap();
    let child = machine
        .agent(&["run"])
        .env("NOTIFY_SOCKET", &path)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _running = Running(child);
    manager.recv(&mut [0; 256]).unwrap();
    manager
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    assert!(manager.recv(&mut [0; 256]).is_err());
}

#[test]
fn the_status_tells_a_running_agent_from_one_that_is_not() {
    let machine = Machine::new();
    let (code, status) = machine.status();
    assert_eq!(code, Some(3));
    assert_eq!(status["running"], false);
    assert_eq!(status["host_id"], serde_json::Value::Null);

    let child = machine
        .agent(&["run"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running(child);
    until("the status says that it runs", || {
        machine.status().1["running"] == true
    });
    let (code, status) = machine.status();
    assert_eq!(
        (code, status["uplink"].as_str()),
        (Some(3), Some("not enrolled"))
    );
    assert_eq!(status["tokens"], 0);
    let text = machine.agent(&["status"]).output().unwrap().stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.contains("running") && text.contains("not enrolled"),
        "{text}"
    );
    assert_eq!(running.stop().1, Some(0));
    until("it is gone", || machine.status().1["running"] == false);
}

#[test]
fn wrong_settings_are_named_and_nothing_starts() {
    let machine = Machine::new();
    machine.settings("colour = \"red\"");
    let said = failed(&machine.agent(&["run"]).output().unwrap());
    assert!(said.contains("colour"), "{said}");
    assert!(!machine.folder.path().join("state").exists());
}

#[test]
fn a_join_token_that_is_none_is_refused_before_anybody_is_asked() {
    let machine = Machine::new();
    let file = machine.file("token", "ksj1.secret-of-somebody");
    let file = file.to_str().unwrap();
    for (arguments, expected) in [
        (vec!["--join-token-file", file], "--server"),
        (
            vec!["--server", "127.0.0.1:1", "--join-token-file", file],
            "two parts",
        ),
        (
            vec!["--server", "127.0.0.1:1", "--join-token-file", "/nowhere"],
            "/nowhere",
        ),
    ] {
        let mut command = machine.agent(&["enrol"]);
        let said = failed(&command.args(arguments).output().unwrap());
        assert!(said.contains(expected), "{said}");
        assert!(!said.contains("secret-of-somebody"), "{said}");
    }
    assert!(!machine.folder.path().join("state/uplink").exists());
}

#[test]
fn an_address_that_is_none_is_refused_with_what_is_allowed() {
    let machine = Machine::new();
    let output = machine
        .agent(&[
            "enrol",
            "--server",
            "keys.example.com",
            "--join-token-file",
            "-",
        ])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("HOST:PORT"), "{said}");
}

#[test]
fn a_server_that_cannot_be_reached_is_tried_again_and_then_the_command_may_be() {
    let machine = Machine::new();
    let token = JoinToken::new([7; 32], [9; 32]).encode();
    let mut child = machine
        .agent(&["enrol", "--server", "127.0.0.1:1", "--join-token-file", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(token.as_bytes())
        .unwrap();
    let said = failed(&child.wait_with_output().unwrap());
    assert!(said.contains("trying again"), "{said}");
    assert!(said.contains("127.0.0.1:1"), "{said}");
    assert!(said.contains("the same command may be run again"), "{said}");
    assert!(
        !said.contains(&*JoinToken::new([7; 32], [9; 32]).secret_text()),
        "{said}"
    );
}

const SOON: Duration = Duration::from_secs(30);
