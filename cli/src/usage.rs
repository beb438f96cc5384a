//! Arguments that cannot be understood, told in the form of every other error.

use std::{env, error::Error as _, ffi::OsString};

use clap::error::{ContextKind, Error};

use crate::failure::Failure;

/// Names the argument, what was found and what is allowed.
pub(crate) fn refusal(error: &Error) -> Failure {
    let said = |kind| error.get(kind).map(ToString::to_string);
    let field = said(ContextKind::InvalidArg)
        .map(|argument| bare(&argument))
        .or_else(|| said(ContextKind::InvalidSubcommand))
        .unwrap_or_else(|| "arguments".to_owned());
    let found = said(ContextKind::InvalidValue).unwrap_or_else(|| error.kind().to_string());
    let allowed = error
        .source()
        .map(ToString::to_string)
        .or_else(|| said(ContextKind::ValidValue))
        .or_else(|| said(ContextKind::ValidSubcommand))
        .unwrap_or_else(|| "what --help lists".to_owned());
    Failure::wrong(field, found, allowed)
}

/// Whether the caller is a program, as far as can be told from what was not understood.
pub(crate) fn wants_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let mut wanted = env::var_os("KEYSTEWARD_OUTPUT").is_some_and(|format| format == "json");
    let mut after_output = false;
    for argument in arguments {
        match argument.to_str() {
            Some(format) if after_output => wanted = format == "json",
            Some(argument) => {
                if let Some(format) = argument.strip_prefix("--output=") {
                    wanted = format == "json";
                }
            }
            None => {}
        }
        after_output = argument == "--output";
    }
    wanted
}

/// `--uses <N>, --group <GROUP>` -> `--uses, --group`.
fn bare(arguments: &str) -> String {
    let names: Vec<&str> = arguments
        .split(", ")
        .filter_map(|argument| argument.split_whitespace().next())
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::{args::Cli, output::Format};

    #[test]
    fn the_form_that_was_asked_for_is_known_though_the_rest_is_wrong() {
        for (typed, json) in [
            ("keysteward --output json nonsense", true),
            ("keysteward nonsense --output=json", true),
            ("keysteward --output table nonsense", false),
            ("keysteward json", false),
        ] {
            let words = typed.split(' ').map(OsString::from);
            assert_eq!(wants_json(words), json, "{typed}");
        }
    }

    #[test]
    fn each_kind_of_wrong_argument_is_named() {
        for (typed, field, found, allowed) in [
            ("join-token create --uses 0", "--uses", "0", "1.."),
            (
                "join-token create --valid-for soon",
                "--valid-for",
                "soon",
                "90s or 24h",
            ),
            (
                "operation resolve 1 maybe",
                "<RESOLUTION>",
                "maybe",
                "retry, done, failed",
            ),
            ("issue", "--token, --user, --template", "required", "--help"),
            ("host list --nowhere", "--nowhere", "unexpected", "--help"),
            ("revok 5a1c", "revok", "subcommand", "--help"),
        ] {
            let words = ["keysteward"].into_iter().chain(typed.split(' '));
            let report = refusal(&Cli::try_parse_from(words).unwrap_err()).report();
            let said =
                serde_json::from_str::<serde_json::Value>(&report.render(Format::Json, false));
            let error = &said.unwrap()["error"];
            assert_eq!(error["field"], field, "{typed}: {error}");
            for (name, part) in [("found", found), ("allowed", allowed)] {
                let text = error[name].as_str().unwrap();
                assert!(text.contains(part), "{typed}: {error}");
            }
        }
    }
}
