//! The life of smart cards, every party a process of its own: taken over, issued with certificates
//! of an authority, blocked, unblocked while their host is cut off, revoked, given back.
//!
//! What is told was read from where it is kept: the state from the server, tries and certificates
//! from the card, their status from the authority. Whether the card signs, and whom it obeys,
//! OpenSC and OpenSSL say.
//!
//! To be told beside a pcscd of its own ([`pcscd`](crate::pcscd)).

mod authority;
mod decryption;
mod opensc;
mod unblock;

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

pub use self::authority::Issuer;
use self::{
    authority::{Authority, Purpose},
    opensc::OpenSc,
};
use crate::{
    pcscd::FIRST_READER,
    site::{Site, agent::Agent, card::Card, list, process::eventually},
};

const AUTHORITY: &str = "office-ca";
const USER: &str = "alice@example.com";
const SOON: Duration = Duration::from_secs(20);

/// What a card is, and what is issued to it.
#[derive(Clone, Copy, Debug)]
pub struct Make {
    /// `piv` or `gids`.
    pub applet: &'static str,
    certificates: &'static [Slot],
    /// The id of each key at OpenSC's module, and how it signs.
    keys: &'static [opensc::Key],
}

/// A key pair of a template.
#[derive(Clone, Copy, Debug)]
struct Slot {
    container: &'static str,
    purpose: Purpose,
    algorithm: &'static str,
}

/// Two key pairs of two kinds; a PUK.
pub const PIV: Make = Make {
    applet: "piv",
    certificates: &[
        Slot {
            container: "9a",
            purpose: Purpose::Logon,
            algorithm: "p256",
        },
        Slot {
            container: "9c",
            purpose: Purpose::Mail,
            algorithm: "rsa2048",
        },
    ],
    keys: &[opensc::Key::ecdsa("01"), opensc::Key::rsa("02")],
};

/// One key pair; a challenge in place of a PUK.
pub const GIDS: Make = Make {
    applet: "gids",
    certificates: &[Slot {
        container: "0",
        purpose: Purpose::Logon,
        algorithm: "rsa2048",
    }],
    keys: &[opensc::Key::rsa("00")],
};

/// A server, an authority, a host with a reader.
#[derive(Debug)]
pub struct CardLife {
    site: Site,
    authority: Box<dyn Authority>,
    agent: Agent,
    opensc: OpenSc,
    say: fn(&str),
}

impl CardLife {
    /// Everything up to the first card. `say` is told what happens.
    pub fn set_up(issuer: Issuer, say: fn(&str)) -> Result<Self> {
        say("a server starts on SQLite in a fresh folder");
        let site = Site::start()?;
        say(issuer.sentence());
        let authority = issuer.start(&site)?;
        authority.connect(&site, AUTHORITY)?;
        say("an agent enrols on a host with a card reader");
        let agent = site.host("laptop-7")?;
        let opensc = OpenSc::new(site.folder(), authority.chain(site.folder())?);
        let life = Self {
            site,
            authority,
            agent,
            opensc,
            say,
        };
        life.describe()?;
        Ok(life)
    }

    /// User, connection, and for each make a token type and a template.
    fn describe(&self) -> Result<()> {
        (self.say)("a user is imported; the connection to the authority is checked");
        let people = self.site.folder().join("people.csv");
        fs::write(
            &people,
            format!("user_name,mail,given_name,sn\n{USER},{USER},Alice,Archer\n"),
        )?;
        let cli = &self.site.cli;
        cli.json(&["user", "import", text_of(&people)?])?;
        let check = cli.json(&["connection", "check", AUTHORITY])?;
        ensure!(check["ok"] == true, "the connection does not work: {check}");
        (self.say)("token types say which cards are ours; templates, what issuing means");
        for make in [PIV, GIDS] {
            let (kind, applet) = (kind(make), make.applet);
            let cipher = if applet == "piv" { "aes192" } else { "3des" };
            cli.json(&[
                "token-type",
                "create",
                &kind,
                "--card-applet",
                applet,
                "--card-admin-cipher",
                cipher,
            ])?;
            self.add_template(&kind, make, make.certificates)?;
        }
        Ok(())
    }

