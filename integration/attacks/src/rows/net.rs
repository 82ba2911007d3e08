//! N: destinations that must not be reached, and sockets that must not be.
//!
//! Nobody needs to listen anywhere: an answer of the network, or none, shows that the guard let the call through.

use std::io;
use std::net::{
    Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, TcpListener, TcpStream, UdpSocket,
};
use std::os::fd::{AsFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::time::Duration;

use libc::{AF_INET, AF_INET6, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, c_int};
use nix::errno::Errno::{self, EACCES, EPERM, EPROTONOSUPPORT};

use super::{Case, Row, case, not_tried, way, way_to_nothing};
use crate::attempt::{Stop, Tried, first, through};
use crate::{donor, policies, raw};

/// Of networks that are for documentation: nobody is there.
const CLOSED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const OPEN: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(198, 51, 100, 7), 443);
const OPEN_V6: &str = "[2001:db8::1]:443";

pub const ROWS: &[Row] = &[
    net(
        "N1",
        "plain_tcp",
        "connect",
        "connect4, socket_connect",
        Case {
            ways: &[
                way("another host", EPERM, || connect("192.0.2.1:443")),
                way("another port", EPERM, || connect("198.51.100.7:444")),
            ],
            twin: || connect_to(OPEN.into()),
            ..CASE
        },
    ),
    net(
        "N2",
        "ipv6",
        "connect",
        "connect6, socket_connect",
        Case {
            ways: &[
                way("another host", EPERM, || connect("[2001:db8::2]:443")),
                way("scoped", EPERM, || {
                    let host = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
                    connect_to(SocketAddrV6::new(host, 443, 0, 1).into())
                }),
            ],
            twin: || connect(OPEN_V6),
            ..CASE
        },
    ),
    net(
        "N3",
        "mapped_and_translated_addresses",
        "connect",
        "connect6, sendmsg6, socket_connect",
        Case {
            policy: policies::NET_EXCEPT,
            ways: &[
                way("mapped, TCP", EPERM, || connect("[::ffff:192.0.2.1]:443")),
                way("mapped, UDP", EPERM, || send("[::ffff:192.0.2.1]:443")),
                way("NAT64", EPERM, || connect("[64:ff9b::192.0.2.1]:443")),
                way("6to4", EPERM, || connect("[2002:c000:201::1]:443")),
            ],
            twin: || connect("[64:ff9b::198.51.100.7]:443"),
            ..CASE
        },
    ),
    net(
        "N4",
        "ipv6_key_cut_short",
        "connect",
        "connect6, socket_connect",
        Case {
            ways: &[
                way("the same end", EPERM, || connect("[2001:db8:ffff::1]:443")),
                way("the same beginning", EPERM, || {
                    connect("[2001:db8::1:0:1]:443")
                }),
            ],
            twin: || connect(OPEN_V6),
            ..CASE
        },
    ),
    net(
        "N5",
        "byte_order",
        "connect",
        "connect4, socket_connect",
        Case {
            ways: &[
                way("address", EPERM, || connect("7.100.51.198:443")),
                way("port", EPERM, || {
                    connect_to((*OPEN.ip(), OPEN.port().swap_bytes()).into())
                }),
            ],
            twin: || connect_to(OPEN.into()),
            ..CASE
        },
    ),
    net(
        "N6",
        "unconnected_udp",
        "send",
        "sendmsg4, sendmsg6, socket_sendmsg",
        Case {
            policy: policies::NET_EXCEPT,
            ways: &[
                way("sendto", EPERM, || send("192.0.2.1:53")),
                way("elsewhere on a connected socket", EPERM, || {
                    let socket = udp("198.51.100.7:53")?;
                    let _ = socket.connect("198.51.100.7:53"); // where there is no route, it stays unconnected
                    reached(socket.send_to(b"x", "192.0.2.1:53"))
                }),
            ],
            twin: || send("198.51.100.7:53"),
            ..CASE
        },
    ),
    net(
        "N7",
        "tcp_fast_open",
        "connect",
        "connect4",
        Case {
            ways: &[way("sendto", EPERM, || {
                fast_open(SocketAddrV4::new(CLOSED, 443))
            })],
            twin: || fast_open(OPEN),
            ..CASE
        },
    ),
    net(
        "N8",
        "af_unspec",
        "send",
        "sendmsg4, socket_sendmsg",
        Case {
            policy: policies::NET_EXCEPT,
            ways: &[way("sendto", EPERM, || {
                send_unspecified(SocketAddrV4::new(CLOSED, 53))
            })],
            twin: || send_unspecified(OPEN),
            ..CASE
        },
    ),
    net(
        "N9",
        "raw_and_icmp",
        "socket",
        "socket_create",
        Case {
            policy: policies::FLOOR,
            ways: &[
                way("raw", EPERM, || made(AF_INET, SOCK_RAW, libc::IPPROTO_ICMP)),
                way("raw, IPv6", EPERM, || {
                    made(AF_INET6, SOCK_RAW, libc::IPPROTO_ICMPV6)
                }),
                way("ping", EPERM, || {
                    made(AF_INET, SOCK_DGRAM, libc::IPPROTO_ICMP)
                }),
            ],
            twin: || made(AF_INET, SOCK_DGRAM, libc::IPPROTO_UDP),
            ..CASE
        },
    ),
    net(
        "N10",
        "af_packet_af_xdp",
        "socket",
        "socket_create",
        Case {
            policy: policies::FLOOR,
            ways: &[
                way("packets", EPERM, || made(libc::AF_PACKET, SOCK_RAW, 0x0300)),
                way("packets without headers", EPERM, || {
                    made(libc::AF_PACKET, SOCK_DGRAM, 0x0300)
                }),
                way("rings", EPERM, || made(libc::AF_XDP, SOCK_RAW, 0)),
            ],
            twin: || made(AF_INET6, SOCK_STREAM, 0),
            ..CASE
        },
    ),
    net(
        "N11",
        "other_families",
        "socket",
        "socket_create",
        Case {
            policy: policies::FLOOR,
            ways: &[
                way("vsock", EPERM, || made(libc::AF_VSOCK, SOCK_STREAM, 0)),
                way("kernel cryptography", EPERM, || {
                    made(libc::AF_ALG, libc::SOCK_SEQPACKET, 0)
                }),
                way("netlink of another kind", EPROTONOSUPPORT, || {
                    made(libc::AF_NETLINK, SOCK_RAW, libc::NETLINK_NETFILTER)
                }),
                way("bluetooth", EPERM, || made(libc::AF_BLUETOOTH, SOCK_RAW, 0)),
                way("tipc", EPERM, || {
                    made(libc::AF_TIPC, libc::SOCK_SEQPACKET, 0)
                }),
                way("rds", EPERM, || made(libc::AF_RDS, libc::SOCK_SEQPACKET, 0)),
                way("can", EPERM, || made(libc::AF_CAN, SOCK_RAW, 1)),
            ],
            twin: || made(libc::AF_NETLINK, SOCK_RAW, libc::NETLINK_ROUTE),
            ..CASE
        },
    ),
    net(
        "N12",
        "mptcp_sctp_dccp_udp_lite",
        "socket",
        "socket_create",
        Case {
            policy: policies::FLOOR,
            ways: &[
                way("mptcp", EPROTONOSUPPORT, || {
                    made(AF_INET, SOCK_STREAM, libc::IPPROTO_MPTCP)
                }),
                way("sctp", EPROTONOSUPPORT, || {
                    made(AF_INET, SOCK_STREAM, libc::IPPROTO_SCTP)
                }),
                way("dccp", EPERM, || made(AF_INET, 6, libc::IPPROTO_DCCP)),
                way("udp-lite", EPERM, || {
                    made(AF_INET, SOCK_DGRAM, libc::IPPROTO_UDPLITE)
                }),
            ],
            twin: || made(AF_INET, SOCK_STREAM, libc::IPPROTO_TCP),
            ..CASE
        },
    ),
    net(
        "N13",
        "af_unix_to_the_host",
        "unix",
        "unix_stream_connect, unix_may_send",
        Case {
            ways: &[
                way("stream", EACCES, || {
                    through(UnixStream::connect(donor::STREAM))
                }),
                way("datagram", EACCES, || {
                    let socket = first("a socket", UnixDatagram::unbound())?;
                    through(socket.connect(donor::DATAGRAM))
                }),
                way("datagram, unconnected", EACCES, || {
                    let socket = first("a socket", UnixDatagram::unbound())?;
                    through(socket.send_to(b"x", donor::DATAGRAM))
                }),
                way("abstract", EACCES, || {
                    let name = std::os::unix::net::SocketAddr::from_abstract_name(donor::ABSTRACT)?;
                    through(UnixStream::connect_addr(&name))
                }),
            ],
            twin: connect_to_own_socket,
            ..CASE
        },
    ),
    net(
        "N14",
        "socket_made_elsewhere",
        "socket",
        "file_receive",
        Case {
            policy: policies::FLOOR,
            ways: &[way_to_nothing("sent by a process outside", || {
                donor::take(b's')
            })],
            twin: donor::hand_over,
            ..CASE
        },
    ),
    net(
        "N15",
        "listen_and_reverse_shell",
        "bind",
        "bind4, bind6, socket_listen",
        Case {
            policy: policies::NET_EXCEPT,
            ways: &[
                way("every address", EPERM, || listen("0.0.0.0:7100")),
                way("every address, IPv6", EPERM, || listen("[::]:7101")),
                way("any port", EPERM, || listen("0.0.0.0:0")),
                way("without bind", EPERM, || {
                    let socket = first("a socket", raw::socket(AF_INET, SOCK_STREAM, 0))?;
                    through(nix::sys::socket::listen(
                        &socket,
                        nix::sys::socket::Backlog::new(1)?,
                    ))
                }),
                way("UDP", EPERM, || through(UdpSocket::bind("0.0.0.0:7102"))),
            ],
            twin: || listen("127.0.0.1:7100"),
            ..CASE
        },
    ),
    not_tried(
        "N16",
        "connection_from_before",
        "needs a policy that changes under the socket: the swap's own test",
    ),
    net(
        "N17",
        "loopback_services",
        "connect",
        "connect4, connect6, socket_connect",
        Case {
            ways: &[
                way("another port", EPERM, || connect("127.0.0.1:7002")),
                way("another loopback address", EPERM, || {
                    connect("127.0.0.2:7001")
                }),
                way("no address", EPERM, || connect("0.0.0.0:7002")),
                way("no address, IPv6", EPERM, || connect("[::]:7002")),
                way("IPv6", EPERM, || connect("[::1]:7002")),
            ],
            twin: || connect("0.0.0.0:7001"),
            ..CASE
        },
    ),
    not_tried(
        "N18",
        "sendfile_or_splice_to_a_socket",
        "differs from a send only once there is taint: taint's own test",
    ),
    net(
        "N19",
        "io_uring",
        "",
        "seccomp, inode_init_security_anon",
        Case {
            policy: policies::FLOOR,
            ways: &[way("set up", EPERM, || through(raw::io_uring()))],
            twin: || made(AF_INET, SOCK_STREAM, 0),
            ..CASE
        },
    ),
    net(
        "N20",
        "socket_options",
        "socket",
        "socket_setsockopt",
        Case {
            policy: policies::FLOOR,
            ways: &[
                way("mark", EPERM, || {
                    option(libc::SOL_SOCKET, libc::SO_MARK, &[1, 0, 0, 0])
                }),
                way("transparent", EPERM, || {
                    option(libc::SOL_IP, libc::IP_TRANSPARENT, &[1, 0, 0, 0])
                }),
                way("source route", EPERM, || {
                    option(
                        libc::SOL_IP,
                        libc::IP_OPTIONS,
                        &[0x83, 7, 4, 198, 51, 100, 7, 0],
                    )
                }),
                way("device", EPERM, || {
                    option(libc::SOL_SOCKET, libc::SO_BINDTODEVICE, b"lo\0")
                }),
            ],
            twin: || option(libc::SOL_SOCKET, libc::SO_KEEPALIVE, &[1, 0, 0, 0]),
            ..CASE
        },
    ),
    not_tried(
        "N21",
        "domain_fronting",
        "the kernel sees addresses; a policy with sni is refused until the proxy is there",
    ),
    not_tried(
        "N22",
        "allowed_host_abused",
        "an allowed connection; what stops it is taint, which has its own test",
    ),
    not_tried(
        "N23",
        "name_parser_tricks",
        "names are read by the policy's grammar and the resolver: tests of theirs",
    ),
    net(
        "N24",
        "empty_allow_list",
        "connect",
        "connect4, socket_connect",
        Case {
            policy: policies::NET_EMPTY,
            ways: &[
                way("TCP", EPERM, || connect_to(OPEN.into())),
                way("IPv6", EPERM, || connect(OPEN_V6)),
                way("loopback", EPERM, || connect("127.0.0.1:7001")),
            ],
            twin: || made(AF_INET, SOCK_STREAM, 0),
            ..CASE
        },
    ),
    net(
        "N25",
        "proxy_variables_cleared",
        "connect",
        "connect4, socket_connect",
        Case {
            ways: &[way(
                "straight to the host, as every attempt here",
                EPERM,
                || connect("192.0.2.1:443"),
            )],
            twin: || connect_to(OPEN.into()),
            ..CASE
        },
    ),
    not_tried(
        "N26",
        "registry_as_pivot",
        "an allowed connection: the receipt names the binary, nothing is refused",
    ),
    net(
        "N27",
        "odd_ports_and_addresses",
        "connect",
        "connect4, sendmsg4, socket_connect",
        Case {
            ways: &[
                way("port 0", EPERM, || connect("198.51.100.7:0")),
                way("last port", EPERM, || connect("198.51.100.7:65535")),
                way("multicast", EPERM, || send("224.0.0.1:443")),
                way("broadcast", EPERM, || {
                    let socket = udp("192.0.2.1:1")?;
                    first("broadcast", socket.set_broadcast(true))?;
                    reached(socket.send_to(b"x", "255.255.255.255:443"))
                }),
                way("multicast, IPv6", EPERM, || send("[ff02::1]:443")),
            ],
            twin: || send_to(OPEN.into()),
            ..CASE
        },
    ),
];

