/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * The network where the kernel takes no LSM programs: an object of its own for each container, attached to its cgroup, so
 * that no map has to say whose socket it is. Nothing here reads a structure of the kernel: it loads without BTF. Nobody
 * is told of a refusal but the caller.
 */
#include "destination.h"

#define THE_POLICY 1 /* the only one that the maps hold */

static __always_inline int reach(const struct destination *to)
{
	struct destination copy = *to;

	return lets_through(answer_to(&copy, THE_POLICY));
}

static __always_inline void read_ipv4(struct destination *to, const struct bpf_sock_addr *ctx)
{
	to->port = bpf_ntohs(ctx->user_port);
	to->protocol = ctx->protocol;
	set_ipv4(to, ctx->user_ip4);
}

static __always_inline void read_ipv6(struct destination *to, const struct bpf_sock_addr *ctx)
{
	to->port = bpf_ntohs(ctx->user_port);
	to->protocol = ctx->protocol;
	to->address[0] = ctx->user_ip6[0];
	to->address[1] = ctx->user_ip6[1];
	to->address[2] = ctx->user_ip6[2];
	to->address[3] = ctx->user_ip6[3];
}

SEC("cgroup/connect4")
int reach_by_connect4(struct bpf_sock_addr *ctx)
{
	struct destination to = {};

	read_ipv4(&to, ctx);
	return reach(&to);
}

SEC("cgroup/connect6")
int reach_by_connect6(struct bpf_sock_addr *ctx)
{
	struct destination to = {};

	read_ipv6(&to, ctx);
	return reach(&to);
}

/* Without a port it is a connected socket whose peer was judged when it connected: no message names port 0 itself. */
SEC("cgroup/sendmsg4")
int reach_by_sendmsg4(struct bpf_sock_addr *ctx)
{
	struct destination to = {};

	read_ipv4(&to, ctx);
	return !to.port || reach(&to);
}

SEC("cgroup/sendmsg6")
int reach_by_sendmsg6(struct bpf_sock_addr *ctx)
{
	struct destination to = {};

	read_ipv6(&to, ctx);
	return !to.port || reach(&to);
}

static __always_inline int may_bind(const struct destination *at)
{
	__u32 slot = THE_POLICY;
	struct network *network = bpf_map_lookup_elem(&networks, &slot);

	if (!network || !network->policy_id)
		return 0;
	return !at->port || may_serve(network, at) || (network->listen & ANSWER_AUDIT);
}

SEC("cgroup/bind4")
int bind_ipv4(struct bpf_sock_addr *ctx)
{
	struct destination at = {};

	read_ipv4(&at, ctx);
	return may_bind(&at);
}

SEC("cgroup/bind6")
int bind_ipv6(struct bpf_sock_addr *ctx)
{
	struct destination at = {};

	read_ipv6(&at, ctx);
	return may_bind(&at);
}

SEC("cgroup/sock_create")
int make_socket(struct bpf_sock *ctx)
{
	return is_ordinary(ctx->family, ctx->type, ctx->protocol);
}

/* Types that no map of this object names, but the Rust side writes: clang describes what a variable has. */
struct net_key net_key_type;
struct port_set port_set_type;

char LICENSE[] SEC("license") = "Dual BSD/GPL";
