//! When a container began, by the two clocks that the programs see: that of the files' times, and that of the kernel.

use std::io;
use std::time::{Duration, SystemTime};

use crate::{BpfError, Result};

/// Nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Beginning {
    pub since_1970: u64,
    /// 0: before boot.
    pub since_boot: u64,
}

impl Beginning {
    pub fn at(moment: Option<SystemTime>) -> Result<Self> {
        // the coarse one, which files' times are taken from: it is a few milliseconds behind
        let now = clock(libc::CLOCK_REALTIME_COARSE)?;
        let up = clock(libc::CLOCK_BOOTTIME)?;
        Ok(Self::between(moment.map(since_1970), now, up))
    }

    /// What lies in the future, by a clock that was set back, is now.
    fn between(moment: Option<Duration>, now: Duration, up: Duration) -> Self {
        let moment = moment.unwrap_or(now).min(now);
        Self {
            since_1970: nanoseconds(moment),
            since_boot: nanoseconds(up.saturating_sub(now - moment)),
        }
    }
}

fn since_1970(moment: SystemTime) -> Duration {
    moment
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}

pub(super) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

pub(super) fn clock(id: libc::clockid_t) -> Result<Duration> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: writes the time that it is given.
    if unsafe { libc::clock_gettime(id, &raw mut time) } != 0 {
        return Err(BpfError::io("read the clock")(io::Error::last_os_error()));
    }
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Ok(Duration::from_secs(seconds)
        + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_name_the_same_moment() {
        let seconds = Duration::from_secs;
        let told = |moment: Option<u64>, now, up| {
            let both = Beginning::between(moment.map(seconds), seconds(now), seconds(up));
            (
                both.since_1970 / 1_000_000_000,
                both.since_boot / 1_000_000_000,
            )
        };
        assert_eq!(told(None, 1000, 100), (1000, 100));
        assert_eq!(told(Some(990), 1000, 100), (990, 90));
        assert_eq!(told(Some(500), 1000, 100), (500, 0));
        assert_eq!(told(Some(1001), 1000, 100), (1000, 100));
    }

    #[test]
    fn the_clocks_go_on() {
        let first = Beginning::at(None).expect("clocks");
        let earlier = Beginning::at(Some(SystemTime::UNIX_EPOCH)).expect("clocks");
        assert!(first.since_1970 > 0 && first.since_boot > 0);
        assert_eq!(earlier.since_1970, 0);
    }
}
