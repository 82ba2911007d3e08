/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * What the programs on the network read of the kernel's structures, beside kernel.h.
 */
#pragma once
#include "kernel.h"

enum {
	BPF_MAP_TYPE_SK_STORAGE = 24,
	BPF_F_CLONE = 1 << 9,
	BPF_F_INNER_MAP = 1 << 12,
	BPF_SK_STORAGE_GET_F_CREATE = 1,
};

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define NETLINK_ROUTE 0
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define MSG_FASTOPEN 0x20000000

/* What programs on cgroups are given: no structures of the kernel, but an interface with fixed offsets. */
struct bpf_sock {
	__u32 bound_dev_if;
	__u32 family;
	__u32 type;
	__u32 protocol;
};

struct bpf_sock_addr {
	__u32 user_family;
	__u32 user_ip4;
	__u32 user_ip6[4];
	__u32 user_port;
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 msg_src_ip4;
	__u32 msg_src_ip6[4];
	union {
		struct bpf_sock *sk;
		__u64 : 64;
	} __attribute__((aligned(8)));
};

/* The user's interface, with fixed offsets, too. */
struct sockaddr_in {
	__u16 family;
	__be16 port;
	__be32 address;
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr_words {
	__u32 u6_addr32[4];
};

struct in6_addr {
	struct in6_addr_words in6_u;
};

struct sock_common {
	__be32 skc_rcv_saddr;
	unsigned short skc_family;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
};

struct unix_sock {
	struct sock sk;
	struct path path;
};

struct socket {
	struct sock *sk;
};

struct msghdr {
	void *msg_name;
	int msg_namelen;
	unsigned int msg_flags;
};

#pragma clang attribute pop
