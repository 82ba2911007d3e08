/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * Destinations: whatever way an address is written, 128 bits that say the same; and what the policy answers to them.
 */
#pragma once
#include "answer.h"
#include "socket.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define PORTS_MOST 32 /* of one set: the bound of the loop that looks for a port */
#define ROUTES 16384
#define NO_SET (~0U)

/* IPv4 as ::ffff:a.b.c.d. In the order of the network, as in the trie's keys. */
struct destination {
	__u32 address[4];
	__u16 port; /* of this machine's order */
	__u16 protocol;
};

static __always_inline bool same_destination(const struct destination *one, const struct destination *other)
{
	return one->address[3] == other->address[3] && one->port == other->port &&
	       one->address[0] == other->address[0] && one->address[1] == other->address[1] &&
	       one->address[2] == other->address[2] && one->protocol == other->protocol;
}

struct ports {
	__u16 first;
	__u16 last;
	__u16 protocol;
	__u16 answer;
};

struct port_set {
	__u32 count;
	struct ports ports[PORTS_MOST];
};

/* What a policy says of the network beside its prefixes. */
struct network {
	__u64 policy_id; /* 0: the slot is free */
	__u16 answer; /* to what no port set names */
	__u16 listen; /* to a server socket that the next field does not let be */
	__u16 unix_peer; /* to a peer outside the container */
	__u8 listens; /* enum listens */
	__u8 unix_any; /* peers outside are judged as files */
};

enum listens { LISTENS_NOWHERE, LISTENS_ON_LOOPBACK, LISTENS_ANYWHERE };

struct net_key {
	__u32 length; /* in bits */
	__u32 address[4];
};

struct nets {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct net_key));
	__uint(value_size, sizeof(__u32));
};

/* Key: slot of a policy. Value: prefix -> number of a port set, composed: the longest that fits says it all. Written
 * whole by the loader, as large as the policy needs, freed whole. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POLICIES);
	__type(key, __u32);
	__array(values, struct nets);
} policy_nets SEC(".maps");

struct port_sets {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP); /* else all would have to be of one size */
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct port_set));
};

/* Key: slot of a policy. Value: number -> port set. As policy_nets. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POLICIES);
	__type(key, __u32);
	__array(values, struct port_sets);
} policy_port_sets SEC(".maps");

/* Key: slot of a policy. Written by the loader. Dies with the last container under it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, POLICIES);
	__type(key, __u32);
	__type(value, struct network);
} networks SEC(".maps");

struct route {
	__u64 policy_id;
	__u32 address[4];
};

/* In front of the tries, whose answers it repeats: a policy's id is its contents, so no entry is ever wrong. Written
 * and read by find_set(). Losing an entry costs a search. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ROUTES);
	__type(key, struct route);
	__type(value, __u32);
} routes SEC(".maps");

static __always_inline __u32 find_set(const struct destination *to, __u32 policy_slot, __u64 policy_id)
{
	struct route route = { .policy_id = policy_id };
	struct net_key key = { .length = 128 };
	void *nets;
	__u32 *set;

	__builtin_memcpy(route.address, to->address, sizeof(route.address));
	set = bpf_map_lookup_elem(&routes, &route);
	if (set)
		return *set;
	nets = bpf_map_lookup_elem(&policy_nets, &policy_slot);
	if (!nets)
		return NO_SET;
	__builtin_memcpy(key.address, to->address, sizeof(key.address));
	set = bpf_map_lookup_elem(nets, &key);
	if (!set)
		return NO_SET;
	if (bpf_map_update_elem(&routes, &route, set, BPF_ANY))
		return *set; /* not remembered: searched once more */
	return *set;
}

static __always_inline __u32 answer_of_set(const struct port_set *set, const struct destination *to, __u32 other)
{
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < PORTS_MOST; i++) {
		const struct ports *ports = &set->ports[i];

		if (i >= set->count)
			break;
		if (ports->protocol == to->protocol && ports->first <= to->port && to->port <= ports->last)
			return ports->answer;
	}
	return other;
}

