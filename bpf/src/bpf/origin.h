/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * Where code comes from: what the container wrote, whatever its name is now. While a file's inode is in memory, a note
 * on it says that it was opened for writing; on disk its time of change does, which no system call can set.
 */
#pragma once
#include "object.h"

#define MAGIC_EXT 0xef53 /* 2, 3 and 4 */
#define MAGIC_XFS 0x58465342
#define MAGIC_BTRFS 0x9123683e
#define MAGIC_F2FS 0xf2f52010
#define MAGIC_OVERLAY 0x794c7630

struct origin {
	__u64 written; /* when an agent last opened it for writing, in ns since boot; 0: none did */
	__u64 runner; /* whose code it is; 0: nobody's */
};

#define SEVERAL (~0ULL) /* runners */

/* Key: an inode. Written and read by the hooks, only for policies that ask what was written. Dies with the inode in
 * memory; one that is open, or mapped, or of a file system in memory stays. */
struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct origin);
} origins SEC(".maps");

static __always_inline struct policy *policy_of(struct subject *s)
{
	__u32 slot;

	if (!s->container)
		return NULL;
	slot = s->container->policy_slot;
	return bpf_map_lookup_elem(&policies, &slot);
}

/* The answer of exec.writable. ALLOW: nobody has to know what was written. */
static __always_inline __u32 answer_on_written(struct subject *s)
{
	struct policy *policy = policy_of(s);

	return policy && (policy->flags & POLICY_ORIGINS) ? policy->written : ALLOW;
}

/* Does whatever changes a file on it change this time, and nothing set it? */
static __always_inline bool keeps_time_of_change(const struct super_block *sb)
{
	switch (sb->s_magic) {
	case MAGIC_EXT:
	case MAGIC_XFS:
	case MAGIC_BTRFS:
	case MAGIC_F2FS:
	case MAGIC_OVERLAY:
	case MAGIC_TMPFS:
		return true;
	}
	return sb->s_flags & SB_RDONLY;
}

/* In ns since 1970. The field has had three names. */
static __always_inline __u64 time_of_change(struct inode *inode)
{
	struct inode___6_11 *seconds = (void *)inode;
	struct inode___6_6 *renamed = (void *)inode;

	if (bpf_core_field_exists(seconds->i_ctime_sec))
		return seconds->i_ctime_sec * SECOND + seconds->i_ctime_nsec;
	if (bpf_core_field_exists(renamed->__i_ctime))
		return renamed->__i_ctime.tv_sec * SECOND + renamed->__i_ctime.tv_nsec;
	return inode->i_ctime.tv_sec * SECOND + inode->i_ctime.tv_nsec;
}

/* A file system may keep times in coarse steps, rounded down. */
static __always_inline bool changed_since(struct inode *inode, __u64 began)
{
	const struct super_block *sb = inode->i_sb;

	return !keeps_time_of_change(sb) || time_of_change(inode) + sb->s_time_gran > began;
}

static __always_inline bool opened_for_writing_since(const struct origin *origin, __u64 began)
{
	__u64 written = *(volatile __u64 *)&origin->written;

	return written && written >= began;
}

static __always_inline bool was_written(struct subject *s, struct inode *inode)
{
	struct origin *origin = bpf_inode_storage_get(&origins, inode, NULL, 0);

	if (origin && opened_for_writing_since(origin, s->container->began_since_boot))
		return true;
	return changed_since(inode, s->container->began);
}

static __always_inline __u64 runner_of(struct subject *s)
{
	return ((__u64)s->container->generation << 32) | s->slot;
}

static __always_inline bool is_running(__u64 runner)
{
	struct container *container = container_of_slot((__u32)runner);

	return runner == SEVERAL || (container && container->cgroup_id && container->generation == runner >> 32);
}

/* What is mapped as code must not change behind the mapping: the writer looks for this note after it has left its own,
 * and the runner the other way round, so that one of two at once sees the other. */
static __always_inline verdict_t note_code(struct subject *s, struct inode *inode, __u32 answer)
{
	struct origin *origin = bpf_inode_storage_get(&origins, inode, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	__u64 own = runner_of(s), old;

	if (!origin)
		return refuse(REASON_NO_MEMORY);
	old = *(volatile __u64 *)&origin->runner;
	if (old != own) {
		__u64 next = old && is_running(old) ? SEVERAL : own;

		if (__sync_val_compare_and_swap(&origin->runner, old, next) != old)
			__sync_lock_test_and_set(&origin->runner, SEVERAL);
	}
	return opened_for_writing_since(origin, s->container->began_since_boot) ? answer : ALLOW;
}

static __always_inline bool is_code(const struct origin *origin)
{
	__u64 runner = *(volatile __u64 *)&origin->runner;

	return runner && is_running(runner);
}

/* To be asked before a file is open for writing, when it is let through otherwise. */
static __always_inline verdict_t judge_writer(struct subject *s, struct inode *inode)
{
	__u32 answer = answer_on_written(s);
	struct origin *origin;

	if (!answer || (inode->i_mode & S_IFMT) != S_IFREG)
		return ALLOW;
	origin = bpf_inode_storage_get(&origins, inode, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!origin)
		return refuse(REASON_NO_MEMORY);
	if (is_code(origin) && !(answer & ANSWER_AUDIT))
		return answer; /* without a note: code that could not be written to stays what it was */
	__sync_lock_test_and_set(&origin->written, bpf_ktime_get_boot_ns());
	return is_code(origin) ? answer : ALLOW;
}
