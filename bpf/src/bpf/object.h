/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * What the agent touches, and the answers that hold for it: by class where it has no name, else by its place.
 */
#pragma once
#include "event.h"
#include "walk.h"

#define MAGIC_TMPFS 0x01021994
#define MAGIC_HUGETLB 0x958458f6
#define MAGIC_PIPE 0x50495045
#define MAGIC_SOCKET 0x534f434b
#define MAGIC_ANONYMOUS 0x09041934
#define MAGIC_NAMESPACE 0x6e736673
#define MAGIC_PIDFD 0x50494446
#define MAGIC_DMABUF 0x444d4142
#define MAGIC_SECRET 0x5345434d

#define MAGIC_CGROUP 0x27e0eb
#define MAGIC_CGROUP2 0x63677270
#define MAGIC_BPF 0xcafe4a11
#define MAGIC_DEBUG 0x64626720
#define MAGIC_TRACE 0x74726163
#define MAGIC_SECURITY 0x73636673
#define MAGIC_SYSFS 0x62656572
#define MAGIC_PROC 0x9fa0
#define MAGIC_BINFMT 0x42494e4d

/* The answers that were found for an inode. Key: an inode. Written and read by the hooks, valid for one dentry, one
 * state of the machine's renames and one container under one policy. Dies with the inode in memory: it is no truth. */
struct decision {
	__u64 answers;
	__u64 name; /* where the dentry's is stored */
	__u64 seal; /* the answers under the key of what they hold for: two half-written decisions make no whole one */
};

struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct decision);
} decisions SEC(".maps");

/* Moves when one name of several goes: the only way, beside a rename, to give a dentry's address another name. */
__u64 names_gone;

/* Superblocks that only the kernel mounts have no tree of names: pipes, sockets, memfd, anonymous inodes. */
static __always_inline bool is_nameless(const struct super_block *sb)
{
	if (!(sb->s_flags & SB_KERNMOUNT))
		return false;
	switch (sb->s_magic) {
	case MAGIC_TMPFS: /* memfd, System V shared memory */
	case MAGIC_HUGETLB:
	case MAGIC_PIPE:
	case MAGIC_SOCKET:
	case MAGIC_ANONYMOUS:
	case MAGIC_NAMESPACE:
	case MAGIC_PIDFD:
	case MAGIC_DMABUF:
	case MAGIC_SECRET:
		return true;
	}
	return false;
}

#define NAMESPACE_OF_THE_KERNEL (-22L) /* MNT_NS_INTERNAL */

/* Of the mounts that only the kernel has, one is overlayfs's own of each layer. */
static __always_inline bool is_on_internal_mount(struct file *file)
{
	struct mount *mount = (void *)file->f_path.mnt - bpf_core_field_offset(struct mount, mnt);

	return (long)BPF_CORE_READ(mount, mnt_ns) == NAMESPACE_OF_THE_KERNEL;
}

/* Overlayfs works on its layers with the credentials of whoever mounted it. The agent's own calls never run so:
 * overridden credentials also come from io_uring's personalities, and io_uring is refused at its set-up. */
static __always_inline bool in_borrowed_credentials(const struct subject *s)
{
	return s->task->cred != s->task->real_cred;
}

/* One dentry is all the names it has: only then do the answers belong to the inode. */
static __always_inline bool has_one_name(const struct inode *inode)
{
	__u32 type = inode->i_mode & S_IFMT;

	return type == S_IFDIR || (type == S_IFREG && inode->i_nlink == 1);
}

/* The actions of some kinds of access (a mask of 1 << enum access): bit n goes to bit 16 * n. */
static __always_inline __u64 actions_of(__u64 accesses)
{
	__u64 spread = accesses | accesses << 15 | accesses << 30 | accesses << 45;

	return (spread & 0x0001000100010001) * ANSWER_ACTION;
}

static __always_inline verdict_t verdict_on(__u64 answers, __u32 accesses)
{
	__u32 verdict = ALLOW;

	if (!(answers & actions_of(accesses)))
		return ALLOW;
	for (int access = 0; access < ACCESSES; access++)
		if (accesses & (1 << access))
			verdict = stricter(verdict, answer_for(answers, access));
	return verdict;
}