/* Of the address as it is written, whatever it may be translated to. */
static __always_inline verdict_t answer_as_written(const struct destination *to, __u32 policy_slot)
{
	struct network *network = bpf_map_lookup_elem(&networks, &policy_slot);
	struct port_set *set;
	void *sets;
	__u32 number;

	if (!network || !network->policy_id)
		return refuse(REASON_NO_POLICY);
	number = find_set(to, policy_slot, network->policy_id);
	sets = bpf_map_lookup_elem(&policy_port_sets, &policy_slot);
	if (!sets)
		return refuse(REASON_NO_POLICY);
	set = bpf_map_lookup_elem(sets, &number); /* NO_SET is in no array */
	return set ? answer_of_set(set, to, network->answer) : refuse(REASON_NO_POLICY);
}

static __always_inline void set_ipv4(struct destination *to, __be32 address)
{
	to->address[0] = 0;
	to->address[1] = 0;
	to->address[2] = bpf_htonl(0xffff);
	to->address[3] = address;
}

static __always_inline bool is_ipv4(const struct destination *to)
{
	return !to->address[0] && !to->address[1] && to->address[2] == bpf_htonl(0xffff);
}

/* N3: an IPv6 address that a router turns into the IPv4 address in it: 64:ff9b::/96 and 2002::/16. */
static __always_inline bool translated(const struct destination *to, struct destination *inside)
{
	if (to->address[0] == bpf_htonl(0x64ff9b) && !to->address[1] && !to->address[2]) {
		set_ipv4(inside, to->address[3]);
	} else if ((to->address[0] & bpf_htonl(0xffff0000)) == bpf_htonl(0x20020000)) {
		__u32 high = bpf_ntohl(to->address[0]) << 16, low = bpf_ntohl(to->address[1]) >> 16;

		set_ipv4(inside, bpf_htonl(high | low));
	} else {
		return false;
	}
	inside->port = to->port;
	inside->protocol = to->protocol;
	return true;
}

/* N17: to send to no address is to send to this machine. */
static __always_inline void name_loopback(struct destination *to)
{
	if (to->address[0] || to->address[1])
		return;
	if (is_ipv4(to) && !to->address[3])
		to->address[3] = bpf_htonl(0x7f000001);
	else if (!to->address[2] && !to->address[3])
		to->address[3] = bpf_htonl(1);
}

/* Verified once, for it is long. Needs no memory of the task's, so that programs on cgroups can call it, too. */
__noinline int answer_to(struct destination *to, __u32 policy_slot)
{
	struct destination inside = {}, named;
	verdict_t verdict;

	if (!to)
		return refuse(REASON_NO_MEMORY);
	named = *to;
	name_loopback(&named);
	verdict = answer_as_written(&named, policy_slot);
	if (translated(&named, &inside))
		verdict = stricter(verdict, answer_as_written(&inside, policy_slot));
	return verdict;
}

/* N9-N12: what has other ways out, or is parsed by code that nobody looks at, is not made at all. */
static __always_inline bool is_ordinary(int family, int type, int protocol)
{
	switch (family) {
	case AF_UNIX:
		return true;
	case AF_NETLINK:
		return protocol == NETLINK_ROUTE;
	case AF_INET:
	case AF_INET6:
		return (type == SOCK_STREAM && (!protocol || protocol == IPPROTO_TCP)) ||
		       (type == SOCK_DGRAM && (!protocol || protocol == IPPROTO_UDP));
	}
	return false;
}

static __always_inline bool is_loopback(const struct destination *at)
{
	if (is_ipv4(at))
		return (at->address[3] & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000);
	return !at->address[0] && !at->address[1] && !at->address[2] && at->address[3] == bpf_htonl(1);
}

static __always_inline bool may_serve(const struct network *network, const struct destination *at)
{
	return network->listens == LISTENS_ANYWHERE || (network->listens == LISTENS_ON_LOOPBACK && is_loopback(at));
}
