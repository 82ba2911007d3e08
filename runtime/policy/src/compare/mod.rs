//! What one policy lets through and another one does not.
//!
//! Compared are the compiled images at every place that one of them names: between those places
//! neither changes its answer.

mod nets;

use std::collections::BTreeSet;

use crate::image::{Answer, Image, TooLarge, compile};
use crate::judge::{Touch, join};
use crate::model::{Components, FRESH, Policy};

/// One thing that is decided otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub what: String,
    pub old: String,
    pub new: String,
    pub width: Width,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// The new policy lets more through.
    Wider,
    Narrower,
}

/// Everything that the new policy decides otherwise. Rules on names of hosts and contents are not compared; those on
/// arguments by their globs, for whether two globs fit the same lines is not asked.
pub fn compare(old: &Policy, new: &Policy) -> Result<Vec<Change>, TooLarge> {
    let images = Pair {
        old: compile(old)?,
        new: compile(new)?,
    };
    let mut changes = images.settings();
    changes.extend(images.paths());
    changes.extend(images.words());
    changes.extend(images.names());
    changes.extend(images.nets());
    Ok(changes)
}

struct Pair {
    old: Image,
    new: Image,
}

impl Pair {
    fn settings(&self) -> Vec<Change> {
        let (old, new) = (&self.old, &self.new);
        let listen = (old.listen != new.listen).then(|| Change {
            what: "listen".to_owned(),
            old: old.listen.to_string(),
            new: new.listen.to_string(),
            width: width(new.listen > old.listen),
        });
        let unix = (old.unix != new.unix).then(|| Change {
            what: "unix".to_owned(),
            old: old.unix.to_string(),
            new: new.unix.to_string(),
            width: width(new.unix > old.unix),
        });
        let written = change("exec of what the container wrote", old.written, new.written);
        let jit = change("memory that is writable and executable", old.jit, new.jit);
        [written, jit, listen, unix].into_iter().flatten().collect()
    }

    fn paths(&self) -> Vec<Change> {
        let nodes = self.old.paths.iter().chain(&self.new.paths);
        let places: BTreeSet<&Components> = nodes.map(|node| &node.path).collect();
        let mut changes = Vec::new();
        for (index, touch) in Touch::ALL.into_iter().enumerate() {
            let name = ["read", "write", "create, rename, unlink", "exec"][index];
            for place in &places {
                let told = [("", 0), ("/*", 1), ("/*/**", 2)].map(|(end, depth)| {
                    let path = [&place[..], &vec![FRESH.into(); depth]].concat();
                    let what = format!("{name} {}", shown(place, end));
                    self.at(&path, touch, &what)
                });
                let at = |path: &[Box<[u8]>]| self.at(path, touch, "");
                let whole = format!("{name} {}", shown(place, "/**"));
                changes.extend(unlike_above(place, at, told, whole));
            }
        }
        changes
    }

    fn at(&self, path: &[Box<[u8]>], touch: Touch, what: &str) -> Option<Change> {
        let answer = |image: &Image| {
            let answers = image.answers(path);
            match touch {
                Touch::Read => answers.read,
                Touch::Write => answers.write,
                Touch::Change => answers.change,
                Touch::Exec => answers.exec,
            }
        };
        change(what, answer(&self.old), answer(&self.new))
    }

    /// A rule on command lines is told where its program is.
    fn words(&self) -> Vec<Change> {
        let nodes = self.old.paths.iter().chain(&self.new.paths);
        let places: BTreeSet<&Components> = nodes.map(|node| &node.path).collect();
        let sets = self.old.word_sets.iter().chain(&self.new.word_sets);
        let lines: BTreeSet<&Vec<String>> = sets
            .flat_map(|set| &set.rules)
            .map(|rule| &rule.globs)
            .collect();
        let mut changes = Vec::new();
        for globs in lines {
            let line = globs.join(" ");
            for place in &places {
                let told = [("", 0), ("/*", 1), ("/*/**", 2)].map(|(end, depth)| {
                    let path = [&place[..], &vec![FRESH.into(); depth]].concat();
                    let what = format!("exec {} {line}", shown(place, end));
                    self.of_line(&path, globs, &what)
                });
                let at = |path: &[Box<[u8]>]| self.of_line(path, globs, "");
                let whole = format!("exec {} {line}", shown(place, "/**"));
                changes.extend(unlike_above(place, at, told, whole));
            }
        }
        changes
    }

