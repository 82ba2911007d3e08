/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * Rules on command lines: which of them hold for a program, and what they say of a line. The rules that meet at one
 * program are one automaton, whose states are the bits of a few words: a byte of the line costs the same whatever the
 * rules are.
 */
#pragma once
#include "grant.h"
#include "origin.h"

/* A script, its interpreter, that one's ... : the kernel follows five. */
#define NOTES_MOST 8

/* A program on the way to the one that runs in the end, and what its place says. */
struct note {
	__u32 set; /* of word rules */
	__u32 answer;
	__u32 words; /* of the command line, when it was met */
	__u32 covered; /* by a grant, should the answer be "ask" */
};

struct command {
	struct note notes[NOTES_MOST];
	struct states at;
	char line[LINE_ROOM];
};

/* Key: a task that executes a program with word rules. Written when that is found, read and removed when its memory has
 * been replaced. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct command);
} commands SEC(".maps");

struct word_sets {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u64));
	__uint(value_size, sizeof(struct word_set));
};

/* Key: slot of a policy. Value: number of a set -> the set; none where the policy has no such rules. As policy_paths. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POLICIES);
	__type(key, __u32);
	__array(values, struct word_sets);
} policy_words SEC(".maps");

static __always_inline struct word_set *word_set_at(__u32 policy_slot, __u32 number)
{
	void *sets = bpf_map_lookup_elem(&policy_words, &policy_slot);
	__u64 key = number;

	return sets ? bpf_map_lookup_elem(sets, &key) : NULL;
}

static __always_inline struct word_set *word_set_of(struct subject *s, __u32 number)
{
	return s->container ? word_set_at(s->container->policy_slot, number) : NULL;
}

/* Set 0 is the empty one, and in no table. */
static __always_inline bool carry_the_same_words(struct subject *s, __u32 one, __u32 other)
{
	struct word_set *first, *second;

	if (one == other)
		return true;
	first = word_set_of(s, one);
	second = word_set_of(s, other);
	return (first ? first->carried : 0) == (second ? second->carried : 0);
}

/* What is let through, or refused by a default that some rule would win against. */
static __always_inline bool may_be_lifted(struct subject *s, __u32 number, verdict_t verdict)
{
	struct word_set *set;

	if (lets_through(verdict))
		return true;
	if (verdict >> ANSWER_RULE_SHIFT)
		return false;
	set = word_set_of(s, number);
	return set && set->lifts;
}

/* The first program of this exec; the last exec may have failed. */
static __always_inline void begin_exec(struct subject *s, struct linux_binprm *bprm)
{
	if (!s->agent || bprm->interp != bprm->filename)
		return;
	s->agent->notes = 0;
	s->agent->asker = 0;
	s->agent->coming_program = 0;
}

