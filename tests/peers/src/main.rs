//! The core beside other implementations of the same protocol, in one run.
//!
//! `cargo xtask bench` runs it; `docs/bench.md` tells how to read what it shows.

mod codec;
mod exchange;
mod measure;
mod pin;
mod report;
mod row;

use clap::{Parser, ValueEnum};

use row::{Row, Running};

/// Our codec and PIN protocol beside those of others
#[derive(Parser)]
struct Arguments {
    /// Only these rows
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Passes over all rows, in each of which each contender of a row has twenty batches; the
    /// quickest of all is shown
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..))]
    passes: u16,
    /// What standard output shows
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// Do each piece of work so many times and show nothing but its name: for counting
    /// instructions under valgrind
    #[arg(long, conflicts_with = "passes")]
    times: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Part {
    /// Decoding and encoding of messages
    Codec,
    /// PIN/UV auth protocol two, the platform's half
    Pin,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    /// Times, ratios and targets
    Table,
    /// The same, for a script
    Json,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let wanted = |part| arguments.only.is_none_or(|only| only == part);
    if let Some(times) = arguments.times {
        for row in codec::rows() {
            row.repeat(times);
        }
        return Ok(());
    }
    let measured = |rows: Vec<Row>| {
        let mut rows: Vec<Running> = rows.into_iter().map(Row::line_up).collect();
        for _ in 0..arguments.passes {
            for row in &mut rows {
                row.race.run(BATCHES_OF_A_PASS);
            }
        }
        rows.into_iter().map(Running::finish).collect()
    };
    let report = report::Report {
        codec: wanted(Part::Codec).then(|| measured(codec::rows())),
        pin: match wanted(Part::Pin) {
            true => Some(measured(pin::rows()?)),
            false => None,
        },
    };
    match arguments.output {
        Output::Table => print!("{report}"),
        Output::Json => println!("{}", serde_json::to_string(&report)?),
    }
    Ok(())
}

/// What else the machine does can last for seconds, in which none of a row's batches is quick: so a
/// row is measured in many short turns.
const BATCHES_OF_A_PASS: u32 = 20;