    /// `None` also where neither policy has a rule with these globs: the place tells.
    fn of_line(&self, path: &[Box<[u8]>], globs: &[String], what: &str) -> Option<Change> {
        let rule = |image: &Image| {
            let mut rules = image.words(path)?.rules.iter();
            let rule = rules.find(|rule| rule.globs == globs)?;
            Some(join(image.answers(path).exec, rule.answer))
        };
        let (old, new) = (rule(&self.old), rule(&self.new));
        old.or(new)?;
        let place = |image: &Image| image.answers(path).exec;
        change(
            what,
            old.unwrap_or_else(|| place(&self.old)),
            new.unwrap_or_else(|| place(&self.new)),
        )
    }

    fn names(&self) -> Vec<Change> {
        let patterns = self.old.names.iter().chain(&self.new.names);
        let patterns: BTreeSet<_> = patterns.map(|node| &node.pattern).collect();
        let mut changes = Vec::new();
        for pattern in patterns {
            let example: Box<[u8]> = match pattern {
                crate::model::NamePattern::Literal(name) => name.clone(),
                crate::model::NamePattern::Extension(ending) => {
                    [FRESH, b".", ending].concat().into()
                }
            };
            // somewhere, where no rule on places speaks of it alone
            let path = [FRESH.into(), FRESH.into(), example];
            let plain = [FRESH.into(), FRESH.into(), FRESH.into()];
            for (index, touch) in Touch::ALL.into_iter().enumerate() {
                let name = ["read", "write", "create, rename, unlink", "exec"][index];
                let named = self.at(&path, touch, &format!("{name} any {pattern}"));
                let usual = self.at(&plain, touch, "");
                let differs = named.as_ref().map(|change| (&change.old, &change.new))
                    != usual.as_ref().map(|change| (&change.old, &change.new));
                changes.extend(named.filter(|_| differs));
            }
        }
        changes
    }
}

/// Three equal changes are one; and one that the folder above has already is none of its own.
fn unlike_above(
    place: &Components,
    at: impl Fn(&[Box<[u8]>]) -> Option<Change>,
    told: [Option<Change>; 3],
    whole: String,
) -> Vec<Change> {
    let key = |change: &Option<Change>| {
        change
            .as_ref()
            .map(|change| (change.old.clone(), change.new.clone()))
    };
    let all_alike = key(&told[0]) == key(&told[1]) && key(&told[1]) == key(&told[2]);
    let above = place.split_last().map(|(_, above)| {
        let deep = [above, &[FRESH.into(), FRESH.into()]].concat();
        key(&at(&deep))
    });
    let is_news = |change: &Option<Change>| above.as_ref() != Some(&key(change));
    let [own, child, below] = told;
    if all_alike {
        let own = own.filter(|change| is_news(&Some(change.clone())));
        return own
            .map(|change| Change {
                what: whole,
                ..change
            })
            .into_iter()
            .collect();
    }
    let parts = [own, child, below].into_iter();
    parts.filter(|change| is_news(change)).flatten().collect()
}

fn change(what: &str, old: Answer, new: Answer) -> Option<Change> {
    let told = |answer: Answer| match answer.audit {
        true => format!("{} on trial", answer.action),
        false => answer.action.to_string(),
    };
    let strictness = |answer: Answer| (!answer.lets_through(), answer.action);
    (told(old) != told(new)).then(|| Change {
        what: what.to_owned(),
        old: told(old),
        new: told(new),
        width: width(strictness(new) < strictness(old)),
    })
}

