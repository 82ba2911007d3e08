/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * How a label goes on.
 */
#include "scope.h"

/* X18: a child of whatever clone flags is as labelled as its parent, or there is no child. */
SEC("lsm/task_alloc")
int BPF_PROG(inherit_label, struct task_struct *task, unsigned long clone_flags, int ret)
{
	struct agent *child;
	struct subject s;

	if (ret)
		return ret;
	if (!find_subject(&s))
		return 0;
	if (!s.agent)
		return -ENOMEM;
	child = bpf_task_storage_get(&agents, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!child)
		return -ENOMEM;
	child->label = s.agent->label;
	return 0;
}
