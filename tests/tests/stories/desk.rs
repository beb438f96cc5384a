//! A site that is ready to issue: a host, users, a connection, token types and templates.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use keysteward_tests::site::{
    Site,
    agent::Agent,
    browser::Browser,
    key::{Key, Make},
    list,
    process::eventually,
};
use serde_json::Value;

/// A site with one host.
pub(crate) struct Desk {
    pub(crate) site: Site,
    pub(crate) agent: Agent,
    people: usize,
    types: usize,
}

/// A key, its row at the server and the user it is for.
pub(crate) struct Held {
    pub(crate) key: Key,
    pub(crate) token: String,
    pub(crate) user: String,
    pub(crate) template: String,
}

/// What a template of these tests differs in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Issuing<'a> {
    pub(crate) custody: &'a str,
    /// Further arguments of `template create`.
    pub(crate) more: &'a [&'a str],
}

pub(crate) const ESCROW: Issuing<'static> = Issuing {
    custody: "escrow",
    more: &[],
};

impl Desk {
    pub(crate) fn open() -> Result<Self> {
        let site = Site::start()?;
        let agent = site.host("laptop-7")?;
        site.add_connection("sta")?;
        Ok(Self {
            site,
            agent,
            people: 0,
            types: 0,
        })
    }

    /// A fresh key of that make and a fresh user, with a token type and a template of their own.
    pub(crate) fn hold(&mut self, make: Make, issuing: Issuing<'_>) -> Result<Held> {
        let name = format!("key-{}", self.types);
        let (key, token) = self.site.plug_in(&self.agent, make, &name)?;
        let token = text(&token, "id")?;
        let template = self.describe(&key, make, issuing)?;
        // Registered when its type came to be known.
        eventually("the token is registered", Duration::from_secs(10), || {
            Ok((self.token(&token)?["state"] == "registered").then_some(()))
        })?;
        Ok(Held {
            key,
            token,
            user: self.person()?,
            template,
        })
    }

    fn describe(&mut self, key: &Key, make: Make, issuing: Issuing<'_>) -> Result<String> {
        self.types += 1;
        let name = format!("type-{}", self.types);
        let aaguid = match make {
            Make::Keysteward => "3d5a8cf2-6b1e-4d07-9c43-e8f1a2b7560d".to_owned(),
            Make::OpenSk => dashed(keysteward_tests::firmware::opensk::AAGUID),
            Make::Trussed => dashed(keysteward_tests::firmware::trussed::AAGUID),
        };
        if self.types_of(&aaguid)?.is_none() {
            let mut arguments = vec![
                "token-type",
                "create",
                &name,
                "--allow-virtual",
                "--aaguid",
                &aaguid,
            ];
            let root;
            if make == Make::OpenSk {
                arguments.extend(["--unrooted", "self"]);
            } else {
                let path = self.site.folder().join(format!("{name}.pem"));
                fs::write(&path, key.attestation_root()?)?;
                root = shown(&path)?;
                arguments.extend(["--attestation-root", &root]);
            }
            self.site.cli.json(&arguments)?;
        }
        let token_type = self
            .types_of(&aaguid)?
            .context("the token type is not listed")?;
        let mut arguments = vec![
            "template",
            "create",
            &name,
            "--connection",
            "sta",
            "--token-type",
            &token_type,
            "--pin-length",
            "8",
            "--pin-custody",
            issuing.custody,
            "--display-name",
            "{model} of {user_name}",
        ];
        arguments.extend(issuing.more);
        self.site.cli.json(&arguments)?;
        Ok(name)
    }

    fn types_of(&self, aaguid: &str) -> Result<Option<String>> {
        let types = list(self.site.cli.json(&["token-type", "list"])?, "token_types")?;
        let found = types.iter().find(|one| {
            let aaguids = one["aaguids"].as_array();
            aaguids.is_some_and(|all| all.iter().any(|each| each == aaguid))
        });
        found.map(|one| text(one, "name")).transpose()
    }

