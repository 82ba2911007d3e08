/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * The network, where the kernel asks about a task: which sockets may be, and where they may go.
 */
#include "net.h"

/* What a kernel without it answers, where programs try it out and take another way: user management asks for an audit
 * socket, Go for MPTCP, and both give up over EPERM. */
static __always_inline int no_such_socket(int family, int type)
{
	if (family == AF_NETLINK || (is_internet(family) && type == SOCK_STREAM))
		return -EPROTONOSUPPORT;
	return -EPERM;
}

/* N9-N12. */
SEC("lsm/socket_create")
int BPF_PROG(create_socket, int family, int type, int protocol, int kern, int ret)
{
	struct subject s;

	if (ret)
		return ret;
	if (kern || !subject_of_current(&s))
		return 0;
	return finish(&s, OP_SOCKET, is_ordinary(family, type, protocol) ? ALLOW : refuse(REASON_SOCKET_FAMILY),
		      no_such_socket(family, type));
}

static __always_inline int own(const struct subject *s, struct sock *sk)
{
	struct owned *owned;

	if (!sk || !s->container)
		return -ENOMEM;
	owned = bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!owned)
		return -ENOMEM;
	owned->generation = s->container->generation;
	owned->slot = s->slot;
	return 0;
}

/* N14: a socket that is nobody's was made elsewhere. */
SEC("lsm/socket_post_create")
int BPF_PROG(own_socket, struct socket *sock, int family, int type, int protocol, int kern, int ret)
{
	struct subject s;

	if (ret)
		return ret;
	if (kern || !subject_of_current(&s))
		return 0;
	return own(&s, sock->sk);
}

static __always_inline struct owned *own_socket_of(struct subject *s, struct sock *sk)
{
	struct owned *owned = bpf_sk_storage_get(&sockets, sk, NULL, 0);

	return owned && is_own(s, owned) ? owned : NULL;
}

static __always_inline verdict_t judge_address(struct subject *s, struct sock *sk, const void *address, int length)
{
	struct owned *owned = own_socket_of(s, sk);
	struct destination to = { .protocol = sk->sk_protocol };
	enum reason reason;

	if (!owned)
		return refuse(REASON_FOREIGN_SOCKET);
	reason = read_address(&to, address, length);
	return reason ? refuse(reason) : judge_destination(s, owned, &to);
}

/* The kernel has copied the address for the hook, so that of IPv4 takes no helper to read. */
static __always_inline verdict_t judge_copied(struct subject *s, struct sock *sk, struct sockaddr *address, int length)
{
	const struct sockaddr_in *raw = (const void *)address;
	struct destination to = { .protocol = sk->sk_protocol };
	struct owned *owned;

	if (raw->family == AF_UNSPEC) /* dissolves a connection, and makes none */
		return ALLOW;
	if (raw->family != AF_INET || length < LENGTH_OF_V4)
		return judge_address(s, sk, address, length);
	owned = own_socket_of(s, sk);
	if (!owned)
		return refuse(REASON_FOREIGN_SOCKET);
	to.port = bpf_ntohs(raw->port);
	set_ipv4(&to, raw->address);
	return judge_destination(s, owned, &to);
}

static __always_inline verdict_t judge_connect(struct subject *s, struct sock *sk, struct sockaddr *address, int length)
{
	enum reason reason = known(s);

	if (reason || !sk)
		return refuse(reason ? reason : REASON_NO_MEMORY);
	switch (sk->__sk_common.skc_family) {
	case AF_UNIX: /* asked about its peer: below */
	case AF_NETLINK:
		return ALLOW;
	case AF_INET:
	case AF_INET6:
		return judge_copied(s, sk, address, length);
	}
	return refuse(REASON_SOCKET_FAMILY);
}

/* N1-N5, N14, N17, N24, N25, N27. Comes before the program on the cgroup, and for sockets of other families. */
SEC("lsm/socket_connect")
int BPF_PROG(connect_socket, struct socket *sock, struct sockaddr *address, int addrlen, int ret)
{
	struct subject s;

	if (ret)
		return ret;
	if (!subject_of_current(&s))
		return 0;
	return finish(&s, OP_CONNECT, judge_connect(&s, sock->sk, address, addrlen), -EPERM);
}

/* A stream goes where it is connected to, unless it is opened by this very message. */
static __always_inline bool names_destination(struct sock *sk, struct msghdr *msg)
{
	if (!msg->msg_name)
		return false;
	return sk->sk_type != SOCK_STREAM || (msg->msg_flags & MSG_FASTOPEN);
}

