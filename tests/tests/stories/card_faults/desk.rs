//! A server, an authority behind a cable, a host with a reader, and cards of three makes.

use std::{fs, net::SocketAddr, time::Duration};

use anyhow::{Result, bail, ensure};
use keysteward_tests::{
    pcscd::{FIRST_READER, Pcscd},
    site::{
        Site, agent::Agent, ca_gateway::CaGateway, card::Card, contacts::Contacts, list,
        process::eventually,
    },
};
use serde_json::Value;

use super::life::Operation;
use crate::desk::{shown, text};

pub(super) const SOON: Duration = Duration::from_secs(20);
const USER: &str = "alice@example.com";

/// Whose card, and what is issued to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Make {
    /// Ours: two key pairs, a PUK.
    Piv,
    /// Ours: two key pairs, no PUK.
    Gids,
    /// `piv-authenticator`: as [`Make::Piv`], and tells less of itself.
    PivAuthenticator,
}

impl Make {
    pub(super) const fn applet(self) -> &'static str {
        match self {
            Self::Piv | Self::PivAuthenticator => "piv",
            Self::Gids => "gids",
        }
    }

    const fn admin_cipher(self) -> &'static str {
        match self {
            Self::Piv => "aes192",
            Self::Gids => "3des",
            Self::PivAuthenticator => "aes256",
        }
    }

    pub(super) const fn containers(self) -> [&'static str; 2] {
        match self {
            Self::Piv | Self::PivAuthenticator => ["9a", "9c"],
            Self::Gids => ["0", "1"],
        }
    }

    const fn algorithm(self) -> &'static str {
        match self {
            Self::Piv | Self::PivAuthenticator => "p256",
            Self::Gids => "rsa2048",
        }
    }

    /// Whether nobody may know it again after this operation was cut off: a blank GIDS card has no
    /// name yet, and the reset that gives back a card of `piv-authenticator` gives it another GUID,
    /// where it has no serial number of its own.
    pub(super) fn loses_its_name_in(self, operation: Operation) -> bool {
        matches!(
            (self, operation),
            (Self::Gids, Operation::Register) | (Self::PivAuthenticator, Operation::Unregister)
        )
    }

    fn process(self, name: &str, desk: &Desk, reader: SocketAddr) -> Result<Card> {
        let (folder, reader) = (desk.agent.folder(), reader.to_string());
        match self {
            Self::Piv | Self::Gids => Card::start(self.applet(), name, folder, &reader),
            Self::PivAuthenticator => Card::start_foreign(name, folder, &reader),
        }
    }
}

/// A site with one host and one reader.
pub(super) struct Desk {
    pub(super) site: Site,
    pub(super) authority: CaGateway,
    pub(super) agent: Agent,
    pub(super) pcscd: Pcscd,
    cards: usize,
}

/// A card that lies on the reader, and its row at the server.
pub(super) struct Held {
    pub(super) make: Make,
    pub(super) token: String,
    /// What it was known as while that was not known again.
    pub(super) once: Vec<String>,
    pub(super) contacts: Contacts,
    /// What the authority had issued before.
    pub(super) older: Vec<String>,
    _card: Card,
}

impl Desk {
    pub(super) fn open(make: Make) -> Result<Self> {
        let pcscd = Pcscd::beside()?;
        let site = Site::start()?;
        let authority = CaGateway::start(site.folder())?;
        let agent = site.host("laptop-7")?;
        let desk = Self {
            site,
            authority,
            agent,
            pcscd,
            cards: 0,
        };
        desk.describe(make)?;
        Ok(desk)
    }

    fn describe(&self, make: Make) -> Result<()> {
        let cli = &self.site.cli;
        let people = self.site.folder().join("people.csv");
        fs::write(
            &people,
            format!("user_name,mail,given_name,sn\n{USER},{USER},Alice,Archer\n"),
        )?;
        cli.json(&["user", "import", &shown(&people)?])?;
        // A lost answer is looked for as long as its request may take.
        let soon = ["--time-limit", "2"];
        self.authority.add_connection_with(cli, "cagw", &soon)?;
        let of_type = ["token-type", "create", "card", "--allow-virtual"];
        let card = ["--card-applet", make.applet()];
        let cipher = ["--card-admin-cipher", make.admin_cipher()];
        cli.json(&[&of_type[..], &card, &cipher].concat())?;
        let mut template = vec![
            "template".to_owned(),
            "create".into(),
            "cards".into(),
            "--token-type".into(),
            "card".into(),
        ];
        for (container, profile) in make
            .containers()
            .into_iter()
            .zip(["smart-card-csr", "SMIME-csr"])
        {
            let algorithm = make.algorithm();
            template.push("--certificate".into());
            template.push(format!("{container}:cagw:{profile}:{algorithm}"));
            template.push("--field".into());
            template.push(format!("{container}:cn={{user.display_name}}"));
            if profile.starts_with("SMIME") {
                template.push("--field".into());
                template.push(format!("{container}:san:mail={{user.mail}}"));
            }
        }
        let template: Vec<_> = template.iter().map(String::as_str).collect();
        cli.json(&template)?;
        Ok(())
    }

