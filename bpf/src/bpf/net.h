/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * Whose socket it is, and where it may go.
 */
#pragma once
#include "destination.h"
#include "event.h"
#include "grant.h"
#include "object.h"

/* Key: a socket. Written when it is made; a connection that is accepted inherits it. Read wherever a socket is used.
 * Dies with the socket. The container's own services that live outside get it from user space. */
struct owned {
	__u32 slot;
	__u32 generation;
	__u64 epoch; /* of the container, when `allowed` was */
	struct destination allowed; /* by the hook before: the program on the cgroup need not ask again */
	__u32 once; /* by a grant: it may not do so twice */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct owned);
} sockets SEC(".maps");

static __always_inline bool is_own(const struct subject *s, const struct owned *owned)
{
	return owned && owned->slot == s->slot && owned->generation == s->container->generation;
}

static __always_inline bool is_internet(int family)
{
	return family == AF_INET || family == AF_INET6;
}

union raw_address {
	__u16 family;
	struct {
		__u16 family4;
		__be16 port;
		__be32 v4;
	};
	struct {
		__u16 family6;
		__be16 port6;
		__u32 flow;
		__u32 v6[4];
	};
};

#define LENGTH_OF_V4 16
#define LENGTH_OF_V6 24 /* without its scope */

/* N8: without a family it is read as IPv4, as the kernel does. */
static __always_inline enum reason read_address(struct destination *to, const void *from, int length)
{
	union raw_address raw = {};

	if (length < LENGTH_OF_V4)
		return REASON_ADDRESS;
	if (bpf_probe_read_kernel(&raw, LENGTH_OF_V4, from))
		return REASON_UNREADABLE;
	to->port = bpf_ntohs(raw.port);
	if (raw.family == AF_INET || raw.family == AF_UNSPEC) {
		set_ipv4(to, raw.v4);
		return 0;
	}
	if (raw.family != AF_INET6 || length < LENGTH_OF_V6)
		return REASON_ADDRESS;
	if (bpf_probe_read_kernel(&raw, LENGTH_OF_V6, from))
		return REASON_UNREADABLE;
	__builtin_memcpy(to->address, raw.v6, sizeof(to->address));
	return 0;
}

/* For the event: an object of one component, whose bytes are the destination's. `device` tells events apart. */
static __always_inline void describe(struct subject *s, const struct destination *to)
{
	struct walk *walk = &s->agent->walk;

	__builtin_memcpy(walk->name.words, to, sizeof(*to));
	walk->names[0] = (__u64)&walk->name.words;
	walk->lengths[0] = sizeof(*to);
	walk->depth = 1;
	walk->mount = 0;
	walk->device = (to->address[0] ^ to->address[1] ^ to->address[2] ^ to->address[3]) * 31 + to->port;
	walk->filled = 1;
}

static __always_inline enum reason known(const struct subject *s)
{
	if (!s->agent)
		return REASON_NO_MEMORY;
	return s->container ? 0 : REASON_STALE_LABEL;
}

static __always_inline bool visited_before(const struct visit *visit, const struct destination *to, __u64 epoch)
{
	return visit->address[3] == to->address[3] && visit->epoch == epoch && visit->port == to->port &&
	       visit->address[0] == to->address[0] && visit->address[1] == to->address[1] &&
	       visit->address[2] == to->address[2] && visit->protocol == to->protocol;
}

/* The program on the cgroup that is asked next finds it, and nobody after that. */
static __always_inline verdict_t let_through_once(struct subject *s, struct owned *owned, const struct destination *to)
{
	if (is_told(s->container))
		describe(s, to);
	owned->allowed = *to;
	owned->once = 1;
	owned->epoch = s->container->epoch;
	return ALLOW;
}

static __always_inline verdict_t judge_destination(struct subject *s, struct owned *owned, struct destination *to)
{
	__u64 epoch = s->container->epoch;
	__u32 place = (to->address[3] ^ (to->address[3] >> 16) ^ to->port) & (VISITED - 1);
	struct visit *visit = &s->agent->visited[place];

	if (!visited_before(visit, to, epoch)) {
		verdict_t verdict = answer_to(to, s->container->policy_slot);

		if (is_ask(verdict) && take_reach(s, to))
			return let_through_once(s, owned, to);
		if (!allowed(verdict)) {
			describe(s, to);
			return verdict;
		}
		__builtin_memcpy(visit->address, to->address, sizeof(visit->address));
		visit->port = to->port;
		visit->protocol = to->protocol;
		visit->epoch = epoch;
	}
	if (is_told(s->container))
		describe(s, to);
	owned->allowed = *to;
	owned->once = 0;
	owned->epoch = epoch;
	return ALLOW;
}
