/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * Components of a path: how their bytes are read, hashed and compared. A short one is read on the way up, from the dentry
 * itself; a longer one when it is its turn, by a helper.
 */
#pragma once
#include "hash.h"
#include "scope.h"

/* A name that the dentry itself holds and that is short is read by the way, without a helper; the bytes behind its end
 * are anything. */
static __always_inline void read_at_hand(struct walk *walk, __u32 at, struct dentry *dentry, __u32 length)
{
	__u64 hash = length + ((__u64)NAME_LITERAL << 32), word;

	word = *(const __u64 *)&dentry->d_iname[0];
	if (length < 8)
		word &= (1ULL << (8 * length)) - 1;
	walk->words[at][0] = word;
	hash = mix(hash, word);
	word = 0;
	if (length > 8) {
		word = *(const __u64 *)&dentry->d_iname[8];
		if (length < 16)
			word &= (1ULL << (8 * (length - 8))) - 1;
		hash = mix(hash, word);
	}
	walk->words[at][1] = word;
	walk->hashes[at] = hash;
}

static __always_inline void take_name(struct walk *walk, __u32 at, struct dentry *dentry)
{
	__u32 length = dentry->d_name.len;
	__u64 name = (__u64)dentry->d_name.name;

	walk->names[at] = name;
	walk->lengths[at] = length;
	walk->hashes[at] = 0;
	if (!bpf_core_field_exists(dentry->d_iname) || length - 1 >= 8 * WORDS_AT_HAND)
		return;
	if (name == (__u64)&dentry->d_iname[0])
		read_at_hand(walk, at, dentry, length);
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

/* Its hash: of the name that is at hand, or that is read into walk->name for it. */
static __always_inline int hash_of(struct walk *walk, __u32 at, __u64 *hash)
{
	int reason;

	*hash = walk->hashes[at];
	if (*hash)
		return 0;
	reason = read_name(walk, walk->names[at], walk->lengths[at], NAME_LITERAL);
	*hash = walk->component;
	return reason;
}

/* To be asked after hash_of(). */
static __always_inline bool is_name_of(const struct name *name, const struct walk *walk, __u32 at)
{
	if (!walk->hashes[at])
		return same_name(name, &walk->name);
	return name->words[0] == walk->words[at][0] && name->words[1] == walk->words[at][1] &&
	       name->length == walk->lengths[at] && name->kind == NAME_LITERAL;
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