    fn add_template(&self, name: &str, make: Make, slots: &[Slot]) -> Result<()> {
        let kind = kind(make);
        let of = ["template", "create", name, "--token-type", &kind];
        let certificates = self.certificates_of(slots);
        let certificates: Vec<&str> = certificates.iter().map(String::as_str).collect();
        self.site.cli.json(&[&of[..], &certificates].concat())?;
        Ok(())
    }

    /// What a template is made of.
    fn certificates_of(&self, slots: &[Slot]) -> Vec<String> {
        let of_slot = |slot: &Slot| {
            let Slot {
                container,
                purpose,
                algorithm,
            } = slot;
            let profile = self.authority.profile(*purpose);
            let mut options = vec![
                "--certificate".to_owned(),
                format!("{container}:{AUTHORITY}:{profile}:{algorithm}"),
                "--field".to_owned(),
                format!("{container}:cn={{user.display_name}}"),
            ];
            if let Purpose::Mail | Purpose::Decryption = purpose {
                options.push("--field".to_owned());
                options.push(format!("{container}:san:mail={{user.mail}}"));
            }
            options
        };
        slots.iter().flat_map(of_slot).collect()
    }

    /// From the factory and back; `applet`, `token`, and a row for each `steps`.
    pub fn tell(&mut self, make: Make) -> Result<Value> {
        let say = self.say;
        say(&format!("a {} card is laid on the reader", make.applet));
        let (card, token) = self.lay(make)?;
        let of = Told { make, token };
        let mut steps = vec![self.look(&of, "delivered", None)?];

        say("the operator registers it: admin key and PUK become ours, nobody knows the PIN");
        self.operate(&["card", "register", &of.token])?;
        steps.push(self.look(&of, "registered", None)?);

        say(
            "the operator issues it to Alice: keys made on the card, certificates of the authority",
        );
        let template = kind(make);
        let issue = [
            "--token",
            &of.token,
            "--user",
            USER,
            "--template",
            &template,
        ];
        self.operate(&[&["issue"], &issue[..]].concat())?;
        steps.push(self.look(&of, "issued", None)?);

        say("the PIN is handed over; OpenSC signs with it, OpenSSL verifies with the chain");
        let over = self
            .site
            .cli
            .json(&["pin", "hand-over", &of.token, "--reveal"])?;
        let pin = text(&over, "card_pin")?;
        steps.push(self.look(&of, "handed over", Some(&pin))?);

        say("somebody tries three wrong PINs");
        let wrong: String = pin
            .bytes()
            .map(|d| char::from((d - b'0' + 1) % 10 + b'0'))
            .collect();
        for _ in 0..3 {
            ensure!(!self.opensc.opens(&wrong)?, "the card takes a wrong PIN");
        }
        steps.push(self.look(&of, "PIN blocked", Some(&pin))?);

        say("the host is cut off from the server; the PIN is set anew over the phone");
        let pin = self.unblock_offline(&of)?;
        steps.push(self.look(&of, "unblocked offline", Some(&pin))?);

        say("the operator revokes the card");
        self.operate(&["revoke", &of.token, "--reason", "left"])?;
        steps.push(self.look(&of, "revoked", None)?);

        say("the operator gives it back as it left the factory");
        self.operate(&["card", "retire", &of.token])?;
        self.operate(&["card", "unregister", &of.token])?;
        steps.push(self.look(&of, "unregistered", None)?);

        drop(card);
        eventually("the card is gone", SOON, || {
            let token = self.site.cli.json(&["token", "show", &of.token])?;
            Ok((token["present"] == false).then_some(()))
        })?;
        Ok(json!({ "applet": make.applet, "token": of.token, "steps": steps }))
    }

