/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * What may run: the same answers when a program is executed, when its interpreter is, and when any file is mapped as
 * code, so that a loader started by hand, a preloaded library or a copy in memory meets them too.
 */
#include "command.h"

/* A file without a name has no answer of its own. */
static __always_inline bool has_path(struct dentry *dentry)
{
	struct inode *inode = dentry->d_inode;

	return inode && inode->i_nlink && !is_nameless(dentry->d_sb);
}

/* X2, X6, X11: what exec.writable says of this content. */
static __always_inline __u32 judge_origin(struct subject *s, struct inode *inode)
{
	__u32 answer = answer_on_written(s);

	return answer && was_written(s, inode) ? answer : ALLOW;
}

static __always_inline verdict_t judge_code(struct subject *s, struct file *file)
{
	struct dentry *dentry = file->f_path.dentry;
	__u32 origin = judge_origin(s, file->f_inode);
	struct memory memory;

	if (!has_path(dentry))
		return refuse(REASON_NO_PATH);
	memory = memory_of(s, dentry, file->f_inode);
	if (!origin && allowed_before(&memory, dentry, 1 << EXEC))
		return ALLOW;
	return stricter(judge_and_remember(s, dentry, dentry->d_sb->s_magic, 1 << EXEC, &memory), origin);
}

/* X12: mapped now, written to later. */
static __always_inline verdict_t keep_as_code(struct subject *s, struct file *file, verdict_t verdict)
{
	__u32 answer = answer_on_written(s);

	return answer && lets_through(verdict) ? stricter(verdict, note_code(s, file->f_inode, answer)) : verdict;
}

/* Its mount tells: the flag in f_mode has had more than one value. */
static __always_inline bool is_backing(struct file *file)
{
	return bpf_core_type_exists(struct backing_file) && !is_nameless(file->f_path.dentry->d_sb) &&
	       is_on_internal_mount(file);
}

/* On an overlay the kernel maps the file of the layer; the path that the agent sees is kept beside it (6.5). Before that
 * the layer's file bears the overlay's own path. What is read by a cast has no storage: nothing is remembered. */
static __always_inline verdict_t judge_backed_code(struct subject *s, struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ((struct backing_file *)file, user_path.dentry);

	if (!dentry || !bpf_ksym_exists(bpf_rdonly_cast))
		return refuse(REASON_UNREADABLE);
	dentry = bpf_rdonly_cast(dentry, bpf_core_type_id_kernel(struct dentry));
	if (!has_path(dentry))
		return refuse(REASON_NO_PATH);
	return stricter(judge_place(s, dentry, 1 << EXEC), judge_origin(s, file->f_inode));
}

/* By itself, or as the program that was granted. */
static __always_inline verdict_t judge_mapping(struct subject *s, struct file *file)
{
	verdict_t verdict = judge_code(s, file);

	if (is_ask(verdict) && is_granted_program(s, file))
		verdict = ALLOW;
	return keep_as_code(s, file, verdict);
}

static __always_inline verdict_t judge_mapped(struct subject *s, struct file *file)
{
	return is_backing(file) ? keep_as_code(s, file, judge_backed_code(s, file)) : judge_mapping(s, file);
}

static __always_inline verdict_t judge_jit(struct subject *s)
{
	struct policy *policy;
	__u32 slot;

	if (!s->agent)
		return refuse(REASON_NO_MEMORY);
	if (!s->container)
		return refuse(REASON_STALE_LABEL);
	slot = s->container->policy_slot;
	policy = bpf_map_lookup_elem(&policies, &slot);
	return policy && policy->policy_id ? policy->jit : refuse(REASON_NO_POLICY);
}

/* X1-X8: a program by whatever name it was called; once for a script and again for its interpreter. Our own init is
 * judged here too: what it executes is the agent. */
SEC("lsm/bprm_check_security")
int BPF_PROG(check_program, struct linux_binprm *bprm, int ret)
{
	verdict_t verdict;
	struct subject s;

	if (ret)
		return ret;
	if (!find_subject(&s))
		return 0;
	begin_exec(&s, bprm);
	verdict = judge_code(&s, bprm->file);
	if (wait_for_line(&s, bprm, &verdict))
		return 0;
	if (is_ask(verdict) && take_program(&s, bprm))
		verdict = ALLOW;
	return finish(&s, OP_EXEC, verdict, -EACCES);
}

/* R16: the permissive set-up phase of our own init ends where its memory is replaced. */
SEC("lsm/bprm_committing_creds")
int BPF_PROG(end_setup, struct linux_binprm *bprm)
{
	struct subject s;

	if (find_subject(&s) && s.agent)
		s.agent->label.flags &= ~LABEL_SETUP;
	return 0;
}

/* X3, X11-X13: code that is mapped, not executed: `ld.so ./x`, LD_PRELOAD, dlopen, memory made by a JIT. */
SEC("lsm/mmap_file")
int BPF_PROG(map_code, struct file *file, unsigned long reqprot, unsigned long prot, unsigned long flags, int ret)
{
	verdict_t verdict = ALLOW;
	struct subject s;

	if (ret)
		return ret;
	if (!(prot & PROT_EXEC) || !subject_of_current(&s))
		return 0;
	if (file)
		verdict = judge_mapping(&s, file);
	if ((prot & PROT_WRITE) && allowed(verdict))
		verdict = judge_jit(&s);
	return finish(&s, OP_MAP_EXEC, verdict, -EACCES);
}

/* X12, X13: memory that is made executable after it was written. */
SEC("lsm/file_mprotect")
int BPF_PROG(make_code, struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot, int ret)
{
	verdict_t verdict = ALLOW;
	struct subject s;
	struct file *file;
	long own_pages;

	if (ret)
		return ret;
	if (!(prot & PROT_EXEC) || !subject_of_current(&s))
		return 0;
	file = vma->vm_file;
	if (file)
		verdict = judge_mapped(&s, file);
	/* pages of its own are no file's any more, whatever they were mapped from */
	own_pages = vma->anon_vma != NULL;
	/* clang would join the pointer's bits with others, which the verifier does not allow */
	asm volatile("" : "+r"(own_pages));
	if ((!file || own_pages || (prot & PROT_WRITE)) && allowed(verdict))
		verdict = judge_jit(&s);
	return finish(&s, OP_MAP_EXEC, verdict, -EACCES);
}
