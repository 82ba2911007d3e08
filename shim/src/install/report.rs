//! What was changed, as a person reads it: a diff for each file and the next step for each engine.

use std::fmt;

use similar::TextDiff;

use super::Engine;

/// What was done, or with `--dry-run` would be.
#[derive(Debug)]
pub struct Report {
    changes: Vec<Change>,
    verb: Verb,
    dry_run: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Verb {
    Install,
    Uninstall,
}

/// One file, before and after; `None` stands for no file.
#[derive(Debug)]
pub(super) struct Change {
    engine: Engine,
    pub path: String,
    before: Option<String>,
    pub after: Option<String>,
}

impl Report {
    pub(super) fn new(changes: Vec<Change>, verb: Verb, dry_run: bool) -> Self {
        Self {
            changes,
            verb,
            dry_run,
        }
    }

    /// Whether any file differs.
    #[cfg(test)]
    pub fn changes_anything(&self) -> bool {
        self.changes.iter().any(Change::changes)
    }

    fn engines(&self) -> Vec<Engine> {
        let mut engines: Vec<Engine> = self.changes.iter().map(|change| change.engine).collect();
        engines.dedup();
        engines
    }

    fn outcome(&self, engine: Engine) -> String {
        let mut changes = self.changes.iter().filter(|change| change.engine == engine);
        if !changes.any(Change::changes) {
            return "nothing to change".to_owned();
        }
        let purpose = match self.verb {
            Verb::Install => "to use it",
            Verb::Uninstall => "to be rid of it",
        };
        let next = match engine.command_to_run() {
            Some(command) => format!("{purpose} run: {command}"),
            None => "takes effect with its next command".to_owned(),
        };
        match self.dry_run {
            true => format!("dry run, nothing was written; {next}"),
            false => next,
        }
    }
}

impl Change {
    pub fn new(engine: Engine, path: &str, before: Option<String>, after: Option<String>) -> Self {
        Self {
            engine,
            path: path.to_owned(),
            before,
            after,
        }
    }

    pub fn changes(&self) -> bool {
        self.before != self.after
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in self.changes.iter().filter(|change| change.changes()) {
            change.fmt(f)?;
        }
        for engine in self.engines() {
            writeln!(f, "{engine}: {}", self.outcome(engine))?;
        }
        Ok(())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |text: &Option<String>| match text {
            Some(_) => self.path.clone(),
            None => "/dev/null".to_owned(),
        };
        let (old, new) = (name(&self.before), name(&self.after));
        let diff = TextDiff::from_lines(
            self.before.as_deref().unwrap_or_default(),
            self.after.as_deref().unwrap_or_default(),
        );
        write!(f, "{}", diff.unified_diff().header(&old, &new))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestHost;
    use super::super::{Engine, Options, install};

    const INSTALLED: &str = r#"--- /etc/docker/daemon.json
+++ /etc/docker/daemon.json
@@ -1,3 +1,8 @@
 {
-  "debug": true
+  "debug": true,
+  "runtimes": {
+    "sevorix": {
+      "path": "/usr/bin/sevorix"
+    }
+  }
 }
docker: to use it run: systemctl reload docker
"#;

    fn host() -> TestHost {
        TestHost::new(Engine::Docker).with("/etc/docker/daemon.json", "{\n  \"debug\": true\n}\n")
    }

    #[test]
    fn a_report_shows_the_difference_and_the_next_step() {
        let host = host();
        assert_eq!(host.install().expect("install").to_string(), INSTALLED);
        let again = host.install().expect("install").to_string();
        assert_eq!(again, "docker: nothing to change\n");
        let removed = host.uninstall().expect("uninstall").to_string();
        assert!(removed.ends_with("docker: to be rid of it run: systemctl reload docker\n"));
    }

    #[test]
    fn each_engine_has_its_own_next_step() {
        let host = host();
        let options = Options {
            engines: Engine::ALL.to_vec(),
            dry_run: true,
            ..host.options()
        };
        let text = install(&options).expect("install").to_string();
        let dry = "dry run, nothing was written";
        let ends = [
            format!("docker: {dry}; to use it run: systemctl reload docker\n"),
            format!("containerd: {dry}; to use it run: systemctl restart containerd\n"),
            format!("podman: {dry}; takes effect with its next command\n"),
            format!("crio: {dry}; to use it run: systemctl reload crio\n"),
        ];
        assert!(text.ends_with(&ends.concat()), "{text}");
    }
}
