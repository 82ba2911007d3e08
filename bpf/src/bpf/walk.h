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

/* The names from a dentry up to its superblock's root. */
static __always_inline enum reason climb_by(struct walk *walk, struct dentry *dentry, enum room room)
{
	struct super_block *sb;
	__u32 depth;

#pragma clang loop unroll(disable)
	for (depth = 0; depth < DEPTH_MOST; depth++) {
		struct dentry *parent = dentry->d_parent;

		if (parent == dentry)
			break;
		take_name(walk, depth, dentry, room);
		dentry = parent;
	}
	sb = dentry->d_sb;
	walk->depth = depth;
	walk->device = sb->s_dev;
	walk->mount = 0;
	walk->filled = 1;
	if (depth == DEPTH_MOST && dentry->d_parent != dentry)
		return REASON_TOO_DEEP;
	if (sb->s_root != dentry)
		return REASON_DISCONNECTED;
	return 0;
}

static __always_inline enum reason climb(struct walk *walk, struct dentry *dentry)
{
	if (room_of(dentry) == ROOM_OF_6_14)
		return climb_by(walk, dentry, ROOM_OF_6_14);
	return climb_by(walk, dentry, ROOM_OF_6_1);
}

/* The same for a dentry whose address is all that is known of it, so that the verifier looks at a program's walks once
 * and not in each state that a hook can be in. Before 6.2 it takes no address for a dentry. */
