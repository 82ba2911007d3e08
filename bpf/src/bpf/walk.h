/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * From a dentry to the answers of its place: the names up to the superblock's root, then down again, first to where
 * the container has it mounted, from there along the policy's tree. The caller's root, its mounts and the text it
 * gave play no part.
 */
#pragma once
#include "answer.h"
#include "hash.h"
#include "scope.h"

#define ATTEMPTS 4 /* a walk is done again when something was renamed meanwhile */

/* Key: slot of a policy. Written by the loader. Dies with the last container under it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, POLICIES);
	__type(key, __u32);
	__type(value, struct policy);
} policies SEC(".maps");

struct paths {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u64));
	__uint(value_size, sizeof(struct path_node));
};

/* Key: slot of a policy. Value: hash of a place -> its node. Written whole by the loader, freed whole. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POLICIES);
	__type(key, __u32);
	__array(values, struct paths);
} policy_paths SEC(".maps");

struct names {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u64));
	__uint(value_size, sizeof(struct name_node));
};

/* Key: slot of a policy. Value: hash of a name and its kind -> its answers. As policy_paths. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POLICIES);
	__type(key, __u32);
	__array(values, struct names);
} policy_names SEC(".maps");

/* Key: container, device, place from the superblock's root. Written by the loader at create. Dies at delete. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MOUNTS);
	__type(key, struct mount_key);
	__type(value, struct mount_node);
} mounts SEC(".maps");

extern const void rename_lock __ksym;
extern void *bpf_rdonly_cast(const void *object, __u32 btf_id) __ksym __weak; /* 6.2 */

/* How many renames there were on this machine, times two, and odd while there is one. */
static __always_inline __u32 renames(void)
{
	__u32 sequence = 1; /* as if one were going on */

	if (bpf_ksym_exists(bpf_rdonly_cast)) {
		struct seqcount *lock = bpf_rdonly_cast(&rename_lock, bpf_core_type_id_kernel(struct seqcount));

		return *(volatile __u32 *)&lock->sequence;
	}
	bpf_probe_read_kernel(&sequence, sizeof(sequence), &rename_lock);
	return sequence;
}

static __always_inline enum reason collect(struct walk *walk, struct dentry *dentry)
{
	struct dentry *parent = dentry->d_parent;
	__u32 depth;

#pragma clang loop unroll(disable)
	for (depth = 0; depth < DEPTH_MOST; depth++) {
		if (parent == dentry)
			break;
		walk->names[depth] = (__u64)dentry->d_name.name;
		walk->lengths[depth] = dentry->d_name.len;
		dentry = parent;
		parent = dentry->d_parent;
	}
	walk->depth = depth;
	walk->device = dentry->d_sb->s_dev;
	walk->mount = 0;
	walk->filled = 1;
	if (parent != dentry)
		return REASON_TOO_DEEP;
	if (dentry->d_sb->s_root != dentry)
		return REASON_DISCONNECTED;
	return 0;
}

/* Reads `length` bytes at `from` into walk->name, filled up to whole words, and hashes them. */
__noinline int read_name(struct walk *walk, __u64 from, __u32 length, __u32 kind)
{
	__u64 hash = length + ((__u64)kind << 32);
	__u32 words;

	if (!walk || !length || length > NAME_MOST)
		return REASON_UNREADABLE;
	asm volatile("" : "+r"(length)); /* or clang drops the mask, which the verifier wants */
	length &= NAME_MOST;
	if (bpf_probe_read_kernel(walk->name.words, length, (void *)from))
		return REASON_UNREADABLE;
	words = (length + 7) / 8;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NAME_WORDS; i++) {
		__u64 word = walk->name.words[i];

		if (i + 1 >= words) {
			if (length & 7)
				word &= (1ULL << (8 * (length & 7))) - 1;
			walk->name.words[i] = word;
			hash = mix(hash, word);
			break;
		}
		hash = mix(hash, word);
	}
	walk->name.length = length;
	walk->name.kind = kind;
	walk->component = hash;
	return 0;
}

