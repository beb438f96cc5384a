//! Clients that want a HID device of the kernel: in a guest whose kernel has one, each with a key of
//! its own that was plugged in a moment ago.

use super::{Cell, Row, cells};
use keysteward_tests::guest::{Guest, Root};
use keysteward_tests::site::process::program;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// In the order in which they come.
const CLIENTS: [&str; 3] = ["libfido2", "ctap-hid-fido2", "authenticator-rs"];
const PIN: &str = "314159";
const NEW_PIN: &str = "271828";
/// A client under emulation, on a machine that others use as well.
const PATIENCE: Duration = Duration::from_secs(240);

pub(super) fn rows() -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let said = run(folder.path());
    CLIENTS
        .into_iter()
        .map(|client| Row {
            client,
            key: "ours, 2.3",
            cells: of(client, &said),
        })
        .collect()
}

/// What the guest said between the marks of one client.
fn of(client: &str, said: &str) -> Vec<(String, Cell)> {
    let begin = format!("client: {client}");
    let part = said.split(&begin).nth(1).unwrap_or_default();
    let part = part.split("client: ").next().unwrap_or_default();
    let mut cells = cells(part);
    // Of this profile.
    cells.push((
        "fingerprints".to_owned(),
        Cell::Lacks("the key has no sensor".to_owned()),
    ));
    cells
}

fn run(folder: &Path) -> String {
    let root = Root {
        programs: ["fido2-token", "fido2-cred", "fido2-assert"]
            .map(|name| PathBuf::from(format!("/usr/bin/{name}")))
            .into_iter()
            .chain([program("keysteward-virtual-token").unwrap()])
            .chain(["ctap_hid_fido2", "authenticator_rs"].map(client))
            .collect(),
        files: vec![
            ("/etc/param".into(), cred_param().into()),
            ("/etc/libfido2".into(), LIBFIDO2.into()),
            ("/etc/clients".into(), SCRIPT.into()),
        ],
        script: "mkdir /var/key
# The tools ask for PINs on their controlling terminal.
setsid -c sh /etc/clients </dev/ttyS0 >/dev/ttyS0 2>&1 &
"
        .into(),
    };
    let mut guest = Guest::boot(folder, &root, &[]).unwrap();
    let mut said = 0;
    let asked = [
        ("new PIN", PIN),
        ("again", PIN),
        ("current PIN", PIN),
        ("new PIN", NEW_PIN),
        ("again", NEW_PIN),
    ];
    for (prompt, pin) in asked {
        said = guest.wait_for_after(said, prompt, PATIENCE).unwrap();
        guest.type_line(pin).unwrap();
    }
    let begun = Instant::now();
    // How often the others ask is their affair.
    while !guest.console().contains("libfido2: done") && begun.elapsed() < PATIENCE {
        if let Ok(end) = guest.wait_for_after(said, "PIN for", Duration::from_secs(1)) {
            said = end;
            guest.type_line(NEW_PIN).unwrap();
        }
    }
    guest.wait_for("clients: all done", PATIENCE).unwrap();
    guest.console()
}

/// A program of `tests/clients`.
fn client(name: &str) -> PathBuf {
    let target = program("keysteward-virtual-token").unwrap();
    let target = target.ancestors().nth(2).unwrap().to_owned();
    let program = target.join("clients/debug").join(name);
    assert!(
        program.exists(),
        "{} is missing: cargo xtask test builds it, or by hand: cargo build --manifest-path \
         tests/clients/Cargo.toml --target-dir {}/clients",
        program.display(),
        target.display()
    );
    program
}

/// What `fido2-cred -M` reads: client data hash, RP id, user name, user id.
fn cred_param() -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let hash = STANDARD.encode([7; 32]);
    let user = STANDARD.encode(b"user-1");
    format!("{hash}\nexample.com\nada\n{user}\n")
}

const SCRIPT: &str = r#"
plug() {
  keysteward-virtual-token uhid --storage /var/key/$1 --control /run/k.control 2>/dev/null &
  key=$!
  until ls /dev/hidraw* >/dev/null 2>&1; do sleep 0.1; done
  device=$(ls /dev/hidraw*)
}
unplug() {
  kill $key; wait $key 2>/dev/null
  while ls /dev/hidraw* >/dev/null 2>&1; do sleep 0.1; done
}
plug 1; echo "client: libfido2"; device=$device sh /etc/libfido2; echo "libfido2: done"; unplug
plug 2; echo "client: ctap-hid-fido2"; ctap_hid_fido2; unplug
plug 3; echo "client: authenticator-rs"; authenticator_rs; unplug
echo "clients: all done"
"#;

const LIBFIDO2: &str = r#"
credentials() {
  fido2-cred -M -b -r -v -i /etc/param -o /run/cred $device &&
  fido2-cred -V -v -i /run/cred -o /run/verified || return 1
  { sed -n 1p /etc/param; echo example.com; sed -n 1p /run/verified; } > /run/assert
  sed 1d /run/verified > /run/public-key
  fido2-assert -G -v -i /run/assert -o /run/assertion $device &&
  fido2-assert -V -v -i /run/assertion /run/public-key es256
}
blobs() {
  echo "a certificate, say" > /run/blob
  fido2-token -S -b -n example.com /run/blob $device &&
  fido2-token -G -b -n example.com /run/blob-again $device || return 1
  [ "$(cat /run/blob-again)" = "a certificate, say" ] &&
  fido2-token -D -b -n example.com $device
}
management() {
  fido2-token -L -r $device && fido2-token -D -i "$(sed -n 1p /run/verified)" $device
}
fido2-token -R $device && echo "cell: reset works" || echo "cell: reset fails"
fido2-token -I $device && echo "cell: info works" || echo "cell: info fails"
fido2-token -S $device && fido2-token -C $device && echo "cell: pin works" || echo "cell: pin fails"
credentials && echo "cell: credentials works" || echo "cell: credentials fails"
blobs && echo "cell: blobs works" || echo "cell: blobs fails"
management && echo "cell: management works" || echo "cell: management fails"
fido2-token -S -l 6 $device && echo "cell: config works" || echo "cell: config fails"
"#;
