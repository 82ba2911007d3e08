//! The numbers of the calls that the floor closes. They never change, and a table of our own knows calls that the
//! libseccomp of a build may not know yet; a test compares the two.

/// A call in each of the kernel's tables; `None`: it is not in that one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Call {
    pub name: &'static str,
    x86_64: Option<u32>,
    i386: Option<u32>,
    arm64: Option<u32>,
    arm: Option<u32>,
}

impl Call {
    /// As programs of this machine's own kind make it.
    pub fn native(&self) -> Option<u32> {
        if cfg!(target_arch = "x86_64") {
            self.x86_64
        } else {
            self.arm64
        }
    }

    /// As programs of its 32-bit predecessor make it.
    pub fn compat(&self) -> Option<u32> {
        if cfg!(target_arch = "x86_64") {
            self.i386
        } else {
            self.arm
        }
    }
}

macro_rules! calls {
    ($($constant:ident: $name:literal, $x86_64:expr, $i386:expr, $arm64:expr, $arm:expr;)*) => {
        $(pub(super) const $constant: Call = Call {
            name: $name,
            x86_64: $x86_64,
            i386: $i386,
            arm64: $arm64,
            arm: $arm,
        };)*

        #[cfg(test)]
        const ALL: &[Call] = &[$($constant),*];
    };
}

// x32 has the numbers of x86-64 with a bit of its own, but for those with a line of their own here.
calls! {
    //                       x86-64, i386, arm64, arm
    ACCT: "acct", Some(163), Some(51), Some(89), Some(51);
    ADD_KEY: "add_key", Some(248), Some(286), Some(217), Some(309);
    BPF: "bpf", Some(321), Some(357), Some(280), Some(386);
    CLOCK_SETTIME: "clock_settime", Some(227), Some(264), Some(112), Some(262);
    CONNECT: "connect", Some(42), Some(362), Some(203), Some(283);
    CREAT: "creat", Some(85), Some(8), None, Some(8);
    CLOCK_SETTIME64: "clock_settime64", None, Some(404), None, Some(404);
    CLONE: "clone", Some(56), Some(120), Some(220), Some(120);
    CLONE3: "clone3", Some(435), Some(435), Some(435), Some(435);
    DELETE_MODULE: "delete_module", Some(176), Some(129), Some(106), Some(129);
    EXECVE: "execve", Some(59), Some(11), Some(221), Some(11);
    EXECVE_X32: "execve", Some(520), None, None, None;
    EXECVEAT: "execveat", Some(322), Some(358), Some(281), Some(387);
    EXECVEAT_X32: "execveat", Some(545), None, None, None;
    FINIT_MODULE: "finit_module", Some(313), Some(350), Some(273), Some(379);
    FSCONFIG: "fsconfig", Some(431), Some(431), Some(431), Some(431);
    FSMOUNT: "fsmount", Some(432), Some(432), Some(432), Some(432);
    FSOPEN: "fsopen", Some(430), Some(430), Some(430), Some(430);
    FSPICK: "fspick", Some(433), Some(433), Some(433), Some(433);
    INIT_MODULE: "init_module", Some(175), Some(128), Some(105), Some(128);
    IO_URING_ENTER: "io_uring_enter", Some(426), Some(426), Some(426), Some(426);
    IO_URING_REGISTER: "io_uring_register", Some(427), Some(427), Some(427), Some(427);
    IO_URING_SETUP: "io_uring_setup", Some(425), Some(425), Some(425), Some(425);
    IOCTL: "ioctl", Some(16), Some(54), Some(29), Some(54);
    IOCTL_X32: "ioctl", Some(514), None, None, None;
    KEXEC_FILE_LOAD: "kexec_file_load", Some(320), None, Some(294), Some(401);
    KEXEC_LOAD: "kexec_load", Some(246), Some(283), Some(104), Some(347);
    KEXEC_LOAD_X32: "kexec_load", Some(528), None, None, None;
    KEYCTL: "keyctl", Some(250), Some(288), Some(219), Some(311);
    LISTEN: "listen", Some(50), Some(363), Some(201), Some(284);
    MOUNT: "mount", Some(165), Some(21), Some(40), Some(21);
    MOUNT_SETATTR: "mount_setattr", Some(442), Some(442), Some(442), Some(442);
    MOVE_MOUNT: "move_mount", Some(429), Some(429), Some(429), Some(429);
    NAME_TO_HANDLE_AT: "name_to_handle_at", Some(303), Some(341), Some(264), Some(370);
    OPEN: "open", Some(2), Some(5), None, Some(5);
    OPENAT: "openat", Some(257), Some(295), Some(56), Some(322);
    OPENAT2: "openat2", Some(437), Some(437), Some(437), Some(437);
    OPEN_BY_HANDLE_AT: "open_by_handle_at", Some(304), Some(342), Some(265), Some(371);
    OPEN_TREE: "open_tree", Some(428), Some(428), Some(428), Some(428);
    OPEN_TREE_ATTR: "open_tree_attr", Some(467), Some(467), Some(467), Some(467);
    PERF_EVENT_OPEN: "perf_event_open", Some(298), Some(336), Some(241), Some(364);
    PIVOT_ROOT: "pivot_root", Some(155), Some(217), Some(41), Some(218);
    QUOTACTL: "quotactl", Some(179), Some(131), Some(60), Some(131);
    QUOTACTL_FD: "quotactl_fd", Some(443), Some(443), Some(443), Some(443);
    REBOOT: "reboot", Some(169), Some(88), Some(142), Some(88);
    REQUEST_KEY: "request_key", Some(249), Some(287), Some(218), Some(310);
    SENDMMSG: "sendmmsg", Some(307), Some(345), Some(269), Some(374);
    SENDMMSG_X32: "sendmmsg", Some(538), None, None, None;
    SENDMSG: "sendmsg", Some(46), Some(370), Some(211), Some(296);
    SENDMSG_X32: "sendmsg", Some(518), None, None, None;
    SENDTO: "sendto", Some(44), Some(369), Some(206), Some(290);
    SETNS: "setns", Some(308), Some(346), Some(268), Some(375);
    SETTIMEOFDAY: "settimeofday", Some(164), Some(79), Some(170), Some(79);
    SOCKET: "socket", Some(41), Some(359), Some(198), Some(281);
    SOCKETCALL: "socketcall", None, Some(102), None, None;
    STIME: "stime", None, Some(25), None, None;
    SWAPOFF: "swapoff", Some(168), Some(115), Some(225), Some(115);
    SWAPON: "swapon", Some(167), Some(87), Some(224), Some(87);
    SYSLOG: "syslog", Some(103), Some(103), Some(116), Some(103);
    UMOUNT: "umount", None, Some(22), None, None;
    UMOUNT2: "umount2", Some(166), Some(52), Some(39), Some(52);
    UNSHARE: "unshare", Some(272), Some(310), Some(97), Some(337);
    USERFAULTFD: "userfaultfd", Some(323), Some(374), Some(282), Some(388);
    VHANGUP: "vhangup", Some(153), Some(111), Some(58), Some(111);
}

