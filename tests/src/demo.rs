//! What both demonstrations are told on their command line.

use clap::{Parser, ValueEnum};

/// The arguments of a demonstration.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// Leave everything running at the end
    #[arg(long)]
    pub stay: bool,
    /// What standard output shows
    #[arg(long, value_enum, default_value_t = Output::Table)]
    pub output: Output,
}

/// What standard output shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Output {
    /// What happened, for a person
    Table,
    /// The same, for a script
    Json,
}