__noinline int same_name(const struct name *one, const struct name *other)
{
	__u32 words;

	if (!one || !other || one->length != other->length || one->kind != other->kind)
		return false;
	words = (one->length + 7) / 8;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NAME_WORDS && i < words; i++)
		if (one->words[i] != other->words[i])
			return false;
	return true;
}

static __always_inline struct mount_node *mount_at(const struct walk *walk, __u64 place)
{
	struct mount_key key = { .place = place, .slot = walk->slot, .device = walk->device };

	return bpf_map_lookup_elem(&mounts, &key);
}

/* The answers of the rules on this name, wherever it lies. */
static __always_inline int node_of_name(struct walk *walk, void *names, struct name_node **found)
{
	__u64 key = hash_place(0, walk->component);

	*found = bpf_map_lookup_elem(names, &key);
	return *found && !same_name(&(*found)->name, &walk->name) ? REASON_COLLISION : 0;
}

/* Where the last dot is, counted from 1; 0: there is none. */
__noinline int after_last_dot(const struct walk *walk)
{
	const char *bytes;
	int after = 0;

	if (!walk)
		return 0;
	bytes = (const char *)walk->name.words;
#pragma clang loop unroll(disable)
	for (int i = 0; i < NAME_MOST; i++) {
		if (i >= walk->name.length)
			break;
		if (bytes[i] == '.')
			after = i + 1;
	}
	return after;
}

/* Puts the answers of the name rules on the leaf into walk->own. A literal name holds what its ending says, too. */
__noinline int apply_names(struct walk *walk)
{
	struct name_node *node;
	__u32 slot, after;
	void *names;
	int reason;

	if (!walk)
		return REASON_NO_MEMORY;
	slot = walk->policy_slot;
	names = bpf_map_lookup_elem(&policy_names, &slot);
	if (!names)
		return REASON_NO_POLICY;
	reason = read_name(walk, walk->names[0], walk->lengths[0], NAME_LITERAL);
	if (!reason)
		reason = node_of_name(walk, names, &node);
	if (reason)
		return reason;
	after = after_last_dot(walk);
	if (!node && after && after < walk->lengths[0]) {
		reason = read_name(walk, walk->names[0] + after, walk->lengths[0] - after, NAME_EXTENSION);
		if (!reason)
			reason = node_of_name(walk, names, &node);
		if (reason)
			return reason;
	}
	if (node)
		walk->own = join_all(walk->own, node->answers);
	return 0;
}

/* The state of a descent, kept together so that the steps are small functions. */
struct descent {
	struct walk *walk;
	struct mount_node *mount; /* NULL: no entry of `mounts` lies deeper */
	struct path_node *node; /* the deepest one met */
	void *paths;
	__u64 place; /* of the node */
	__u64 seen; /* place in the superblock */
	__u32 beyond; /* components after the node */
	__u32 steps; /* components that were looked at */
	int reason;
};

static __always_inline int enter_mount(struct descent *d, struct walk *walk, __u32 depth)
{
	if (!d->mount)
		return 0;
	if (d->mount->flags & MOUNT_HERE) {
		d->place = d->mount->start;
		d->beyond = d->mount->beyond;
		d->node = bpf_map_lookup_elem(d->paths, &d->place);
		if (!d->node)
			return REASON_NO_POLICY;
		walk->mount = d->mount->number;
		walk->mount_depth = depth;
		walk->own = d->mount->names; /* for the case that this is the object: resolve() joins it */
	}
	if (!(d->mount->flags & MOUNT_BELOW))
		d->mount = NULL;
	return 0;
}

static __always_inline int step_in_mounts(struct descent *d, struct walk *walk)
{
	__u64 parent = d->seen;

	if (!d->mount)
		return 0;
	d->seen = hash_place(parent, walk->component);
	d->mount = mount_at(walk, d->seen);
	if (d->mount && (d->mount->parent != parent || !same_name(&d->mount->name, &walk->name)))
		return REASON_COLLISION;
	return 0;
}

