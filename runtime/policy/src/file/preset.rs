//! A preset: destinations that belong together, maintained in one place.

use super::checks;
use super::policy::check_version;
use super::rules::{self, Places};
use super::source::{InFile, Place, Source};
use super::table::read;
use crate::model::{NetRule, RuleId};
use crate::values::PresetName;

/// What `presets.d/NAME.toml` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preset {
    pub name: PresetName,
    pub description: String,
    /// When somebody last looked whether it is still true.
    pub reviewed: String,
    /// Data can be carried out through it.
    pub accepts_uploads: bool,
    /// Its addresses serve others, too.
    pub shared_address: bool,
    pub rules: Vec<NetRule>,
    pub(crate) places: Vec<(RuleId, Place)>,
}

impl Preset {
    pub fn parse(name: PresetName, file: &str, text: &str) -> Result<Self, InFile> {
        read(&Source::new(file, text), |table| {
            check_version(table)?;
            let mut places = Places::new();
            let list = format!("preset.{name}");
            let missing = |key: &str| (format!("{key} is missing"), "every preset says it");
            let description = table.text("description")?;
            let reviewed = table.text("reviewed")?;
            let uploads = table.take("accepts_uploads");
            let (Some(description), Some(reviewed), Some(uploads)) =
                (description, reviewed, uploads)
            else {
                let (text, hint) = missing("one of description, reviewed and accepts_uploads");
                return Err(table.refuse(text, hint));
            };
            let shared_address = table.flag("shared_address")?;
            let rules = table.section("net", |table| {
                let rules = rules::list(table, "rules", &list, &mut places, rules::preset_net)?;
                checks::net(&rules, table)?;
                Ok(rules)
            })?;
            if rules.is_empty() {
                return Err(table.refuse(
                    "the preset is empty",
                    "list its destinations in [net] rules",
                ));
            }
            Ok(Self {
                name,
                description: description.to_owned(),
                reviewed: reviewed.to_owned(),
                accepts_uploads: uploads.flag()?,
                shared_address,
                rules: rules.into_iter().map(|(rule, _)| rule).collect(),
                places,
            })
        })
    }
}
