//! Policies by chance, over the places of the tree and a few networks.

use std::path::PathBuf;

use sevorix_policy::Policy;

use super::chance::Chance;
use super::tree::{FILES, Tree};
use crate::Result;

/// How many in a row may be refused by the parser, as one with a rule that another one hides is.
const REFUSED_MOST: usize = 1000;

pub fn next(chance: &mut Chance, tree: &Tree) -> Result<(String, Policy)> {
    let mut last = String::new();
    for _ in 0..REFUSED_MOST {
        let text = text(chance, tree);
        let name = "chance".parse().map_err(|error| format!("{error:?}"))?;
        match Policy::parse(name, "chance.toml", &text) {
            Ok(policy) => return Ok((text, policy)),
            Err(error) => last = format!("{error:?}\n{text}"),
        }
    }
    Err(format!("the parser refuses all of them, at last: {last}").into())
}

fn text(chance: &mut Chance, tree: &Tree) -> String {
    let mut text = "version = 1\n".to_owned();
    text += &section(chance, "exec", "writable = \"allow\"\n", 4, |chance| {
        format!("path = \"{}\"", place(chance, tree))
    });
    text += &section(chance, "file", "", 8, |chance| {
        let access = chance.one(&["r", "w", "c", "rw", "rwc"]);
        let object = match chance.below(4) {
            0 => {
                let names = [FILES[0], "*.pem", FILES[2], "*.a", "*.env", FILES[3], "new"];
                format!("name = \"{}\"", chance.one(&names))
            }
            _ => format!("path = \"{}\"", place(chance, tree)),
        };
        format!("{object}, access = \"{access}\"")
    });
    text + &section(chance, "net", "", 6, destination)
}

fn section(
    chance: &mut Chance,
    name: &str,
    settings: &str,
    rules: usize,
    mut object: impl FnMut(&mut Chance) -> String,
) -> String {
    let default = chance.one(&["allow", "deny", "ask"]);
    let mut text = format!("[{name}]\ndefault = \"{default}\"\n{settings}rules = [\n");
    for _ in 0..chance.below(rules) {
        let object = object(chance);
        let action = chance.one(&["allow", "deny", "ask", "deny"]);
        let audit = chance.one(&["", "", ", audit = true"]);
        text += &format!("  {{ {object}, action = \"{action}\"{audit} }},\n");
    }
    text + "]\n"
}

/// A file, or the folders above it, or what is in them.
fn place(chance: &mut Chance, tree: &Tree) -> String {
    let file: &PathBuf = chance.of(&tree.files);
    let up = file.ancestors().nth(chance.below(4)).unwrap_or(file);
    let reach = chance.one(&["", "/*", "/**"]);
    format!("{}{reach}", up.display())
}

fn destination(chance: &mut Chance) -> String {
    let nets = [
        "127.0.0.0/8",
        "127.0.0.1/32",
        "203.0.113.0/24",
        "203.0.113.128/25",
        "::1/128",
        "2001:db8::/32",
    ];
    let port = chance.one(&[
        "",
        ", port = 53",
        ", port = [80, 443]",
        ", port = \"1-1023\"",
    ]);
    let protocol = chance.one(&["", "", ", proto = \"tcp\"", ", proto = \"udp\""]);
    format!("cidr = \"{}\"{port}{protocol}", chance.one(&nets))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::tree::places;
    use super::*;

    #[test]
    fn most_policies_by_chance_are_policies_with_rules_in_every_section() {
        let tree = places(Path::new("/var/floor/plain"));
        let mut chance = Chance::new();
        let mut of_sections = [0; 3];
        for _ in 0..200 {
            let (text, policy) = next(&mut chance, &tree).expect("a policy");
            sevorix_policy::compile(&policy).expect(&text);
            let lengths = [
                policy.exec.rules.len(),
                policy.file.rules.len(),
                policy.net.rules.len(),
            ];
            for (sum, length) in of_sections.iter_mut().zip(lengths) {
                *sum += usize::from(length > 0);
            }
        }
        assert!(
            of_sections.iter().all(|with_rules| *with_rules > 100),
            "{of_sections:?}"
        );
    }
}
