/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * The network, where the kernel asks about a socket: attached to each container's own cgroup. They hold for whoever uses
 * a socket that the container made, on every path to the network layer. What an agent does was judged and reported by
 * the hooks before; these see the same destination, and mostly find it allowed already.
 */
#include "net.h"

/* NULL: made outside, or before the container had its label. */
static __always_inline struct container *owner_of(const struct owned *owned)
{
	struct container *container = owned ? container_of_slot(owned->slot) : NULL;

	return container && container->generation == owned->generation ? container : NULL;
}

static __always_inline bool may_reach(struct bpf_sock *sk, struct destination *to)
{
	struct owned *owned = sk ? bpf_sk_storage_get(&sockets, sk, NULL, 0) : NULL;
	struct container *container = owner_of(owned);

	if (!container)
		return false;
	if (owned->epoch == container->epoch && same_destination(&owned->allowed, to)) {
		if (owned->once)
			owned->epoch = 0; /* no container has this one */
		return true;
	}
	return lets_through(answer_to(to, container->policy_slot));
}

static __always_inline int reach_ipv4(struct bpf_sock_addr *ctx)
{
	struct destination to = { .port = bpf_ntohs(ctx->user_port), .protocol = ctx->protocol };

	set_ipv4(&to, ctx->user_ip4);
	return may_reach(ctx->sk, &to);
}

static __always_inline int reach_ipv6(struct bpf_sock_addr *ctx)
{
	struct destination to = { .port = bpf_ntohs(ctx->user_port), .protocol = ctx->protocol };

	to.address[0] = ctx->user_ip6[0];
	to.address[1] = ctx->user_ip6[1];
	to.address[2] = ctx->user_ip6[2];
	to.address[3] = ctx->user_ip6[3];
	return may_reach(ctx->sk, &to);
}

/* N1, N7: also where no hook asks about a connection, as for one that the first data opens. */
SEC("cgroup/connect4")
int reach_by_connect4(struct bpf_sock_addr *ctx)
{
	return reach_ipv4(ctx);
}

/* N2-N4. */
SEC("cgroup/connect6")
int reach_by_connect6(struct bpf_sock_addr *ctx)
{
	return reach_ipv6(ctx);
}

/* A connected socket whose message brings options along is asked about without a destination: it keeps the one that was
 * judged when it connected. No message names port 0 itself; the kernel refuses that before. */
static __always_inline bool keeps_its_peer(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;

	return !ctx->user_port && owner_of(sk ? bpf_sk_storage_get(&sockets, sk, NULL, 0) : NULL);
}

/* N6, N8. */
SEC("cgroup/sendmsg4")
int reach_by_sendmsg4(struct bpf_sock_addr *ctx)
{
	return keeps_its_peer(ctx) || reach_ipv4(ctx);
}

SEC("cgroup/sendmsg6")
int reach_by_sendmsg6(struct bpf_sock_addr *ctx)
{
	return keeps_its_peer(ctx) || reach_ipv6(ctx);
}

static __always_inline bool may_bind(struct bpf_sock *sk, const struct destination *at)
{
	struct container *container = owner_of(sk ? bpf_sk_storage_get(&sockets, sk, NULL, 0) : NULL);
	struct network *network;
	__u32 slot;

	if (!container)
		return false;
	slot = container->policy_slot;
	network = bpf_map_lookup_elem(&networks, &slot);
	if (!network || !network->policy_id)
		return false;
	return !at->port || may_serve(network, at) || (network->listen & ANSWER_AUDIT);
}

/* N15. */
SEC("cgroup/bind4")
int bind_ipv4(struct bpf_sock_addr *ctx)
{
	struct destination at = { .port = bpf_ntohs(ctx->user_port) };

	set_ipv4(&at, ctx->user_ip4);
	return may_bind(ctx->sk, &at);
}

SEC("cgroup/bind6")
int bind_ipv6(struct bpf_sock_addr *ctx)
{
	struct destination at = { .port = bpf_ntohs(ctx->user_port) };

	at.address[0] = ctx->user_ip6[0];
	at.address[1] = ctx->user_ip6[1];
	at.address[2] = ctx->user_ip6[2];
	at.address[3] = ctx->user_ip6[3];
	return may_bind(ctx->sk, &at);
}

/* N9, N12: also for a task that has left its label behind. */
SEC("cgroup/sock_create")
int make_socket(struct bpf_sock *ctx)
{
	return is_ordinary(ctx->family, ctx->type, ctx->protocol);
}

/* For the tests, and loaded by them alone: the answer to a destination that is the beginning of a packet. */
SEC("?tc")
int try_destination(struct __sk_buff *packet)
{
	struct destination to;

	if (bpf_skb_load_bytes(packet, 0, &to, sizeof(to)))
		return refuse(REASON_UNREADABLE);
	return answer_to(&to, 1);
}
