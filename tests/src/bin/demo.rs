//! The main job, in front of you: a key on another machine is issued to a user, stands at the
//! identity provider, is used, suspended, resumed and revoked.
//!
//! Every party is a process of its own, and the operator is the command line. What is told at the
//! end is read back from the part that holds it.

use std::{fs, path::Path, time::Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use keysteward_tests::{
    demo::{Arguments, Output},
    site::{
        Site,
        agent::Agent,
        browser::Browser,
        key::{Key, Make},
        list,
    },
};
use serde_json::{Value, json};

const USER: &str = "alice@example.com";

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let begun = Instant::now();
    let mut demo = Demo::set_up()?;
    let story = demo.tell()?;
    if arguments.output == Output::Json {
        println!("{story}");
    } else {
        print!("{}", table(&story));
    }
    eprintln!("done in {:.1} s", begun.elapsed().as_secs_f32());
    if arguments.stay {
        demo.stay()?;
    }
    Ok(())
}

struct Demo {
    site: Site,
    agent: Agent,
    key: Key,
    token: String,
}

impl Demo {
    fn set_up() -> Result<Self> {
        say("a server starts on SQLite in a fresh folder, beside a stand-in for STA");
        let site = Site::start()?;
        say("a join token is made; an agent enrols with it and dials in");
        let agent = site.host("laptop-7")?;
        say("a security key in software is plugged in there, and reported");
        let (key, token) = site.plug_in(&agent, Make::Keysteward, "key-1")?;
        let token = text(&token, "id")?;
        let demo = Self {
            site,
            agent,
            key,
            token,
        };
        demo.describe()?;
        Ok(demo)
    }

    /// Users, connection, token type, template.
    fn describe(&self) -> Result<()> {
        let (site, folder) = (&self.site, self.site.folder());
        say("users are imported from a file");
        let people = write(
            &folder.join("people.csv"),
            "user_name,mail,given_name,sn\nalice@example.com,alice@example.com,Alice,Archer\n\
             bob@example.com,bob@example.com,Bob,Baker\n",
        )?;
        site.cli.json(&["user", "import", &people])?;
        say("a connection to the stand-in is described, and checked");
        site.add_connection("sta")?;
        let check = site.cli.json(&["connection", "check", "sta"])?;
        ensure!(check["ok"] == true, "the connection does not work: {check}");
        say("a token type names the attestation root; a template says what issuing means");
        let root = write(
            &folder.join("attestation-root.pem"),
            &self.key.attestation_root()?,
        )?;
        site.cli.json(&[
            "token-type",
            "create",
            "virtual",
            "--attestation-root",
            &root,
            "--allow-virtual",
        ])?;
        site.cli.json(&[
            "template",
            "create",
            "staff",
            "--connection",
            "sta",
            "--token-type",
            "virtual",
            "--pin-length",
            "6",
            "--pin-custody",
            "escrow",
            "--display-name",
            "{model} of {user_name}",
        ])?;
        Ok(())
    }

    /// The story itself; what it answers was read from where it is kept.
    fn tell(&mut self) -> Result<Value> {
        let mut idp_states = Vec::new();
        say("the operator issues the key to Alice");
        self.operate(&[
            "issue",
            "--token",
            &self.token,
            "--user",
            USER,
            "--template",
            "staff",
        ])?;
        let issued = self.token_detail()?;
        let credential = issued["credentials"][0].clone();
        idp_states.push(self.idp_state()?);
        say("the PIN is handed over: revealed once, and audited");
        let revealed = self
            .site
            .cli
            .json(&["pin", "hand-over", &self.token, "--reveal"])?;
        let pin = text(&revealed, "pin")?;
        let pending = self.browser().sign_in(&pin)?;
        say("Alice activates the authenticator with the code that was mailed to her, and signs in");
        ensure!(self.browser().activate(&pin)?, "the activation was refused");
        idp_states.push(self.idp_state()?);
        let active = self.browser().sign_in(&pin)?;
        say("the operator suspends the key");
        self.operate(&["suspend", &self.token])?;
        idp_states.push(self.idp_state()?);
        let suspended = self.browser().sign_in(&pin)?;
        say("the operator resumes it");
        self.operate(&["resume", &self.token])?;
        idp_states.push(self.idp_state()?);
        say("the operator revokes it: gone at the identity provider, deleted from the key");
        self.operate(&["revoke", &self.token, "--reason", "replaced"])?;
        idp_states.push(self.idp_state()?);
        let revoked = self.browser().sign_in(&pin)?;
        let audit = self.audit()?;
        let token = self.token_detail()?;
        Ok(json!({
            "token": {
                "id": token["id"], "model": token["model"], "aaguid": token["aaguid"],
            },
            "user": credential["user"],
            "credential": { "id": credential["credential_id"], "rp_id": credential["rp_id"] },
            "token_states": states(&token)?,
            "idp_states": idp_states,
            "sign_in": {
                "pending": pending, "active": active, "suspended": suspended, "revoked": revoked,
            },
            "credentials_on_key_after_revoke": self.credentials_on_key(&pin)?,
            "audit": audit,
        }))
    }