fn width(is_wider: bool) -> Width {
    match is_wider {
        true => Width::Wider,
        false => Width::Narrower,
    }
}

fn shown(place: &Components, end: &str) -> String {
    let path: String = place
        .iter()
        .map(|component| format!("/{}", String::from_utf8_lossy(component)))
        .collect();
    match (path.as_str(), end) {
        ("", "") => "/".to_owned(),
        (path, end) => format!("{path}{end}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Policy {
        let name = "p".parse().expect("a name");
        Policy::parse(name, "p.toml", &format!("version = 1\n{text}")).expect(text)
    }

    fn told(old: &str, new: &str) -> Vec<String> {
        let changes = compare(&policy(old), &policy(new)).expect("small");
        let told = changes.into_iter().map(|change| {
            let sign = if change.width == Width::Wider {
                '+'
            } else {
                '-'
            };
            format!("{sign} {}: {} -> {}", change.what, change.old, change.new)
        });
        told.collect()
    }

    #[test]
    fn equal_policies_differ_in_nothing() {
        let text = "[file]\nrules = [{ path = \"/a/**\", access = \"rw\", action = \"allow\" }]";
        assert_eq!(told(text, text), [""; 0]);
    }

    #[test]
    fn a_change_is_told_once_at_the_top_of_its_reach() {
        let wide = "[file]\nrules = [{ path = \"/a/**\", access = \"r\", action = \"allow\" }]";
        let part = "[file]\nrules = [{ path = \"/a/b/*\", access = \"r\", action = \"allow\" }]";
        assert_eq!(told("", wide), ["+ read /a/**: deny -> allow"]);
        assert_eq!(told(wide, ""), ["- read /a/**: allow -> deny"]);
        assert_eq!(told("", part), ["+ read /a/b/*: deny -> allow"]);
        let name = "[file]\nrules = [{ name = \".env\", access = \"r\", action = \"allow\" }]";
        assert_eq!(told("", name), ["+ read any .env: deny -> allow"]);
    }

    #[test]
    fn rules_on_command_lines_are_told_where_the_program_is() {
        let open = "[exec]\ndefault = \"allow\"";
        let with = |action: &str| {
            format!(
                "{open}\nrules = [{{ path = \"/usr/bin/git\", argv = [\"push\", \"**\"], action = \"{action}\" }}]"
            )
        };
        let (kill, deny) = (with("kill"), with("deny"));
        assert_eq!(
            told(open, &kill),
            ["- exec /usr/bin/git push **: allow -> kill"]
        );
        assert_eq!(
            told(&kill, &deny),
            ["+ exec /usr/bin/git push **: kill -> deny"]
        );
        assert_eq!(told(&kill, &kill), [""; 0]);
        let tree = with("deny").replace("/usr/bin/git", "/opt/**");
        assert_eq!(told(&tree, open), ["+ exec /opt/** push **: deny -> allow"]);
    }

    #[test]
    fn networks_and_settings() {
        let net = "[net]\nlisten = \"any\"\nrules = [{ cidr = \"10.0.0.0/8\", port = [80, 81, 443], proto = \"tcp\", action = \"allow\" }]";
        assert_eq!(
            told("", net),
            [
                "+ listen: none -> any",
                "+ connect 10.0.0.0/8 ports 80-81 tcp: deny -> allow",
                "+ connect 10.0.0.0/8 port 443 tcp: deny -> allow",
            ]
        );
        let open = "[net]\ndefault = \"allow\"";
        let less = "[net]\ndefault = \"allow\"\nrules = [{ cidr = \"10.0.0.0/8\", action = \"deny\" }, { cidr = \"10.1.0.0/16\", action = \"kill\" }]";
        assert_eq!(
            told(open, less),
            [
                "- connect 10.0.0.0/8 tcp: allow -> deny",
                "- connect 10.0.0.0/8 udp: allow -> deny",
                "- connect 10.1.0.0/16 tcp: allow -> kill",
                "- connect 10.1.0.0/16 udp: allow -> kill",
            ]
        );
    }
}
