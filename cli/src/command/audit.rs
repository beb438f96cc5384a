//! `keysteward audit`: the record of what was done.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::Subcommand;
use keysteward_proto::server::v1::{
    self as wire, ExportAuditRequest, ListAuditRequest, audit_record::Record,
};
use serde::Serialize;
use serde_json::{Value, json};
use tonic::Streaming;

use super::{Context, page::Page};
use crate::{
    audit_verifier::{self, Broken, Line, Verifier},
    failure::{Failure, Result},
    local,
    output::{Format, View, some, time},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Entries, oldest first
    #[command(after_help = "Example:\n  keysteward audit list --verb pin.reveal")]
    List {
        #[arg(long)]
        actor: Option<String>,
        #[arg(long)]
        verb: Option<String>,
        #[arg(long)]
        object: Option<String>,
        /// Those that belong to one operation
        #[arg(long, value_name = "ID")]
        operation: Option<String>,
        #[command(flatten)]
        page: Page,
    },
    /// The whole record, for the verifier or an archive: a JSON document per line
    #[command(after_help = "Example:\n  keysteward audit export audit.jsonl")]
    Export {
        /// - is standard output
        file: PathBuf,
        /// Start at this entry; only an export from 1 can be verified
        #[arg(long, default_value_t = 1, value_name = "SEQ")]
        from: u64,
    },
    /// The last checkpoint that an agent saw (needs --agent): a witness for `verify`
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock audit witness > checkpoints.jsonl")]
    Witness,
    /// Check an exported record, without a server
    #[command(after_help = "\
A witness file holds checkpoints that somebody else kept, a line each, as in an export.

Example:
  keysteward audit verify audit.jsonl --witness checkpoints.jsonl")]
    Verify {
        file: PathBuf,
        /// Checkpoints that must be found again in the record
        #[arg(long, value_name = "FILE")]
        witness: Option<PathBuf>,
        /// Key that must have signed every checkpoint, in hexadecimal
        #[arg(long, value_name = "HEX")]
        public_key: Option<String>,
    },
}

pub(crate) async fn run(command: Command, mut context: Context<'_>) -> Result<()> {
    match command {
        Command::List {
            actor,
            verb,
            object,
            operation,
            page,
        } => {
            let server = context.server().await?;
            let filter = ListAuditRequest {
                page_size: 0,
                page_token: String::new(),
                actor: actor.unwrap_or_default(),
                verb: verb.unwrap_or_default(),
                object: object.unwrap_or_default(),
                operation_id: operation.unwrap_or_default(),
            };
            let (rows, next) = page
                .collect(|page_size, page_token| {
                    let request = ListAuditRequest {
                        page_size,
                        page_token,
                        ..filter.clone()
                    };
                    let mut audit = server.audit();
                    async move { audit.list(request).await }
                })
                .await?;
            let rows: Vec<Row> = rows.into_iter().map(Row::from).collect();
            context.output.list("entries", &rows, next.as_deref())
        }
        Command::Export { file, from } => {
            let mut audit = context.server().await?.audit();
            let records = audit
                .export(ExportAuditRequest { from_seq: from })
                .await?
                .into_inner();
            export(records, &file, &mut context).await
        }
        Command::Witness => {
            let agent = context.need_agent().await?;
            local::witness::show(&agent, &mut context.output).await
        }
        Command::Verify {
            file,
            witness,
            public_key,
        } => verify(
            &file,
            witness.as_deref(),
            public_key.as_deref(),
            &mut context,
        ),
    }
}

async fn export(
    mut records: Streaming<wire::AuditRecord>,
    file: &Path,
    context: &mut Context<'_>,
) -> Result<()> {
    let to_stdout = file == Path::new("-");
    let mut out: Box<dyn Write> = if to_stdout {
        Box::new(Vec::new())
    } else {
        Box::new(BufWriter::new(
            File::create(file).map_err(Failure::file(file))?,
        ))
    };
    let (mut entries, mut checkpoints) = (0_u64, 0_u64);
    while let Some(record) = records.message().await? {
        let line = match record.record {
            Some(Record::Entry(entry)) => {
                entries += 1;
                Line::Entry(line_of_entry(entry))
            }
            Some(Record::Checkpoint(seen)) => {
                checkpoints += 1;
                Line::Checkpoint(line_of_checkpoint(seen))
            }
            None => return Err(Failure::Answer("a record is neither entry nor checkpoint")),
        };
        let mut text = serde_json::to_vec(&line)
            .map_err(|_| Failure::Answer("it cannot be written as JSON"))?;
        text.push(b'\n');
        if to_stdout {
            context.output.raw(&text)?;
        } else {
            out.write_all(&text).map_err(Failure::file(file))?;
        }
    }
    out.flush().map_err(Failure::file(file))?;
    if to_stdout {
        return Ok(());
    }
    match context.output.format() {
        Format::Json => context.output.json(&json!({
            "file": file,
            "entries": entries,
            "checkpoints": checkpoints,
        })),
        Format::Table => context.output.say(&format!(
            "{entries} entries and {checkpoints} checkpoints in {}",
            file.display()
        )),
    }
}