static __always_inline struct command *command_of_current(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return bpf_task_storage_get(&commands, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

/* X9: the line itself is not here yet. true: the program is let through, and judged again when it is. Only the default
 * waits for that: what a rule refuses, no other rule lifts. */
static __always_inline bool wait_for_line(struct subject *s, struct linux_binprm *bprm, verdict_t *verdict)
{
	struct command *command;
	__u32 number, index;

	if (!s->agent)
		return false;
	number = s->agent->walk.filled ? s->agent->walk.word_set : 0;
	if (!number || !may_be_lifted(s, number, *verdict))
		return false;
	command = command_of_current();
	index = s->agent->notes;
	if (index < NOTES_MOST && command) {
		struct note *note = &command->notes[index & (NOTES_MOST - 1)];

		note->set = number;
		note->answer = *verdict;
		note->words = bprm->argc;
		note->covered = covers_program(s, bprm->file);
		s->agent->notes = index + 1;
		return true;
	}
	*verdict = refuse(REASON_NO_MEMORY);
	return false;
}

/* A program that is asked about, and granted. */
static __always_inline bool take_program(struct subject *s, struct linux_binprm *bprm)
{
	return covers_program(s, bprm->file) && command_of_current();
}

/* A command line as it is read, kept together so that the step is a small function. */
struct reading {
	struct command *command;
	struct word_set *set;
	__u64 length;
	__u32 skip; /* words before the ones that are judged */
	__u32 left; /* words in all */
};

static __always_inline void step(struct states *at, struct word_set *set, __u8 byte)
{
	struct states *moves = &set->moves[byte], *stays = byte ? &set->stays : &set->rests;
	__u64 carry = 0;

#pragma clang loop unroll(full)
	for (int i = 0; i < STATE_WORDS; i++) {
		__u64 moved = at->words[i] & moves->words[i];

		at->words[i] = (moved << 1) | carry | (at->words[i] & stays->words[i]);
		carry = moved >> 63;
	}
}

/* One byte. 1: there is no need of a further one. */
static long read_byte(__u64 i, struct reading *r)
{
	__u8 byte;

	if (i >= r->length)
		return 1;
	byte = r->command->line[i & (LINE_ROOM - 1)];
	if (!r->skip)
		step(&r->command->at, r->set, byte);
	if (byte)
		return 0;
	if (r->skip)
		r->skip--;
	return !--r->left;
}

#define ASKED_LINE_MOST 32760 /* bytes of a command line that can be asked about */
#define ASKED_LINE_ROOM 32768

struct asked_line {
	char bytes[ASKED_LINE_ROOM];
};

/* Key: a thread's number. Value: the command line that its grant is for, as it will stand on the new stack. As grants. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, GRANTS);
	__type(key, __u32);
	__type(value, struct asked_line);
} asked_lines SEC(".maps");

/* A part of the new stack and the granted line. */
struct comparing {
	struct command *command;
	struct asked_line *line;
	__u64 at; /* where the part begins */
	__u64 length; /* of the part */
	bool differs;
};

/* Eight bytes. 1: there is no need of further ones. */
static long compare_word(__u64 i, struct comparing *c)
{
	__u64 found = (8 * i) & (LINE_ROOM - 8), wanted = (c->at + 8 * i) & (ASKED_LINE_ROOM - 8);
	__u64 left = c->length - 8 * i, differ;

	differ = *(const __u64 *)&c->command->line[found] ^ *(const __u64 *)&c->line->bytes[wanted];
	if (left < 8) /* what follows is the environment's, or an earlier part's */
		differ &= (1ULL << (8 * left)) - 1;
	c->differs = differ != 0;
	return differ || left <= 8;
}

/* Does the new stack, whose line begins at `from`, have the granted line there? */
__noinline int has_line(struct command *command, struct asked_line *line, __u64 from, __u64 length)
{
	struct comparing c = { .command = command, .line = line };

	if (!command || !line)
		return false;
#pragma clang loop unroll(disable)
	for (; c.at < ASKED_LINE_ROOM; c.at += LINE_ROOM) {
		__u64 part = length - c.at;

		if (c.at >= length)
			return true;
		if (part > LINE_ROOM)
			part = LINE_ROOM;
		asm volatile("" : "+r"(part)); /* or clang forgets what it can be at most */
		if (part > LINE_ROOM || bpf_copy_from_user(command->line, part, (void *)(from + c.at)))
			return false;
		c.length = part;
		if (bpf_loop(LINE_ROOM / 8, compare_word, &c, 0) < 0 || c.differs)
			return false;
	}
	return false; /* longer than any line that can be granted */
}

/* Leaves in command->at the states that a line comes to, without its first `skip` words. 0: that is all of it. */
__noinline int read_words(struct command *command, struct word_set *set, __u64 length, __u32 skip, __u32 words)
{
	struct reading r = { .command = command, .set = set, .length = length, .skip = skip, .left = words };

	if (!command || !set)
		return REASON_NO_MEMORY;
	command->at = set->starts;
	if (bpf_loop(LINE_MOST, read_byte, &r, 0) < 0)
		return REASON_UNREADABLE;
	return r.left ? REASON_TOO_LONG : 0;
}

/* What the rules say that fit. Rule 0: none does. */
__noinline int answer_of_words(struct command *command, struct word_set *set)
{
	__u32 answer = ALLOW;

	if (!command || !set)
		return DENY;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < WORD_RULES; i++) {
		struct word_rule *rule;

		if (i >= set->count)
			break;
		rule = &set->rules[i];
		if (!(command->at.words[(rule->end / 64) & (STATE_WORDS - 1)] & (1ULL << (rule->end & 63))))
			continue;
		answer = answer >> ANSWER_RULE_SHIFT ? stricter(answer, rule->answer) : rule->answer;
	}
	return answer;
}

/* `words`: of the whole line. What a script's own rules are about are the last ones of it: the kernel puts the
 * interpreter's in front. Verified once, as the two above: their loops would be multiplied by that over the notes. */
__noinline int judge_note(struct command *command, __u32 policy_slot, __u32 index, __u64 length, __u32 words)
{
	struct word_set *set;
	verdict_t verdict;
	struct note *note;
	int reason;

	if (!command)
		return refuse(REASON_NO_MEMORY);
	note = &command->notes[index & (NOTES_MOST - 1)];
	set = word_set_at(policy_slot, note->set);
	if (!set)
		return refuse(REASON_NO_POLICY);
	if (!note->words || note->words > words)
		return refuse(REASON_UNREADABLE);
	reason = read_words(command, set, length, words - (note->words - 1), words);
	if (reason == REASON_TOO_LONG)
		return stricter(note->answer, set->too_long | REASON_TOO_LONG << VERDICT_REASON_SHIFT);
	if (reason)
		return refuse(reason);
	verdict = join(note->answer, answer_of_words(command, set));
	if (is_ask(verdict) && !note->covered)
		return (verdict & ~ANSWER_ACTION) | refuse(REASON_NO_VERDICT);
	return verdict;
}
