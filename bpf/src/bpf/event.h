/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * How every program ends: finish() counts, reports, kills and gives the kernel its errno. Nothing else does.
 */
#pragma once
#include "answer.h"
#include "scope.h"

#define SECOND 1000000000ULL

/* Written by finish(), read by the reader of events, which maps it. A full ring loses the event, never the denial. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

/* Key: slot. Written by finish(), read by `sevorix status`. Cleared when the slot is given out. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct counters);
} counters SEC(".maps");

struct repeat {
	__u64 object;
	__u32 slot;
	__u32 generation;
	__u32 verdict;
	__u32 operation;
};

struct folded {
	__u64 posted; /* when */
	__u64 since; /* how many were not */
};

/* Denials that were reported in this second. Written and read by finish(). Losing an entry costs an event more. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct repeat);
	__type(value, struct folded);
} repeats SEC(".maps");

__u64 events_lost;

static __always_inline void count(__u32 slot, __u32 operation, __u32 result)
{
	struct counters *all = bpf_map_lookup_elem(&counters, &slot);

	if (all) /* the masks are for the verifier */
		__sync_fetch_and_add(&all->by[operation & (OPERATIONS_ROOM - 1)][result & (RESULTS - 1)], 1);
}

/* How many denials the event stands for; 0: an equal one was reported less than a second ago. */
static __always_inline __u32 unfold(struct repeat *key)
{
	__u64 now = bpf_ktime_get_boot_ns(), since;
	struct folded first = { .posted = now }, *last = bpf_map_lookup_elem(&repeats, key);

	if (!last) {
		if (bpf_map_update_elem(&repeats, key, &first, BPF_ANY))
			return 1; /* not remembered: reported once more */
		return 1;
	}
	if (now - last->posted < SECOND) {
		__sync_fetch_and_add(&last->since, 1);
		return 0;
	}
	since = last->since;
	last->since = 0;
	last->posted = now;
	return since + 1;
}

static __always_inline __u64 object_hash(const struct walk *walk)
{
	__u64 hash = walk->device;

	for (int i = 0; i < 8 && i < walk->depth; i++) /* the names' memory stands for the names: a fold, no decision */
		hash = hash * 31 + walk->names[i];
	return hash;
}

/* The path from the superblock's root, as far as it fits. */
static __always_inline void write_object(struct event *event, const struct walk *walk)
{
	__u64 at = 0;

	for (__u64 i = 0; i < DEPTH_MOST && i < walk->depth; i++) {
		__u64 from = (walk->depth - 1 - i) & (DEPTH_MOST - 1), length = walk->lengths[from] & NAME_MOST;

		if (at >= OBJECT_MOST - NAME_MOST - 1) {
			event->flags |= EVENT_SHORTENED;
			break;
		}
		event->object[at] = '/';
		if (bpf_probe_read_kernel(&event->object[at + 1], length, (void *)walk->names[from])) {
			event->flags |= EVENT_SHORTENED;
			break;
		}
		at += length + 1;
	}
	event->length = at;
	event->mount = walk->mount;
}

static __always_inline void post(struct agent *agent, struct container *container, struct repeat *key, int error,
				 __u32 result)
{
	__u32 times = unfold(key);
	struct event *event;
	__u64 id;

	if (!times)
		return;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&events_lost, times);
		return;
	}
	id = bpf_get_current_pid_tgid();
	event->time = bpf_ktime_get_boot_ns();
	event->policy_id = container ? container->policy_id : 0;
	event->cgroup_id = container ? container->cgroup_id : 0;
	event->slot = key->slot;
	event->generation = key->generation;
	event->pid = id >> 32;
	event->tid = id;
	event->uid = bpf_get_current_uid_gid();
	event->error = error;
	event->count = times;
	event->mount = 0;
	event->operation = key->operation;
	event->result = result;
	event->reason = key->verdict >> VERDICT_REASON_SHIFT;
	event->rule = (key->verdict & 0xffff) >> ANSWER_RULE_SHIFT;
	event->flags = 0;
	event->length = 0;
	event->reserved = 0;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	if (agent && agent->walk.filled)
		write_object(event, &agent->walk);
	bpf_ringbuf_submit(event, 0);
}

/* What is not plainly allowed. Verified once, for it is long. */
__noinline int settle(struct agent *agent, __u32 slot, __u32 operation, __u32 verdict, int error)
{
	struct container *container = container_of_slot(slot);
	struct repeat key = { .slot = slot, .operation = operation };
	__u32 action = verdict & ANSWER_ACTION, result = RESULT_DENY;
	bool audit = verdict & ANSWER_AUDIT;

	if (action == ASK && !audit)
		verdict |= REASON_NO_VERDICT << VERDICT_REASON_SHIFT;
	if (verdict >> VERDICT_REASON_SHIFT == REASON_CROSSES_RULES)
		error = -EXDEV;
	if (action == KILL)
		error = -EPERM;
	if (audit)
		result = RESULT_AUDIT;
	else if (action == KILL)
		result = RESULT_KILL;
	count(slot, operation, result);
	key.verdict = verdict;
	if (container)
		key.generation = container->generation;
	if (agent && agent->walk.filled)
		key.object = object_hash(&agent->walk);
	post(agent, container, &key, error, result);
	if (audit)
		return 0;
	if (action == KILL)
		bpf_send_signal(SIGKILL); /* beside the errno: the signal alone would let this very operation happen */
	return error;
}

/* What is allowed, while somebody wants to be told. */
__noinline int tell(struct agent *agent, __u32 slot, __u32 operation, __u32 verdict)
{
	struct container *container = container_of_slot(slot);
	struct repeat key = { .slot = slot, .operation = operation, .verdict = verdict };

	if (container)
		key.generation = container->generation;
	if (agent && agent->walk.filled)
		key.object = object_hash(&agent->walk);
	post(agent, container, &key, 0, RESULT_ALLOW);
	return 0;
}

static __always_inline int finish(struct subject *s, enum operation operation, verdict_t verdict, int error)
{
	long answer; /* of 64 bits: a sign extension in between would hide the range from the verifier */

	if (allowed(verdict)) {
		count(s->slot, operation, RESULT_ALLOW);
		if (s->container && is_told(s->container))
			tell(s->agent, s->slot, operation, verdict);
		return 0;
	}
	answer = settle(s->agent, s->slot, operation, verdict, error);
	/* clang would fold the tests into arithmetic whose range the verifier of 6.12 does not see */
	asm volatile("" : "+r"(answer));
	if (answer > 0 || answer < -MAX_ERRNO)
		return -EPERM;
	return answer;
}