    /// A user whom nobody had before.
    fn person(&mut self) -> Result<String> {
        self.people += 1;
        let user = format!("user{}@example.com", self.people);
        let file = self.site.folder().join("people.csv");
        fs::write(
            &file,
            format!(
                "user_name,mail,given_name,sn\n{user},{user},User,Number{}\n",
                self.people
            ),
        )?;
        self.site.cli.json(&["user", "import", &shown(&file)?])?;
        Ok(user)
    }

    /// The server's row.
    pub(crate) fn token(&self, token: &str) -> Result<Value> {
        self.site.cli.json(&["token", "show", token])
    }

    /// Issues, and it must succeed.
    pub(crate) fn issue(&self, held: &Held) -> Result<Value> {
        self.operate(&[
            "issue",
            "--token",
            &held.token,
            "--user",
            &held.user,
            "--template",
            &held.template,
        ])
    }

    /// Hands over by revealing; the PIN.
    pub(crate) fn reveal(&self, held: &Held) -> Result<String> {
        let said = self
            .site
            .cli
            .json(&["pin", "hand-over", &held.token, "--reveal"])?;
        text(&said, "pin")
    }

    /// Runs an operation that must succeed.
    pub(crate) fn operate(&self, arguments: &[&str]) -> Result<Value> {
        let operation = self.site.cli.json(arguments)?;
        ensure!(
            operation["state"] == "succeeded",
            "it did not succeed: {operation}"
        );
        Ok(operation)
    }

    /// The user chooses a PIN at the key's host, as a key demands after a forced change.
    pub(crate) fn choose_pin(&self, held: &Held, current: &str, new: &str) -> Result<()> {
        let presence = self.presence(held)?;
        let socket = shown(&self.agent.socket())?;
        let said = self.site.cli.run(
            &[
                "--agent",
                &socket,
                "token",
                "fido",
                "change-pin",
                "--token",
                &presence,
            ],
            &format!("{current}\n{new}\n"),
        )?;
        ensure!(said.code == 0, "the key keeps its PIN: {}", said.error);
        Ok(())
    }

    /// What the key itself says it holds, asked at its host with its PIN, without the server.
    pub(crate) fn credentials_on_key(&self, held: &Held, pin: &str) -> Result<Vec<Value>> {
        let presence = self.presence(held)?;
        let socket = shown(&self.agent.socket())?;
        let said = self.site.cli.run(
            &[
                "--agent",
                &socket,
                "token",
                "fido",
                "credentials",
                "--token",
                &presence,
            ],
            &format!("{pin}\n"),
        )?;
        ensure!(said.code == 0, "the key does not tell: {}", said.error);
        list(said.output, "credentials")
    }

    /// The presence id of the only key that is plugged in.
    fn presence(&self, _held: &Held) -> Result<String> {
        let socket = shown(&self.agent.socket())?;
        let tokens = list(
            self.site.cli.json(&["--agent", &socket, "token", "list"])?,
            "tokens",
        )?;
        ensure!(
            tokens.len() == 1,
            "{} keys are plugged in, one should be",
            tokens.len()
        );
        text(&tokens[0], "presence_id")
    }

    pub(crate) fn browser<'a>(&'a self, held: &'a Held) -> Browser<'a> {
        Browser {
            stand_in: &self.site.stand_in,
            user: &held.user,
            key: held.key.host_socket(),
        }
    }

    /// Exports the audit and verifies it offline; how many entries there are.
    pub(crate) fn verify_audit(&self) -> Result<u64> {
        let file = shown(&self.site.folder().join("audit.jsonl"))?;
        // An earlier export is in the way.
        let _ = fs::remove_file(&file);
        self.site.cli.json(&["audit", "export", &file])?;
        let verified = self.site.cli.json(&["audit", "verify", &file])?;
        ensure!(
            verified["verified"] == true,
            "the audit is broken: {verified}"
        );
        verified["entries"].as_u64().context("no number of entries")
    }
}

pub(crate) fn text(value: &Value, name: &str) -> Result<String> {
    let text = value[name].as_str();
    Ok(text
        .with_context(|| format!("no text {name} in {value}"))?
        .to_owned())
}

pub(crate) fn shown(path: &Path) -> Result<String> {
    Ok(path.to_str().context("a path that is no text")?.to_owned())
}

fn dashed(aaguid: [u8; 16]) -> String {
    uuid::Uuid::from_bytes(aaguid).to_string()
}
