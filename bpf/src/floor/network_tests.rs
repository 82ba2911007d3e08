use std::cell::RefCell;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libbpf_rs::skel::{OpenSkel, Skel, SkelBuilder};
use libbpf_rs::{Object, ProgramInput};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sevorix_policy::{NetRule, NetTarget, Policy, compile};

use super::super::skeleton::FloorSkelBuilder;
use super::super::{Boot, load};
use super::*;

#[test]
fn a_key_has_the_bits_in_the_order_of_the_network() {
    let key = net_key("::ffff:192.0.2.0/120".parse().expect("a network"));
    assert_eq!(key.length, 120);
    assert_eq!(
        bytes(&key)[4..],
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 0]
    );
}

#[test]
#[ignore = "needs a kernel that takes our programs: a virtual machine of integration/vm"]
fn the_kernel_answers_as_the_image_does() {
    with_kernel(|object, maps| {
        let object = RefCell::new(object);
        let mut runner = TestRunner::new(Config {
            cases: 200,
            failure_persistence: None,
            ..Config::default()
        });
        let law = |(policy, destinations): ((Action, Vec<Spec>), Vec<To>)| {
            let image = compile(&policy_of(&policy)).expect("it is small");
            fill(maps, 1, &image, image.policy_id()).expect("the tables are written");
            for (address, port, protocol) in destinations {
                let said = ask(&mut object.borrow_mut(), address, port, protocol);
                prop_assert_eq!(
                    said,
                    u32::from(expected(&image, address, port, protocol)),
                    "{} {}",
                    address,
                    port
                );
            }
            Ok(())
        };
        runner
            .run(&(policies(), prop::collection::vec(destination(), 40)), law)
            .expect("they agree");
    });
}

#[test]
#[ignore = "needs a kernel that takes our programs: a virtual machine of integration/vm"]
fn the_kernel_takes_a_hundred_thousand_networks() {
    with_kernel(|object, maps| {
        let image = compile(&long_policy(100_000)).expect("one rule, many networks");
        assert_eq!(image.nets.len(), 100_002);
        fill(maps, 1, &image, image.policy_id()).expect("the tables are written");
        for (address, action) in [
            ([11, 0, 7, 1], Action::Deny),
            ([12, 134, 159, 255], Action::Deny),
            ([12, 134, 160, 0], Action::Allow),
        ] {
            let said = ask(object, Ipv4Addr::from(address).into(), 443, Protocol::Tcp);
            assert_eq!(
                said & 3,
                if action == Action::Deny { 2 } else { 0 },
                "{address:?}"
            );
        }
    });
}

fn with_kernel(act: impl FnOnce(&mut Object, &Maps)) {
    let mut storage = MaybeUninit::uninit();
    let mut open = FloorSkelBuilder::default()
        .open(&mut storage)
        .expect("the object");
    for mut program in open.open_object_mut().progs_mut() {
        let wanted = program.name() == "try_destination";
        program.set_autoload(wanted);
    }
    let mut loaded = open.load().expect("the kernel takes the program");
    let ready = pins::make_ready_map(Boot {
        secret: 0,
        next_epoch: 1,
        containers_end: 1,
        policies_end: 1,
    })
    .expect("a map");
    let maps = load::maps_of(loaded.object(), &ready).expect("the maps");
    act(loaded.object_mut(), &maps);
}

fn ask(object: &mut Object, address: IpAddr, port: u16, protocol: Protocol) -> u32 {
    let mut packet = [0; 64];
    packet[..16].copy_from_slice(&as_ipv6(address).octets());
    packet[16..18].copy_from_slice(&port.to_ne_bytes());
    packet[18] = if protocol == Protocol::Tcp { 6 } else { 17 };
    let mut programs = object.progs_mut();
    let program = programs
        .find(|program| program.name() == "try_destination")
        .expect("the program");
    let answer = program.test_run(ProgramInput {
        data_in: Some(&packet),
        ..Default::default()
    });
    answer.expect("the kernel runs the program").return_value
}

/// The stricter of what is said of the address, and of the one that a router would make of it.
fn expected(image: &Image, address: IpAddr, port: u16, protocol: Protocol) -> u16 {
    let address = match as_ipv6(address) {
        Ipv6Addr::UNSPECIFIED => Ipv6Addr::LOCALHOST,
        other if other.to_ipv4_mapped() == Some(Ipv4Addr::UNSPECIFIED) => {
            Ipv4Addr::LOCALHOST.to_ipv6_mapped()
        }
        other => other,
    };
    let answer =
        |address: Ipv6Addr| image.destination(IpAddr::V6(address).to_canonical(), port, protocol);
    let written = answer(address);
    let strictness = |answer: Answer| {
        (
            answer.action != Action::Allow && !answer.audit,
            answer.action,
        )
    };
    match inside(address).map(|inside| answer(inside.to_ipv6_mapped())) {
        Some(inside) if strictness(inside) > strictness(written) => pack(inside),
        _ => pack(written),
    }
}

