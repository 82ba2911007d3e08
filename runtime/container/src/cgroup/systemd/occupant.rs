use std::io;

use nix::unistd::Pid;

/// A process that does nothing but be in a cgroup, until it is dropped or its maker dies.
#[derive(Debug)]
pub(in crate::cgroup) struct Occupant(libc::pid_t);

impl Occupant {
    pub fn start() -> io::Result<Self> {
        let parent = Pid::this().as_raw();
        // SAFETY: the child only makes system calls until it is killed, and shares no memory with us.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => wait_for_the_end(parent),
            child => Ok(Self(child)),
        }
    }

    pub fn pid(&self) -> u32 {
        self.0.unsigned_abs()
    }
}

fn wait_for_the_end(parent: libc::pid_t) -> ! {
    // SAFETY: numbers only; each of these is safe to call after a fork.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        // the parent may have died before it was asked to take us with it
        if libc::getppid() != parent {
            libc::_exit(0);
        }
        loop {
            libc::pause();
        }
    }
}

impl Drop for Occupant {
    fn drop(&mut self) {
        // SAFETY: our own child, which nobody has waited for, so the number is still its; no status is asked for.
        unsafe {
            libc::kill(self.0, libc::SIGKILL);
            while libc::waitpid(self.0, std::ptr::null_mut(), 0) == -1
                && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
            {}
        }
    }
}