fn verify(
    file: &Path,
    witness: Option<&Path>,
    public_key: Option<&str>,
    context: &mut Context<'_>,
) -> Result<()> {
    let key = public_key
        .map(|text| audit_verifier::bytes(text, "public key"))
        .transpose()
        .map_err(|why| Failure::wrong("--public-key", why.to_string(), "64 hexadecimal digits"))?;
    let mut verifier = Verifier::new(key);
    for line in lines(file)? {
        verifier
            .line(&line.map_err(Failure::file(file))?)
            .map_err(broken)?;
    }
    let mut witnesses = 0_u64;
    if let Some(file) = witness {
        for line in lines(file)? {
            let line = line.map_err(Failure::file(file))?;
            if line.trim().is_empty() {
                continue;
            }
            let Ok(Line::Checkpoint(seen)) = serde_json::from_str(&line) else {
                return Err(Failure::wrong(
                    file.display().to_string(),
                    "a line that is no checkpoint",
                    "{\"checkpoint\": {..}}, a line each",
                ));
            };
            verifier.witness(seen).map_err(broken)?;
            witnesses += 1;
        }
        // An empty file would agree with everything.
        if witnesses == 0 {
            return Err(Failure::wrong(
                file.display().to_string(),
                "no checkpoint",
                "one or more, a line each",
            ));
        }
    }
    let newest = verifier.newest();
    let signed_to = newest.map_or(0, |seen| seen.seq);
    if context.output.format() == Format::Json {
        return context.output.json(&json!({
            "verified": true,
            "entries": verifier.entries(),
            "checkpoints": verifier.checkpoints(),
            "signed_to": signed_to,
            "public_key": newest.map(|seen| &seen.public_key),
            "witnesses": witnesses,
        }));
    }
    context.output.say(&format!(
        "verified: {} entries, unbroken; signed up to entry {signed_to}; {witnesses} witnesses agree",
        verifier.entries()
    ))?;
    match newest {
        Some(seen) => context
            .output
            .say(&format!("signed by {}", seen.public_key)),
        None => context
            .output
            .say("no checkpoint: whoever runs the server could have rewritten it"),
    }
}

fn lines(file: &Path) -> Result<std::io::Lines<BufReader<File>>> {
    let open = File::open(file).map_err(Failure::file(file))?;
    Ok(BufReader::new(open).lines())
}

fn broken(broken: Broken) -> Failure {
    Failure::AuditBroken {
        seq: broken.seq,
        why: if broken.line == 0 {
            format!("{} (a witness)", broken.why)
        } else {
            format!("{} (line {})", broken.why, broken.line)
        },
    }
}

fn line_of_entry(entry: wire::AuditEntry) -> audit_verifier::Entry {
    audit_verifier::Entry {
        seq: entry.seq,
        at_us: entry.at_us,
        actor: entry.actor,
        verb: entry.verb,
        object: entry.object,
        operation_id: entry.operation_id,
        outcome: entry.outcome,
        facts: entry.facts,
        prev_hash: hex::encode(entry.prev_hash),
        hash: hex::encode(entry.hash),
    }
}

fn line_of_checkpoint(seen: wire::AuditCheckpoint) -> audit_verifier::Checkpoint {
    audit_verifier::Checkpoint {
        seq: seen.seq,
        hash: hex::encode(seen.hash),
        signed_at_us: seen.signed_at_us,
        signature: hex::encode(seen.signature),
        public_key: hex::encode(seen.public_key),
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Row {
    seq: u64,
    at: Option<String>,
    actor: String,
    verb: String,
    object: String,
    operation_id: Option<String>,
    outcome: String,
    facts: Value,
}

impl View for Row {
    const COLUMNS: &'static [&'static str] = &["seq", "at", "actor", "verb", "object", "outcome"];
}

impl From<wire::AuditEntry> for Row {
    fn from(entry: wire::AuditEntry) -> Self {
        Self {
            seq: entry.seq,
            at: time(entry.at_us),
            actor: entry.actor,
            verb: entry.verb,
            object: entry.object,
            operation_id: some(entry.operation_id),
            outcome: entry.outcome,
            facts: serde_json::from_str(&entry.facts).unwrap_or(Value::Null),
        }
    }
}