    /// A new card on the reader.
    pub(super) fn hold(&mut self, make: Make) -> Result<Held> {
        self.cards += 1;
        let contacts = Contacts::lay(FIRST_READER)?;
        let name = format!("card-{}", self.cards);
        let card = make.process(&name, self, contacts.address())?;
        // The only one that is there; what others were before is over.
        let token = self
            .site
            .wait_for_token(|token| token["state"] == "unregistered")?;
        Ok(Held {
            make,
            token,
            once: Vec::new(),
            contacts,
            older: self.serials_at_authority()?,
            _card: card,
        })
    }

    /// The card goes, so that the next one has the reader to itself.
    pub(super) fn put_away(&self, held: Held) -> Result<()> {
        let token = held.token.clone();
        held.contacts.lift();
        drop(held);
        self.wait_until_present(&token, false)
    }

    pub(super) fn wait_until_present(&self, token: &str, present: bool) -> Result<()> {
        let what = format!("the server knows that the card is there: {present}");
        eventually(&what, SOON, || {
            Ok((self.token(token)?["present"] == present).then_some(()))
        })
    }

    pub(super) fn token(&self, token: &str) -> Result<Value> {
        self.site.cli.json(&["token", "show", token])
    }

    /// Starts an operation without waiting; its id.
    pub(super) fn start(&self, arguments: &[&str], input: &str) -> Result<String> {
        let said = self
            .site
            .cli
            .run(&[arguments, &["--no-wait"]].concat(), input)?;
        ensure!(
            said.code == 0,
            "{arguments:?} did not start: {}",
            said.error
        );
        text(&said.output, "id")
    }

    /// Waits until nothing more will happen by itself; the operation then.
    pub(super) fn settle(&self, operation: &str) -> Result<Value> {
        eventually("the operation settles", Duration::from_secs(60), || {
            let watch = ["operation", "watch", operation, "--timeout", "60s"];
            let said = self.site.cli.run(&watch, "")?;
            ensure!(
                is_over(&said.output),
                "it is at {}: {}",
                said.output,
                said.error
            );
            Ok(Some(said.output))
        })
    }

    /// Asked of the card itself, without the server.
    pub(super) fn at_host(&self, arguments: &[&str], input: &str) -> Result<Value> {
        let socket = shown(&self.agent.socket())?;
        let there = ["--agent", &socket, "token", "card"];
        let said = self
            .site
            .cli
            .run(&[&there[..], arguments].concat(), input)?;
        if said.code != 0 {
            bail!("keysteward {}: {}", arguments.join(" "), said.error);
        }
        Ok(said.output)
    }

    /// What the card tells of itself: its applet, and what its containers hold.
    pub(super) fn inspect(&self) -> Result<(Value, Vec<Value>)> {
        let seen = eventually("the card tells of itself", SOON, || {
            self.at_host(&["inspect"], "").map(Some)
        })?;
        Ok((seen["applets"][0].clone(), list(seen, "containers")?))
    }

    /// Whether the card has this PIN: it is changed to itself.
    pub(super) fn has_pin(&self, pin: &str) -> Result<()> {
        self.at_host(&["pin", "change"], &format!("{pin}\n{pin}\n"))
            .map(drop)
    }

    /// The server's rows of the certificates of a card, whatever it was known as.
    pub(super) fn certificates(&self, held: &Held) -> Result<Vec<Value>> {
        let mut rows = Vec::new();
        for token in held.once.iter().chain([&held.token]) {
            let of_token = self.site.cli.json(&["card", "certificates", token])?;
            rows.extend(list(of_token, "certificates")?);
        }
        Ok(rows)
    }

    fn serials_at_authority(&self) -> Result<Vec<String>> {
        let all = self.authority.certificates()?;
        all.iter().map(|one| text(one, "serialNumber")).collect()
    }

    /// Certificates that the authority has issued to this card.
    pub(super) fn issued(&self, held: &Held) -> Result<Vec<Value>> {
        let mut all = self.authority.certificates()?;
        all.retain(|one| !held.older.iter().any(|older| one["serialNumber"] == *older));
        Ok(all)
    }

    /// Exports the audit and verifies it offline.
    pub(super) fn verify_audit(&self) -> Result<()> {
        let file = shown(&self.site.folder().join("audit.jsonl"))?;
        self.site.cli.json(&["audit", "export", &file])?;
        let verified = self.site.cli.json(&["audit", "verify", &file])?;
        ensure!(
            verified["verified"] == true,
            "the audit is broken: {verified}"
        );
        Ok(())
    }
}

/// Whether nothing more happens to an operation by itself.
pub(super) fn is_over(operation: &Value) -> bool {
    matches!(
        operation["state"].as_str(),
        Some("succeeded" | "failed" | "cancelled" | "needs-attention" | "unknown")
    )
}

pub(super) const USER_NAME: &str = USER;
