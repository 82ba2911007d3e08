/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * What the programs and the Rust side exchange, and the only place where it is written: the Rust types are generated
 * from this header's BTF.
 */
#pragma once
#include "kernel.h"

#define SLOTS 4096 /* containers at a time; slot 0 is nobody */
#define POLICIES 1024 /* different policies at a time; slot 0 refuses everything */
#define MOUNTS 131072
#define NAME_MOST 255 /* NAME_MAX */
#define NAME_WORDS 32 /* NAME_MOST in words of 8 bytes, the last one filled up with zeros */
#define OBJECT_MOST 1024
#define COMM_LENGTH 16

/* An answer in 16 bits: what to do, whether it is only to be reported, and the rule that says so (0: none does). */
#define ANSWER_ACTION 3
#define ANSWER_AUDIT 4
#define ANSWER_RULE_SHIFT 3
enum action { ALLOW, ASK, DENY, KILL };

/* The four answers of a place, 16 bits each, in one word. */
enum access { READ, WRITE, CHANGE, EXEC, ACCESSES };

#define SIEVE_WORDS 64

/* Which containers there are at all. Written under the loader's lock, read by every task of the machine. */
struct gate {
	__u32 agents; /* 0: there was none since boot, and every hook leaves at once */
	__u32 levels; /* bit n: some container's cgroup is n below the root */
	/* bit n: some container's cgroup has an id of n modulo the bits: others need no look-up */
	__u64 sieve[SIEVE_WORDS];
};

/* Where a part of a superblock that is mounted lies in the policy. */
struct entrance {
	__u64 start; /* the deepest node of the policy on the container's path to here */
	__u64 names; /* answers of the name rules for the mount point's own name */
	__u32 beyond; /* components of that path after the node */
	__u32 number; /* of the mount, in the events */
};

/* The id stands first in every release: a later one looks whether an earlier one's containers still live. */
struct container {
	__u64 cgroup_id; /* 0: the slot is free */
	__u64 policy_id;
	__u64 epoch; /* of this container under this policy; never used twice */
	__u64 began; /* in ns since 1970: what changed later, it may have written */
	__u64 began_since_boot; /* the same moment; 0: before boot */
	__u32 generation; /* moves when the slot is given back, so that the labels of its last owner mean nothing */
	__u32 policy_slot;
	__u64 told_until; /* ns since boot: what is allowed until then is reported, too. 0: it is not */
	__u64 first_place; /* of its entries in `mounts`; each tells the next one */
	__u32 first_device;
	__u32 mounts; /* how many */
	struct entrance root; /* of the superblock that "/" is mounted from, if that is its root and its only mount */
	__u32 root_device; /* 0: it is not, and has to be looked up */
	__u32 reserved;
};

enum label_flags { LABEL_SETUP = 1 };

struct label {
	__u32 slot;
	__u32 generation;
	__u32 flags;
	__u32 reserved;
};

enum policy_flags {
	POLICY_NAMES = 1, /* it has rules on names */
	POLICY_ENDINGS = 2, /* on what follows the last dot, too */
	POLICY_ORIGINS = 4, /* it tells what the container wrote from what it was given */
	POLICY_WORDS = 8, /* it has rules on command lines */
};

struct policy {
	__u64 policy_id;
	__u64 root; /* hash of the node "/" */
	__u32 flags;
	__u32 mask; /* of the places in its table of paths */
	__u16 written; /* answers of exec.writable and exec.jit */
	__u16 jit;
	__u32 reserved;
};

/* One component, or what follows its last dot. */
struct name {
	__u64 words[NAME_WORDS];
	__u32 length;
	__u32 kind; /* enum name_kind */
};

#define PROBES 8 /* a node lies at its hash's place in the table, or at one of the next ones */

/* A place that a rule names, or an ancestor of one. Its ancestors are in the table too, so the first miss ends a walk. */
struct path_node {
	__u64 place; /* its hash */
	__u64 parent;
	__u64 own; /* of this very object */
	__u64 child; /* of what lies directly in it */
	__u64 below; /* of what lies deeper */
	__u64 flags;
	__u16 own_words; /* the set of word rules, if this object is a program */
	__u16 child_words;
	__u16 below_words;
	__u16 reserved;
	struct name name;
};

/* clang-format off */
enum node_flags { NODE_GUARDS = 1 /* something below has other answers than `below` */, NODE_HAS_CHILDREN = 2, NODE_IS_THERE = 4 };
/* clang-format on */

enum name_kind { NAME_LITERAL = 1, NAME_EXTENSION = 2 };

struct name_node {
	__u64 answers; /* rule 0: says nothing about that access */
	struct name name;
};