static __always_inline bool opens_connection(struct sock *sk, struct msghdr *msg)
{
	return sk && sk->sk_type == SOCK_STREAM && is_internet(sk->__sk_common.skc_family) &&
	       names_destination(sk, msg);
}

static __always_inline verdict_t judge_send(struct subject *s, struct sock *sk, struct msghdr *msg)
{
	enum reason reason = known(s);

	if (reason || !sk)
		return refuse(reason ? reason : REASON_NO_MEMORY);
	if (sk->__sk_common.skc_family == AF_UNIX || sk->__sk_common.skc_family == AF_NETLINK)
		return ALLOW;
	if (!is_internet(sk->__sk_common.skc_family))
		return refuse(REASON_SOCKET_FAMILY);
	if (names_destination(sk, msg))
		return judge_address(s, sk, msg->msg_name, msg->msg_namelen);
	return own_socket_of(s, sk) ? ALLOW : refuse(REASON_FOREIGN_SOCKET);
}

/* N6-N8, N14: a message that names its own destination, or goes out of a socket of somebody else. */
SEC("lsm/socket_sendmsg")
int BPF_PROG(send_message, struct socket *sock, struct msghdr *msg, int size, int ret)
{
	enum operation operation;
	struct subject s;

	if (ret)
		return ret;
	if (!subject_of_current(&s))
		return 0;
	operation = opens_connection(sock->sk, msg) ? OP_CONNECT : OP_SEND;
	return finish(&s, operation, judge_send(&s, sock->sk, msg), -EPERM);
}

static __always_inline verdict_t judge_service(struct subject *s, const struct destination *at)
{
	__u32 slot = s->container->policy_slot;
	struct network *network = bpf_map_lookup_elem(&networks, &slot);

	if (!network || !network->policy_id)
		return refuse(REASON_NO_POLICY);
	if (may_serve(network, at))
		return ALLOW;
	describe(s, at);
	return network->listen;
}

static __always_inline verdict_t judge_bind(struct subject *s, struct sock *sk, struct sockaddr *address, int length)
{
	enum reason reason = known(s);
	struct destination at = {};

	if (reason || !sk)
		return refuse(reason ? reason : REASON_NO_MEMORY);
	if (!is_internet(sk->__sk_common.skc_family))
		return ALLOW;
	at.protocol = sk->sk_protocol;
	reason = read_address(&at, address, length);
	if (reason)
		return refuse(reason);
	/* without a port it is how a client chooses its address; listen() asks again */
	return at.port ? judge_service(s, &at) : ALLOW;
}

/* N15: a service that others could reach. */
SEC("lsm/socket_bind")
int BPF_PROG(bind_socket, struct socket *sock, struct sockaddr *address, int addrlen, int ret)
{
	struct subject s;

	if (ret)
		return ret;
	if (!subject_of_current(&s))
		return 0;
	return finish(&s, OP_BIND, judge_bind(&s, sock->sk, address, addrlen), -EPERM);
}

static __always_inline verdict_t judge_listen(struct subject *s, struct sock *sk)
{
	enum reason reason = known(s);
	struct destination at = {};

	if (reason || !sk)
		return refuse(reason ? reason : REASON_NO_MEMORY);
	switch (sk->__sk_common.skc_family) {
	case AF_UNIX:
		return ALLOW;
	case AF_INET:
		set_ipv4(&at, sk->__sk_common.skc_rcv_saddr);
		break;
	case AF_INET6:
		for (int i = 0; i < 4; i++)
			at.address[i] = sk->__sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32[i];
		break;
	default:
		return refuse(REASON_SOCKET_FAMILY);
	}
	at.protocol = sk->sk_protocol;
	return judge_service(s, &at);
}

/* N15: without bind() it would be every address. */
SEC("lsm/socket_listen")
int BPF_PROG(listen_on_socket, struct socket *sock, int backlog, int ret)
{
	struct subject s;

	if (ret)
		return ret;
	if (!subject_of_current(&s))
		return 0;
	return finish(&s, OP_LISTEN, judge_listen(&s, sock->sk), -EPERM);
}

