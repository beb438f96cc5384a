//! The binary from outside: what it makes, what it refuses, and what it says then.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keysteward-virtual-token"));
    command.env_remove("RUST_LOG").env_remove("RUST_BACKTRACE");
    command
}

/// A key that runs until the test lets it go.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A host in `folder`, which keys are plugged into.
struct Host(UnixListener);

impl Host {
    fn new(folder: &Path) -> Self {
        let listener = UnixListener::bind(folder.join("host")).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    /// Starts the key `storage` and waits until it is plugged in; its connection and its line.
    fn plug(&self, folder: &Path, storage: &str, more: &[&str]) -> (Running, UnixStream, String) {
        let key = program()
            .arg("--connect")
            .arg(folder.join("host"))
            .arg("--storage")
            .arg(folder.join(storage))
            .args(more)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let key = Running(key);
        let end = Instant::now() + Duration::from_secs(20);
        let stream = loop {
            match self.0.accept() {
                Ok((stream, _)) => break stream,
                Err(error) => assert!(Instant::now() < end, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        stream.set_nonblocking(false).unwrap();
        let mut line = String::new();
        BufReader::new(stream.try_clone().unwrap())
            .read_line(&mut line)
            .unwrap();
        (key, stream, line)
    }
}

fn refusal(output: &Output) -> String {
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn attestation_root(kind: &str, path: &Path) -> Output {
    program()
        .arg("attestation-root")
        .arg(kind)
        .arg(path)
        .output()
        .unwrap()
}

#[test]
fn a_key_says_who_it_is_when_it_is_plugged_in() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::new(folder.path());
    let plug = |storage, more: &[&str]| host.plug(folder.path(), storage, more).2;
    assert_eq!(
        plug("one", &["--serial", "KS-0001"]),
        "{\"name\":\"one\",\"vendor_id\":4660,\"product_id\":1,\"manufacturer\":\"Keysteward\",\
         \"product\":\"Virtual Key\",\"serial\":\"KS-0001\"}\n"
    );
    let shy = [
        "--name",
        "two",
        "--no-serial",
        "--vendor-id",
        "0x1050",
        "--product-id",
        "7",
    ];
    assert_eq!(
        plug("one", &shy),
        "{\"name\":\"two\",\"vendor_id\":4176,\"product_id\":7,\"manufacturer\":\"Keysteward\",\
         \"product\":\"Virtual Key\"}\n"
    );
    let (first, second) = (plug("three", &[]), plug("four", &[]));
    let serial = |line: &str| line.split("\"serial\":").nth(1).unwrap().to_owned();
    assert!(serial(&first).starts_with("\"KS-"), "{first}");
    assert_ne!(serial(&first), serial(&second));
    assert_eq!(serial(&plug("three", &[])), serial(&first), "made once");
}

#[test]
fn a_hostile_key_does_what_its_name_says() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::new(folder.path());
    let (_key, mut stream, _) = host.plug(folder.path(), "foe", &["--hostile", "error-7f"]);
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut exchange = |channel: [u8; 4], rest: &[u8]| {
        let mut report = [0; 64];
        report[..4].copy_from_slice(&channel);
        report[4..4 + rest.len()].copy_from_slice(rest);
        stream.write_all(&report).unwrap();
        stream.read_exact(&mut report).unwrap();
        report
    };
    let opened = exchange([0xFF; 4], b"\x86\x00\x08a nonce.");
    assert_eq!(opened[4..15], *b"\x86\x00\x11a nonce.");
    let channel = [opened[15], opened[16], opened[17], opened[18]];
    let refused = exchange(channel, &[0x90, 0x00, 0x01, 0x04]);
    assert_eq!(refused[4..8], [0xBF, 0x00, 0x01, 0x7F], "getInfo");
    let output = program()
        .args([
            "--connect",
            "/nowhere",
            "--storage",
            "/nowhere",
            "--hostile",
            "polite",
        ])
        .output()
        .unwrap();
    assert!(refusal(&output).contains("polite"));
}

#[test]
fn what_was_burned_in_does_not_change() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::new(folder.path());
    drop(host.plug(folder.path(), "key", &["--serial", "KS-0001"]));
    for (more, found) in [
        (["--serial", "KS-0002"], "has the serial number KS-0001"),
        (
            ["--aaguid", "00000000-0000-0000-0000-000000000001"],
            "has the AAGUID 3d5a8cf26b1e4d079c43e8f1a2b7560d",
        ),
    ] {
        let output = program()
            .args(["--connect", "/nowhere", "--storage"])
            .arg(folder.path().join("key"))
            .args(more)
            .output()
            .unwrap();
        let refusal = refusal(&output);
        assert!(refusal.contains(found), "{refusal}");
    }
}

#[test]
fn a_key_is_plugged_in_at_one_place() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::new(folder.path());
    let (_key, _stream, _) = host.plug(folder.path(), "key", &[]);
    let output = program()
        .args(["--connect", "/nowhere", "--storage"])
        .arg(folder.path().join("key"))
        .output()
        .unwrap();
    let refusal = refusal(&output);
    assert!(refusal.contains("another process uses"), "{refusal}");
}

#[test]
fn storage_that_is_no_key_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    for (content, problem) in [
        ([2, 2, 3], "the storage is damaged"),
        (
            [1, 2, 3],
            "move it away, and a new key is made in its place",
        ),
        ([9, 2, 3], "written by a later version (9)"),
    ] {
        std::fs::write(&path, content).unwrap();
        let output = program()
            .args(["--connect", "/nowhere", "--storage"])
            .arg(&path)
            .output()
            .unwrap();
        let refusal = refusal(&output);
        assert!(refusal.contains(path.to_str().unwrap()), "{refusal}");
        assert!(refusal.contains(problem), "{refusal}");
        let kept = std::fs::read(&path).unwrap();
        assert_eq!(kept, content, "it stays as it was");
    }
}

#[test]
fn keys_of_one_manufacturer_share_a_root() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::new(folder.path());
    let manufacturer = folder.path().join("manufacturer.pem");
    let more = ["--manufacturer", manufacturer.to_str().unwrap()];
    drop(host.plug(folder.path(), "one", &more));
    drop(host.plug(folder.path(), "two", &more));
    drop(host.plug(folder.path(), "three", &[]));
    let root = |kind, path: &Path| {
        let output = attestation_root(kind, path);
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let shared = root("--manufacturer", &manufacturer);
    assert!(
        shared.starts_with("-----BEGIN CERTIFICATE-----\n"),
        "{shared}"
    );
    assert!(!shared.contains("PRIVATE"));
    assert_eq!(root("--storage", &folder.path().join("one")), shared);
    assert_eq!(root("--storage", &folder.path().join("two")), shared);
    assert_ne!(root("--storage", &folder.path().join("three")), shared);
    let nothing = refusal(&attestation_root("--storage", &folder.path().join("four")));
    assert!(nothing.contains("start the key once"), "{nothing}");
}
