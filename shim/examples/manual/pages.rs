//! The grammar as clap knows one, and what clap's generators make of it.
//!
//! The runtime reads its options itself, because clap costs more than the rest of a short verb; here, where nobody
//! waits, clap's generators write the manual.

use std::io;

use clap::{Arg, ArgAction, Command};
use clap_complete::Shell;
use clap_mangen::Man;
use sevorix::cli;
use sevorix::grammar::{Flag, Grammar};

/// Every generated file: where it belongs, seen from the crate's folder, and its text.
pub fn all() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for command in commands().into_iter().chain(service()) {
        let name = command
            .get_display_name()
            .unwrap_or(command.get_name())
            .to_string();
        let mut text = Vec::new();
        Man::new(command)
            .section("8")
            .manual("sevorix")
            .source("sevorix")
            .date("")
            .render(&mut text)?;
        files.push((format!("../docs/man/{name}.8"), text));
    }
    for (shell, name) in [
        (Shell::Bash, "sevorix.bash"),
        (Shell::Zsh, "_sevorix"),
        (Shell::Fish, "sevorix.fish"),
    ] {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut program(), "sevorix", &mut text);
        files.push((format!("completions/{name}"), text));
    }
    Ok(files)
}

/// One for each page.
fn commands() -> Vec<Command> {
    let (whole, verbs) = cli::grammars();
    let page = |verb: &Grammar| command(verb, format!("sevorix-{}", verb.name));
    let mut commands: Vec<Command> = verbs.map(page).collect();
    let see: Vec<String> = commands
        .iter()
        .map(|command| format!("{}(8)", command.get_name()))
        .collect();
    let whole =
        command(whole, "sevorix".into()).after_help(format!("{STATUS}\n\nSee {}", see.join(", ")));
    commands.push(whole);
    commands
}

/// The verdict service, whose grammar is clap's own.
fn service() -> Vec<Command> {
    let mut whole = sevorix_jury::command();
    whole.build();
    let verbs = whole.get_subcommands().cloned();
    verbs.chain([whole.clone()]).collect()
}

const STATUS: &str = "Exit status: 0 when it is done, 1 when it failed. run and exec in the foreground end as the \
    process in the container does: with its status, or 128 and the number of the signal that ended it; exec gives 255 when \
    it failed itself. install and uninstall give 2 for a wrong command line; verdict gives 1 for a service that \
    does not conform, 3 when nobody listens";

fn program() -> Command {
    let (whole, verbs) = cli::grammars();
    command(whole, "sevorix".into()).subcommands(verbs.map(|verb| command(verb, verb.name.into())))
}

fn command(grammar: &Grammar, name: String) -> Command {
    let options = grammar.flags.iter().map(option);
    let operands = grammar
        .operands
        .split_whitespace()
        .filter(|word| *word != "VERB")
        .map(operand);
    Command::new(name)
        .about(grammar.about)
        .disable_version_flag(true)
        .args(options)
        .args(operands)
}

fn option(flag: &Flag) -> Arg {
    let name = flag.long();
    let option = Arg::new(name.clone()).long(name).help(flag.help);
    let option = match flag.short {
        Some(short) => option.short(short),
        None => option,
    };
    match flag.value {
        Some(value) => option.action(ArgAction::Append).value_name(value),
        None => option.action(ArgAction::SetTrue),
    }
}

/// `ID`, `[SIGNAL]`, `[ARGUMENT]...`
fn operand(word: &str) -> Arg {
    let name = word
        .trim_matches(|letter: char| matches!(letter, '[' | ']' | '.'))
        .to_string();
    let operand = Arg::new(name.clone())
        .value_name(name)
        .required(!word.starts_with('['));
    if word.contains("...") {
        operand.num_args(0..)
    } else {
        operand
    }
}