fn inside(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let octets = address.octets();
    let four =
        |at: usize| Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]);
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => Some(four(12)),
        [0x2002, ..] => Some(four(2)),
        _ => None,
    }
}

fn as_ipv6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

fn policy(text: &str) -> Policy {
    Policy::parse("generated".parse().expect("a name"), "generated", text).expect("a policy")
}

/// Few addresses, so that networks lie in each other and destinations in networks.
fn near() -> impl Strategy<Value = IpAddr> {
    let v4 = (0..4_u8, 0..4_u8).prop_map(|(a, b)| IpAddr::from([10, a, 0, b]));
    let v6 = (0..4_u16, 0..4_u16).prop_map(|(a, b)| IpAddr::from([0x2001, a, 0, 0, 0, 0, 0, b]));
    let nat64 = (0..4_u16, 0..4_u16)
        .prop_map(|(a, b)| IpAddr::from([0x64, 0xff9b, 0, 0, 0, 0, 0x0a00 + a, b]));
    let six_to_four = (0..4_u16, 0..4_u16)
        .prop_map(|(a, b)| IpAddr::from([0x2002, 0x0a00 + a, b, 0, 0, 0, 0, 1]));
    let none = prop_oneof![
        Just(IpAddr::from([0; 4])),
        Just(IpAddr::from([0_u16; 8])),
        Just(IpAddr::from([127, 0, 0, 1]))
    ];
    prop_oneof![v4, v6, nat64, six_to_four, none]
}

fn destination() -> impl Strategy<Value = To> {
    (
        near(),
        prop_oneof![0..6_u16, Just(65535)],
        prop_oneof![Just(Protocol::Tcp), Just(Protocol::Udp)],
    )
}

type To = (IpAddr, u16, Protocol);
type Spec = (ipnet::IpNet, Option<(u16, u16)>, Option<Protocol>, Action);

fn policies() -> impl Strategy<Value = (Action, Vec<Spec>)> {
    let action =
        || prop::sample::select(vec![Action::Allow, Action::Ask, Action::Deny, Action::Kill]);
    let network = (near(), any::<prop::sample::Index>()).prop_map(|(address, index)| {
        let most = if address.is_ipv4() { 33 } else { 129 };
        ipnet::IpNet::new(address, u8::try_from(index.index(most)).expect("small"))
            .expect("it fits")
            .trunc()
    });
    let ports =
        prop::option::of((1..5_u16, 0..3_u16).prop_map(|(first, more)| (first, first + more)));
    let protocol = prop::option::of(prop::sample::select(vec![Protocol::Tcp, Protocol::Udp]));
    let rule = (network, ports, protocol, action());
    (action(), prop::collection::vec(rule, 0..RULES))
}

const RULES: usize = 12;

/// Also of rules that a file would not be read with, for one of them covers another.
fn policy_of((default, specs): &(Action, Vec<Spec>)) -> Policy {
    let rules: Vec<String> = (0..RULES)
        .map(|number| format!("{{ cidr = \"192.0.2.{number}/32\", action = \"deny\" }}"))
        .collect();
    let mut policy = policy(&format!(
        "version = 1\n[net]\nrules = [\n{}\n]\n",
        rules.join(",\n")
    ));
    policy.net.default = *default;
    policy.net.rules.truncate(specs.len());
    for (rule, (net, ports, protocol, action)) in policy.net.rules.iter_mut().zip(specs) {
        rule.target = Some(NetTarget::Net(*net));
        rule.ports = ports
            .iter()
            .map(|(first, last)| format!("{first}-{last}").parse().expect("ports"))
            .collect();
        rule.protocol = *protocol;
        rule.action = *action;
    }
    policy
}

/// As a list of bad addresses would be: one rule, networks side by side.
fn long_policy(count: u32) -> Policy {
    let text = "version = 1\n[net]\ndefault = \"allow\"\nrules = [ { cidr = \"11.0.0.0/24\", action = \"deny\" } ]\n";
    let mut policy = policy(text);
    let rule = policy.net.rules.remove(0);
    let first = u32::from(Ipv4Addr::new(11, 0, 0, 0));
    policy.net.rules = (0..count)
        .map(|number| NetRule {
            target: Some(NetTarget::Net(
                ipnet::Ipv4Net::new_assert(Ipv4Addr::from(first + number * 256), 24).into(),
            )),
            ..rule.clone()
        })
        .collect();
    policy
}
