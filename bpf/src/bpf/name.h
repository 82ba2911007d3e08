/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * Components of a path: how their bytes are read, hashed and compared. A short one is read on the way up, from the dentry
 * itself; a longer one when it is its turn, by a helper.
 */
#pragma once
#include "hash.h"
#include "scope.h"

/* The first `length` bytes of eight, of 1 to 8; behind the end of a name lies anything. */
static __always_inline __u64 first_bytes(__u64 word, __u32 length)
{
	return word & (~0ULL >> (-8 * length & 63));
}

static __always_inline __u64 head_of_literal(__u32 length)
{
	return length | ((__u64)NAME_LITERAL << 32);
}

static __always_inline void take_words(struct walk *walk, __u32 at, __u32 length, const __u64 *words)
{
	walk->heads[at] = head_of_literal(length);
	if (length <= 8) {
		walk->words[0][at] = first_bytes(words[0], length);
		walk->words[1][at] = 0;
	} else {
		walk->words[0][at] = words[0];
		walk->words[1][at] = first_bytes(words[1], length - 8);
	}
}

/* The room for short names in a dentry has had two names. Which it is, is asked before a loop: inside it clang would
 * fetch both in front, also the one that the kernel does not have. */
enum room { ROOM_OF_6_1, ROOM_OF_6_14 };

static __always_inline enum room room_of(struct dentry *dentry)
{
	struct dentry___6_14 *newer = (void *)dentry;

	return bpf_core_field_exists(newer->d_shortname) ? ROOM_OF_6_14 : ROOM_OF_6_1;
}

static __always_inline const __u64 *short_name(struct dentry *dentry, enum room room)
{
	struct dentry___6_14 *newer = (void *)dentry;

	return room == ROOM_OF_6_14 ? (const __u64 *)&newer->d_shortname.words[0] : (const __u64 *)&dentry->d_iname[0];
}

/* A name that the dentry itself holds and that is short is read by the way, without a helper. */
static __always_inline void take_name(struct walk *walk, __u32 at, struct dentry *dentry, enum room room)
{
	__u32 length = dentry->d_name.len;
	__u64 name = (__u64)dentry->d_name.name;

	walk->names[at] = name;
	walk->lengths[at] = length;
	walk->heads[at] = 0;
	/* or clang would read by the name's address, which is equal and to the verifier a number */
	asm volatile("" : "+r"(name));
	if (length - 1 < 8 * WORDS_AT_HAND && name == (__u64)short_name(dentry, room))
		take_words(walk, at, length, short_name(dentry, room));
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

/* The one that is looked at. */
struct component {
	__u64 head; /* 0: its name is in walk->name */
	__u64 words[WORDS_AT_HAND];
	__u64 hash;
};

/* Of the name that is at hand, or that is read into walk->name for it. */
static __always_inline int take_component(struct walk *walk, __u32 at, struct component *component)
{
	__u64 head = walk->heads[at];
	int reason;

	component->head = head;
	component->words[0] = walk->words[0][at];
	component->words[1] = walk->words[1][at];
	if (head) {
		component->hash = mix(head, component->words[0]);
		if ((__u32)head > 8)
			component->hash = mix(component->hash, component->words[1]);
		return 0;
	}
	reason = read_name(walk, walk->names[at], walk->lengths[at], NAME_LITERAL);
	component->hash = walk->component;
	return reason;
}

static __always_inline __u64 head_of(const struct name *name)
{
	__u64 head;

	__builtin_memcpy(&head, &name->length, sizeof(head));
	return head;
}

_Static_assert(__builtin_offsetof(struct name, kind) == __builtin_offsetof(struct name, length) + 4, "a head is both");

static __always_inline bool is_name_of(const struct name *name, const struct walk *walk,
				       const struct component *component)
{
	if (!component->head)
		return same_name(name, &walk->name);
	return head_of(name) == component->head && name->words[0] == component->words[0] &&
	       name->words[1] == component->words[1];
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
