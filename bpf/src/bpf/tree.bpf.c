/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * Names that come, go and move. A rule names places: nothing may be carried out of its reach.
 */
#include "command.h"

static __always_inline verdict_t judge_name(struct subject *s, struct dentry *dentry)
{
	if (in_borrowed_credentials(s))
		return ALLOW;
	return judge_place(s, dentry, 1 << CHANGE);
}

/* What every hook on one name does. `ret` is the answer of the module before us. */
static __always_inline int change_name(struct dentry *dentry, enum operation operation, int ret)
{
	struct subject s;

	if (ret)
		return ret;
	if (!subject_of_current(&s))
		return 0;
	return finish(&s, operation, judge_name(&s, dentry), -EACCES);
}

/* Whoever asks about the file asks about its coming into being, too: the open that makes it is one call. */
static __always_inline bool is_asked_about(const struct subject *s, verdict_t verdict)
{
	__u64 answers;

	if (is_ask(verdict))
		return true;
	if (!s->agent || !lets_through(verdict))
		return false;
	answers = s->agent->walk.own;
	return is_ask(answer_for(answers, READ)) || is_ask(answer_for(answers, WRITE));
}

/* F18, F4: also a file that a rule names before it exists. */
SEC("lsm/inode_create")
int BPF_PROG(create_file, struct inode *dir, struct dentry *dentry, unsigned short mode, int ret)
{
	verdict_t verdict;
	struct subject s;

	if (ret)
		return ret;
	if (!subject_of_current(&s))
		return 0;
	verdict = judge_name(&s, dentry);
	if (is_asked_about(&s, verdict) && take_create(&s, dir))
		verdict = ALLOW;
	return finish(&s, OP_CREATE, verdict, -EACCES);
}

SEC("lsm/inode_mkdir")
int BPF_PROG(make_folder, struct inode *dir, struct dentry *dentry, unsigned short mode, int ret)
{
	return change_name(dentry, OP_CREATE, ret);
}

/* F24: a device node is a way past every path; overlayfs's own whiteouts are made in its name. */
SEC("lsm/inode_mknod")
int BPF_PROG(make_node, struct inode *dir, struct dentry *dentry, unsigned short mode, unsigned int device, int ret)
{
	__u32 type = mode & S_IFMT;
	struct subject s;

	if (ret)
		return ret;
	if (!subject_of_current(&s))
		return 0;
	if ((type == S_IFCHR || type == S_IFBLK) && !in_borrowed_credentials(&s))
		return finish(&s, OP_CREATE, refuse(REASON_DEVICE_NODE), -EPERM);
	return finish(&s, OP_CREATE, judge_name(&s, dentry), -EACCES);
}

SEC("lsm/inode_symlink")
int BPF_PROG(make_symlink, struct inode *dir, struct dentry *dentry, const char *target, int ret)
{
	return change_name(dentry, OP_CREATE, ret);
}

SEC("lsm/inode_unlink")
int BPF_PROG(remove_file, struct inode *dir, struct dentry *dentry, int ret)
{
	struct inode *inode = dentry->d_inode;

	/* whoever does it: a remembered decision may be of the name that goes */
	if (!ret && gate.agents && inode && inode->i_nlink > 1)
		__sync_fetch_and_add(&names_gone, 1);
	return change_name(dentry, OP_UNLINK, ret);
}

SEC("lsm/inode_rmdir")
int BPF_PROG(remove_folder, struct inode *dir, struct dentry *dentry, int ret)
{
	return change_name(dentry, OP_UNLINK, ret);
}

/* What a walk found, kept while the other end is looked up. */
struct reach {
	__u64 own, below;
	__u32 word_set, word_set_below;
	bool guards;
};

static __always_inline verdict_t reach_of(struct subject *s, struct dentry *dentry, struct reach *reach)
{
	verdict_t verdict = judge_place(s, dentry, 1 << CHANGE);

	if (s->agent) {
		reach->own = s->agent->walk.own;
		reach->below = s->agent->walk.below;
		reach->word_set = s->agent->walk.word_set;
		reach->word_set_below = s->agent->walk.word_set_below;
		reach->guards = s->agent->walk.guards;
	}
	return verdict;
}

/* A folder takes along all that lies in it. */
static __always_inline bool stays_in_reach(struct subject *s, const struct reach *from, const struct reach *to,
					   bool folder)
{
	if (!carry_the_same(from->own, to->own) || !carry_the_same_words(s, from->word_set, to->word_set))
		return false;
	return !folder || (carry_the_same(from->below, to->below) && !from->guards && !to->guards &&
			   carry_the_same_words(s, from->word_set_below, to->word_set_below));
}

static __always_inline bool is_folder(struct dentry *dentry)
{
	struct inode *inode = dentry->d_inode;

	return inode && (inode->i_mode & S_IFMT) == S_IFDIR;
}

static __always_inline bool is_denied(verdict_t verdict)
{
	if (verdict >> VERDICT_REASON_SHIFT)
		return true;
	return (verdict & ANSWER_ACTION) >= DENY && !(verdict & ANSWER_AUDIT);
}

/* An end that is denied says so; else a move across rules is "another device": tools copy then, and the copy is
 * judged. */
static __always_inline verdict_t judge_move(struct subject *s, struct dentry *old, struct dentry *new)
{
	struct reach from = {}, to = {};
	verdict_t source, target;

	if (in_borrowed_credentials(s))
		return ALLOW;
	source = reach_of(s, old, &from);
	if (is_denied(source))
		return source;
	target = reach_of(s, new, &to);
	if (is_denied(target))
		return target;
	if (!stays_in_reach(s, &from, &to, is_folder(old)))
		return refuse(REASON_CROSSES_RULES);
	return stricter(source, target);
}

/* F2: a second name in another place would be judged by that place. */
SEC("lsm/inode_link")
int BPF_PROG(link_file, struct dentry *old, struct inode *dir, struct dentry *new, int ret)
{
	struct subject s;

	if (ret)
		return ret;
	if (!subject_of_current(&s))
		return 0;
	return finish(&s, OP_LINK, judge_move(&s, old, new), -EACCES);
}

/* F3, F4: of files and of folders on the way to one that a rule names. The hook is asked once for each direction of an
 * exchange. */
SEC("lsm/inode_rename")
int BPF_PROG(rename_file, struct inode *old_dir, struct dentry *old, struct inode *new_dir, struct dentry *new, int ret)
{
	struct subject s;

	if (ret)
		return ret;
	if (!subject_of_current(&s))
		return 0;
	return finish(&s, OP_RENAME, judge_move(&s, old, new), -EACCES);
}