static __always_inline int step_in_policy(struct descent *d, struct walk *walk)
{
	struct path_node *next;
	__u64 place;

	if (!d->node)
		return 0;
	if (d->beyond || !(d->node->flags & NODE_HAS_CHILDREN)) {
		d->beyond++;
		return 0;
	}
	place = hash_place(d->place, walk->component);
	next = bpf_map_lookup_elem(d->paths, &place);
	if (!next) {
		d->beyond++;
		return 0;
	}
	if (next->parent != d->place || !same_name(&next->name, &walk->name))
		return REASON_COLLISION;
	d->node = next;
	d->place = place;
	return 0;
}

static __always_inline bool nothing_deeper(const struct descent *d)
{
	return !d->mount && d->node && (d->beyond || !(d->node->flags & NODE_HAS_CHILDREN));
}

static __always_inline int found(struct walk *walk, const struct path_node *node, __u32 beyond)
{
	__u64 names = walk->mount_depth == walk->depth ? walk->own : 0;
	__u32 slot = walk->policy_slot;
	struct policy *policy;

	walk->own = beyond == 0 ? node->own : beyond == 1 ? node->child : node->below;
	walk->below = node->below;
	walk->words = beyond == 0 ? node->own_words : beyond == 1 ? node->child_words : node->below_words;
	walk->words_below = node->below_words;
	walk->guards = beyond == 0 && (node->flags & NODE_GUARDS);
	if (walk->mount_depth == walk->depth) {
		walk->own = join_all(walk->own, names);
		return 0;
	}
	policy = bpf_map_lookup_elem(&policies, &slot);
	return policy && (policy->flags & POLICY_NAMES) ? apply_names(walk) : 0;
}

/* One component. 1: there is no need of a further one. */
static long descend(__u64 i, struct descent *d)
{
	struct walk *walk = d->walk;
	__u64 from;

	d->steps = i;
	d->reason = enter_mount(d, walk, i);
	if (d->reason || i >= walk->depth || nothing_deeper(d))
		return 1;
	if (!d->mount && !d->node) {
		d->reason = REASON_UNREGISTERED;
		return 1;
	}
	from = (walk->depth - 1 - i) & (DEPTH_MOST - 1);
	d->reason = read_name(walk, walk->names[from], walk->lengths[from], NAME_LITERAL);
	if (!d->reason)
		d->reason = step_in_mounts(d, walk);
	if (!d->reason)
		d->reason = step_in_policy(d, walk);
	return d->reason != 0;
}

/* Root to leaf. Each node's ancestors are nodes too: the first component without one ends the search. A callback and not
 * a loop: the verifier looks at it once instead of at each depth. */
__noinline int resolve(struct walk *walk)
{
	struct descent d = { .walk = walk };
	__u32 slot;

	if (!walk)
		return REASON_NO_MEMORY;
	slot = walk->policy_slot;
	d.paths = bpf_map_lookup_elem(&policy_paths, &slot);
	if (!d.paths)
		return REASON_NO_POLICY;
	d.seen = HASH_OF_ROOT;
	d.mount = mount_at(walk, d.seen);
	if (bpf_loop(DEPTH_MOST + 1, descend, &d, 0) < 0)
		return REASON_TOO_DEEP;
	if (d.reason)
		return d.reason;
	if (!d.node)
		return REASON_UNREGISTERED;
	return found(walk, d.node, d.beyond + walk->depth - d.steps);
}

/* Fills s->agent->walk with the answers of the dentry's place. */
static __always_inline enum reason look_up(struct subject *s, struct dentry *dentry)
{
	struct walk *walk;

	if (!s->agent)
		return REASON_NO_MEMORY;
	if (!s->container)
		return REASON_STALE_LABEL;
	walk = &s->agent->walk;
	walk->slot = s->slot;
	walk->policy_slot = s->container->policy_slot;
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		__u32 before = renames();
		enum reason reason;

		if (before & 1)
			continue;
		reason = collect(walk, dentry);
		if (!reason)
			reason = resolve(walk);
		if (renames() == before)
			return reason;
	}
	return REASON_RENAMED;
}
