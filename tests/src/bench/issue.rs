//! How long issuing a key takes, and how much of that is waiting for the disk.
//!
//! Two sites run side by side: the server and the agent of one keep their state on the disk, those
//! of the other in memory, where `fsync` is free. They issue in turn, so that whatever else the
//! machine does disturbs both alike. Keys keep their state in memory on both: a real key has
//! flash of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use keysteward_proto::server::v1::{Issue, Revoke, start_operation_request::Kind};
use serde::Serialize;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{operator::Operator, times::Times};
use crate::site::{
    Site,
    agent::Agent,
    key::{Key, Make},
    process::eventually,
};

/// Both sites, and what sets them apart.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Issuing {
    /// Operations on each site.
    pub operations: usize,
    /// State on the disk.
    pub disk: Times,
    /// State in memory.
    pub memory: Times,
    /// 1 - p50 in memory / p50 on the disk.
    pub share_of_disk: f64,
}

/// A site with one host, ready to issue.
#[derive(Debug)]
pub struct Desk {
    site: Site,
    agent: Agent,
    operator: Operator,
    /// Where keys keep their state.
    keys: PathBuf,
    /// The one that is plugged in. One at a time: blank keys without a serial are as one.
    key: Option<Key>,
    made: usize,
}

impl Desk {
    /// Opens one in `folder`; keys keep their state in `keys`.
    pub fn open(folder: &Path, keys: &Path, runtime: &Runtime) -> Result<Self> {
        fs::create_dir_all(keys)?;
        let site = Site::start_in(folder)?;
        let agent = site.host("desk")?;
        let operator = runtime.block_on(Operator::connect(&site.server.profile()))?;
        let mut desk = Self {
            site,
            agent,
            operator,
            keys: keys.to_owned(),
            key: None,
            made: 0,
        };
        desk.plug_in()?;
        desk.describe()?;
        Ok(desk)
    }

    /// The agent, with one key plugged in.
    #[must_use]
    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    fn describe(&self) -> Result<()> {
        let (cli, folder) = (&self.site.cli, self.site.folder());
        let people = written(
            &folder.join("people.csv"),
            &format!("user_name,mail,given_name,sn\n{USER},{USER},Alice,Archer\n"),
        )?;
        cli.json(&["user", "import", &people])?;
        self.site.add_connection("sta")?;
        let key = self.key.as_ref().context("no key is plugged in")?;
        let root = key.attestation_root()?;
        let root = written(&folder.join("root.pem"), &root)?;
        cli.json(&[
            "token-type",
            "create",
            "virtual",
            "--attestation-root",
            &root,
            "--allow-virtual",
        ])?;
        cli.json(&[
            "template",
            "create",
            TEMPLATE,
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

    /// Pulls out the key that is plugged in, and plugs one in that is fresh from the factory; what
    /// the server calls it.
    fn plug_in(&mut self) -> Result<String> {
        drop(self.key.take());
        let alone = "the server sees that the key was pulled out";
        eventually(alone, PATIENCE, || {
            Ok(self.site.present()?.is_empty().then_some(()))
        })?;
        self.made += 1;
        let name = format!("key-{}", self.made);
        let socket = self.agent.token_socket();
        self.key = Some(Key::start(Make::Keysteward, &name, &self.keys, &socket)?);
        eventually("the server sees the key", PATIENCE, || {
            self.site.present()?.first().map(id).transpose()
        })
    }

    /// Issues a fresh key, and revokes it; how long the issue took.
    fn issue(&mut self, runtime: &Runtime) -> Result<Duration> {
        let token = self.plug_in()?;
        runtime.block_on(async {
            self.operator.wait_until_registered(&token).await?;
            let begun = Instant::now();
            self.operator
                .operate(Kind::Issue(Issue {
                    token: token.clone(),
                    user: USER.into(),
                    template: TEMPLATE.into(),
                }))
                .await?;
            let took = begun.elapsed();
            // So that the hundredth finds the identity provider as the first did.
            self.operator
                .operate(Kind::Revoke(Revoke {
                    token,
                    reason: "replaced".into(),
                    pin: String::new(),
                }))
                .await?;
            anyhow::Ok(took)
        })
    }
}

/// Issues `operations` keys on each desk, in turn, after one on each that is not counted.
pub fn measure(
    disk: &mut Desk,
    memory: &mut Desk,
    operations: usize,
    runtime: &Runtime,
) -> Result<Issuing> {
    ensure!(operations > 0, "--operations: allowed are 1 and more");
    let (mut on_disk, mut in_memory) = (Vec::new(), Vec::new());
    disk.issue(runtime)?;
    memory.issue(runtime)?;
    for _ in 0..operations {
        on_disk.push(disk.issue(runtime)?);
        in_memory.push(memory.issue(runtime)?);
    }
    let (disk, memory) = (Times::of(on_disk), Times::of(in_memory));
    Ok(Issuing {
        operations,
        disk,
        memory,
        share_of_disk: 1.0 - memory.p50_ms / disk.p50_ms,
    })
}

fn written(path: &Path, content: &str) -> Result<String> {
    fs::write(path, content)?;
    Ok(path.to_str().context("a path that is no text")?.to_owned())
}

fn id(token: &Value) -> Result<String> {
    let id = token["id"].as_str();
    Ok(id
        .with_context(|| format!("a token without an id: {token}"))?
        .to_owned())
}

const USER: &str = "alice@example.com";
const TEMPLATE: &str = "staff";
const PATIENCE: Duration = Duration::from_secs(20);
