//! The one place that reads files.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Config, Preset};
use crate::ceiling::Refused;
use crate::error::Error;
use crate::model::Policy;
use crate::values::{PolicyName, PresetName};

/// Where the host's files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// Shipped: `/usr/share/sevorix`.
    pub shipped: PathBuf,
    /// The host's own, which come first: `/etc/sevorix`.
    pub local: PathBuf,
    /// Instead of the host's own `config.toml` and `config.d`; for tests.
    pub config: Option<PathBuf>,
    /// Files must be root's. Not in a source tree.
    pub must_be_roots: bool,
}

/// A file that cannot be read, or must not be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    pub path: PathBuf,
    pub reason: Distrust,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Distrust {
    Io(io::ErrorKind),
    NotAFile,
    NotRoots,
    Writable,
    TooLong,
    NotText,
}

impl Default for Folders {
    fn default() -> Self {
        Self {
            shipped: "/usr/share/sevorix".into(),
            local: "/etc/sevorix".into(),
            config: std::env::var_os("SEVORIX_CONFIG").map(PathBuf::from),
            must_be_roots: true,
        }
    }
}

impl Folders {
    /// The configuration: the shipped one, the host's own over it, and its drop-ins in their order.
    pub fn config(&self) -> Result<Config, Error> {
        let mut files = vec![self.shipped.join("config.toml")];
        match &self.config {
            Some(file) => files.push(file.clone()),
            None => {
                files.push(self.local.join("config.toml"));
                files.extend(self.drop_ins()?);
            }
        }
        let mut config = Config::default();
        for path in files {
            match self.read(&path)? {
                Some(text) => config = config.with(&path.display().to_string(), &text)?,
                None if self.config.as_ref() == Some(&path) => return Err(not_there(path)),
                None => {}
            }
        }
        Ok(config)
    }

    /// A policy with the rules of its presets. `None`: there is no such policy.
    pub fn policy(&self, name: &PolicyName) -> Result<Option<Policy>, Error> {
        let Some((path, text)) = self.first("policies.d", name.as_str())? else {
            return Ok(None);
        };
        let mut policy = Policy::parse(name.clone(), &path.display().to_string(), &text)?;
        self.add_presets(&mut policy)?;
        Ok(Some(policy))
    }

    /// A policy file that need not be installed, with the rules of its presets.
    pub fn policy_file(&self, path: &Path) -> Result<Policy, Error> {
        let text = self.read(path)?.ok_or_else(|| not_there(path.to_owned()))?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let name = stem.parse().or_else(|_| "unnamed".parse());
        let name = name.map_err(|reason| Error::BadValue {
            key: crate::Shown::key("policy"),
            value: crate::Shown::value(&stem),
            reason,
        })?;
        let mut policy = Policy::parse(name, &path.display().to_string(), &text)?;
        self.add_presets(&mut policy)?;
        Ok(policy)
    }

    fn add_presets(&self, policy: &mut Policy) -> Result<(), Error> {
        for name in policy.presets.clone() {
            let preset = self.preset(&name)?.ok_or_else(|| Refused::NoSuchPreset {
                policy: policy.name.clone(),
                preset: name,
            })?;
            policy.places.extend(preset.places);
            policy.net.rules.extend(preset.rules);
        }
        Ok(())
    }

    /// `None`: there is no such preset.
    pub fn preset(&self, name: &PresetName) -> Result<Option<Preset>, Error> {
        let Some((path, text)) = self.first("presets.d", name.as_str())? else {
            return Ok(None);
        };
        let preset = Preset::parse(name.clone(), &path.display().to_string(), &text)?;
        Ok(Some(preset))
    }

    /// The names of the policies there are.
    pub fn policy_names(&self) -> Result<Vec<PolicyName>, Error> {
        let mut names = Vec::new();
        for folder in [&self.shipped, &self.local] {
            for path in list(&folder.join("policies.d"))? {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                names.extend(stem.parse::<PolicyName>().ok());
            }
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn first(&self, folder: &str, name: &str) -> Result<Option<(PathBuf, String)>, Error> {
        for home in [&self.local, &self.shipped] {
            let path = home.join(folder).join(format!("{name}.toml"));
            if let Some(text) = self.read(&path)? {
                return Ok(Some((path, text)));
            }
        }
        Ok(None)
    }

    fn drop_ins(&self) -> Result<Vec<PathBuf>, Error> {
        list(&self.local.join("config.d"))
    }

    /// `None`: there is no such file. The descriptor is asked who owns it, not the path: that may be
    /// another file by then.
    fn read(&self, path: &Path) -> Result<Option<String>, Error> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(path, Distrust::Io(error.kind()))),
        };
        let about = file.metadata();
        let about = about.map_err(|error| unreadable(path, Distrust::Io(error.kind())))?;
        let distrust = match () {
            () if !about.is_file() => Some(Distrust::NotAFile),
            () if about.len() > MAX_BYTES => Some(Distrust::TooLong),
            () if self.must_be_roots && about.uid() != 0 => Some(Distrust::NotRoots),
            () if self.must_be_roots && about.mode() & 0o022 != 0 => Some(Distrust::Writable),
            () => None,
        };
        if let Some(reason) = distrust {
            return Err(unreadable(path, reason));
        }
        let mut text = String::new();
        match (&mut file).take(MAX_BYTES).read_to_string(&mut text) {
            Ok(_) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(unreadable(path, Distrust::NotText))
            }
            Err(error) => Err(unreadable(path, Distrust::Io(error.kind()))),
        }
    }
}

/// The TOML files of a folder by their names; none where there is no folder.
fn list(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(folder, Distrust::Io(error.kind()))),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| unreadable(folder, Distrust::Io(error.kind())))?;
        let path = entry.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            paths.push(path);
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

fn not_there(path: PathBuf) -> Error {
    Error::Unreadable(Unreadable {
        path,
        reason: Distrust::Io(io::ErrorKind::NotFound),
    })
}

fn unreadable(path: &Path, reason: Distrust) -> Error {
    Error::Unreadable(Unreadable {
        path: path.to_owned(),
        reason,
    })
}

impl Unreadable {
    pub(crate) fn hint(&self) -> String {
        let path = self.path.display();
        match self.reason {
            Distrust::Io(io::ErrorKind::NotFound) => {
                "see sevorix policy show for the names".to_owned()
            }
            Distrust::Io(_) => format!("look at the rights of {path}"),
            Distrust::NotAFile => format!("put a plain file at {path}"),
            Distrust::NotRoots => format!("chown root {path}, once you have read it"),
            Distrust::Writable => format!("chmod go-w {path}, once you have read it"),
            Distrust::TooLong => format!("a file has at most {MAX_BYTES} bytes"),
            Distrust::NotText => "write it in UTF-8".to_owned(),
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.reason {
            Distrust::Io(io::ErrorKind::NotFound) => write!(f, "there is no {path}"),
            Distrust::Io(kind) => write!(f, "{path} cannot be read ({kind:?})"),
            Distrust::NotAFile => write!(f, "{path} is no plain file"),
            Distrust::NotRoots => write!(f, "{path} does not belong to root"),
            Distrust::Writable => write!(f, "{path} can be written by others than root"),
            Distrust::TooLong => write!(f, "{path} is too long"),
            Distrust::NotText => write!(f, "{path} is not text"),
        }
    }
}

impl std::error::Error for Unreadable {}

const MAX_BYTES: u64 = 1 << 20;
