/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * Grants: what one thread may do, once, of what its policy asks about. User space writes one when the answer is "allow",
 * while the thread waits in its system call. The arguments that were judged there may have changed since; a hook sees the
 * kernel's own copy, and takes the grant for that object alone.
 */
#pragma once
#include "destination.h"
#include "name.h"

#define GRANTS 8192
#define GRANT_FILES 6 /* a program and the five interpreters that the kernel follows */
#define GRANT_DESTINATIONS 8
#define TICK 10000000ULL /* ns: /proc tells when a thread was started in these */

enum grant_kind {
	GRANT_EXEC = 1,
	GRANT_REACH, /* connect, or send with a destination */
	GRANT_OPEN,
	GRANT_CREATE,
	GRANT_CREATED, /* by this thread, which has not opened it yet */
};

struct grant {
	__u64 until; /* ns since boot */
	__u64 started; /* the thread: its number may be another one's by now */
	__u64 files[GRANT_FILES]; /* to be executed or opened; the folder to create in; 0: none */
	struct destination to[GRANT_DESTINATIONS];
	__u32 slot;
	__u32 generation;
	__u32 kind;
	__u32 accesses; /* to a file: a mask of 1 << enum access */
	__u32 left; /* which of the destinations are not used up */
	__u32 words; /* of the command line */
	__u32 length; /* of the command line in bytes */
	__u32 reserved;
	struct name name; /* of what is to be created */
};

/* Key: a thread's number. Written by whoever got the answer. Removed when it is used, by its writer, or at delete. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, GRANTS);
	__type(key, __u32);
	__type(value, struct grant);
} grants SEC(".maps");

/* Key: an inode. Value: a number that no other file ever gets. User space writes it through a descriptor and names it in
 * grants. Dies with the inode in memory, and the grant is worth nothing then. */
struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} tags SEC(".maps");

static __always_inline bool is_ask(verdict_t verdict)
{
	return (verdict & (ANSWER_ACTION | ANSWER_AUDIT)) == ASK && !(verdict >> VERDICT_REASON_SHIFT);
}

static __always_inline struct grant *grant_of_thread(const struct subject *s, __u32 thread, enum grant_kind kind)
{
	struct grant *grant;

	if (!s->agent || !s->container)
		return NULL;
	grant = bpf_map_lookup_elem(&grants, &thread);
	if (!grant || grant->kind != kind || grant->slot != s->slot || grant->generation != s->container->generation)
		return NULL;
	return bpf_ktime_get_boot_ns() <= grant->until ? grant : NULL;
}

static __always_inline struct grant *grant_of(const struct subject *s, enum grant_kind kind)
{
	struct grant *grant = grant_of_thread(s, s->task->pid, kind);

	return grant && grant->started == s->task->start_boottime / TICK ? grant : NULL;
}

static __always_inline void use_up(const struct subject *s)
{
	__u32 thread = s->task->pid;

	bpf_map_delete_elem(&grants, &thread);
}

/* 0: none. */
static __always_inline __u64 tag_of(struct inode *inode)
{
	__u64 *tag = inode ? bpf_inode_storage_get(&tags, inode, NULL, 0) : NULL;

	return tag ? *tag : 0;
}

static __always_inline bool take_reach(struct subject *s, const struct destination *to)
{
	struct grant *grant = grant_of(s, GRANT_REACH);

	if (!grant)
		return false;
#pragma clang loop unroll(disable)
	for (int i = 0; i < GRANT_DESTINATIONS; i++) {
		if (!(grant->left & (1U << i)) || !same_destination(&grant->to[i], to))
			continue;
		grant->left &= ~(1U << i);
		return true;
	}
	return false;
}

/* The leaf of the walk before is what comes to be in `folder`. It is opened next, by the same call. */
static __always_inline bool take_create(struct subject *s, struct inode *folder)
{
	struct grant *grant = grant_of(s, GRANT_CREATE);
	struct component leaf;
	__u64 tag;

	if (!grant)
		return false;
	tag = tag_of(folder);
	if (!tag || tag != grant->files[0] || take_component(&s->agent->walk, 0, &leaf))
		return false;
	if (!is_name_of(&grant->name, &s->agent->walk, &leaf))
		return false;
	grant->kind = GRANT_CREATED;
	return true;
}

static __always_inline bool take_open(struct subject *s, struct file *file, __u32 accesses)
{
	struct grant *grant;
	__u64 tag;

	if ((file->f_mode & FMODE_CREATED) && grant_of(s, GRANT_CREATED)) {
		use_up(s);
		return true;
	}
	grant = grant_of(s, GRANT_OPEN);
	if (!grant || (accesses & ~grant->accesses))
		return false;
	tag = tag_of(file->f_inode);
	if (!tag || tag != grant->files[0])
		return false;
	use_up(s);
	return true;
}

/* One of the programs that a granted exec is made of. Its command line is compared when it is here; by then the thread
 * bears the number of its process. */
static __always_inline bool covers_program(struct subject *s, struct file *file)
{
	struct grant *grant = grant_of(s, GRANT_EXEC);
	__u64 tag;

	if (!grant)
		return false;
	tag = tag_of(file->f_inode);
	if (!tag)
		return false;
#pragma clang loop unroll(disable)
	for (int i = 0; i < GRANT_FILES; i++) {
		if (grant->files[i] == tag) {
			s->agent->coming_program = tag;
			s->agent->asker = s->task->pid;
			return true;
		}
	}
	return false;
}

/* The program that this process executes by a grant is mapped, too. */
static __always_inline bool is_granted_program(const struct subject *s, struct file *file)
{
	return s->agent && s->agent->granted_program && tag_of(file->f_inode) == s->agent->granted_program;
}
