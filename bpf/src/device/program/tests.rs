//! The program, run by a small interpreter, must give the answer of the rules read plainly.

use super::super::{Access, DeviceKind, DevicePolicy, DeviceRule, default_allow_rules};
use crate::Instruction;
use crate::instruction::opcode;

#[derive(Debug, Clone, Copy)]
struct Question {
    kind: DeviceKind,
    major: u32,
    minor: u32,
    access: Access,
}

impl Question {
    /// The three words of `struct bpf_cgroup_dev_ctx`.
    fn words(self) -> [u32; 3] {
        let kind = match self.kind {
            DeviceKind::Block => 1,
            DeviceKind::Char => 2,
        };
        [
            u32::try_from(self.access.bits()).unwrap() << 16 | kind,
            self.major,
            self.minor,
        ]
    }
}

fn run(program: &[Instruction], question: Question) -> bool {
    let context = question.words();
    let mut registers = [0_u32; 6];
    let mut at = 0_usize;
    loop {
        let instruction = program[at];
        let (destination, source) = (instruction.destination(), instruction.source());
        let immediate = u32::from_ne_bytes(instruction.immediate.to_ne_bytes());
        let mut jump = false;
        match instruction.opcode {
            opcode::LOAD_WORD => {
                registers[destination] = context[usize::try_from(instruction.offset).unwrap() / 4]
            }
            opcode::MOVE => registers[destination] = immediate,
            opcode::MOVE_REGISTER => registers[destination] = registers[source],
            opcode::AND => registers[destination] &= immediate,
            opcode::SHIFT_RIGHT => registers[destination] >>= immediate,
            opcode::JUMP_EQUAL => jump = registers[destination] == immediate,
            opcode::JUMP_NOT_EQUAL => jump = registers[destination] != immediate,
            opcode::JUMP_NOT_EQUAL_REGISTER => jump = registers[destination] != registers[source],
            opcode::EXIT => return registers[0] != 0,
            other => panic!("unknown opcode {other:#x}"),
        }
        at += 1;
        if jump {
            at += usize::try_from(instruction.offset).unwrap();
        }
    }
}

/// The v1 controller, written as a list that is searched: what the kernel's `security/device_cgroup.c` does.
#[derive(Default)]
struct Plain {
    allow: bool,
    exceptions: Vec<DeviceRule>,
}

impl Plain {
    fn add(&mut self, rule: DeviceRule) {
        if rule.kind.is_none() {
            *self = Self {
                allow: rule.allow,
                exceptions: Vec::new(),
            };
            return;
        }
        let same = |other: &DeviceRule| {
            (other.kind, other.major, other.minor) == (rule.kind, rule.major, rule.minor)
        };
        let found = self.exceptions.iter_mut().find(|other| same(other));
        if rule.allow == self.allow {
            if let Some(found) = found {
                found.access = found.access & !rule.access;
            }
        } else if let Some(found) = found {
            found.access = found.access | rule.access;
        } else {
            self.exceptions.push(rule);
        }
        self.exceptions
            .retain(|exception| !exception.access.is_empty());
    }

    fn answer(&self, question: Question) -> bool {
        let excepted = self.exceptions.iter().any(|exception| {
            exception.kind == Some(question.kind)
                && exception.major.is_none_or(|major| major == question.major)
                && exception.minor.is_none_or(|minor| minor == question.minor)
                && if self.allow {
                    !(exception.access & question.access).is_empty()
                } else {
                    exception.access.contains(question.access)
                }
        });
        excepted != self.allow
    }
}

const ACCESSES: [&str; 7] = ["r", "w", "m", "rw", "rm", "wm", "rwm"];
/// Beyond 2^31 an immediate is negative: the comparison must not sign-extend.
const NUMBERS: [u32; 4] = [1, 3, 0x8000_0000, u32::MAX];

fn every_question() -> Vec<Question> {
    let mut questions = Vec::new();
    for kind in [DeviceKind::Block, DeviceKind::Char] {
        for major in NUMBERS {
            for minor in NUMBERS {
                for access in ACCESSES {
                    questions.push(Question {
                        kind,
                        major,
                        minor,
                        access: Access::parse(access).unwrap(),
                    });
                }
            }
        }
    }
    questions
}

/// xorshift: the same rules on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn rule(&mut self) -> DeviceRule {
        let kind = [None, Some(DeviceKind::Block), Some(DeviceKind::Char)];
        // a rule for everything now and then only: it ends what was there
        let kind = kind[if self.below(8) == 0 {
            0
        } else {
            1 + self.below(2)
        }];
        let number = |random: &mut Self| {
            let choice = random.below(NUMBERS.len() + 1);
            NUMBERS.get(choice).copied()
        };
        DeviceRule {
            allow: self.below(2) == 0,
            kind,
            major: number(self),
            minor: number(self),
            access: Access::parse(ACCESSES[self.below(ACCESSES.len())]).unwrap(),
        }
    }
}

#[test]
fn the_program_answers_as_the_rules_read() {
    let questions = every_question();
    let mut random = Random(0x5e70_21c5);
    let (mut agreed, mut refused) = (0, 0);
    for _ in 0..3000 {
        let rules: Vec<_> = (0..random.below(9)).map(|_| random.rule()).collect();
        let Ok(policy) = DevicePolicy::from_rules(rules.iter().copied()) else {
            refused += 1;
            continue;
        };
        let mut plain = Plain::default();
        rules.iter().for_each(|rule| plain.add(*rule));
        let program = policy.program();
        for question in &questions {
            assert_eq!(
                run(&program, *question),
                plain.answer(*question),
                "{rules:?} {question:?}"
            );
        }
        agreed += 1;
    }
    assert!(
        agreed > 1000 && refused > 100,
        "{agreed} agreed, {refused} refused"
    );
}

#[test]
fn the_default_rules_let_a_shell_live() {
    let program = DevicePolicy::from_rules(default_allow_rules())
        .unwrap()
        .program();
    let allowed = |kind, major, minor, access| {
        run(
            &program,
            Question {
                kind,
                major,
                minor,
                access: Access::parse(access).unwrap(),
            },
        )
    };
    for (major, minor) in [
        (1, 3),
        (1, 5),
        (1, 7),
        (1, 8),
        (1, 9),
        (5, 0),
        (5, 2),
        (136, 0),
        (136, 77),
        (10, 200),
    ] {
        assert!(
            allowed(DeviceKind::Char, major, minor, "rw"),
            "{major}:{minor}"
        );
    }
    assert!(allowed(DeviceKind::Block, 8, 0, "m"));
    for (kind, major, minor) in [
        (DeviceKind::Block, 8, 0),
        (DeviceKind::Char, 1, 1),
        (DeviceKind::Char, 10, 229),
    ] {
        assert!(!allowed(kind, major, minor, "r"), "{kind} {major}:{minor}");
    }
}

#[test]
fn writing_through_a_denied_access_is_denied_however_it_is_asked() {
    let everything = DeviceRule {
        allow: true,
        kind: None,
        major: None,
        minor: None,
        access: Access::ALL,
    };
    let no_write = DeviceRule {
        allow: false,
        kind: Some(DeviceKind::Block),
        major: Some(8),
        minor: None,
        access: Access::WRITE,
    };
    let program = DevicePolicy::from_rules([everything, no_write])
        .unwrap()
        .program();
    let disk = |access| Question {
        kind: DeviceKind::Block,
        major: 8,
        minor: 0,
        access,
    };
    assert!(run(&program, disk(Access::READ)));
    assert!(!run(&program, disk(Access::WRITE)));
    assert!(!run(&program, disk(Access::READ | Access::WRITE)));
}
