//! A PIV card whose key that decrypts is made anew: what was encrypted to the old one is read still.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{CardLife, PIV, Purpose, Slot, USER, opensc, text};
use crate::site::list;

const SLOTS: [Slot; 2] = [
    Slot {
        container: "9a",
        purpose: Purpose::Logon,
        algorithm: "p256",
    },
    Slot {
        container: "9d",
        purpose: Purpose::Decryption,
        algorithm: "rsa2048",
    },
];

/// At OpenSC's module: key reference 9D, and the first place for retired keys.
const IN_USE: opensc::Key = opensc::Key::rsa("03");
const RETIRED: opensc::Key = opensc::Key::rsa("05");

impl CardLife {
    /// The containers then, and which key reads what was encrypted before.
    pub fn make_decryption_key_anew(&self) -> Result<Value> {
        self.add_template("readers", PIV, &SLOTS)?;
        let (_card, token) = self.lay(PIV)?;
        self.operate(&["card", "register", &token])?;
        let to = ["--user", USER, "--template", "readers"];
        self.operate(&[&["issue", "--token", &token], &to[..]].concat())?;
        let cli = &self.site.cli;
        let over = cli.json(&["pin", "hand-over", &token, "--reveal"])?;
        let pin = text(&over, "card_pin")?;
        self.opensc.encrypt(&IN_USE)?;
        let before = self.opensc.reads(&pin, &IN_USE)?;
        let anew = ["card", "reissue", &token, "--container", "9d"];
        let anew = [&anew[..], &["--pin-file", "-"]].concat();
        let said = cli.run(&anew, &format!("{pin}\n"))?;
        ensure!(
            said.output["state"] == "succeeded",
            "not reissued: {} {}",
            said.output,
            said.error
        );
        let seen = self.at_host(&["token", "card", "inspect"], "")?;
        let containers = list(seen, "containers")?;
        let names: Vec<&Value> = containers.iter().map(|one| &one["container"]).collect();
        Ok(json!({
            "containers": names,
            "read_before": before,
            "new_key_reads": self.opensc.reads(&pin, &IN_USE)?,
            "kept_key_reads": self.opensc.reads(&pin, &RETIRED)?,
        }))
    }
}
