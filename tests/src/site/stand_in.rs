//! The STA stand-in as a process: started, read, made to fail.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::process::{Process, eventually, program};
use crate::{browser, sta_stand_in::Fault};

/// The identity provider of a site.
#[derive(Debug)]
pub struct StandIn {
    process: Process,
    /// `rest_url`, `tenant_code`, `rp_id`, `origin`, `root`, `api_key_file`, `url`.
    ready: Value,
    http: reqwest::Client,
    runtime: Runtime,
}

impl StandIn {
    /// Starts it, with its users' mailbox.
    pub fn start(folder: &Path) -> Result<Self> {
        let mut command = Command::new(program("sta_stand_in")?);
        command.arg("--directory").arg(folder.join("sta"));
        let (process, line) =
            Process::start_and_read_line("sta-stand-in", &mut command, &folder.join("logs"))?;
        let ready: Value = serde_json::from_str(&line)
            .with_context(|| format!("the stand-in said {line:?} when ready"))?;
        let root = std::fs::read_to_string(text(&ready, "root")?)?;
        Ok(Self {
            process,
            http: browser::https(&root)?,
            ready,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
        })
    }

    /// One of the facts it told when it was ready.
    pub fn fact(&self, name: &str) -> Result<&str> {
        text(&self.ready, name)
    }

    /// Where it keeps the API key.
    pub fn api_key_file(&self) -> Result<PathBuf> {
        self.fact("api_key_file").map(PathBuf::from)
    }

    /// What it holds for a user, as its administrator sees it: `id`, `state`, ...
    pub fn authenticators(&self, user_name: &str) -> Result<Vec<Value>> {
        let path = format!("/console/users/{user_name}/authenticators");
        let response = self.runtime.block_on(async {
            let response = self.http.get(self.url(&path)?).send().await?;
            let found = response.status() != reqwest::StatusCode::NOT_FOUND;
            let body = response.json::<Value>().await?;
            anyhow::Ok(found.then_some(body))
        })?;
        match response {
            // A user whom it does not know has none.
            None => Ok(Vec::new()),
            Some(Value::Array(authenticators)) => Ok(authenticators),
            Some(other) => anyhow::bail!("the stand-in answered {path} with {other}"),
        }
    }

    /// The state of a user's only authenticator: `pending`, `active`, ..., or `absent`.
    pub fn state_of_only(&self, user_name: &str) -> Result<String> {
        let all = self.authenticators(user_name)?;
        ensure!(
            all.len() < 2,
            "{user_name} has {} authenticators",
            all.len()
        );
        Ok(match all.first() {
            None => "absent".into(),
            Some(only) => text(only, "state")?.to_owned(),
        })
    }

    /// Its own record of imports and activations.
    pub fn audit(&self) -> Result<Vec<Value>> {
        self.runtime.block_on(async {
            let response = self.http.get(self.url("/console/audit")?).send().await?;
            Ok(response.error_for_status()?.json().await?)
        })
    }

    /// Makes a coming request go wrong.
    pub fn fault(&self, fault: &Fault) -> Result<()> {
        self.runtime.block_on(async {
            let request = self.http.post(self.url("/faults")?).json(fault);
            request.send().await?.error_for_status()?;
            Ok(())
        })
    }

    /// Faults that still wait for their request.
    pub fn faults_left(&self) -> Result<usize> {
        self.runtime.block_on(async {
            let response = self.http.get(self.url("/faults")?).send().await?;
            let left: Vec<Value> = response.error_for_status()?.json().await?;
            Ok(left.len())
        })
    }

    /// Waits until every fault that was set has found its request.
    pub fn wait_until_struck(&self) -> Result<()> {
        eventually(
            "the request arrives at the stand-in",
            Duration::from_secs(20),
            || Ok((self.faults_left()? == 0).then_some(())),
        )
    }

    /// Lets everything go right again.
    pub fn clear_faults(&self) -> Result<()> {
        self.runtime.block_on(async {
            let request = self.http.delete(self.url("/faults")?);
            request.send().await?.error_for_status()?;
            Ok(())
        })
    }

    /// Gives a user the password with which an activation may be confirmed.
    pub fn set_password(&self, user_name: &str, password: &str) -> Result<()> {
        self.runtime.block_on(async {
            let path = format!("/console/users/{user_name}/password");
            let request = self.http.put(self.url(&path)?);
            let request = request.json(&json!({ "password": password }));
            request.send().await?.error_for_status()?;
            Ok(())
        })
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    fn url(&self, path: &str) -> Result<String> {
        Ok(format!("{}{path}", self.fact("url")?.trim_end_matches('/')))
    }
}

fn text<'v>(value: &'v Value, name: &str) -> Result<&'v str> {
    value[name]
        .as_str()
        .with_context(|| format!("no text {name} in {value}"))
}
