//! The handful of eBPF instructions that the programs of this crate are written in.

/// One instruction as the kernel reads it (`struct bpf_insn`).
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    pub(crate) opcode: u8,
    registers: u8,
    pub(crate) offset: i16,
    pub(crate) immediate: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Register {
    R0 = 0,
    R1 = 1,
    R2 = 2,
    R3 = 3,
    R4 = 4,
    R5 = 5,
}

pub(crate) mod opcode {
    /// dst = *(u32 *)(src + offset)
    pub const LOAD_WORD: u8 = 0x61;
    /// dst = immediate (upper half zeroed, as for every 32-bit operation below)
    pub const MOVE: u8 = 0xb4;
    /// dst = src
    pub const MOVE_REGISTER: u8 = 0xbc;
    /// dst &= immediate
    pub const AND: u8 = 0x54;
    /// dst >>= immediate
    pub const SHIFT_RIGHT: u8 = 0x74;
    /// if dst == immediate, skip offset instructions
    pub const JUMP_EQUAL: u8 = 0x16;
    /// if dst != immediate, skip offset instructions
    pub const JUMP_NOT_EQUAL: u8 = 0x56;
    /// if dst != src, skip offset instructions
    pub const JUMP_NOT_EQUAL_REGISTER: u8 = 0x5e;
    /// return r0
    pub const EXIT: u8 = 0x95;
}

impl Instruction {
    pub(crate) fn load_word(into: Register, base: Register, offset: i16) -> Self {
        Self::new(opcode::LOAD_WORD, into, base, offset, 0)
    }

    pub(crate) fn set(register: Register, value: i32) -> Self {
        Self::new(opcode::MOVE, register, Register::R0, 0, value)
    }

    pub(crate) fn copy(into: Register, from: Register) -> Self {
        Self::new(opcode::MOVE_REGISTER, into, from, 0, 0)
    }

    pub(crate) fn and(register: Register, mask: i32) -> Self {
        Self::new(opcode::AND, register, Register::R0, 0, mask)
    }

    pub(crate) fn shift_right(register: Register, bits: i32) -> Self {
        Self::new(opcode::SHIFT_RIGHT, register, Register::R0, 0, bits)
    }

    pub(crate) fn skip_if_equal(register: Register, value: u32, skip: i16) -> Self {
        Self::new(
            opcode::JUMP_EQUAL,
            register,
            Register::R0,
            skip,
            in_32_bits(value),
        )
    }

    pub(crate) fn skip_unless_equal(register: Register, value: u32, skip: i16) -> Self {
        Self::new(
            opcode::JUMP_NOT_EQUAL,
            register,
            Register::R0,
            skip,
            in_32_bits(value),
        )
    }

    pub(crate) fn skip_unless_same(left: Register, right: Register, skip: i16) -> Self {
        Self::new(opcode::JUMP_NOT_EQUAL_REGISTER, left, right, skip, 0)
    }

    pub(crate) fn exit() -> Self {
        Self::new(opcode::EXIT, Register::R0, Register::R0, 0, 0)
    }

    fn new(opcode: u8, dst: Register, src: Register, offset: i16, immediate: i32) -> Self {
        // the two register numbers are bit fields, which the kernel lays out by the byte order of the machine
        let (dst, src) = (dst as u8, src as u8);
        let registers = if cfg!(target_endian = "little") {
            src << 4 | dst
        } else {
            dst << 4 | src
        };
        Self {
            opcode,
            registers,
            offset,
            immediate,
        }
    }
}

/// An immediate is signed; 32-bit operations compare and use its bits alone.
fn in_32_bits(value: u32) -> i32 {
    i32::from_ne_bytes(value.to_ne_bytes())
}

#[cfg(test)]
impl Instruction {
    pub(crate) fn destination(self) -> usize {
        usize::from(if cfg!(target_endian = "little") {
            self.registers & 0xf
        } else {
            self.registers >> 4
        })
    }

    pub(crate) fn source(self) -> usize {
        usize::from(if cfg!(target_endian = "little") {
            self.registers >> 4
        } else {
            self.registers & 0xf
        })
    }
}
