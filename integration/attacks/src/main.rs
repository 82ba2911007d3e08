//! Tries one way around the guard, or the allowed action next to it, and says what came of it.
//!
//! It is put into a container. What it needs there `attack prepare` makes from outside; under which policy each attack
//! must be refused, and how, `attack list` tells.

mod attempt;
mod donor;
mod ground;
mod policies;
mod program;
mod raw;
mod rows;

use std::process::ExitCode;

use crate::attempt::{Outcome, Report, report_of, try_in_child};
use crate::rows::{Case, Content, Row};

const USAGE: &str =
    "usage: attack list | attack policy ID | attack prepare ROOT | attack donor | attack ID [twin]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(status) = program::run_as(&arguments) {
        return status;
    }
    let words: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    match words[..] {
        ["list"] => list(),
        ["policy", id] => with_case(id, |case| {
            print!("{}", case.policy);
            ExitCode::SUCCESS
        }),
        ["prepare", root] => said(ground::prepare(root.as_ref())),
        ["donor"] => said(donor::serve()),
        [id] => with_case(id, |case| attack(id, case)),
        [id, "twin"] => with_case(id, |case| twin(id, case)),
        _ => usage(),
    }
}

/// One line of JSON for each row of the catalogue.
fn list() -> ExitCode {
    for row in rows::all() {
        println!("{}", row.to_json());
    }
    ExitCode::SUCCESS
}

/// All ways that the attack has; what is told is the one that comes closest to success.
fn attack(id: &str, case: &Case) -> ExitCode {
    let tried = case.ways.iter().map(|way| (way, try_in_child(way.attempt)));
    let told = tried.max_by_key(|(way, outcome)| outcome.surprise(way.expected));
    match told {
        Some((way, outcome)) => told_as(&report_of(id, way.name, &outcome), &outcome),
        None => usage(),
    }
}

fn twin(id: &str, case: &Case) -> ExitCode {
    let outcome = try_in_child(case.twin);
    told_as(&report_of(id, "twin", &outcome), &outcome)
}

fn told_as(report: &Report, outcome: &Outcome) -> ExitCode {
    println!("{}", report.to_json());
    ExitCode::from(match outcome {
        Outcome::Passed => 0,
        Outcome::Refused(_) | Outcome::Killed | Outcome::WithoutEffect => 10,
        Outcome::Broken => 20,
    })
}

fn with_case(id: &str, act: impl FnOnce(&Case) -> ExitCode) -> ExitCode {
    match rows::all().find(|row| row.id == id) {
        Some(Row {
            content: Content::Case(case),
            ..
        }) => act(case),
        Some(Row {
            content: Content::NotTried(reason),
            ..
        }) => {
            eprintln!("error: {id} is not tried here: {reason}");
            ExitCode::from(2)
        }
        None => usage(),
    }
}

fn said(result: std::io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(20)
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}
