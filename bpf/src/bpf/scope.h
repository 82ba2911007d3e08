/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * Whose operation is it: the label that a task inherits, or the cgroup it is in, however deep.
 */
#pragma once
#include "abi.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* Components of a path. What lies deeper is refused: the bound of the walk's loops, which the verifier wants. */
#define DEPTH_MOST 64
#define LEVELS_MOST 32

#define WORDS_AT_HAND 2 /* of names that are read on the way up: longer ones take a helper each */

/* Where a path is taken apart. It belongs to the task: a per-CPU buffer is another task's after a preemption. */
struct walk {
	__u64 names[DEPTH_MOST]; /* of the kernel's memory, leaf first */
	__u64 words[WORDS_AT_HAND][DEPTH_MOST];
	__u64 heads[DEPTH_MOST]; /* length and kind, as in struct name; 0: the name is not in `words` */
	__u64 lengths[DEPTH_MOST]; /* of the width of the others, so that one index serves all */
	__u64 object; /* the dentry's address */
	__u32 depth;
	__u32 device;
	__u32 slot;
	__u32 policy_slot;
	struct name name; /* the component that is looked at, if it is not in `words` */
	__u64 component; /* its hash */
	__u64 own, below; /* what was found */
	__u32 word_set, word_set_below; /* numbers of the sets of rules on command lines */
	__u32 guards;
	__u32 mount;
	struct entrance entrance; /* of the mount */
	__u32 mount_depth; /* components from the superblock's root to the mount */
	__u32 filled;
};

#define VISITED 8 /* power of two */

/* A destination that this task was let through to. Its own task alone reads and writes it. */
struct visit {
	__u64 epoch; /* of the container, when it was */
	__u32 address[4];
	__u16 port;
	__u16 protocol;
	__u32 reserved;
};

struct agent {
	struct label label;
	__u32 notes; /* programs of this exec with rules on their command lines */
	__u32 asker; /* number of the thread whose grant let this exec through; 0: none was needed */
	__u64 coming_program; /* tag of the program that the exec by a grant is about to run */
	__u64 granted_program; /* and of the one that runs by one; 0: by none */
	struct walk walk;
	struct visit visited[VISITED];
};

/* What peek_label() reads are these two words. */
_Static_assert(__builtin_offsetof(struct agent, label) == 0, "the label comes first");
_Static_assert(sizeof(struct label) == 16, "slot and generation, flags and nothing");

/* Key: a task. Written by the loader (init), by task_alloc (children), by the first hook that meets a task in an
 * agent's cgroup. Read by every hook. Dies with the task. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct agent);
} agents SEC(".maps");

/* Key: slot. Written by the loader, under its lock. Read by every hook. A slot is given back at delete. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct container);
} containers SEC(".maps");

/* Key: cgroup id. Value: slot. Written by the loader. Read for tasks without a label. Dies at delete. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLOTS);
	__type(key, __u64);
	__type(value, __u32);
} cgroups SEC(".maps");

struct gate gate SEC(".data.gate");

struct subject {
	struct task_struct *task;
	struct agent *agent; /* NULL: there was no memory for it */
	struct container *container; /* NULL: the label is of a container that is gone */
	__u32 slot;
	__u32 flags; /* enum label_flags */
};

static __always_inline struct container *container_of_slot(__u32 slot)
{
	return bpf_map_lookup_elem(&containers, &slot);
}

/* Does somebody want to be told of what is allowed? Whoever asks renews the time; when he is gone, it runs out. */
static __always_inline bool is_told(const struct container *container)
{
	return container->told_until && bpf_ktime_get_boot_ns() <= container->told_until;
}

static __always_inline __u32 slot_of_level(int level)
{
	__u64 id = bpf_get_current_ancestor_cgroup_id(level);
	__u32 *slot;

	if (!id) /* the task's cgroup lies higher */
		return 0;
	if (!(gate.sieve[(id / 64) % SIEVE_WORDS] & (1ULL << (id % 64))))
		return 0;
	slot = bpf_map_lookup_elem(&cgroups, &id);
	return slot ? *slot : 0;
}

static __always_inline __u32 slot_of_cgroup(__u32 levels)
{
	for (int level = 0; level < LEVELS_MOST; level++) {
		__u32 slot;

		if (!(levels >> level)) /* one engine uses one level, so this is short */
			break;
		if (!(levels & (1U << level)))
			continue;
		slot = slot_of_level(level);
		if (slot)
			return slot;
	}
	return 0;
}

static __always_inline struct agent *label_current(struct task_struct *task, __u32 slot)
{
	struct agent *agent = bpf_task_storage_get(&agents, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	struct container *container = container_of_slot(slot);

	if (agent && container) {
		agent->label.generation = container->generation;
		agent->label.slot = slot;
	}
	return agent;
}

static __always_inline void set_owner(struct subject *s, __u32 slot, __u32 generation)
{
	s->slot = slot;
	s->container = container_of_slot(slot);
	if (s->container && s->container->generation != generation)
		s->container = NULL;
}

/* Cheapest first: most tasks of a machine are strangers, and their storage pointer is empty. */
static __always_inline bool find_agent(struct subject *s)
{
	struct agent *agent = NULL;
	__u32 slot;

	if (s->task->bpf_storage)
		agent = bpf_task_storage_get(&agents, s->task, NULL, 0);
	if (!agent || !agent->label.slot) {
		slot = slot_of_cgroup(gate.levels);
		if (!slot)
			return false;
		agent = label_current(s->task, slot);
		s->slot = slot;
	}
	s->agent = agent;
	s->container = NULL;
	s->flags = 0;
	if (!agent)
		return true;
	agent->walk.filled = 0;
	s->flags = agent->label.flags;
	set_owner(s, agent->label.slot, agent->label.generation);
	return true;
}

static __always_inline bool find_subject(struct subject *s)
{
	if (!gate.agents)
		return false;
	s->task = bpf_get_current_task_btf();
	return find_agent(s);
}

/* Our own init between label and exec sets the container up: it is not the agent yet. */
static __always_inline bool subject_of_current(struct subject *s)
{
	return find_subject(s) && !(s->flags & LABEL_SETUP);
}

/* The label from where the kernel's own look-up would find it first; the helper around that costs more than all that an
 * open needs which was allowed before. Only maps whose number is 0 are found here, others by the helper. */
static __always_inline bool peek_label(struct subject *s)
{
	struct bpf_local_storage *storage = s->task->bpf_storage;
	struct bpf_local_storage_data *data;
	const __u64 *label;
	__u64 owner;

	if (!bpf_core_field_exists(storage->cache) || !storage)
		return false;
	data = storage->cache[0];
	if (!data || data->smap != (void *)&agents)
		return false;
	label = (const __u64 *)data->data;
	owner = label[0];
	if (!(__u32)owner)
		return false;
	s->flags = label[1];
	set_owner(s, owner, owner >> 32);
	return true;
}

/* Whose operation it is, without what only a walk needs: that is equip()'s. */
static __always_inline bool recognise(struct subject *s)
{
	if (!gate.agents)
		return false;
	s->task = bpf_get_current_task_btf();
	s->agent = NULL;
	if (!peek_label(s) && !find_agent(s))
		return false;
	return !(s->flags & LABEL_SETUP);
}

static __always_inline void equip(struct subject *s)
{
	if (s->agent)
		return;
	s->agent = bpf_task_storage_get(&agents, s->task, NULL, 0);
	if (s->agent)
		s->agent->walk.filled = 0;
}