#define LINE_MOST 4088 /* bytes of a command line that are judged */
#define LINE_ROOM 4096
#define STATE_WORDS 4
#define WORD_RULES 32

/* States of an automaton, a bit each. */
struct states {
	__u64 words[STATE_WORDS];
};

struct word_rule {
	__u16 end; /* the state in which it fits */
	__u16 answer;
};

/* The rules on command lines that meet at one program. */
struct word_set {
	struct states moves[256]; /* for each byte the states that it leads one further from; 0 ends a word */
	struct states stays; /* the states that bytes of a word may leave as they are */
	struct states rests; /* those that the end of a word may, too */
	struct states starts;
	struct word_rule rules[WORD_RULES];
	__u16 count;
	__u16 too_long; /* the answer for a line of more than LINE_MOST bytes */
	__u16 carried; /* equal for sets between whose programs a rename changes nothing that is enforced */
	__u16 lifts; /* one of them may allow what the default refuses */
};

/* Where a superblock, or a part of it, is mounted in a container; and the folders on the way there. */
struct mount_key {
	__u64 place; /* hash of the path from the superblock's root */
	__u32 slot;
	__u32 device;
};

enum mount_flags { MOUNT_HERE = 1, MOUNT_BELOW = 2 /* an entry of this superblock lies deeper */ };

struct mount_node {
	__u64 parent;
	struct entrance entrance; /* if it is mounted here */
	struct name name;
	__u32 flags;
	__u32 next_device; /* the container's next entry, for whoever removes them */
	__u64 next_place;
};

/* clang-format off */
enum operation {
	OP_EXEC, OP_MAP_EXEC, OP_OPEN, OP_CREATE, OP_RENAME, OP_LINK, OP_UNLINK, OP_SETATTR, OP_CONNECT, OP_SEND, OP_BIND,
	OP_LISTEN, OP_SOCKET, OP_UNIX, OP_DNS, OP_MOUNT, OP_PTRACE, OP_SIGNAL, OP_BPF, OP_CAPABILITY, OP_NAMESPACE, OP_IOCTL,
	OP_TAMPER, OPERATIONS,
};
/* clang-format on */

#define OPERATIONS_ROOM 32 /* powers of two, so that an index can be masked */

_Static_assert(OPERATIONS <= OPERATIONS_ROOM, "counters have room for every operation");

enum result { RESULT_ALLOW, RESULT_DENY, RESULT_KILL, RESULT_AUDIT, RESULTS };

/* Why, when it was not a rule that answered. From FIRST_FLOOR on it is the floor's, which holds in every mode. */
enum reason {
	REASON_RULE,
	REASON_NO_VERDICT, /* a rule says ask, and nobody has allowed it */
	REASON_CROSSES_RULES, /* a rename or link would carry an object out of a rule's reach */
	REASON_TOO_LONG, /* a command line, and a rule on it could apply */
	REASON_OTHER_LINE, /* not the command line that was granted */
	FIRST_FLOOR = 16,
	REASON_NO_MEMORY = FIRST_FLOOR,
	REASON_STALE_LABEL,
	REASON_NO_POLICY,
	REASON_UNREGISTERED, /* a superblock, or a part of one, that the container has no mount of */
	REASON_TOO_DEEP,
	REASON_DISCONNECTED,
	REASON_UNREADABLE,
	REASON_COLLISION,
	REASON_RENAMED, /* meanwhile, again and again */
	REASON_KERNEL_INTERFACE,
	REASON_NO_PATH, /* memfd, deleted, O_TMPFILE: no name to judge an executable by */
	REASON_DEVICE_NODE,
	REASON_ADDRESS, /* too short, or of a family that the socket is not of */
	REASON_SOCKET_FAMILY,
	REASON_SOCKET_OPTION,
	REASON_FOREIGN_SOCKET, /* made outside the container */
	REASON_PEER_OUTSIDE,
	REASON_TASK_OUTSIDE,
	REASON_CLOSED, /* to every agent: mounts, namespaces, bpf, keys and their kin */
};

_Static_assert((RESULTS & (RESULTS - 1)) == 0, "an index of results can be masked");

struct counters {
	__u64 by[OPERATIONS_ROOM][RESULTS];
};

struct event {
	__u64 time; /* ns since boot */
	__u64 policy_id;
	__u64 cgroup_id;
	__u32 slot;
	__u32 generation;
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__s32 error;
	__u32 count;
	__u32 mount; /* number of the mount that `object` is relative to */
	__u16 operation;
	__u16 result;
	__u16 reason;
	__u16 rule;
	__u16 flags;
	__u16 length; /* of the object */
	__u32 reserved;
	char comm[COMM_LENGTH];
	char object[OBJECT_MOST];
};

enum event_flags { EVENT_SHORTENED = 1 };
