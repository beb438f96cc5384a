//! A PIN that is set anew over the phone, while the host is cut off from the server.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
};

use anyhow::{Context, Result, ensure};

use super::{CardLife, SOON, Told, text, text_of};
use crate::site::{list, process::eventually};

impl CardLife {
    /// The new PIN. Nothing of what the card is told goes over the cable.
    pub(super) fn unblock_offline(&self, of: &Told) -> Result<String> {
        let host = self.agent.host_id()?;
        self.agent.cable.cut();
        eventually("the server misses the host", SOON, || {
            let host = self.site.cli.json(&["host", "show", &host])?;
            Ok((host["linked"] == false).then_some(()))
        })?;
        let new_pin = "271828".to_owned();
        match of.make.applet {
            "piv" => {
                let told = self.site.cli.json(&["card", "release-puk", &of.token])?;
                let input = format!("{}\n{new_pin}\n", text(&told, "puk")?);
                self.at_host(&["token", "card", "pin", "unblock"], &input)?;
            }
            _ => self.answer_challenge(of, &new_pin)?,
        }
        self.agent.cable.mend();
        self.site.wait_until_linked(&host)?;
        if of.make.applet == "piv" {
            eventually("the PUK that was told is changed", SOON, || {
                let done = self.site.cli.json(&["operation", "list"])?;
                let done = list(done, "operations")?;
                let changed = done
                    .iter()
                    .any(|one| one["kind"] == "rotate-puk" && one["state"] == "succeeded");
                Ok(changed.then_some(()))
            })?;
        }
        Ok(new_pin)
    }

    /// The user reads the challenge out, the operator the answer.
    fn answer_challenge(&self, of: &Told, new_pin: &str) -> Result<()> {
        let file = self.site.folder().join("new.pin");
        fs::write(&file, new_pin)?;
        let socket = self.agent.socket();
        let mut user = self.site.cli.begin(&[
            "--agent",
            text_of(&socket)?,
            "token",
            "card",
            "unblock-offline",
            "--new-pin-file",
            text_of(&file)?,
        ])?;
        let mut lines = BufReader::new(user.stderr.take().context("no standard error")?).lines();
        let challenge = loop {
            let line = lines.next().context("no challenge was shown")??;
            if let Some(challenge) = line.strip_prefix("challenge: ") {
                break challenge.to_owned();
            }
        };
        let told = self
            .site
            .cli
            .json(&["card", "challenge", &of.token, &challenge])?;
        let mut keyboard = user.stdin.take().context("no standard input")?;
        writeln!(keyboard, "{}", text(&told, "response")?)?;
        drop(keyboard);
        let ended = user.wait()?;
        let rest: Vec<_> = lines.map_while(Result::ok).collect();
        ensure!(ended.success(), "not unblocked: {}", rest.join("\n"));
        Ok(())
    }
}
