use clap::{Command, CommandFactory as _, Parser as _};

use super::Cli;

/// Every command that can be typed, with its words.
fn all(command: &Command, words: &str, out: &mut Vec<(String, Command)>) {
    out.push((words.to_owned(), command.clone()));
    for sub in command.get_subcommands() {
        all(sub, &format!("{words} {}", sub.get_name()), out);
    }
}

fn commands() -> Vec<(String, Command)> {
    let mut cli = Cli::command().term_width(100);
    cli.build();
    let mut out = Vec::new();
    all(&cli, "keysteward", &mut out);
    out
}

#[test]
fn the_definitions_are_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_verb_has_a_help_with_an_example_that_can_be_typed() {
    for (words, command) in commands().iter().filter(|(_, c)| !c.has_subcommands()) {
        let after = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        let example = after
            .replace("\\\n", " ")
            .lines()
            .filter_map(|line| line.strip_prefix("  keysteward "))
            .map(str::to_owned)
            .collect::<Vec<_>>();
        assert!(!example.is_empty(), "{words} has no example");
        for line in example {
            let typed = line.split(" > ").next().unwrap();
            let parsed = Cli::try_parse_from(split(&format!("keysteward {typed}")));
            assert!(parsed.is_ok(), "{words}: {typed}: {}", parsed.unwrap_err());
        }
    }
}

/// As a shell would, single quotes honoured.
fn split(line: &str) -> Vec<String> {
    line.split('\'')
        .enumerate()
        .flat_map(|(i, part)| match i % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect()
}

#[test]
fn helps_say_what_they_said() {
    let mut text = String::new();
    for (words, mut command) in commands() {
        let help = command.render_long_help().to_string();
        // The global options are in every help; once is enough.
        let help = match (words.as_str(), help.split_once("Connection and output:\n")) {
            ("keysteward", _) | (_, None) => help,
            (_, Some((own, rest))) => {
                let after = rest.find("\nExample").map_or("", |at| &rest[at..]);
                format!("{own}(connection and output as above)\n{after}")
            }
        };
        text += &format!("===== {words}\n{help}\n");
    }
    // The version changes with every release.
    insta::assert_snapshot!(text.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn no_argument_takes_a_pin_or_a_key_in_clear() {
    for (words, command) in commands() {
        for argument in command.get_arguments() {
            let name = argument.get_id().as_str();
            let mut of_name = name.split('_');
            let secret =
                of_name.any(|word| ["pin", "puk", "secret", "password", "key"].contains(&word));
            // A switch carries nothing.
            let secret = secret && argument.get_action().takes_values();
            // What a PIN is like, where a secret is read from, and which key to revoke.
            let harmless = [
                "_file",
                "_files",
                "_length",
                "_ids",
                "_alphabet",
                "_custody",
                "_change",
                "_policy",
            ]
            .iter()
            .any(|end| name.ends_with(end))
                || name.starts_with("ask_")
                || ["no_resident_key", "large_blob_key", "hmac_secret"].contains(&name)
                || (name == "public_key" && words.ends_with("audit verify"))
                || (name == "api_key" && words.ends_with("api-key revoke"));
            // A flag carries nothing: "the PUK, not the PIN".
            let carries = argument.get_action().takes_values();
            assert!(!secret || !carries || harmless, "{words}: {name}");
        }
    }
}
