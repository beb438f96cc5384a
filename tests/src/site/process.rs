//! A party as a process: started, watched, killed.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// One program of the project, next to the one that runs now.
///
/// # Errors
/// It was not built.
pub fn program(name: &str) -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    here.ancestors()
        .skip(1)
        .take(3)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .with_context(|| format!("{name} was not built: cargo build --workspace --bins"))
}

/// A party that runs. Dropped, it is killed.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; what it says goes to `LOGS/NAME.log`, after what it said in an earlier
    /// life.
    pub fn start(name: &str, command: &mut Command, logs: &Path) -> Result<Self> {
        let (child, log) = spawn(name, command.stdout(Stdio::null()), logs)?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log,
        })
    }

    /// Starts `command` and waits for the one line that it prints when it is ready.
    pub fn start_and_read_line(
        name: &str,
        command: &mut Command,
        logs: &Path,
    ) -> Result<(Self, String)> {
        let (mut child, log) = spawn(name, command.stdout(Stdio::piped()), logs)?;
        let output = child.stdout.take().context("no standard output")?;
        let mut process = Self {
            name: name.to_owned(),
            child,
            log,
        };
        let mut output = BufReader::new(output);
        let mut line = String::new();
        if output.read_line(&mut line)? == 0 {
            let status = process.child.wait()?;
            bail!(
                "{name} ended with {status} before it was ready; it said:\n{}",
                process.said()
            );
        }
        // A full pipe would stop it.
        thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Ok((process, line.trim_end().to_owned()))
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All that it has said on standard error.
    #[must_use]
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Ends it between two instructions.
    pub fn kill_9(&mut self) -> Result<()> {
        self.child
            .kill()
            .with_context(|| format!("cannot kill {}", self.name))?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end, and waits until it has.
    pub fn terminate(&mut self, patience: Duration) -> Result<()> {
        let id = Pid::from_raw(i32::try_from(self.child.id())?);
        kill(id, Signal::SIGTERM)?;
        let begun = Instant::now();
        while begun.elapsed() < patience {
            if let Some(status) = self.child.try_wait()? {
                return if status.success() {
                    Ok(())
                } else {
                    bail!(
                        "{} ended with {status}; it said:\n{}",
                        self.name,
                        self.said()
                    )
                };
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!("{} did not end within {patience:?} of SIGTERM", self.name)
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(name: &str, command: &mut Command, logs: &Path) -> Result<(Child, PathBuf)> {
    fs::create_dir_all(logs)?;
    let log = logs.join(format!("{name}.log"));
    let file = File::options().create(true).append(true).open(&log)?;
    let child = command
        .stdin(Stdio::null())
        .stderr(file)
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    Ok((child, log))
}

/// Asks again until `question` answers, or says what the last answer was.
pub fn eventually<T>(
    what: &str,
    patience: Duration,
    mut question: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let begun = Instant::now();
    let mut last = None;
    while begun.elapsed() < patience {
        match question() {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) => {}
            Err(error) => last = Some(error),
        }
        thread::sleep(Duration::from_millis(50));
    }
    match last {
        Some(error) => Err(error.context(format!("waited {patience:?} in vain: {what}"))),
        None => bail!("waited {patience:?} in vain: {what}"),
    }
}
