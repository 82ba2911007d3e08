//! The configuration of containerd as it loads it, and what our runtime takes over from it.

use toml_edit::{DocumentMut, Item, Table, value};

use super::super::host::Host;
use super::super::{Error, NAME, Runtime, toml_text};
use super::{FIRST_MERGED, MAIN, PLUGINS, absolute, broken, imports, plugin};

/// The configuration as containerd loads it.
pub(super) struct Configs {
    pub version: i64,
    /// `config.toml` and what it imports, in the order in which later ones win.
    pub loaded: Vec<(String, DocumentMut)>,
}

impl Configs {
    pub fn read(host: &Host) -> Result<Self, Error> {
        let Some(main) = read(host, MAIN)? else {
            // Every release reads version 2; without a file nothing tells which one this is.
            return Ok(Self {
                version: 2,
                loaded: Vec::new(),
            });
        };
        let version = version(&main)?;
        let imported: Vec<String> = imports(&main)
            .iter()
            .flat_map(|pattern| host.matching(&absolute(pattern)))
            .collect();
        let mut loaded = vec![(MAIN.to_owned(), main)];
        for path in imported {
            if let Some(document) = read(host, &path)? {
                loaded.push((path, document));
            }
        }
        Ok(Self { version, loaded })
    }

    pub fn whose_section_counts(&self) -> &str {
        let path = [PLUGINS, plugin(self.version)];
        let mut files = self.loaded.iter().rev();
        let last = files.find(|(_, document)| toml_text::table(document, &path).is_some());
        last.map_or(MAIN, |(path, _)| path)
    }

    /// The runtimes to write: ours, and runc where it stands in no file.
    ///
    /// containerd 1 has a runc of its own only as long as no file names any runtime.
    pub fn entries(&self, runtime: &Runtime) -> Vec<(&'static str, Table)> {
        let path = [PLUGINS, plugin(self.version), "containerd", "runtimes"];
        let mut files = self.loaded.iter();
        let named = files.any(|(_, document)| toml_text::table(document, &path).is_some());
        let ours = (NAME, self.entry(runtime));
        match named {
            true => vec![ours],
            false => {
                let mut runc = Table::new();
                runc.insert("runtime_type", value(RUNTIME_TYPE));
                vec![("runc", runc), ours]
            }
        }
    }

    /// Our entry: runc's, with another binary. containerd wants all its runc-like runtimes alike.
    fn entry(&self, runtime: &Runtime) -> Table {
        let mut entry = self.runc();
        entry.insert("runtime_type", value(RUNTIME_TYPE));
        let listed = entry.get("pod_annotations").and_then(Item::as_array);
        let mut annotations = listed.cloned().unwrap_or_default();
        if !annotations.iter().any(|glob| glob.as_str() == Some(OURS)) {
            annotations.push(OURS);
        }
        entry.insert("pod_annotations", value(annotations));
        let options = entry.remove("options").map(Item::into_table);
        let mut options = options.and_then(Result::ok).unwrap_or_default();
        // A state folder of its own: runc would list our containers as its own.
        options.remove("Root");
        options.insert("BinaryName", value(&runtime.binary));
        entry.insert("options", Item::Table(options));
        entry
    }

    fn runc(&self) -> Table {
        let path = [
            PLUGINS,
            plugin(self.version),
            "containerd",
            "runtimes",
            "runc",
        ];
        let found = |(_, document): &(String, DocumentMut)| {
            toml_text::table(document, &path).map(toml_text::plain)
        };
        let mut tables = self.loaded.iter().filter_map(found);
        if self.version < FIRST_MERGED {
            return tables.next_back().unwrap_or_default();
        }
        tables.fold(Table::new(), merged)
    }
}

fn merged(mut older: Table, newer: Table) -> Table {
    for (key, item) in newer {
        match (older.get_mut(&key), item) {
            (Some(Item::Table(old)), Item::Table(new)) => {
                *old = merged(std::mem::take(old), new);
            }
            (_, item) => {
                older.insert(&key, item);
            }
        }
    }
    older
}

fn read(host: &Host, path: &str) -> Result<Option<DocumentMut>, Error> {
    let text = host.read(path)?;
    text.map(|text| toml_text::parse(path, &text)).transpose()
}

fn version(main: &DocumentMut) -> Result<i64, Error> {
    let version = match main.get("version") {
        None => Some(1),
        Some(item) => item.as_integer(),
    };
    version
        .filter(|version| (1..=4).contains(version))
        .ok_or_else(|| broken("\"version\" is none of 1 to 4"))
}

/// The annotations of a pod that its containers shall see.
const OURS: &str = "io.sevorix.*";
const RUNTIME_TYPE: &str = "io.containerd.runc.v2";