    fn operate(&self, arguments: &[&str]) -> Result<()> {
        let operation = self.site.cli.json(arguments)?;
        ensure!(
            operation["state"] == "succeeded",
            "it did not succeed: {operation}"
        );
        Ok(())
    }

    fn token_detail(&self) -> Result<Value> {
        self.site.cli.json(&["token", "show", &self.token])
    }

    fn idp_state(&self) -> Result<String> {
        self.site.stand_in.state_of_only(USER)
    }

    fn browser(&self) -> Browser<'_> {
        Browser {
            stand_in: &self.site.stand_in,
            user: USER,
            key: self.key.host_socket(),
        }
    }

    /// Asked of the key itself, at its host, without the server.
    fn credentials_on_key(&self, pin: &str) -> Result<usize> {
        let answer = self.site.cli.run(
            &[
                "--agent",
                self.agent
                    .socket()
                    .to_str()
                    .context("a path that is no text")?,
                "token",
                "fido",
                "credentials",
            ],
            &format!("{pin}\n"),
        )?;
        ensure!(answer.code == 0, "the key does not tell: {}", answer.error);
        Ok(list(answer.output, "credentials")?.len())
    }

    /// Exported, and verified offline.
    fn audit(&self) -> Result<Value> {
        let file = self.site.folder().join("audit.jsonl");
        let file = file.to_str().context("a path that is no text")?;
        self.site.cli.json(&["audit", "export", file])?;
        let verified = self.site.cli.json(&["audit", "verify", file])?;
        Ok(json!({ "entries": verified["entries"], "verified": verified["verified"] }))
    }

    fn stay(&mut self) -> Result<()> {
        let profile = self.site.server.profile();
        eprintln!(
            "everything keeps running in {}\n\
             the operator:  keysteward --profile {} token list\n\
             at the host:   keysteward --agent {} token list\n\
             press Enter to end",
            self.site.folder().display(),
            profile.display(),
            self.agent.socket().display(),
        );
        std::io::stdin().read_line(&mut String::new())?;
        Ok(())
    }
}

/// The states that the store has gone through, the first included.
fn states(token: &Value) -> Result<Vec<String>> {
    let history = list(token.clone(), "history")?;
    history.iter().map(|change| text(change, "to")).collect()
}

fn say(what: &str) {
    eprintln!("· {what}");
}

fn write(path: &Path, content: &str) -> Result<String> {
    fs::write(path, content)?;
    Ok(path.to_str().context("a path that is no text")?.to_owned())
}

fn text(value: &Value, name: &str) -> Result<String> {
    let text = value[name].as_str();
    Ok(text
        .with_context(|| format!("no text {name} in {value}"))?
        .to_owned())
}

fn table(story: &Value) -> String {
    let joined = |value: &Value| {
        let words = value.as_array().into_iter().flatten();
        words
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(" → ")
    };
    let yes = |value: &Value| if value == true { "accepted" } else { "refused" };
    let sign_in = &story["sign_in"];
    let rows = [
        (
            "token",
            format!(
                "{} {}",
                plain(&story["token"]["model"]),
                plain(&story["token"]["id"])
            ),
        ),
        ("user", plain(&story["user"])),
        ("credential", plain(&story["credential"]["id"])),
        ("for", plain(&story["credential"]["rp_id"])),
        ("token's life (store)", joined(&story["token_states"])),
        ("authenticator (STA)", joined(&story["idp_states"])),
        (
            "sign-in (STA)",
            format!(
                "pending {}, active {}, suspended {}, revoked {}",
                yes(&sign_in["pending"]),
                yes(&sign_in["active"]),
                yes(&sign_in["suspended"]),
                yes(&sign_in["revoked"]),
            ),
        ),
        (
            "credentials on the key",
            format!(
                "{} after revoking",
                story["credentials_on_key_after_revoke"]
            ),
        ),
        (
            "audit",
            format!(
                "{} entries, chain {}",
                story["audit"]["entries"],
                if story["audit"]["verified"] == true {
                    "verified"
                } else {
                    "BROKEN"
                },
            ),
        ),
    ];
    rows.iter()
        .map(|(name, value)| format!("{name:<24}{value}\n"))
        .collect()
}

fn plain(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_owned()
}