/* A peer is told by the socket that was made, not by the name that was called: its file may be anywhere. */
static __always_inline verdict_t judge_peer(struct subject *s, struct sock *peer)
{
	enum reason reason = known(s);
	struct network *network;
	struct unix_sock *named;
	struct dentry *dentry;
	__u32 slot, by_kind;

	if (reason || !peer)
		return refuse(reason ? reason : REASON_NO_MEMORY);
	slot = s->container->policy_slot;
	network = bpf_map_lookup_elem(&networks, &slot);
	if (!network || !network->policy_id)
		return refuse(REASON_NO_POLICY);
	named = bpf_skc_to_unix_sock(peer);
	if (!named)
		return refuse(REASON_SOCKET_FAMILY);
	dentry = named->path.dentry;
	if (is_own(s, bpf_sk_storage_get(&sockets, peer, NULL, 0)))
		by_kind = ALLOW;
	else if (!network->unix_any)
		by_kind = network->unix_peer;
	else if (dentry)
		by_kind = ALLOW;
	else
		return refuse(REASON_PEER_OUTSIDE); /* abstract, or not bound: no rule can name it */
	return dentry ? stricter(judge_place(s, dentry, 1 << WRITE), by_kind) : by_kind;
}

/* N13: engine sockets, agents for keys, message buses. What is accepted at the other end is this container's, too. */
SEC("lsm/unix_stream_connect")
int BPF_PROG(connect_to_peer, struct sock *sock, struct sock *other, struct sock *newsk, int ret)
{
	struct subject s;
	int answer;

	if (ret)
		return ret;
	if (!subject_of_current(&s))
		return 0;
	answer = finish(&s, OP_UNIX, judge_peer(&s, other), -EACCES);
	return answer ? answer : own(&s, newsk);
}

/* N13: the same for datagrams. */
SEC("lsm/unix_may_send")
int BPF_PROG(send_to_peer, struct socket *sock, struct socket *other, int ret)
{
	struct subject s;

	if (ret)
		return ret;
	if (!subject_of_current(&s))
		return 0;
	return finish(&s, OP_UNIX, judge_peer(&s, other->sk), -EACCES);
}

static __always_inline verdict_t judge_received(struct subject *s, struct socket *sock)
{
	enum reason reason = known(s);
	struct sock *sk = sock->sk;

	if (reason || !sk)
		return refuse(reason ? reason : REASON_NO_MEMORY);
	return is_own(s, bpf_sk_storage_get(&sockets, sk, NULL, 0)) ? ALLOW : refuse(REASON_FOREIGN_SOCKET);
}

/* N14: programs on cgroups follow whoever made a socket, and some ways to send meet no hook (N18). */
SEC("lsm/file_receive")
int BPF_PROG(receive_socket, struct file *file, int ret)
{
	struct socket *sock;
	struct subject s;

	if (ret)
		return ret;
	if (!subject_of_current(&s))
		return 0;
	sock = bpf_sock_from_file(file);
	if (!sock)
		return 0;
	return finish(&s, OP_SOCKET, judge_received(&s, sock), -EPERM);
}

/* N20: options that choose another way out, or give code or routes to the kernel. */
static __always_inline bool is_closed_option(int level, int option)
{
	enum { SOL_IP = 0, SOL_SOCKET = 1, SOL_IPV6 = 41 };
	enum { IP_OPTIONS = 4, IP_TRANSPARENT = 19, IPV6_HOPOPTS = 54, IPV6_RTHDR = 57, IPV6_TRANSPARENT = 75 };
	enum { SO_BINDTODEVICE = 25, SO_MARK = 36, SO_ATTACH_BPF = 50, SO_BINDTOIFINDEX = 62 };

	switch (level) {
	case SOL_SOCKET:
		return option == SO_MARK || option == SO_BINDTODEVICE || option == SO_BINDTOIFINDEX ||
		       option == SO_ATTACH_BPF;
	case SOL_IP:
		return option == IP_OPTIONS || option == IP_TRANSPARENT;
	case SOL_IPV6:
		return option == IPV6_RTHDR || option == IPV6_HOPOPTS || option == IPV6_TRANSPARENT;
	}
	return false;
}

SEC("lsm/socket_setsockopt")
int BPF_PROG(set_option, struct socket *sock, int level, int optname, int ret)
{
	struct subject s;

	if (ret)
		return ret;
	if (!is_closed_option(level, optname) || !subject_of_current(&s))
		return 0;
	return finish(&s, OP_SOCKET, refuse(REASON_SOCKET_OPTION), -EPERM);
}
