//! What connect(2) costs, in instructions: under QEMU's icount a nanosecond is one.

use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use sevorix_bpf::floor::{Enforcer, Mount, Registration};
use sevorix_policy::{Folders, Image, NetRule, NetTarget, compile};

use crate::{Cgroup, Result, said};

const ROUNDS: u32 = 400;
const LONG: u32 = 100_000;
/// Where 100,000 networks of 256 addresses begin.
const FIRST: Ipv4Addr = Ipv4Addr::new(11, 0, 0, 0);

/// Nobody's, a stranger's, an agent's under a short policy and under a long one.
pub fn run() -> Result<()> {
    print!("without the floor  {}", connects("-")?);
    let enforcer = Enforcer::ensure_loaded()?;
    print!("no agents          {}", connects("-")?);
    for (name, count) in [("short policy", 1), ("long policy", LONG)] {
        let cgroup = Cgroup::new(&format!("cost-{count}"))?;
        let began = Instant::now();
        let image = image(count)?;
        println!("{name}: compiled in {} ms", began.elapsed().as_millis());
        let began = Instant::now();
        let container = enforcer.register(&Registration {
            cgroup: &cgroup.path,
            image: &image,
            mounts: &Mount::of_process(std::process::id().try_into()?)?,
            began: None,
            init: None,
        })?;
        println!("{name}: registered in {} ms", began.elapsed().as_millis());
        print!("stranger           {}", connects("-")?);
        print!(
            "agent              {}",
            connects(&cgroup.path.join("cgroup.procs").display().to_string())?
        );
        enforcer.release(container)?;
    }
    Ok(())
}

/// A shell moves itself into the cgroup and becomes the process that connects.
fn connects(procs: &str) -> Result<String> {
    let own: Vec<String> = fs::read("/proc/self/cmdline")?
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    let (_, program) = own.split_last().ok_or("no command line")?;
    let enter = if procs == "-" {
        String::new()
    } else {
        format!("echo $$ > {procs} && ")
    };
    said(Command::new("sh").args(["-c", &format!("{enter}exec {} connects", program.join(" "))]))
}

pub fn connect() -> Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    let allowed = Ipv4Addr::new(127, 0, 0, 1);
    let warm = median(|_| timed(&socket, allowed))?;
    let cold = median(|round| {
        timed(
            &socket,
            Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 0)) + round),
        )
    })?;
    println!("the same destination {warm}, always another {cold}");
    Ok(())
}

fn timed(socket: &UdpSocket, address: Ipv4Addr) -> Result<u128> {
    let to = SocketAddrV4::new(address, 443);
    let began = Instant::now();
    socket.connect(to)?;
    Ok(began.elapsed().as_nanos())
}

fn median(mut measure: impl FnMut(u32) -> Result<u128>) -> Result<u128> {
    let mut all = (0..ROUNDS)
        .map(&mut measure)
        .collect::<Result<Vec<u128>>>()?;
    all.sort_unstable();
    Ok(all[all.len() / 2])
}

fn image(count: u32) -> Result<Image> {
    let path = PathBuf::from("/run/cost.toml");
    let text = "version = 1\n[exec]\ndefault = \"allow\"\n[file]\ndefault = \"allow\"\n[net]\ndefault = \"allow\"\nrules = [ { cidr = \"11.0.0.0/24\", action = \"deny\" } ]\n";
    fs::write(&path, text)?;
    let folders = Folders {
        must_be_roots: false,
        ..Folders::default()
    };
    let mut policy = folders.policy_file(&path)?;
    let rule = policy.net.rules.remove(0);
    let network = |number: u32| format!("{}/24", Ipv4Addr::from(u32::from(FIRST) + number * 256));
    policy.net.rules = (0..count)
        .map(|number| {
            let target = NetTarget::Net(network(number).parse().map_err(|_| "no network")?);
            Ok(NetRule {
                target: Some(target),
                ..rule.clone()
            })
        })
        .collect::<Result<_>>()?;
    Ok(compile(&policy)?)
}