    /// A card on the reader, and its id at the server.
    fn lay(&self, make: Make) -> Result<(Card, String)> {
        let card = Card::start(make.applet, make.applet, self.agent.folder(), FIRST_READER)?;
        let kind = kind(make);
        let token = self
            .site
            .wait_for_token(|token| token["token_type"] == kind)?;
        Ok((card, token))
    }

    /// The audit trail, exported and verified offline.
    pub fn audit(&self) -> Result<Value> {
        let file = self.site.folder().join("audit.jsonl");
        let file = text_of(&file)?;
        self.site.cli.json(&["audit", "export", file])?;
        let verified = self.site.cli.json(&["audit", "verify", file])?;
        Ok(json!({ "entries": verified["entries"], "verified": verified["verified"] }))
    }

    /// How to go on by hand.
    #[must_use]
    pub fn how_to_reach(&self) -> String {
        format!(
            "everything keeps running in {}\n\
             the operator:  keysteward --profile {} card list\n\
             at the host:   keysteward --agent {} token list",
            self.site.folder().display(),
            self.site.server.profile().display(),
            self.agent.socket().display(),
        )
    }

    /// What each party says now; with a PIN, whether the card signs.
    fn look(&self, of: &Told, step: &str, pin: Option<&str>) -> Result<Value> {
        let token = self.site.cli.json(&["token", "show", &of.token])?;
        let ours = self.site.cli.json(&["card", "certificates", &of.token])?;
        let at_authority = list(ours, "certificates")?
            .iter()
            .map(|ours| {
                let status = self.authority.status(&text(ours, "serial")?)?;
                status.context("the authority does not know a certificate")
            })
            .collect::<Result<Vec<String>>>()?;
        let signs = match pin {
            None => Value::Null,
            Some(pin) => self.opensc.signs(pin, of.make.keys)?.into(),
        };
        let card = self.at_host(&["token", "card", "inspect"], "")?;
        let factory_key = match of.make.applet {
            "piv" => self.opensc.factory_key_opens()?.into(),
            // A blank one has no admin key yet.
            _ if card["applets"][0]["id"].is_null() => Value::Null,
            _ => self.gids_factory_key_opens()?.into(),
        };
        let containers = list(card.clone(), "containers")?;
        let names: Vec<&Value> = containers.iter().map(|one| &one["container"]).collect();
        Ok(json!({
            "step": step,
            "server": token["state"],
            "pin_tries": card["applets"][0]["pin_tries_left"],
            "containers": names,
            "authority": at_authority,
            "signs": signs,
            "factory_admin_key": factory_key,
        }))
    }

    /// OpenSC has no way to try an admin key and change nothing: ours.
    fn gids_factory_key_opens(&self) -> Result<bool> {
        let file = self.site.folder().join("gids-factory.key");
        let mut key = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&file)?;
        writeln!(key, "{}", "00".repeat(24))?;
        let tried = ["token", "card", "admin-key", "try", text_of(&file)?];
        Ok(!self.at_host(&tried, "")?["opens"].is_null())
    }

    fn operate(&self, arguments: &[&str]) -> Result<()> {
        let operation = self.site.cli.json(arguments)?;
        ensure!(
            operation["state"] == "succeeded",
            "it did not succeed: {operation}"
        );
        Ok(())
    }

    /// Asked of the card itself, without the server.
    fn at_host(&self, arguments: &[&str], input: &str) -> Result<Value> {
        let socket = self.agent.socket();
        let there = ["--agent", text_of(&socket)?];
        let said = self
            .site
            .cli
            .run(&[&there[..], arguments].concat(), input)?;
        if said.code != 0 {
            bail!("keysteward {}: {}", arguments.join(" "), said.error);
        }
        Ok(said.output)
    }
}

/// The card that is told of.
struct Told {
    make: Make,
    token: String,
}

/// Its token type and its template.
fn kind(make: Make) -> String {
    format!("{}-card", make.applet)
}

fn text(value: &Value, name: &str) -> Result<String> {
    let text = value[name].as_str();
    Ok(text
        .with_context(|| format!("no text {name} in {value}"))?
        .to_owned())
}

fn text_of(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}