static __always_inline verdict_t judge_place(struct subject *s, struct dentry *dentry, __u32 accesses)
{
	enum reason reason = look_up(s, dentry);

	if (reason)
		return refuse(reason);
	return verdict_on(s->agent->walk.own, accesses);
}

/* Where the answers for an object that exists are kept, and the key that they must have. A dentry is told by where its
 * name is stored, and by the kernel's hash of it, which holds the parent's address. */
struct memory {
	struct decision *decision; /* NULL: they can't be kept */
	struct inode *inode;
	__u64 place; /* the name's hash, the container's epoch */
	__u64 moment; /* how many renames there were, and names that went */
};

/* Whoever does not know the secret finds no two of the same. */
static __always_inline __u64 key_of(const struct memory *memory, __u64 name)
{
	return (name * secret + memory->place) * secret + memory->moment;
}

static __always_inline struct memory memory_of(struct subject *s, struct dentry *dentry, struct inode *inode)
{
	struct memory memory;

	memory.decision = NULL;
	memory.inode = inode;
	if (!s->container || !inode || !has_one_name(inode))
		return memory;
	if (is_told(s->container)) /* only a walk finds the name that is told */
		return memory;
	memory.moment = renames() + (names_gone << 32);
	memory.place = dentry->d_name.hash + (s->container->epoch << 32);
	memory.decision = bpf_inode_storage_get(&decisions, inode, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	return memory;
}

/* Was it allowed before? A refusal is looked up again, for its report. The address of the name is compared and not
 * computed with, for newer verifiers take it for memory. */
static __always_inline bool allowed_before(const struct memory *memory, struct dentry *dentry, __u32 accesses)
{
	struct decision *decision = memory->decision;
	__u64 answers, name, seal;

	if (!decision)
		return false;
	name = *(volatile __u64 *)&decision->name;
	if (name != (__u64)dentry->d_name.name)
		return false;
	answers = *(volatile __u64 *)&decision->answers;
	seal = *(volatile __u64 *)&decision->seal;
	return (answers ^ seal) == key_of(memory, name) && !(answers & actions_of(accesses));
}

/* What the last walk found, under the name that it began with. */
static __always_inline void remember(const struct memory *memory, const struct walk *walk, __u64 answers)
{
	__u64 name = walk->names[0];

	memory->decision->answers = answers;
	memory->decision->name = name;
	memory->decision->seal = answers ^ key_of(memory, name);
}

/* Where reading and writing are not only the policy's matter: nothing is remembered there. */
static __always_inline bool is_special(__u64 magic)
{
	switch (magic) {
	case MAGIC_PROC:
	case MAGIC_CGROUP:
	case MAGIC_CGROUP2:
	case MAGIC_SYSFS:
	case MAGIC_BINFMT:
		return true;
	}
	return false;
}

/* A program with rules on its command line is never remembered as allowed. */
static __always_inline __u64 asks_for_line(const struct walk *walk)
{
	return walk->word_set ? actions_of(1 << EXEC) : 0;
}

/* The key is older than the walk: if anything moved meanwhile, nobody will ask with this key again. */
static __always_inline verdict_t judge_and_remember(struct subject *s, struct dentry *dentry, __u64 magic,
						    __u32 accesses, const struct memory *memory)
{
	verdict_t verdict = judge_place(s, dentry, accesses);
	struct walk *walk;

	if (!memory->decision || verdict >> VERDICT_REASON_SHIFT || is_special(magic))
		return verdict;
	if (dentry->d_inode != memory->inode) /* a file that stands for one of another layer */
		return verdict;
	walk = &s->agent->walk;
	if (walk->depth) /* a root has no name of its own */
		remember(memory, walk, walk->own | asks_for_line(walk));
	return verdict;
}

/* As judge_place, for an object that exists. */
static __always_inline verdict_t judge_object(struct subject *s, struct dentry *dentry, struct inode *inode,
					      __u32 accesses)
{
	struct memory memory = memory_of(s, dentry, inode);

	if (allowed_before(&memory, dentry, accesses))
		return ALLOW;
	return judge_and_remember(s, dentry, dentry->d_sb->s_magic, accesses, &memory);
}
