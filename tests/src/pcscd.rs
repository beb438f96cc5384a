//! A smart card service of one's own: a pcscd with vpcd for its readers, in a network and a mount
//! namespace of which nothing is seen outside.
//!
//! vpcd listens on every address, and each machine has one `/run/pcscd`: so every story that needs
//! cards is told in a process of its own, which is its program again. Several stand side by side.

use std::{
    env,
    path::Path,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// Where a card connects to the first reader, in the namespace.
pub const FIRST_READER: &str = "127.0.0.1:35963";

/// Where a card connects to the second one.
pub const SECOND_READER: &str = "127.0.0.1:35964";

/// Set where a story is told.
const INSIDE: &str = "KEYSTEWARD_BESIDE_PCSCD";

/// What it is made of, and the Debian package that has it.
const PARTS: [(&str, &str); 3] = [
    ("/usr/sbin/pcscd", "pcscd"),
    (
        "/usr/lib/pcsc/drivers/serial/libifdvpcd.so",
        "vsmartcard-vpcd",
    ),
    ("/usr/bin/unshare", "util-linux"),
];

/// `program` beside a pcscd of its own, whose process id it finds as `PCSCD` in its environment.
/// Arguments may be added.
///
/// # Errors
/// A part is missing.
pub fn beside_pcscd(program: &Path) -> anyhow::Result<Command> {
    for (part, package) in PARTS {
        anyhow::ensure!(
            Path::new(part).exists(),
            "{part} is missing. cargo xtask installs it; by hand: apt-get install {package}"
        );
    }
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount", "--propagation", "private"]);
    if !nix::unistd::Uid::effective().is_root() {
        command.arg("--map-root-user");
    }
    command
        .args([
            "bash",
            "-c",
            include_str!("pcscd/in_a_namespace.sh"),
            "story",
        ])
        .arg(program)
        .env(INSIDE, "1");
    Ok(command)
}

/// Whether this program runs beside a pcscd of its own.
#[must_use]
pub fn is_beside_pcscd() -> bool {
    env::var_os(INSIDE).is_some()
}

/// Tells the story of the test `name` (its path, with the crate's name) beside a pcscd of its own.
pub fn tell(name: &str, story: fn()) {
    if is_beside_pcscd() {
        return story();
    }
    let (_, test) = name.split_once("::").unwrap();
    let output = beside_pcscd(&env::current_exe().unwrap())
        .unwrap()
        .args(["--exact", test, "--nocapture"])
        .output()
        .unwrap();
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}\n{complained}"
    );
}

/// The pcscd that this program runs beside, as a process that dies.
#[derive(Debug)]
pub enum Pcscd {
    /// The one that was there first.
    First(Pid),
    /// One that was started after it; dropped, it is killed.
    Later(Child),
    /// None.
    Dead,
}

impl Pcscd {
    /// The one that was there first.
    pub fn beside() -> anyhow::Result<Self> {
        let id = env::var("PCSCD").context("this runs beside no pcscd")?;
        Ok(Self::First(Pid::from_raw(id.parse()?)))
    }

    /// Ends it between two instructions.
    pub fn kill_9(&mut self) -> anyhow::Result<()> {
        match self {
            Self::First(id) => {
                kill(*id, Signal::SIGKILL)?;
                // Its parent is who tells that it is over; another one does not start before.
                let deadline = Instant::now() + SOON;
                while kill(*id, None).is_ok() {
                    anyhow::ensure!(Instant::now() < deadline, "pcscd does not end");
                    thread::sleep(Duration::from_millis(10));
                }
            }
            Self::Later(child) => {
                child.kill()?;
                child.wait()?;
            }
            Self::Dead => anyhow::bail!("pcscd does not run"),
        }
        *self = Self::Dead;
        Ok(())
    }

    /// Another one, on the same readers.
    pub fn run(&mut self) -> anyhow::Result<()> {
        let config = [
            "--foreground",
            "--error",
            "--config",
            "/run/pcscd/vpcd.conf",
        ];
        *self = Self::Later(Command::new("pcscd").args(config).spawn()?);
        Ok(())
    }
}

impl Drop for Pcscd {
    fn drop(&mut self) {
        if let Self::Later(child) = self {
            // Gone already is as good.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

const SOON: Duration = Duration::from_secs(10);