const CASE: Case = Case {
    policy: policies::NET,
    event: "",
    hook: "",
    ways: &[],
    twin: || Err(Stop::WithoutEffect),
};

const fn net(
    id: &'static str,
    name: &'static str,
    event: &'static str,
    hook: &'static str,
    with: Case,
) -> Row {
    case(
        id,
        name,
        Case {
            event,
            hook,
            ..with
        },
    )
}

fn connect(address: &str) -> Tried {
    connect_to(parsed(address)?)
}

fn connect_to(address: SocketAddr) -> Tried {
    reached(TcpStream::connect_timeout(
        &address,
        Duration::from_millis(100),
    ))
}

fn send(address: &str) -> Tried {
    send_to(parsed(address)?)
}

fn send_to(address: SocketAddr) -> Tried {
    reached(socket_for(address)?.send_to(b"x", address))
}

fn udp(address: &str) -> Result<UdpSocket, Stop> {
    socket_for(parsed(address)?)
}

/// Not bound, for that would be a question of its own.
fn socket_for(address: SocketAddr) -> Result<UdpSocket, Stop> {
    let family = if address.is_ipv4() { AF_INET } else { AF_INET6 };
    let socket: OwnedFd = first("a socket", raw::socket(family, SOCK_DGRAM, 0))?;
    Ok(socket.into())
}

