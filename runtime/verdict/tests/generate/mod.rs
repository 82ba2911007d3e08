//! Messages of every shape.
#![allow(dead_code)] // each test takes what it needs

use std::collections::BTreeMap;
use std::net::IpAddr;

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use sevorix_verdict::*;

pub fn to_service() -> impl Strategy<Value = ToService> {
    prop_oneof![
        1 => client_hello().prop_map(ToService::Hello),
        1 => any::<u64>().prop_map(ToService::Cancel),
        4 => ask().prop_map(|ask| ToService::Ask(Box::new(ask))),
    ]
}

pub fn from_service() -> impl Strategy<Value = FromService> {
    prop_oneof![
        1 => service_hello().prop_map(FromService::Hello),
        4 => answer().prop_map(FromService::Answer),
    ]
}

fn client_hello() -> impl Strategy<Value = ClientHello> {
    (vec(any::<u16>(), 1..17), label()).prop_map(|(versions, boot)| ClientHello {
        versions,
        ..ClientHello::new(boot)
    })
}

fn service_hello() -> impl Strategy<Value = ServiceHello> {
    (any::<u16>(), digest(), 1..u16::MAX, vec(label(), 0..3)).prop_map(
        |(version, jury, max_inflight, features)| ServiceHello {
            version,
            jury,
            max_inflight,
            features,
        },
    )
}

pub fn ask() -> impl Strategy<Value = Ask> {
    (any::<u64>(), 1..=MAX_DEADLINE_MS, 0_u8..3, question()).prop_map(
        |(id, deadline_ms, extra_jurors, question)| Ask {
            id,
            deadline_ms,
            action: question.digest(),
            extra_jurors,
            question,
        },
    )
}

pub fn question() -> impl Strategy<Value = Question> {
    let head = (select(Op::ALL), label(), select(Risk::ALL), digest());
    (head, facts(), tainted(), of(intent()), vec(earlier(), 0..3)).prop_map(
        |((op, rule, risk, policy), facts, tainted, intent, history)| Question {
            op,
            rule,
            risk,
            policy,
            facts,
            tainted,
            intent,
            history,
        },
    )
}

fn facts() -> impl Strategy<Value = Facts> {
    let who = (label(), label(), any::<u32>());
    let seen = (of(exe()), fds(), vec(ancestor(), 0..3), of(net()));
    let state = (vec(label(), 0..2), select(Gate::ALL), any::<bool>());
    (who, seen, state).prop_map(
        |((hook, container, uid), (exe, fds, ancestors, net), (taint, gate, writable_exe))| Facts {
            hook,
            container,
            uid,
            exe,
            fds,
            ancestors,
            net,
            taint,
            gate,
            writable_exe,
        },
    )
}

fn exe() -> impl Strategy<Value = Exe> {
    let sha256 = of(digest().prop_map(Sha256Digits));
    (any::<u64>(), any::<u64>(), sha256, of(select(Layer::ALL))).prop_map(
        |(dev, ino, sha256, layer)| Exe {
            dev,
            ino,
            sha256,
            layer,
        },
    )
}

fn fds() -> impl Strategy<Value = BTreeMap<Fd, Label>> {
    btree_map((0..100_u32).prop_map(Fd), label(), 0..3)
}

fn ancestor() -> impl Strategy<Value = Ancestor> {
    (any::<String>(), any::<u64>()).prop_map(|(exe, ino)| Ancestor {
        exe: exe.into(),
        ino,
    })
}

fn net() -> impl Strategy<Value = Net> {
    (
        any::<IpAddr>(),
        any::<u16>(),
        select(Proto::ALL),
        of(label()),
    )
        .prop_map(|(ip, port, proto, host)| Net {
            ip,
            port,
            proto,
            host,
        })
}

fn tainted() -> impl Strategy<Value = TaintedFacts> {
    let places = (of(bytes()), of(bytes()));
    let name = any::<String>().prop_map(Tainted::from);
    (vec(bytes(), 0..4), 0..3_u32, places, vec(name, 0..3)).prop_map(
        |(argv, missing, (path, cwd), env_names)| TaintedFacts {
            argv_total: u32::try_from(argv.len()).expect("few") + missing,
            argv_truncated: missing > 0,
            argv,
            path,
            cwd,
            env_names,
        },
    )
}

fn bytes() -> impl Strategy<Value = Tainted<Bytes>> {
    prop_oneof![
        any::<String>().prop_map(Tainted::from_bytes),
        vec(any::<u8>(), 0..12).prop_map(Tainted::from_bytes),
    ]
}

fn intent() -> impl Strategy<Value = Intent> {
    (select(IntentSource::ALL), digest(), of(any::<String>())).prop_map(|(source, sha256, text)| {
        Intent {
            source,
            sha256: Sha256Digits(sha256),
            text: text.map(Tainted::from),
        }
    })
}

fn earlier() -> impl Strategy<Value = Earlier> {
    (
        any::<u64>(),
        select(Op::ALL),
        of(label()),
        select(Ended::ALL),
    )
        .prop_map(|(ago_ms, op, class, result)| Earlier {
            ago_ms,
            op,
            class,
            result,
        })
}

pub fn answer() -> impl Strategy<Value = Answer> {
    let bound = (any::<u64>(), select(Decided::ALL), digest(), digest());
    let cache = (any::<u32>(), any::<u32>()).prop_map(|(ttl_ms, uses)| Cache { ttl_ms, uses });
    let why = of("[^\0]{0,40}".prop_map(Tainted::from));
    let told = (code(), of(cache), vec(juror(), 0..4), why, of(any::<u64>()));
    (bound, told).prop_map(
        |((id, verdict, action, jury), (code, cache, jurors, why, us))| Answer {
            id,
            verdict,
            action,
            jury,
            code,
            cache,
            jurors,
            why,
            us,
        },
    )
}

fn juror() -> impl Strategy<Value = JurorVote> {
    (label(), select(Vote::ALL), of(code()), of(any::<u64>())).prop_map(|(name, vote, why, us)| {
        JurorVote {
            name,
            vote,
            why,
            us,
        }
    })
}

fn label() -> impl Strategy<Value = Label> {
    "[!-~]{1,12}".prop_map(|text| Label::new(text).expect("printable"))
}

fn code() -> impl Strategy<Value = Code> {
    "[a-z0-9-]{1,12}".prop_map(|text| Code::new(text).expect("a code"))
}

pub fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest::new)
}
