//! How much work the verifier had with each program, held against what is written down in `verified.tsv`: growth is a
//! slower load, and on the way to what a kernel refuses.

use std::collections::BTreeMap;

use sevorix_bpf::floor::{Enforcer, ProgramFacts};

use crate::{Result, told};

const TABLE: &str = include_str!("../verified.tsv");
const KERNELS: [&str; 2] = ["6.1", "6.12"];
const GROWTH_PERCENT: u64 = 10;
/// On a kernel without a column, whichever the newest is: half of what its verifier takes.
const ELSEWHERE: u32 = 500_000;

/// Loads the floor and tells of each program what the verifier said.
pub fn show() -> Result<()> {
    for program in programs()? {
        println!("{}\t{}\t{}", program.name, program.hook, program.verified);
    }
    Ok(())
}

/// Compares with the table's column of this kernel.
pub fn check() -> Result<()> {
    let programs = programs()?;
    let kernel = release()?;
    let failures = match column(&kernel) {
        Ok(written) => compare(&programs, &written),
        Err(_) => too_much(&programs),
    };
    for failure in &failures {
        println!("FAILED verified on {kernel}: {failure}");
    }
    if failures.is_empty() {
        println!("ok verified on {kernel}: {} programs", programs.len());
        return Ok(());
    }
    Err("integration/floor/renew writes integration/floor/verified.tsv anew".into())
}

/// The LSM hooks of the floor on this kernel, each as often as it has a program there.
pub fn hooks() -> Result<Vec<&'static str>> {
    let lines = rows(&release()?)?;
    let hooks = lines.filter_map(|row| row.hook.strip_prefix("lsm/"));
    Ok(hooks.collect())
}

fn programs() -> Result<Vec<ProgramFacts>> {
    let enforcer = Enforcer::ensure_loaded().map_err(told)?;
    enforcer.programs().map_err(told)
}

fn compare(found: &[ProgramFacts], written: &BTreeMap<&str, u64>) -> Vec<String> {
    let mut failures = Vec::new();
    for program in found {
        let (name, count) = (&program.name, u64::from(program.verified));
        match written.get(name.as_str()) {
            None => failures.push(format!("{name} is not in the table")),
            Some(was) if count * 100 > was * (100 + GROWTH_PERCENT) => failures.push(format!(
                "{name} takes the verifier {count} instructions, the table says {was}"
            )),
            Some(_) => {}
        }
    }
    let is_found = |name: &str| found.iter().any(|program| program.name == name);
    let gone = written.keys().filter(|name| !is_found(name));
    failures.extend(gone.map(|name| format!("{name} is in the table and was not loaded")));
    failures
}

fn too_much(found: &[ProgramFacts]) -> Vec<String> {
    let large = found.iter().filter(|program| program.verified > ELSEWHERE);
    large
        .map(|program| {
            format!(
                "{} takes the verifier {} instructions, more than {ELSEWHERE}",
                program.name, program.verified
            )
        })
        .collect()
}

struct Row {
    name: &'static str,
    hook: &'static str,
    verified: u64,
}

/// Those that are loaded on a kernel; the others have a dash.
fn rows(release: &str) -> Result<impl Iterator<Item = Row> + use<>> {
    let is_of = |known: &&str| {
        let rest = release.strip_prefix(*known);
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    let place = KERNELS.iter().position(is_of);
    let place = place.ok_or_else(|| format!("verified.tsv has no column for Linux {release}"))?;
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    Ok(lines.filter_map(move |line| {
        let fields: Vec<&str> = line.split('\t').collect();
        Some(Row {
            name: fields.first()?,
            hook: fields.get(1)?,
            verified: fields.get(2 + place)?.parse().ok()?,
        })
    }))
}

fn column(release: &str) -> Result<BTreeMap<&'static str, u64>> {
    Ok(rows(release)?.map(|row| (row.name, row.verified)).collect())
}

/// Of the kernel that runs.
fn release() -> Result<String> {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(release.trim().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(name: &str, verified: u32) -> ProgramFacts {
        ProgramFacts {
            name: name.into(),
            hook: "lsm/file_open".into(),
            verified,
        }
    }

    #[test]
    fn growth_of_more_than_a_tenth_fails_and_less_does_not() {
        let written = BTreeMap::from([("open_file", 1000)]);
        assert!(compare(&[program("open_file", 1100)], &written).is_empty());
        assert!(compare(&[program("open_file", 10)], &written).is_empty());
        let failures = compare(&[program("open_file", 1101)], &written);
        assert_eq!(failures.len(), 1, "{failures:?}");
    }

    #[test]
    fn a_kernel_without_a_column_has_a_bound() {
        assert!(column("6.1.0-50-cloud-amd64").is_ok());
        assert!(column("6.10.1").is_err());
        assert!(too_much(&[program("open_file", 500_000)]).is_empty());
        assert_eq!(too_much(&[program("open_file", 500_001)]).len(), 1);
    }

    #[test]
    fn another_set_of_programs_fails() {
        let written = BTreeMap::from([("open_file", 1000), ("gone", 1)]);
        let found = [program("open_file", 1000), program("new", 1)];
        let failures = compare(&found, &written);
        assert_eq!(
            failures,
            [
                "new is not in the table",
                "gone is in the table and was not loaded"
            ]
        );
    }

    #[test]
    fn every_row_of_the_table_has_a_hook_and_a_count() {
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            assert_eq!(fields.len(), 2 + KERNELS.len(), "{line}");
            assert!(fields[1].starts_with("lsm/") || fields[1].starts_with("cgroup/"));
            let is_count = |field: &&str| *field == "-" || field.parse::<u64>().is_ok();
            assert!(fields[2..].iter().all(is_count), "{line}");
            assert!(fields[2..].iter().any(|field| *field != "-"), "{line}");
        }
    }
}
