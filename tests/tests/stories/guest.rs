//! The agent over real hidraw: a guest with a kernel of its own, in which the key is a USB key of
//! that kernel. The server stands outside and is dialled through the guest's network.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use keysteward_tests::{
    firmware::opensk,
    guest::{Guest, HOST, Root},
    site::{
        Site,
        process::{eventually, program},
    },
};
use serde_json::Value;

use crate::desk::{shown, text};

const PATIENCE: Duration = Duration::from_secs(60);
const AGENT: &str = r#"
state_dir = "/var/agent"
[local_socket]
path = "/run/agent.sock"
[redial]
first_within_s = 0
longest_s = 1
"#;

#[test]
fn a_foreign_usb_key_in_a_guest_is_issued_replugged_and_revoked() {
    let site = Site::start().unwrap();
    let hand = free_port().unwrap();
    let guest = guest_with_agent(&site, hand).unwrap();
    let token = seen(&site, &guest).unwrap();
    assert_eq!(token["virtual"], false, "{token}");
    let token = text(&token, "id").unwrap();
    describe(&site).unwrap();
    let operate = |arguments: &[&str]| {
        let operation = site.cli.json(arguments).unwrap();
        assert_eq!(
            operation["state"],
            "succeeded",
            "{operation}\n{}",
            guest.console()
        );
    };
    operate(&[
        "issue",
        "--token",
        &token,
        "--user",
        "alice@example.com",
        "--template",
        "staff",
    ]);
    let idp = || site.stand_in.state_of_only("alice@example.com").unwrap();
    assert_eq!(idp(), "pending");

    // Pulled out and put back, it is the same token.
    tell(hand, r#"{"do":"unplug"}"#).unwrap();
    presence(&site, &token, false).unwrap();
    tell(hand, r#"{"do":"plug"}"#).unwrap();
    presence(&site, &token, true).unwrap();
    assert_eq!(site.tokens().unwrap().len(), 1);

    let revealed = site
        .cli
        .json(&["pin", "hand-over", &token, "--reveal"])
        .unwrap();
    assert_eq!(text(&revealed, "pin").unwrap().len(), 6);
    operate(&["revoke", &token, "--reason", "replaced"]);
    assert_eq!(idp(), "absent");
    let state = tell(hand, r#"{"do":"state"}"#).unwrap();
    assert_eq!(
        state["credentials"].as_array().map(Vec::len),
        Some(0),
        "{state}"
    );
    assert_eq!(
        site.cli.json(&["token", "show", &token]).unwrap()["state"],
        "revoked"
    );
}

#[test]
fn the_tools_of_libfido2_use_our_key_over_hidraw() {
    let folder = tempfile::tempdir().unwrap();
    let root = Root {
        programs: ["fido2-token", "fido2-cred", "fido2-assert"]
            .map(|name| format!("/usr/bin/{name}").into())
            .into_iter()
            .chain([program("keysteward-virtual-token").unwrap()])
            .collect(),
        files: vec![
            ("/etc/param".into(), cred_param().into()),
            ("/etc/tools".into(), TOOLS.into()),
        ],
        script: "mkdir /var/key
keysteward-virtual-token uhid --storage /var/key/k --control /run/k.control &
while ! ls /dev/hidraw0 2>/dev/null; do sleep 0.1; done
# The tools ask for PINs on their controlling terminal.
setsid -c sh /etc/tools </dev/ttyS0 >/dev/ttyS0 2>&1 &
"
        .into(),
    };
    let mut guest = Guest::boot(folder.path(), &root, &[]).unwrap();
    let mut said = 0;
    for prompt in ["new PIN", "again", "PIN for", "PIN for", "PIN for"] {
        said = guest.wait_for_after(said, prompt, PATIENCE).unwrap();
        guest.type_line("271828").unwrap();
    }
    guest.wait_for("tools: all done", PATIENCE).unwrap();
    let said = guest.console();
    for expected in [
        "tools: listed",
        "FIDO_2_3",
        "tools: made",
        "tools: asserted",
        "example.com",
    ] {
        assert!(said.contains(expected), "no {expected:?} in:\n{said}");
    }
}

/// What `fido2-cred -M` reads: client data hash, RP id, user name, user id.
fn cred_param() -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let hash = STANDARD.encode([7; 32]);
    let user = STANDARD.encode(b"alice");
    format!("{hash}\nexample.com\nalice\n{user}\n")
}

const TOOLS: &str = "set -e
fido2-token -L && echo tools: listed
fido2-token -I /dev/hidraw0
fido2-token -S /dev/hidraw0
fido2-cred -M -r -v -i /etc/param -o /run/cred /dev/hidraw0
fido2-cred -V -v -i /run/cred -o /run/verified && echo tools: made
{ sed -n 1p /etc/param; echo example.com; sed -n 1p /run/verified; } > /run/assert
sed 1d /run/verified > /run/public-key
fido2-assert -G -v -i /run/assert -o /run/assertion /dev/hidraw0
fido2-assert -V -v -i /run/assertion /run/public-key es256 && echo tools: asserted
fido2-token -L -r /dev/hidraw0
echo tools: all done
";

fn guest_with_agent(site: &Site, hand: u16) -> Result<Guest> {
    let join_token = site.folder().join("join.token");
    site.cli.json(&[
        "join-token",
        "create",
        "--group",
        "desks",
        "--secret-file",
        &shown(&join_token)?,
    ])?;
    let server = format!("{HOST}:{}", site.server.agents().port());
    let root = Root {
        programs: vec![program("keysteward-agent")?, program("foreign_key")?],
        files: vec![
            ("/etc/agent.toml".into(), AGENT.into()),
            ("/etc/join.token".into(), std::fs::read(&join_token)?),
        ],
        script: format!(
            "mkdir /var/key
A='keysteward-agent --settings /etc/agent.toml'
$A enrol --server {server} --join-token-file /etc/join.token
$A run &
foreign_key opensk --uhid --control /run/k.control --control-tcp 0.0.0.0:7000 \\
  --storage /var/key/k --manufacturer /var/key/m --name key-1 --serial OSK-0001 &
"
        ),
    };
    let folder = site.folder().join("guest");
    std::fs::create_dir_all(&folder)?;
    Guest::boot(&folder, &root, &[(hand, 7000)])
}

fn describe(site: &Site) -> Result<()> {
    let people = site.folder().join("people.csv");
    std::fs::write(
        &people,
        "user_name,mail,given_name,sn\nalice@example.com,alice@example.com,Alice,Archer\n",
    )?;
    site.cli.json(&["user", "import", &shown(&people)?])?;
    site.add_connection("sta")?;
    let aaguid = uuid::Uuid::from_bytes(opensk::AAGUID).to_string();
    site.cli.json(&[
        "token-type",
        "create",
        "opensk",
        "--aaguid",
        &aaguid,
        "--unrooted",
        "self",
    ])?;
    site.cli.json(&[
        "template",
        "create",
        "staff",
        "--connection",
        "sta",
        "--token-type",
        "opensk",
        "--pin-custody",
        "escrow",
    ])?;
    Ok(())
}

fn seen(site: &Site, guest: &Guest) -> Result<Value> {
    eventually("the server sees the key", PATIENCE, || {
        Ok(site.tokens()?.into_iter().next())
    })
    .with_context(|| guest.console())
}

fn presence(site: &Site, token: &str, present: bool) -> Result<()> {
    let what = if present {
        "the key is back"
    } else {
        "the key is gone"
    };
    eventually(what, PATIENCE, || {
        Ok((site.cli.json(&["token", "show", token])?["present"] == present).then_some(()))
    })
}

/// The hand that holds the key in the guest.
fn tell(port: u16, order: &str) -> Result<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    writeln!(stream, "{order}")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    let answer: Value = serde_json::from_str(&line)?;
    match answer.get("error") {
        None => Ok(answer),
        Some(error) => bail!("the key refused {order}: {error}"),
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