__noinline int climb_from_address(struct walk *walk)
{
	if (!walk || !bpf_ksym_exists(bpf_rdonly_cast))
		return REASON_NO_MEMORY;
	return climb(walk, bpf_rdonly_cast((void *)walk->object, bpf_core_type_id_kernel(struct dentry)));
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
	if (walk->heads[0]) {
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
	struct component leaf;
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
	reason = take_component(walk, 0, &leaf);
	if (reason)
		return reason;
	key = hash_place(0, leaf.hash);
	node = bpf_map_lookup_elem(names, &key);
	if (node && !is_name_of(&node->name, walk, &leaf))
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

/* The search for where the container has a place mounted, kept together so that the step is a small function. */
struct search {
	struct walk *walk;
	struct mount_node *node; /* of the place that was reached */
	struct mount_node *mount; /* the deepest one that is mounted; NULL: none was met */
	__u64 place; /* of `node` */
	__u32 depth; /* of `mount` */
	int reason;
};

/* One component. 1: no entry of `mounts` lies deeper. */
static long step_to_mount(__u64 i, struct search *search)
{
	struct walk *walk = search->walk;
	struct mount_node *node = search->node;
	__u64 parent = search->place;
	struct component component;
	__u32 at;

	if (!node)
		return 1;
	if (node->flags & MOUNT_HERE) {
		search->mount = node;
		search->depth = i;
	}
	if (!(node->flags & MOUNT_BELOW) || i >= walk->depth)
		return 1;
	at = (walk->depth - 1 - i) & (DEPTH_MOST - 1);
	search->reason = take_component(walk, at, &component);
	if (search->reason)
		return 1;
	search->place = hash_place(parent, component.hash);
	node = mount_at(walk, search->place);
	search->node = node;
	if (node && (node->parent != parent || !is_name_of(&node->name, walk, &component)))
		search->reason = REASON_COLLISION;
	return search->reason || !node;
}

static __always_inline void enter(struct walk *walk, const struct entrance *entrance, __u32 depth)
{
	walk->entrance = *entrance;
	walk->mount = entrance->number;
	walk->mount_depth = depth;
}

/* To the deepest mount on the way down, mostly the one on "/". A callback and not a loop: the verifier looks at it once
 * instead of at each depth. */
static __always_inline int find_mount(struct walk *walk, const struct container *container)
{
	struct search search = { .walk = walk };

	if (walk->device == container->root_device) {
		enter(walk, &container->root, 0);
		return 0;
	}
	search.place = HASH_OF_ROOT;
	search.node = mount_at(walk, search.place);
	if (bpf_loop(DEPTH_MOST + 1, step_to_mount, &search, 0) < 0)
		return REASON_TOO_DEEP;
	if (search.reason)
		return search.reason;
	if (!search.mount)
		return REASON_UNREGISTERED;
	enter(walk, &search.mount->entrance, search.depth);
	return 0;
}

struct table {
	void *nodes;
	__u32 mask; /* of its places */
};

/* NULL in `found`: no rule names the place, nor anything below it. */
static __always_inline int node_at(const struct table *table, __u64 place, struct path_node **found)
{
	*found = NULL;
#pragma clang loop unroll(disable)
	for (__u32 probe = 0; probe < PROBES; probe++) {
		__u32 index = (place + probe) & table->mask;
		struct path_node *node = bpf_map_lookup_elem(table->nodes, &index);

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

/* From a node on along the names, whose number falls by those that it had nodes for. Each node's ancestors are nodes
 * too: the first component without one ends the search. */
static __always_inline int descend(struct walk *walk, const struct table *table, struct path_node **node, __u32 *left)
{
#pragma clang loop unroll(disable)
	for (__u32 turn = 0; turn < DEPTH_MOST; turn++) {
		__u32 at = (*left - 1) & (DEPTH_MOST - 1);
		struct component component;
		struct path_node *child;
		int reason;

		if (!*left || !((*node)->flags & NODE_HAS_CHILDREN))
			return 0;
		reason = take_component(walk, at, &component);
		if (reason)
			return reason;
		reason = node_at(table, hash_place((*node)->place, component.hash), &child);
		if (reason || !child)
			return reason;
		if (child->parent != (*node)->place || !is_name_of(&child->name, walk, &component))
			return REASON_COLLISION;
		*node = child;
		(*left)--;
	}
	return 0;
}

static __always_inline int found(struct walk *walk, const struct policy *policy, const struct path_node *node,
				 __u32 beyond)
{
	walk->own = beyond == 0 ? node->own : beyond == 1 ? node->child : node->below;
	walk->below = node->below;
	walk->word_set = beyond == 0 ? node->own_words : beyond == 1 ? node->child_words : node->below_words;
	walk->word_set_below = node->below_words;
	walk->guards = beyond == 0 && (node->flags & NODE_GUARDS);
	if (walk->mount_depth == walk->depth) {
		walk->own = join_all(walk->own, walk->entrance.names);
		return 0;
	}
	return policy->flags & POLICY_NAMES ? apply_names(walk, policy->flags) : 0;
}

/* Root to leaf: to the mount, and along the policy's tree from where the container has it. */
__noinline int resolve(struct walk *walk)
{
	struct container *container;
	struct path_node *node;
	struct policy *policy;
	struct table table;
	__u32 slot, left;
	int reason;

	if (!walk)
		return REASON_NO_MEMORY;
	slot = walk->policy_slot;
	container = container_of_slot(walk->slot);
	policy = bpf_map_lookup_elem(&policies, &slot);
	table.nodes = bpf_map_lookup_elem(&policy_paths, &slot);
	if (!container || !policy || !table.nodes)
		return REASON_NO_POLICY;
	table.mask = policy->mask;
	reason = find_mount(walk, container);
	if (reason)
		return reason;
	if (node_at(&table, walk->entrance.start, &node) || !node)
		return REASON_NO_POLICY;
	left = walk->depth - walk->mount_depth;
	if (!walk->entrance.beyond)
		reason = descend(walk, &table, &node, &left);
	return reason ? reason : found(walk, policy, node, walk->entrance.beyond + left);
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
	walk->object = (__u64)dentry;
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		__u32 before = renames();
		enum reason reason;

		if (before & 1)
			continue;
		reason = bpf_ksym_exists(bpf_rdonly_cast) ? climb_from_address(walk) : climb(walk, dentry);
		if (!reason)
			reason = resolve(walk);
		if (renames() == before)
			return reason;
	}
	return REASON_RENAMED;
}
