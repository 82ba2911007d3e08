//! Laws that hold for every input.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use sevorix_policy::{
    Annotations, Device, Error, GateLimits, HostName, Intent, Key, List, NetEntry, PathPrefix,
    PolicyName, Request, TrustMask,
};

/// Exit codes and lost containers hang on these: engines look for them in error texts.
const PHRASES: &[&str] = &[
    "permission denied",
    "operation not permitted",
    "no such file or directory",
    "executable file not found",
    "is a directory",
    "not a directory",
    "no such process",
    "process already finished",
    "container not running",
    "does not exist",
];

/// Pieces that are near to what the parsers look for.
fn piece() -> impl Strategy<Value = String> {
    let known = select(vec![
        "a", "example", "com", "xn--", "*", ".", ",", ":", "/", "-", "_", "=", "[", "]", "0x", "0",
        "1", "443", "65536", "10.0.0.0", "::1", "ffff", "tcp", "udp", "/dev/", "etc", "..", "s",
        "throttle", "lock", "gpu", " ", "ß", "。", "\u{202e}", "\n", "strict", "audit", "none",
    ]);
    prop_oneof![
        6 => known.prop_map(str::to_owned),
        1 => select(PHRASES.to_vec()).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..8).prop_map(|pieces| pieces.concat())
}

fn annotation_key() -> impl Strategy<Value = String> {
    let known = select(Key::ALL.to_vec()).prop_map(|key| format!("io.sevorix.{}", key.name()));
    let own = select(Key::ALL.to_vec())
        .prop_map(|key| format!("io.sevorix.container.web.{}", key.name()));
    let engine = select(vec![
        "io.kubernetes.cri.container-type",
        "io.kubernetes.cri-o.ContainerType",
        "io.kubernetes.cri.container-name",
        "io.kubernetes.container.name",
        "org.systemd.property.KillSignal",
        "org.example.other",
    ]);
    prop_oneof![
        4 => known,
        2 => own,
        2 => engine.prop_map(str::to_owned),
        1 => text().prop_map(|text| format!("io.sevorix.{text}")),
        1 => text(),
    ]
}

fn value() -> impl Strategy<Value = String> {
    let good = select(vec![
        "strict",
        "audit",
        "maritime",
        "0x00FF0000",
        "github,pypi",
        "a.example:443,10.0.0.0/8",
        "/etc,/usr",
        "/dev/null",
        "ask",
        "2000",
        "container",
        "sandbox",
        "web",
        "15",
        "lock=1/1s",
    ]);
    prop_oneof![3 => good.prop_map(str::to_owned), 1 => text()]
}

fn annotations() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec((annotation_key(), value()), 0..6)
}

fn parse(annotations: &[(String, String)], node: Option<&str>) -> Result<Request, Error> {
    Request::parse(
        annotations.iter().map(|(key, value)| (&**key, &**value)),
        node,
    )
}

/// What a value prints parses to the same value and prints the same again.
fn round_trip<T: FromStr + Display + PartialEq + Debug>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        let printed = value.to_string();
        let again = printed.parse::<T>().ok();
        assert_eq!(
            again.as_ref(),
            Some(&value),
            "{text:?} printed as {printed:?}"
        );
        assert_eq!(again.map(|value| value.to_string()), Some(printed));
    }
}

fn hosts() -> impl Strategy<Value = String> {
    let label = "[a-zA-Z0-9_ßüéЖ中]([a-zA-Z0-9_ßüéЖ中-]{0,8}[a-z0-9])?";
    prop::collection::vec(label, 1..4).prop_map(|labels| labels.join("."))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn values_print_what_they_parse(text in text()) {
        round_trip::<List<NetEntry>>(&text);
        round_trip::<List<PathPrefix>>(&text);
        round_trip::<List<Device>>(&text);
        round_trip::<GateLimits>(&text);
        round_trip::<HostName>(&text);
        round_trip::<PolicyName>(&text);
        round_trip::<TrustMask>(&text);
        round_trip::<Intent>(&text);
    }

    #[test]
    fn destinations_print_what_they_parse(
        host in hosts(), wild in any::<bool>(), first in 1..=u16::MAX, more in 0..100u16, tail in 0..4u8,
    ) {
        let last = first.saturating_add(more);
        let star = if wild { "*." } else { "" };
        let tail = match tail {
            0 => String::new(),
            1 => format!(":{first}"),
            2 => format!(":{first}-{last}/udp"),
            _ => "/tcp".to_owned(),
        };
        round_trip::<NetEntry>(&format!("{star}{host}{tail}"));
    }

    #[test]
    fn every_network_parses(address in any::<std::net::IpAddr>(), bits in 0..=128u8) {
        let bits = if address.is_ipv4() { bits % 33 } else { bits };
        let net = ipnet::IpNet::new(address, bits).expect("prefix fits").trunc();
        let text = if address.is_ipv4() { net.to_string() } else { format!("[{net}]") };
        let mapped = matches!(net.addr(), std::net::IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some());
        prop_assert!(mapped || text.parse::<NetEntry>().is_ok_and(|entry| entry.to_string() == text));
    }

    #[test]
    fn every_mask_parses_in_both_spellings(bits in any::<u32>()) {
        let hexadecimal: TrustMask = format!("{bits:#x}").parse().expect("hexadecimal");
        prop_assert_eq!(hexadecimal, bits.to_string().parse().expect("decimal"));
        prop_assert_eq!(hexadecimal.bits(), bits);
        round_trip::<TrustMask>(&bits.to_string());
    }

    #[test]
    fn the_order_of_keys_does_not_matter(annotations in annotations(), swaps in prop::collection::vec(any::<(Index, Index)>(), 0..8)) {
        let mut shuffled = annotations.clone();
        for (a, b) in swaps.iter().filter(|_| !annotations.is_empty()) {
            shuffled.swap(a.index(annotations.len()), b.index(annotations.len()));
        }
        prop_assert_eq!(parse(&annotations, None), parse(&shuffled, None));
    }

    #[test]
    fn a_key_more_never_mends_a_broken_value(annotations in annotations(), key in annotation_key(), value in value()) {
        if let Err(Error::BadValue { .. } | Error::UnknownKey { .. } | Error::DuplicateKey { .. }) = parse(&annotations, None) {
            let mut more = annotations;
            more.push((key, value));
            prop_assert!(parse(&more, None).is_err());
        }
    }

    #[test]
    fn no_error_holds_a_phrase_that_engines_parse(annotations in annotations(), node in prop::option::of(text())) {
        if let Err(error) = parse(&annotations, node.as_deref()) {
            let said = format!("{error}\n{}", error.hint()).to_lowercase();
            prop_assert!(PHRASES.iter().all(|phrase| !said.contains(phrase)), "{}", said);
            prop_assert!(said.len() < 1000 && said.lines().count() == 2, "{}", said);
        }
    }

    #[test]
    fn a_config_gives_what_stands_in_it(annotations in annotations()) {
        let fields: Vec<String> = annotations
            .iter()
            .map(|(key, value)| format!("{}:{}", serde_json::json!(key), serde_json::json!(value)))
            .collect();
        let config = format!(r#"{{"process":{{"args":["x"]}},"annotations":{{{}}}}}"#, fields.join(","));
        let read = Annotations::of_config(config.as_bytes()).expect("valid JSON");
        let read: Vec<(String, String)> = read.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        prop_assert_eq!(read, annotations);
    }

    #[test]
    fn a_broken_config_is_an_error(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(annotations) = Annotations::of_config(&bytes) {
            prop_assert_eq!(annotations, Annotations::default());
        }
    }
}
