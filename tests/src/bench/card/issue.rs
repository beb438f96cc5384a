//! Certificates issued in a second: the whole operation, with every party a process of its own.
//!
//! Renewing asks the card for a signature of its key of P-256, the authority for a certificate, and
//! writes that to the card; reissuing makes another key first, and revokes what stood there. The
//! state of server and agent lies in memory, where `fsync` is free, as the card's own does.

use std::{fs, path::Path, time::Instant};

use anyhow::{Context, Result, ensure};
use keysteward_proto::server::v1::{
    HandOverPin, Issue, RegisterCard, ReissueCertificates, RenewCertificates,
    start_operation_request::Kind,
};
use serde::Serialize;

use super::{
    super::{operator::Operator, times::Times},
    Folders,
};
use crate::{
    pcscd::FIRST_READER,
    site::{Site, agent::Agent, ca_gateway::CaGateway, card::Card},
};

/// By the caller's clock, from sending `Start` to the last event of `Watch`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Issuing {
    /// Operations of each kind.
    pub operations: usize,
    /// Another certificate for the key.
    pub renew: Times,
    /// Another key, and a certificate for it.
    pub reissue: Times,
}

/// Does each kind `operations` times, in turn.
pub fn measure(folders: &Folders, operations: usize) -> Result<Issuing> {
    ensure!(operations > 0, "--operations: allowed are 1 and more");
    let runtime = super::runtime()?;
    let desk = Desk::open(&folders.memory.join("site"))?;
    let token = desk.token()?;
    let (mut renew, mut reissue) = (Vec::new(), Vec::new());
    runtime.block_on(async {
        let operator = Operator::connect(&desk.site.server.profile()).await?;
        operator
            .operate(Kind::RegisterCard(RegisterCard {
                token: token.clone(),
            }))
            .await?;
        operator
            .operate(Kind::Issue(Issue {
                token: token.clone(),
                user: USER.into(),
                template: NAME.into(),
            }))
            .await?;
        operator
            .operate(Kind::HandOverPin(HandOverPin {
                token: token.clone(),
                new_pin: PIN.into(),
            }))
            .await?;
        // One of each is not counted.
        for each in 0..=operations {
            let begun = Instant::now();
            operator
                .operate(Kind::RenewCertificates(RenewCertificates {
                    token: token.clone(),
                    containers: Vec::new(),
                    pin: PIN.into(),
                }))
                .await?;
            let renewed = begun.elapsed();
            let begun = Instant::now();
            operator
                .operate(Kind::ReissueCertificates(ReissueCertificates {
                    token: token.clone(),
                    containers: Vec::new(),
                    pin: PIN.into(),
                    lose_old_decryption_key: false,
                }))
                .await?;
            if each > 0 {
                renew.push(renewed);
                reissue.push(begun.elapsed());
            }
        }
        anyhow::Ok(())
    })?;
    let issued = desk.authority.certificates()?.len();
    ensure!(
        issued == 2 * operations + 3,
        "the authority issued {issued} certificates"
    );
    Ok(Issuing {
        operations,
        renew: Times::of(renew),
        reissue: Times::of(reissue),
    })
}

/// A server, an authority, and a host with our card on its reader.
struct Desk {
    site: Site,
    authority: CaGateway,
    _agent: Agent,
    _card: Card,
}

impl Desk {
    fn open(folder: &Path) -> Result<Self> {
        let site = Site::start_in(folder)?;
        let authority = CaGateway::start(site.folder())?;
        describe(&site, &authority)?;
        let agent = site.host("desk")?;
        super::wait_for_free_reader()?;
        let card = Card::start("piv", "card", agent.folder(), FIRST_READER)?;
        Ok(Self {
            site,
            authority,
            _agent: agent,
            _card: card,
        })
    }

    /// What the server calls the card.
    fn token(&self) -> Result<String> {
        self.site
            .wait_for_token(|token| token["token_type"] == NAME)
    }
}

/// A user, the authority as a connection, a token type, a template with one certificate.
fn describe(site: &Site, authority: &CaGateway) -> Result<()> {
    let cli = &site.cli;
    let people = site.folder().join("people.csv");
    fs::write(
        &people,
        format!("user_name,mail,given_name,sn\n{USER},{USER},Alice,Archer\n"),
    )?;
    let people = people.to_str().context("a path that is no text")?;
    let described: [&[&str]; 3] = [
        &["user", "import", people],
        &[
            "token-type",
            "create",
            NAME,
            "--card-applet",
            "piv",
            "--card-admin-cipher",
            "aes192",
        ],
        &[
            "template",
            "create",
            NAME,
            "--token-type",
            NAME,
            "--certificate",
            "9a:cagw:smart-card-csr:p256",
            "--field",
            "9a:cn={user.display_name}",
        ],
    ];
    authority.add_connection(cli, "cagw")?;
    for arguments in described {
        cli.json(arguments)?;
    }
    Ok(())
}

const PIN: &str = "271828";
const USER: &str = "alice@example.com";
/// Of the token type, and of the template.
const NAME: &str = "piv-card";
