//! A security key that is a PIV card too: passkey and certificate in one operation, each told by
//! whoever holds it.

use std::{fs, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use keysteward_tests::{
    pcscd::FIRST_READER,
    site::{
        Site,
        agent::Agent,
        ca_gateway::CaGateway,
        card::Card,
        list,
        process::{eventually, program},
    },
};
use serde_json::Value;

use crate::desk::{shown, text};

const USER: &str = "alice@example.com";
const AAGUID: &str = "3d5a8cf2-6b1e-4d07-9c43-e8f1a2b7560d";
const SOON: Duration = Duration::from_secs(20);

/// PEM of the root to which the attestation of the key called `name` leads.
fn attestation_root(agent: &Agent, name: &str) -> Result<Vec<u8>> {
    let storage = agent.folder().join(format!("{name}.storage"));
    let output = Command::new(program("keysteward-virtual-token")?)
        .args(["attestation-root", "--storage"])
        .arg(storage)
        .output()?;
    ensure!(
        output.status.success(),
        "no attestation root: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output.stdout)
}

/// User, connections, token type and template.
fn describe(site: &Site, authority: &CaGateway, agent: &Agent) -> Result<()> {
    let cli = &site.cli;
    let people = site.folder().join("people.csv");
    fs::write(
        &people,
        format!("user_name,mail,given_name,sn\n{USER},{USER},Alice,Archer\n"),
    )?;
    cli.json(&["user", "import", &shown(&people)?])?;
    site.add_connection("sta")?;
    authority.add_connection(cli, "cagw")?;
    let root = site.folder().join("manufacturer.pem");
    fs::write(&root, attestation_root(agent, "both")?)?;
    let as_key = ["--aaguid", AAGUID, "--attestation-root", &shown(&root)?];
    let as_card = ["--card-applet", "piv", "--card-admin-cipher", "aes192"];
    let of = ["token-type", "create", "both"];
    cli.json(&[&of[..], &as_key, &as_card].concat())?;
    let of = ["template", "create", "both", "--token-type", "both"];
    let passkey = ["--connection", "sta", "--pin-length", "8"];
    let certificate = ["--certificate", "9a:cagw:smart-card-csr:p256"];
    let field = ["--field", "9a:cn={user.display_name}"];
    cli.json(&[&of[..], &passkey, &certificate, &field].concat())?;
    Ok(())
}

fn at_host(site: &Site, agent: &Agent, arguments: &[&str], input: &str) -> Result<Value> {
    let socket = shown(&agent.socket())?;
    let there = ["--agent", &socket, "token"];
    let said = site.cli.run(&[&there[..], arguments].concat(), input)?;
    ensure!(said.code == 0, "{arguments:?}: {}", said.error);
    Ok(said.output)
}

fn succeeded(operation: &Value) -> Result<()> {
    ensure!(
        operation["state"] == "succeeded",
        "it did not succeed: {operation}"
    );
    Ok(())
}

fn issued_in_one_operation() -> Result<()> {
    let site = Site::start()?;
    let authority = CaGateway::start(site.folder())?;
    let agent = site.host("laptop-7")?;
    let _token = Card::start("fido,piv", "both", agent.folder(), FIRST_READER)?;
    describe(&site, &authority, &agent)?;
    let cli = &site.cli;
    let id = eventually("the server sees one token", SOON, || {
        let tokens = site.tokens()?;
        ensure!(tokens.len() < 2, "the applets are two tokens: {tokens:?}");
        let ours = tokens.iter().find(|token| token["token_type"] == "both");
        ours.map(|token| text(token, "id")).transpose()
    })?;
    succeeded(&cli.json(&["card", "register", &id])?)?;
    let before = list(cli.json(&["operation", "list"])?, "operations")?.len();
    let of = ["--token", &id, "--user", USER, "--template", "both"];
    succeeded(&cli.json(&[&["issue"], &of[..]].concat())?)?;
    let after = list(cli.json(&["operation", "list"])?, "operations")?.len();
    ensure!(after == before + 1, "{} operations", after - before);

    ensure!(site.stand_in.state_of_only(USER)? == "pending");
    let issued = authority.certificates()?;
    ensure!(
        issued.len() == 1 && issued[0]["status"] == "normal",
        "the authority says {issued:?}"
    );
    let seen = at_host(&site, &agent, &["card", "inspect"], "")?;
    let container = &list(seen, "containers")?[0];
    let der = hex::decode(text(container, "certificate")?)?;
    let (_, on_card) = x509_parser::parse_x509_certificate(&der)?;
    let serial = text(&issued[0], "serialNumber")?;
    ensure!(
        hex::encode(on_card.raw_serial()).trim_start_matches('0')
            == serial.to_lowercase().trim_start_matches('0'),
        "the card holds another certificate than {serial}"
    );

    let over = cli.json(&["pin", "hand-over", &id, "--reveal"])?;
    let (pin, card_pin) = (text(&over, "pin")?, text(&over, "card_pin")?);
    let credentials = at_host(&site, &agent, &["fido", "credentials"], &format!("{pin}\n"))?;
    let credentials = list(credentials, "credentials")?;
    ensure!(credentials.len() == 1, "on the key: {credentials:?}");
    let same = format!("{card_pin}\n{card_pin}\n");
    at_host(&site, &agent, &["card", "pin", "change"], &same).context("the PIN of the card")?;
    let token = cli.json(&["token", "show", &id])?;
    ensure!(token["state"] == "active", "the server says {token}");

    succeeded(&cli.json(&["revoke", &id, "--reason", "lost"])?)?;
    ensure!(authority.certificates()?[0]["status"] == "revoked");
    ensure!(
        site.stand_in.authenticators(USER)?.is_empty(),
        "still at the provider"
    );
    Ok(())
}

fn told() {
    issued_in_one_operation().unwrap();
}

mod passkey_and_certificate_come_in_one_operation {
    #[test]
    fn over_pcscd() {
        keysteward_tests::pcscd::tell(concat!(module_path!(), "::over_pcscd"), super::told);
    }
}
