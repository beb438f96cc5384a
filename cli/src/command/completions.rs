//! `keysteward completions`: a script that completes nouns, verbs and options in a shell.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::Context;
use crate::{args::Cli, failure::Result};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  keysteward completions bash > ~/.local/share/bash-completion/completions/keysteward")]
pub(crate) struct Args {
    shell: Shell,
}

pub(crate) fn run(args: &Args, mut context: Context<'_>) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "keysteward", &mut script);
    context.output.raw(&script)
}
