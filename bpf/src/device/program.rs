//! The policy as a program of type BPF_PROG_TYPE_CGROUP_DEVICE.

use super::policy::Devices;
use super::{Access, DeviceKind, DevicePolicy};
use crate::Instruction;
use crate::instruction::Register::{R0, R1, R2, R3, R4, R5};

const ALLOW: i32 = 1;
const DENY: i32 = 0;

impl DevicePolicy {
    pub(super) fn program(&self) -> Vec<Instruction> {
        let (by_default, excepted) = if self.allows_by_default() {
            (ALLOW, DENY)
        } else {
            (DENY, ALLOW)
        };
        let mut program = read_the_question();
        for (devices, access) in self.exceptions() {
            let tests = if self.allows_by_default() {
                overlaps(access)
            } else {
                is_within(access)
            };
            program.extend(exception(devices, &tests, excepted));
        }
        program.extend([Instruction::set(R0, by_default), Instruction::exit()]);
        program
    }
}

/// `struct bpf_cgroup_dev_ctx` of r1 into r2 kind, r3 access, r4 major, r5 minor.
fn read_the_question() -> Vec<Instruction> {
    vec![
        Instruction::load_word(R2, R1, 0),
        Instruction::copy(R3, R2),
        Instruction::and(R2, 0xffff),
        Instruction::shift_right(R3, 16),
        Instruction::load_word(R4, R1, 4),
        Instruction::load_word(R5, R1, 8),
    ]
}

/// A test and the register it looks at; a test that fails leaves the exception.
#[derive(Clone, Copy)]
enum Test {
    Is(crate::instruction::Register, u32),
    Within(Access),
    Overlaps(Access),
}

/// An allowing exception must cover the whole access: it says nothing about the rest.
fn is_within(access: Access) -> Vec<Test> {
    if access == Access::ALL {
        Vec::new()
    } else {
        vec![Test::Within(access)]
    }
}

/// A denying exception holds for any part of the access: opening for reading and writing is a write.
fn overlaps(access: Access) -> Vec<Test> {
    if access == Access::ALL {
        Vec::new()
    } else {
        vec![Test::Overlaps(access)]
    }
}

fn exception(devices: Devices, access: &[Test], verdict: i32) -> Vec<Instruction> {
    let kind = match devices.kind {
        DeviceKind::Block => 1, // BPF_DEVCG_DEV_BLOCK
        DeviceKind::Char => 2,  // BPF_DEVCG_DEV_CHAR
    };
    let tests = [
        Some(Test::Is(R2, kind)),
        devices.major.map(|major| Test::Is(R4, major)),
        devices.minor.map(|minor| Test::Is(R5, minor)),
    ];
    let mut instructions = vec![Instruction::exit(), Instruction::set(R0, verdict)];
    // written from the end, since a jump has to know how much is behind it
    for test in tests
        .into_iter()
        .flatten()
        .chain(access.iter().copied())
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
    {
        let skip = i16::try_from(instructions.len()).expect("an exception is a dozen instructions");
        match test {
            Test::Is(register, value) => {
                instructions.push(Instruction::skip_unless_equal(register, value, skip));
            }
            Test::Within(access) => instructions.extend([
                Instruction::skip_unless_same(R1, R3, skip),
                Instruction::and(R1, access.bits()),
                Instruction::copy(R1, R3),
            ]),
            Test::Overlaps(access) => instructions.extend([
                Instruction::skip_if_equal(R1, 0, skip),
                Instruction::and(R1, access.bits()),
                Instruction::copy(R1, R3),
            ]),
        }
    }
    instructions.reverse();
    instructions
}

#[cfg(test)]
mod tests;
