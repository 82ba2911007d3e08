//! The OCI config speaks v1; these are the values v2 wants instead.

use super::unusable;
use crate::cgroup::CgroupError;

/// v1's shares (2–262144, 1024 by default) as v2's weight (1–10000, 100 by default). The curve goes through both ends
/// and the default; it is the one that runc and crun use since 2025, as the straight line before it made the default
/// container count for 39 instead of 100.
pub(super) fn cpu_weight(shares: u64) -> u64 {
    match shares {
        0..=2 => 1,
        262_144.. => 10_000,
        _ => {
            #[expect(clippy::cast_precision_loss, reason = "below 2^18")]
            let log = (shares as f64).log2();
            let exponent = (log * log + 125.0 * log) / 612.0 - 7.0 / 34.0;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 1 and 10000"
            )]
            let weight = 10_f64.powf(exponent).ceil() as u64;
            weight
        }
    }
}

/// The blkio weight (10–1000) as v2's io weight (1–10000), linearly.
pub(super) fn io_weight(blkio_weight: u16) -> u64 {
    1 + u64::from(blkio_weight.saturating_sub(10)) * 9999 / 990
}

/// A limit as v2 writes it. 0 means unset in the configs that engines generate.
pub(super) fn limit(value: i64) -> Option<String> {
    match value {
        0 => None,
        -1 => Some("max".into()),
        value => Some(value.to_string()),
    }
}

/// The OCI swap limit is memory and swap together, v2's is swap alone.
pub(super) fn swap_limit(
    swap: i64,
    memory: i64,
    memory_now: impl FnOnce() -> Result<Option<i64>, CgroupError>,
) -> Result<Option<String>, CgroupError> {
    if swap == 0 {
        // lifting the memory limit alone lifts the swap limit with it, as on v1
        return Ok((memory == -1).then(|| "max".into()));
    }
    if swap == -1 || memory == -1 {
        return Ok(limit(swap));
    }
    let memory = if memory == 0 {
        memory_now()?.unwrap_or(0)
    } else {
        memory
    };
    match swap.checked_sub(memory) {
        _ if memory <= 0 => Err(unusable("memory.swap", "a swap limit needs a memory limit")),
        Some(swap @ 0..) => Ok(Some(swap.to_string())),
        _ => Err(unusable(
            "memory.swap",
            "memory and swap together can't be less than memory alone",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_become_weights_of_the_same_standing() {
        for (shares, weight) in [
            (0, 1),
            (2, 1),
            (1024, 100),
            (262_144, 10_000),
            (1 << 40, 10_000),
        ] {
            assert_eq!(cpu_weight(shares), weight, "{shares} shares");
        }
        let weights: Vec<_> = (1..=18).map(|power| cpu_weight(1 << power)).collect();
        assert!(weights.is_sorted(), "{weights:?}");
    }

    #[test]
    fn io_weights_reach_both_ends() {
        assert_eq!(io_weight(10), 1);
        assert_eq!(io_weight(1000), 10_000);
        assert_eq!(io_weight(500), 4950);
    }

    #[test]
    fn swap_is_what_is_left_beyond_memory() {
        let unknown = || Ok(None);
        assert_eq!(
            swap_limit(300, 100, unknown).unwrap().as_deref(),
            Some("200")
        );
        assert_eq!(swap_limit(100, 100, unknown).unwrap().as_deref(), Some("0"));
        assert_eq!(
            swap_limit(-1, 100, unknown).unwrap().as_deref(),
            Some("max")
        );
        assert_eq!(swap_limit(0, -1, unknown).unwrap().as_deref(), Some("max"));
        assert_eq!(swap_limit(0, 100, unknown).unwrap(), None);
        assert_eq!(
            swap_limit(300, 0, || Ok(Some(100))).unwrap().as_deref(),
            Some("200")
        );
        assert!(swap_limit(300, 0, unknown).is_err());
        assert!(swap_limit(99, 100, unknown).is_err());
    }
}
