//! One fuzz target: libFuzzer started, its words read.

use std::{
    collections::VecDeque,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::{seeds, shown};
use crate::run::{run, target as target_folder};

pub(super) struct Target {
    pub(super) name: String,
    program: PathBuf,
}

/// What a target is started for.
#[derive(Clone, Copy)]
pub(super) enum Plan {
    /// Each committed input once.
    Corpus,
    /// New inputs, for this long, beginning with what earlier searches found.
    Search(Duration),
    /// New inputs, for this long at most, and the same ones in every run: a slower machine tries the
    /// first of them, and nobody's change fails because of somebody else's luck.
    Smoke(Duration),
}

/// How it ended.
pub(super) struct Outcome {
    pub(super) target: String,
    runs: u64,
    /// Edges and how often they were taken, as libFuzzer counts.
    features: u64,
    /// Inputs kept.
    corpus: u64,
    failure: Option<Failure>,
}

struct Failure {
    /// What made it fail; none when it did not even start.
    input: Option<PathBuf>,
    /// Its last words.
    said: String,
}

impl Target {
    pub(super) fn new(name: &str, program: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            program,
        }
    }

    pub(super) fn run(&self, plan: Plan) -> Outcome {
        let mut outcome = Outcome {
            target: self.name.clone(),
            runs: 0,
            features: 0,
            corpus: 0,
            failure: None,
        };
        if let Err(error) = self.search(plan, &mut outcome) {
            let said = format!("{error:#}");
            outcome.failure = Some(Failure { input: None, said });
        }
        outcome
    }

    /// Runs one input, aloud.
    pub(super) fn repeat(&self, input: &Path) -> Result<()> {
        run(Command::new(&self.program).arg(input))
    }

    fn search(&self, plan: Plan, outcome: &mut Outcome) -> Result<()> {
        let artifacts = target_folder().join("fuzz-crashes").join(&self.name);
        fs::create_dir_all(&artifacts)?;
        let seeds = seeds(&self.name);
        fs::read_dir(&seeds)
            .with_context(|| format!("every target has seeds: {}", shown(&seeds)))?;
        let mut command = Command::new(&self.program);
        command
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .args(["-timeout=25", "-print_final_stats=1"]);
        match plan {
            Plan::Corpus => command.arg("-runs=0"),
            // New inputs go to the first folder, outside the repository.
            Plan::Search(time) => {
                let fresh = target_folder().join("fuzz-corpus").join(&self.name);
                fs::create_dir_all(&fresh)?;
                command
                    .arg(format!("-max_total_time={}", time.as_secs()))
                    .arg(fresh)
            }
            Plan::Smoke(time) => {
                let fresh = target_folder().join("fuzz-smoke").join(&self.name);
                match fs::remove_dir_all(&fresh) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(error.into());
                    }
                    _ => fs::create_dir_all(&fresh)?,
                }
                command
                    .arg(format!("-max_total_time={}", time.as_secs()))
                    .args(["-seed=1", "-runs=50000"])
                    .arg(fresh)
            }
        };
        let mut running = command
            .arg(&seeds)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        let words = running.stderr.take().context("its words are piped")?;
        let (mut last, mut input) = (VecDeque::new(), None);
        let mut told = Instant::now();
        for line in BufReader::new(words).lines() {
            let line = line.unwrap_or_else(|_| "(bytes that are no text)".into());
            if let Some((_, path)) = line.split_once("Test unit written to ") {
                input = Some(PathBuf::from(path.trim()));
            }
            outcome.hear(&line);
            if told.elapsed() >= TELL {
                told = Instant::now();
                eprintln!("{}", outcome.line());
            }
            if last.len() == LAST_WORDS {
                last.pop_front();
            }
            last.push_back(line);
        }
        if !running.wait()?.success() {
            let said = Vec::from(last).join("\n");
            outcome.failure = Some(Failure { input, said });
        }
        Ok(())
    }
}

impl Outcome {
    /// Takes the figures out of a line like `#8192 pulse cov: 512 ft: 900 corp: 42/3Kb ...`.
    fn hear(&mut self, line: &str) {
        let Some((runs, rest)) = line
            .strip_prefix('#')
            .and_then(|line| line.split_once(char::is_whitespace))
        else {
            return;
        };
        self.runs = runs.parse().unwrap_or(self.runs);
        let mut words = rest.split_whitespace();
        while let Some(word) = words.next() {
            let figure = match word {
                "ft:" => &mut self.features,
                "corp:" => &mut self.corpus,
                _ => continue,
            };
            let digits = words.next().unwrap_or_default();
            let digits = digits.split('/').next().unwrap_or_default();
            *figure = digits.parse().unwrap_or(*figure);
        }
    }

    pub(super) fn line(&self) -> String {
        let Self {
            target,
            runs,
            features,
            corpus,
            failure,
        } = self;
        let result = if failure.is_some() { "FAILED" } else { "ok" };
        format!("{target:<24} {runs:>12} {features:>9} {corpus:>7}  {result}")
    }

    /// What happened, and how to see it again.
    pub(super) fn failure(&self) -> Option<String> {
        let Self {
            target, failure, ..
        } = self;
        let Failure { input, said } = failure.as_ref()?;
        let again = match input {
            Some(input) => {
                let input = shown(input);
                format!("input:  {input}\nrepeat: cargo xtask fuzz {target} --input {input}")
            }
            None => format!("repeat: cargo xtask fuzz {target} --time 10"),
        };
        Some(format!("{target}\n{again}\n{said}"))
    }

    pub(super) fn json(&self) -> serde_json::Value {
        let input = self.failure.as_ref().and_then(|f| f.input.as_deref());
        serde_json::json!({
            "target": self.target,
            "runs": self.runs,
            "features": self.features,
            "corpus": self.corpus,
            "ok": self.failure.is_none(),
            "input": input.map(shown),
        })
    }
}

/// How often a target that searches is heard of.
const TELL: Duration = Duration::from_secs(10);
/// Lines of a failed target that are shown.
const LAST_WORDS: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        Target::new("tlv", PathBuf::from("/does/not/exist")).run(Plan::Corpus)
    }

    #[test]
    fn figures_are_taken_from_what_libfuzzer_says() {
        let mut outcome = outcome();
        outcome.failure = None;
        for line in [
            "INFO: seed corpus: files: 8",
            "#9\tINITED cov: 102 ft: 180 corp: 8/2Kb exec/s: 0 rss: 40Mb",
            "#262144\tpulse  cov: 110 ft: 201 corp: 21/4123b lim: 4096 exec/s: 131072 rss: 60Mb",
            "#not a number",
        ] {
            outcome.hear(line);
        }
        let line = outcome.line();
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words, ["tlv", "262144", "201", "21", "ok"]);
        assert!(outcome.failure().is_none());
    }

    #[test]
    fn a_target_that_cannot_be_started_fails() {
        let told = outcome().failure();
        assert!(told.is_some_and(|told| told.contains("repeat: cargo xtask fuzz tlv")));
    }
}
