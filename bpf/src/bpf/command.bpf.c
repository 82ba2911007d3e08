/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * The command line, where nobody can change it any more: on the new program's stack, before its first instruction.
 */
#include "command.h"

/* The new stack, which the process can't hold back: it has had no instruction yet. -1: it can't be read. */
static __always_inline long read_line(struct command *command, struct linux_binprm *bprm)
{
	__u64 length = bprm->exec - bprm->p; /* the line, and the environment after it */

	if (length > LINE_MOST)
		length = LINE_MOST;
	asm volatile("" : "+r"(length));
	if (length > LINE_MOST || bpf_copy_from_user(command->line, length, (void *)bprm->p))
		return -1;
	return length;
}

/* There is no caller left that an errno could go to: what is refused is killed. */
static __always_inline verdict_t as_kill(verdict_t verdict)
{
	if (lets_through(verdict))
		return verdict;
	if ((verdict & ANSWER_ACTION) == ASK)
		verdict |= REASON_NO_VERDICT << VERDICT_REASON_SHIFT;
	return verdict | KILL;
}

/* That line and no other, whatever the memory of whoever asked says by now. */
static __always_inline bool runs_granted_line(struct subject *s, struct command *command, struct linux_binprm *bprm,
					      const struct grant *grant)
{
	struct asked_line *line = bpf_map_lookup_elem(&asked_lines, &s->agent->asker);
	__u32 length = grant->length;

	if (!line || !length || length > ASKED_LINE_MOST || length > bprm->exec - bprm->p)
		return false;
	return grant->words == bprm->argc && has_line(command, line, bprm->p, length);
}

/* What the policy asks about holds for the line that was judged. */
static __always_inline verdict_t judge_asked(struct subject *s, struct command *command, struct linux_binprm *bprm,
					     verdict_t verdict)
{
	struct grant *grant = grant_of_thread(s, s->agent->asker, GRANT_EXEC);

	if (!command || !grant)
		return stricter(verdict, refuse(REASON_NO_VERDICT));
	if (!runs_granted_line(s, command, bprm, grant))
		return stricter(verdict, refuse(REASON_OTHER_LINE));
	s->agent->granted_program = s->agent->coming_program;
	return is_ask(verdict) ? ALLOW : verdict;
}

/* The strictest of what the programs say that this exec came by. */
static __always_inline verdict_t judge_line(struct subject *s, struct command *command, struct linux_binprm *bprm)
{
	verdict_t verdict = ALLOW;
	__u32 notes, words = bprm->argc;
	long length;

	if (!s->agent)
		return refuse(REASON_NO_MEMORY);
	if (!command)
		return refuse(REASON_NO_MEMORY);
	if (!s->container)
		return refuse(REASON_STALE_LABEL);
	notes = s->agent->notes;
	s->agent->notes = 0;
	length = read_line(command, bprm);
	if (length < 0)
		return refuse(REASON_UNREADABLE);
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NOTES_MOST && i < notes; i++)
		verdict = stricter(verdict, judge_note(command, s->container->policy_slot, i, length, words));
	return verdict;
}

/* X9: a deny by argv. Sleeps while it reads the stack. */
SEC("lsm.s/bprm_committed_creds")
int BPF_PROG(judge_command, struct linux_binprm *bprm)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct command *command;
	verdict_t verdict;
	struct subject s;

	if (!find_subject(&s))
		return 0;
	if (s.agent)
		s.agent->granted_program = 0;
	if (s.agent && !s.agent->notes && !s.agent->asker)
		return 0;
	command = bpf_task_storage_get(&commands, task, NULL, 0);
	verdict = judge_line(&s, command, bprm);
	if (s.agent && s.agent->asker) {
		verdict = judge_asked(&s, command, bprm, verdict);
		bpf_map_delete_elem(&grants, &s.agent->asker);
		bpf_map_delete_elem(&asked_lines, &s.agent->asker);
	}
	if (!allowed(verdict) || (s.container && is_told(s.container)))
		look_up(&s, bprm->file->f_path.dentry); /* for the report */
	finish(&s, OP_EXEC, as_kill(verdict), -EPERM);
	bpf_task_storage_delete(&commands, task); /* what is left is written anew the next time */
	return 0;
}
