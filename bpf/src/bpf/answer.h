/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * Answers: how two are joined, and what a program's verdict is made of.
 */
#pragma once
#include "abi.h"
#include <bpf/bpf_helpers.h>

/* An answer in the lower 16 bits, a reason in the upper ones. 0 in all but the rule's bits is "allowed". */
typedef __u32 verdict_t;

#define VERDICT_REASON_SHIFT 16

static __always_inline verdict_t refuse(enum reason reason)
{
	return DENY | ((__u32)reason << VERDICT_REASON_SHIFT);
}

static __always_inline bool allowed(verdict_t verdict)
{
	return !(verdict & ANSWER_ACTION) && !(verdict >> VERDICT_REASON_SHIFT);
}

/* Allowed, or only reported: where nothing is reported, that is done elsewhere, if at all. */
static __always_inline bool lets_through(verdict_t verdict)
{
	return allowed(verdict) || ((verdict & ANSWER_AUDIT) && !(verdict >> VERDICT_REASON_SHIFT));
}

static __always_inline __u32 answer_for(__u64 answers, enum access access)
{
	return (answers >> (16 * access)) & 0xffff;
}

/* What is enforced is stricter than what is only reported, and that is stricter than nothing. */
static __always_inline __u32 strictness(__u32 answer)
{
	__u32 action = answer & ANSWER_ACTION;

	return action && !(answer & ANSWER_AUDIT) ? action + KILL : action;
}

static __always_inline __u32 stricter(__u32 one, __u32 other)
{
	return strictness(other) > strictness(one) ? other : one;
}

/* A place's answer and that of a name rule. Rule 0 is the class's default, which counts only where nothing else does. */
static __always_inline __u32 join(__u32 place, __u32 name)
{
	if (!(name >> ANSWER_RULE_SHIFT))
		return place;
	if (!(place >> ANSWER_RULE_SHIFT)) /* what is only reported lifts no default */
		return (name & ANSWER_AUDIT) && strictness(place) > KILL ? place : name;
	return stricter(place, name);
}

static __always_inline __u64 join_all(__u64 place, __u64 names)
{
	__u64 all = 0;

	if (!names)
		return place;
	for (int access = 0; access < ACCESSES; access++)
		all |= (__u64)join(answer_for(place, access), answer_for(names, access)) << (16 * access);
	return all;
}

/* What an object takes along when it is renamed: how it is refused, and whether by a rule (a rule on names may lift a
 * default). 0: it is let through. */
static __always_inline __u32 carried(__u32 answer)
{
	__u32 action = answer & ANSWER_ACTION;

	if (!action || (answer & ANSWER_AUDIT))
		return 0;
	return answer >> ANSWER_RULE_SHIFT ? action + KILL : action;
}

/* Is an object treated in one place as in the other? */
static __always_inline bool carry_the_same(__u64 one, __u64 other)
{
	for (int access = 0; access < ACCESSES; access++)
		if (carried(answer_for(one, access)) != carried(answer_for(other, access)))
			return false;
	return true;
}
