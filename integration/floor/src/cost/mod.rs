//! What a system call costs more with the floor, in retired instructions: under QEMU's icount a nanosecond is one.
//!
//! Only differences within one boot mean anything. They are taken from the same operation with empty programs on the same
//! hooks, measured again in the end: what the kernel takes for calling a program at all is not the floor's to save.

mod empty;
mod operations;
mod promises;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::Path;

use nix::unistd::Pid;
use sevorix_bpf::floor::Enforcer;
use sevorix_policy::{Image, NetRule, NetTarget, compile};

use self::empty::Empty;
use self::operations::{Turn, place};
use self::promises::Medians;
use crate::agent::{self, Cgroup, Outcome};
use crate::stage::{self, ROOTS, Stage};
use crate::{Result, told, verified};

const ROWS: &str = "/run/floor-costs.tsv";
const PINS: &str = "/sys/fs/bpf/sevorix";
const RULES: usize = 1000;
const PREFIXES: u32 = 100_000;
/// Where that many networks of 256 addresses begin.
const FIRST: Ipv4Addr = Ipv4Addr::new(11, 0, 0, 0);

pub fn run() -> Result<()> {
    check_clock()?;
    stage::set_up()?;
    for (root, depth) in ROOTS.iter().flat_map(|root| [(root, 5), (root, 10)]) {
        let path = place(Path::new(root), depth);
        fs::create_dir_all(path.parent().ok_or("a file has a folder")?)?;
        fs::write(path, "content\n")?;
    }
    let rows = File::create(ROWS)?;
    let bench = Bench { rows: &rows };
    bench.nobody("first of all")?; // caches of the kernel fill
    bench.nobody("nothing")?;
    bench.empty("empty")?;
    bench.floor()?;
    fs::remove_dir_all(PINS)?; // the programs go with their pins
    bench.empty("empty again")?;
    let medians = Medians::parse(&fs::read_to_string(ROWS)?)?;
    medians.check_still("empty", "empty again", &["open warm 5", "connect warm"])?;
    match medians.hold()? {
        0 => Ok(()),
        broken => Err(format!("{broken} promises are broken").into()),
    }
}

/// A loop of known length: anything but its instructions voids all that follows.
fn check_clock() -> Result<()> {
    const TURNS: u64 = 10_000_000;
    let mut turns = TURNS;
    let start = std::time::Instant::now();
    // SAFETY: counts a register of its own down and touches nothing else.
    unsafe { std::arch::asm!("2:", "dec {0}", "jnz 2b", inout(reg) turns) };
    let spent = start.elapsed().as_nanos();
    if turns != 0 || spent.abs_diff(2 * u128::from(TURNS)) > u128::from(TURNS) / 20 {
        let each = spent / u128::from(TURNS);
        return Err(format!("a loop of 2 instructions reads {each} ns: not under --icount").into());
    }
    Ok(())
}

type Act = fn(&Turn<'_>) -> std::io::Result<()>;

struct Bench<'a> {
    rows: &'a File,
}

