/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * From a dentry to the answers of its place: the names up to the superblock's root, then down again, first to where
 * the container has it mounted, from there along the policy's tree. The caller's root, its mounts and the text it
 * gave play no part.
 */
#pragma once
#include "answer.h"
#include "name.h"

#define ATTEMPTS 4 /* a walk is done again when something was renamed meanwhile */

/* Key: slot of a policy. Written by the loader. Dies with the last container under it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, POLICIES);
	__type(key, __u32);
	__type(value, struct policy);
} policies SEC(".maps");

struct paths {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP); /* else all would have to be of one size */
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct path_node));
};

/* Key: slot of a policy. Value: a table of nodes by their hash, open for the next place where one is taken: an element of
 * an array costs a quarter of a look-up in the kernel's own hash tables. Written whole by the loader, freed whole. */
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
		take_name(walk, depth, dentry);
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

static __always_inline struct mount_node *mount_at(const struct walk *walk, __u64 place)
{
	struct mount_key key = { .place = place, .slot = walk->slot, .device = walk->device };

	return bpf_map_lookup_elem(&mounts, &key);
}

/* The answers of the rules on what follows the leaf's last dot. Reads walk->name. */
static __always_inline int node_of_ending(struct walk *walk, void *names, struct name_node **found)
{
	__u64 from = walk->names[0];
	__u32 length = walk->lengths[0], after;
	int reason;
	__u64 key;

	*found = NULL;
	if (walk->hashes[0]) {
		reason = read_name(walk, from, length, NAME_LITERAL);
		if (reason)
			return reason;
	}
	after = after_last_dot(walk);
	if (!after || after >= length)
		return 0;
	reason = read_name(walk, from + after, length - after, NAME_EXTENSION);
	if (reason)
		return reason;
	key = hash_place(0, walk->component);
	*found = bpf_map_lookup_elem(names, &key);
	return *found && !same_name(&(*found)->name, &walk->name) ? REASON_COLLISION : 0;
}

/* Puts the answers of the name rules on the leaf into walk->own. A literal name holds what its ending says, too. */
__noinline int apply_names(struct walk *walk, __u32 flags)
{
	struct name_node *node;
	void *names;
	__u32 slot;
	int reason;
	__u64 key;

	if (!walk)
		return REASON_NO_MEMORY;
	slot = walk->policy_slot;
	names = bpf_map_lookup_elem(&policy_names, &slot);
	if (!names)
		return REASON_NO_POLICY;
	reason = hash_of(walk, 0, &key);
	if (reason)
		return reason;
	key = hash_place(0, key);
	node = bpf_map_lookup_elem(names, &key);
	if (node && !is_name_of(&node->name, walk, 0))
		return REASON_COLLISION;
	if (!node && (flags & POLICY_ENDINGS)) {
		reason = node_of_ending(walk, names, &node);
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
	__u32 mask; /* of the places in `paths` */
	__u32 beyond; /* components after the node */
	__u32 steps; /* components that were looked at */
	int reason;
};

/* NULL: no rule names the place, nor anything below it. */
static __always_inline int node_at(struct descent *d, __u64 place, struct path_node **found)
{
	*found = NULL;
#pragma clang loop unroll(disable)
	for (__u32 probe = 0; probe < PROBES; probe++) {
		__u32 index = (place + probe) & d->mask;
		struct path_node *node = bpf_map_lookup_elem(d->paths, &index);

		if (!node) /* a table of another size: not this policy's */
			return REASON_NO_POLICY;
		if (!(node->flags & NODE_IS_THERE))
			return 0;
		if (node->place == place) {
			*found = node;
			return 0;
		}
	}
	return 0;
}

static __always_inline int enter_mount(struct descent *d, struct walk *walk, __u32 depth)
{
	if (!d->mount)
		return 0;
	if (d->mount->flags & MOUNT_HERE) {
		d->place = d->mount->start;
		d->beyond = d->mount->beyond;
		if (node_at(d, d->place, &d->node) || !d->node)
			return REASON_NO_POLICY;
		walk->mount = d->mount->number;
		walk->mount_depth = depth;
		walk->own = d->mount->names; /* for the case that this is the object: resolve() joins it */
	}
	if (!(d->mount->flags & MOUNT_BELOW))
		d->mount = NULL;
	return 0;
}

static __always_inline int step_in_mounts(struct descent *d, struct walk *walk, __u32 at, __u64 component)
{
	__u64 parent = d->seen;

	if (!d->mount)
		return 0;
	d->seen = hash_place(parent, component);
	d->mount = mount_at(walk, d->seen);
	if (d->mount && (d->mount->parent != parent || !is_name_of(&d->mount->name, walk, at)))
		return REASON_COLLISION;
	return 0;
}

static __always_inline int step_in_policy(struct descent *d, struct walk *walk, __u32 at, __u64 component)
{
	struct path_node *next;
	__u64 place;
	int reason;

	if (!d->node)
		return 0;
	if (d->beyond || !(d->node->flags & NODE_HAS_CHILDREN)) {
		d->beyond++;
		return 0;
	}
	place = hash_place(d->place, component);
	reason = node_at(d, place, &next);
	if (reason)
		return reason;
	if (!next) {
		d->beyond++;
		return 0;
	}
	if (next->parent != d->place || !is_name_of(&next->name, walk, at))
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
	walk->word_set = beyond == 0 ? node->own_words : beyond == 1 ? node->child_words : node->below_words;
	walk->word_set_below = node->below_words;
	walk->guards = beyond == 0 && (node->flags & NODE_GUARDS);
	if (walk->mount_depth == walk->depth) {
		walk->own = join_all(walk->own, names);
		return 0;
	}
	policy = bpf_map_lookup_elem(&policies, &slot);
	return policy && (policy->flags & POLICY_NAMES) ? apply_names(walk, policy->flags) : 0;
}

/* One component. 1: there is no need of a further one. */
static long descend(__u64 i, struct descent *d)
{
	struct walk *walk = d->walk;
	__u64 component;
	__u32 at;

	d->steps = i;
	d->reason = enter_mount(d, walk, i);
	if (d->reason || i >= walk->depth || nothing_deeper(d))
		return 1;
	if (!d->mount && !d->node) {
		d->reason = REASON_UNREGISTERED;
		return 1;
	}
	at = (walk->depth - 1 - i) & (DEPTH_MOST - 1);
	d->reason = hash_of(walk, at, &component);
	if (!d->reason)
		d->reason = step_in_mounts(d, walk, at, component);
	if (!d->reason)
		d->reason = step_in_policy(d, walk, at, component);
	return d->reason != 0;
}

/* Root to leaf. Each node's ancestors are nodes too: the first component without one ends the search. A callback and not
 * a loop: the verifier looks at it once instead of at each depth. */
__noinline int resolve(struct walk *walk)
{
	struct descent d = { .walk = walk };
	struct policy *policy;
	__u32 slot;

	if (!walk)
		return REASON_NO_MEMORY;
	slot = walk->policy_slot;
	policy = bpf_map_lookup_elem(&policies, &slot);
	d.paths = bpf_map_lookup_elem(&policy_paths, &slot);
	if (!policy || !d.paths)
		return REASON_NO_POLICY;
	d.mask = policy->mask;
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