fn parsed(address: &str) -> Result<SocketAddr, Stop> {
    first(address, address.parse())
}

/// Whatever the network answers, the guard has let it pass.
fn reached<T>(result: io::Result<T>) -> Tried {
    let Err(error) = result else { return Ok(()) };
    match error.raw_os_error().map(Errno::from_raw) {
        None
        | Some(
            Errno::ECONNREFUSED
            | Errno::ECONNRESET
            | Errno::EHOSTUNREACH
            | Errno::EINPROGRESS
            | Errno::ENETUNREACH
            | Errno::EADDRNOTAVAIL
            | Errno::ETIMEDOUT,
        ) => Ok(()),
        Some(errno) => Err(errno.into()),
    }
}

fn fast_open(to: SocketAddrV4) -> Tried {
    let socket = first(
        "a socket",
        raw::socket(AF_INET, SOCK_STREAM | libc::SOCK_NONBLOCK, 0),
    )?;
    reached(raw::send_as(socket.as_fd(), AF_INET, to, libc::MSG_FASTOPEN).map_err(io::Error::from))
}

fn send_unspecified(to: SocketAddrV4) -> Tried {
    let socket = first("a socket", raw::socket(AF_INET, SOCK_DGRAM, 0))?;
    reached(raw::send_as(socket.as_fd(), libc::AF_UNSPEC, to, 0).map_err(io::Error::from))
}

fn made(family: c_int, kind: c_int, protocol: c_int) -> Tried {
    through(raw::socket(family, kind, protocol))
}

fn listen(address: &str) -> Tried {
    through(TcpListener::bind(address))
}

fn option(level: c_int, option: c_int, value: &[u8]) -> Tried {
    let socket = first("a socket", raw::socket(AF_INET, SOCK_STREAM, 0))?;
    through(raw::set_option(socket.as_fd(), level, option, value))
}

fn connect_to_own_socket() -> Tried {
    let _ = std::fs::remove_file("/desk/socket"); // of an earlier attempt
    let listener = first("a socket of its own", UnixListener::bind("/desk/socket"))?;
    UnixStream::connect("/desk/socket")?;
    drop(listener);
    Ok(())
}