impl Bench<'_> {
    fn nobody(&self, who: &str) -> Result<()> {
        self.turn(who, ROOTS[0], |_| Ok(()), |turn| turn.all())
    }

    fn empty(&self, who: &str) -> Result<()> {
        let empty = Empty::attach(&verified::hooks()?)?;
        self.nobody(who)?;
        self.turn(
            &format!("{who}, overlay"),
            ROOTS[1],
            |_| Ok(()),
            |turn| turn.opens(),
        )?;
        let inside = |pid| empty.cgroup.take(pid);
        self.turn(&format!("{who}, inside"), ROOTS[0], inside, |turn| {
            turn.connects()
        })
    }

    fn floor(&self) -> Result<()> {
        let enforcer = Enforcer::ensure_loaded().map_err(told)?;
        self.nobody("no agents")?;
        let every_level = stage::compiled(&policy(ROOTS[0], &[5, 10])?)?;
        let stage = Stage::new(&enforcer, ROOTS[0], &every_level)?;
        self.nobody("stranger")?;
        let deep = Cgroup::new("init.scope/deep")?;
        self.turn(
            "stranger, deep",
            ROOTS[0],
            |pid| deep.take(pid),
            |turn| turn.all(),
        )?;
        drop(deep);
        self.agent("agent, every level", &stage, ROOTS[0], |turn| turn.all())?;
        stage.end()?;
        let upper_levels = stage::compiled(&policy(ROOTS[0], &[5])?)?;
        self.under("agent, upper levels", ROOTS[0], &upper_levels, |turn| {
            turn.opens()
        })?;
        let overlay = stage::compiled(&policy(ROOTS[1], &[5, 10])?)?;
        self.under("agent, overlay", ROOTS[1], &overlay, |turn| turn.opens())?;
        let strict = stage::compiled(&strict_on_code(ROOTS[0])?)?;
        self.under("agent, strict on code", ROOTS[0], &strict, |turn| {
            turn.all()
        })?;
        let long_list = network()?;
        self.under("agent, long list", ROOTS[0], &long_list, |turn| {
            turn.connects()
        })
    }

    fn under(&self, who: &str, root: &str, image: &Image, act: Act) -> Result<()> {
        let enforcer = Enforcer::ensure_loaded().map_err(told)?;
        let stage = Stage::new(&enforcer, root, image)?;
        self.agent(who, &stage, root, act)?;
        stage.end()
    }

    /// With the label, and in the cgroup, as a container's processes are.
    fn agent(&self, who: &str, stage: &Stage<'_>, root: &str, act: Act) -> Result<()> {
        let enter = |pid: Pid| {
            stage.cgroup.take(pid)?;
            let label = stage.enforcer.label(pid.as_raw(), stage.container, false);
            label.map_err(told)
        };
        self.turn(who, root, enter, act)
    }

    fn turn(
        &self,
        who: &str,
        root: &str,
        put: impl FnOnce(Pid) -> Result<()>,
        act: Act,
    ) -> Result<()> {
        let turn = Turn {
            who,
            root: Path::new(root),
            rows: self.rows,
        };
        match agent::run(put, || act(&turn))? {
            Outcome::Done => Ok(()),
            other => Err(format!("{who}: {other}").into()),
        }
    }
}

/// A thousand rules, in the folders that are opened from at these depths; those on the way there are nodes, too.
fn policy(root: &str, depths: &[usize]) -> Result<String> {
    let mut rules = String::from(
        "version = 1\n[exec]\ndefault = \"allow\"\nwritable = \"allow\"\n[exec.jit]\ndefault = \"allow\"\n\
         [net]\ndefault = \"allow\"\n[file]\ndefault = \"allow\"\nrules = [\n",
    );
    for depth in depths {
        let path = place(Path::new(root), *depth);
        let folder = path.parent().ok_or("a file has a folder")?.display();
        for number in 0..RULES / depths.len() {
            writeln!(
                rules,
                "  {{ path = \"{folder}/denied-{number}/**\", access = \"rwc\", action = \"deny\" }},"
            )?;
        }
    }
    Ok(rules + "]\n")
}

/// The same, where what is written does not run, and the program that is executed has a rule on its command line.
fn strict_on_code(root: &str) -> Result<String> {
    let strict = format!(
        "writable = \"deny\"\nrules = [{{ path = \"{root}/bin/good\", argv = [\"--force\", \"**\"], action = \"deny\" }}]"
    );
    Ok(policy(root, &[5, 10])?.replace("writable = \"allow\"", &strict))
}

/// A hundred thousand networks that are denied, as a list of the internet's bad addresses: one rule of each.
fn network() -> Result<Image> {
    let text = "version = 1\n[exec]\ndefault = \"allow\"\nwritable = \"allow\"\n[file]\ndefault = \"allow\"\n\
                [net]\ndefault = \"allow\"\nrules = [ { cidr = \"11.0.0.0/24\", action = \"deny\" } ]\n";
    let mut policy = stage::parsed(text)?;
    let rule = policy.net.rules.remove(0);
    let network = |number: u32| format!("{}/24", Ipv4Addr::from(u32::from(FIRST) + number * 256));
    let rules = (0..PREFIXES).map(|number| {
        let target = NetTarget::Net(network(number).parse().map_err(|_| "no network")?);
        Ok(NetRule {
            target: Some(target),
            ..rule.clone()
        })
    });
    policy.net.rules = rules.collect::<Result<_>>()?;
    Ok(compile(&policy)?)
}