#[cfg(test)]
mod tests {
    use libseccomp::{ScmpArch, ScmpSyscall};

    use super::*;

    const X32: i32 = 0x4000_0000;

    /// As libseccomp has it; a call that it does not know, or takes for a part of another, has a negative number there.
    fn known(call: &Call, arch: ScmpArch) -> Option<u32> {
        let number = i32::from(ScmpSyscall::from_name_by_arch(call.name, arch).ok()?);
        u32::try_from(number & !X32 | number & i32::MIN).ok()
    }

    #[test]
    fn libseccomp_knows_them_by_the_same_numbers() {
        for call in ALL {
            let x86_64 = if call.i386.is_none() && call.arm64.is_none() {
                ScmpArch::X32
            } else {
                ScmpArch::X8664
            };
            for (own, arch) in [
                (call.x86_64, x86_64),
                (call.i386, ScmpArch::X86),
                (call.arm64, ScmpArch::Aarch64),
                (call.arm, ScmpArch::Arm),
            ] {
                let known = known(call, arch);
                assert!(
                    known.is_none() || own == known || x86_64 == ScmpArch::X32 && own.is_none(),
                    "{call:?} {arch:?}: {known:?}"
                );
            }
        }
    }

    #[test]
    fn each_number_of_x32_has_a_line() {
        for call in ALL {
            let Some(number) = known(call, ScmpArch::X32) else {
                continue;
            };
            let has_line = |other: &&Call| other.name == call.name && other.x86_64 == Some(number);
            assert!(
                ALL.iter().any(|other| has_line(&other)),
                "{call:?}: {number}"
            );
        }
    }
}
