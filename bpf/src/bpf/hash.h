/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * The hash of a path: of each component by its bytes, and of the path by its parent's hash and that. Rust computes the
 * same (hash.rs). It need not be strong: whatever it finds is compared byte by byte.
 */
#pragma once
#include "abi.h"
#include <bpf/bpf_helpers.h>

const volatile __u64 secret; /* of this boot (immutable after load) */

static __always_inline __u64 mix(__u64 state, __u64 word)
{
	state = (state ^ word) * 0x9e3779b97f4a7c15ULL;
	return state ^ (state >> 32);
}

static __always_inline __u64 hash_place(__u64 parent, __u64 component)
{
	return mix(parent ^ secret, component);
}

#define HASH_OF_ROOT hash_place(0, 1)
