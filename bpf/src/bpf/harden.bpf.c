/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * What no agent may do, whatever its policy says: reach tasks outside, change what the kernel or the host is, or make
 * itself a place where the other hooks see something else. A seccomp filter refuses most of it earlier; these hold for
 * calls that no filter sees, and for kernels whose calls the filter does not know.
 */
#include "event.h"
#include "object.h"

/* What is closed is so whatever the arguments are, which differ between kernels: they are not read, nor is the answer of
 * an earlier program behind them. A chain of programs ends with the first that refuses. */
#define CLOSED(operation)                                                                                              \
	({                                                                                                             \
		struct subject s;                                                                                      \
                                                                                                                       \
		subject_of_current(&s) ? finish(&s, operation, refuse(REASON_CLOSED), -EPERM) : 0;                     \
	})

/* R11: maps, programs and links, those of the floor among them. */
SEC("lsm/bpf")
int BPF_PROG(close_bpf)
{
	return CLOSED(OP_BPF);
}

/* R11: a descriptor of one that somebody handed over. */
SEC("lsm/bpf_map")
int BPF_PROG(close_bpf_map)
{
	return CLOSED(OP_BPF);
}

SEC("lsm/bpf_prog")
int BPF_PROG(close_bpf_prog)
{
	return CLOSED(OP_BPF);
}

/* A task without a label is no agent, or one of another container. */
static __always_inline bool is_outside(struct subject *s, struct task_struct *task)
{
	struct agent *agent;

	if (!s->container)
		return true;
	agent = bpf_task_storage_get(&agents, task, NULL, 0);
	return !agent || agent->label.slot != s->slot || agent->label.generation != s->container->generation;
}

/* Our own init, or what `exec` starts: it bears the container's label and may still do what the container may not. */
static __always_inline bool is_in_setup(struct task_struct *task)
{
	struct agent *agent = bpf_task_storage_get(&agents, task, NULL, 0);

	return agent && (agent->label.flags & LABEL_SETUP);
}

static __always_inline verdict_t judge_task(struct subject *s, struct task_struct *task)
{
	return is_outside(s, task) || is_in_setup(task) ? refuse(REASON_TASK_OUTSIDE) : ALLOW;
}

/* R17, F12, F23: ptrace, process_vm_writev, pidfd_getfd, /proc/PID/{mem,environ,root}. */
SEC("lsm/ptrace_access_check")
int BPF_PROG(trace_task, struct task_struct *child, unsigned int mode, int ret)
{
	struct subject s;

	if (ret)
		return ret;
	if (!subject_of_current(&s))
		return 0;
	return finish(&s, OP_PTRACE, judge_task(&s, child), -EPERM);
}

/* R17: to be traced is to let a process outside act inside. */
SEC("lsm/ptrace_traceme")
int BPF_PROG(be_traced, struct task_struct *parent, int ret)
{
	struct subject s;

	if (ret)
		return ret;
	if (!subject_of_current(&s))
		return 0;
	return finish(&s, OP_PTRACE, judge_task(&s, parent), -EPERM);
}

/* R17: the monitor is killed by nobody inside. */
SEC("lsm/task_kill")
int BPF_PROG(signal_task, struct task_struct *task, void *info, int sig, void *cred, int ret)
{
	struct subject s;

	if (ret)
		return ret;
	if (!subject_of_current(&s))
		return 0;
	return finish(&s, OP_SIGNAL, judge_task(&s, task), -EPERM);
}

/* F7, F9: other views of the same files. */
SEC("lsm/sb_mount")
int BPF_PROG(close_mount)
{
	return CLOSED(OP_MOUNT);
}

SEC("lsm/sb_remount")
int BPF_PROG(close_remount)
{
	return CLOSED(OP_MOUNT);
}

/* F22: what a mount hides. */
SEC("lsm/sb_umount")
int BPF_PROG(close_umount)
{
	return CLOSED(OP_MOUNT);
}

SEC("lsm/sb_pivotroot")
int BPF_PROG(close_pivot_root)
{
	return CLOSED(OP_MOUNT);
}

/* F8, F9: the calls before this one have no hook; without it their mounts are nowhere. */
SEC("lsm/move_mount")
int BPF_PROG(close_move_mount)
{
	return CLOSED(OP_MOUNT);
}

/* R4, F10: in a user namespace of its own a task has every capability again. */
SEC("lsm/userns_create")
int BPF_PROG(close_user_namespaces)
{
	return CLOSED(OP_NAMESPACE);
}

#define ANONYMOUS_NAME 16

static __always_inline bool is_named(const char *name, const char *other, __u32 length)
{
	for (__u32 i = 0; i < length; i++)
		if (name[i] != other[i])
			return false;
	return true;
}

static __always_inline bool is_closed_inode(const struct qstr *name)
{
	char text[ANONYMOUS_NAME] = {};

	if (bpf_probe_read_kernel_str(text, sizeof(text), name->name) < 0)
		return true;
	return is_named(text, "[io_uring]", sizeof("[io_uring]")) ||
	       is_named(text, "[userfaultfd]", sizeof("[userfaultfd]"));
}

/* N19, F14: rings, whose workers no filter sees. Userfaultfd: whoever makes the kernel wait chooses when it reads. */
SEC("lsm/inode_init_security_anon")
int BPF_PROG(close_rings, struct inode *inode, const struct qstr *name, const struct inode *context, int ret)
{
	struct subject s;

	if (ret)
		return ret;
	if (!subject_of_current(&s) || !is_closed_inode(name))
		return 0;
	return finish(&s, OP_TAMPER, refuse(REASON_CLOSED), -EPERM);
}

/* N19: rings that were made outside. */
SEC("lsm/uring_override_creds")
int BPF_PROG(close_ring_creds)
{
	return CLOSED(OP_TAMPER);
}

SEC("lsm/uring_sqpoll")
int BPF_PROG(close_ring_threads)
{
	return CLOSED(OP_TAMPER);
}

SEC("lsm/uring_cmd")
int BPF_PROG(close_ring_commands)
{
	return CLOSED(OP_TAMPER);
}

/* R28: other tasks' and the kernel's secrets, and its largest hole. */
SEC("lsm/perf_event_open")
int BPF_PROG(close_perf)
{
	return CLOSED(OP_CAPABILITY);
}

/* R28: /dev/mem, kprobes, unsigned modules, and what else a locked kernel refuses everybody. */
SEC("lsm/locked_down")
int BPF_PROG(lock_down)
{
	return CLOSED(OP_CAPABILITY);
}

/* R21: code for the kernel, also code that it would fetch itself for a name that an agent gave. */
SEC("lsm/kernel_module_request")
int BPF_PROG(close_module_requests)
{
	return CLOSED(OP_TAMPER);
}

SEC("lsm/kernel_read_file")
int BPF_PROG(close_kernel_files)
{
	return CLOSED(OP_TAMPER);
}

SEC("lsm/kernel_load_data")
int BPF_PROG(close_kernel_data)
{
	return CLOSED(OP_TAMPER);
}

/* R27: keys are the machine's. */
SEC("lsm/key_alloc")
int BPF_PROG(close_new_keys)
{
	return CLOSED(OP_CAPABILITY);
}

SEC("lsm/key_permission")
int BPF_PROG(close_keys)
{
	return CLOSED(OP_CAPABILITY);
}

/* Quotas, the clock and the kernel's log are the machine's, too. */
SEC("lsm/quotactl")
int BPF_PROG(close_quotas)
{
	return CLOSED(OP_CAPABILITY);
}

SEC("lsm/quota_on")
int BPF_PROG(close_quota_files)
{
	return CLOSED(OP_CAPABILITY);
}

SEC("lsm/settime")
int BPF_PROG(close_clock)
{
	return CLOSED(OP_CAPABILITY);
}

SEC("lsm/syslog")
int BPF_PROG(close_kernel_log)
{
	return CLOSED(OP_CAPABILITY);
}

#define TIOCSTI 0x5412
#define TIOCLINUX 0x541c
#define FS_IOC_SETFLAGS 0x40086602
#define FS_IOC32_SETFLAGS 0x40046602
#define FS_IOC_FSSETXATTR 0x401c5820

#define IOCTL_OF_BTRFS 0x94

/* Subvolumes that appear and go without a name's hook; a snapshot is a second copy, in another place, of what rules name. */
static __always_inline bool is_subvolume_call(unsigned int cmd)
{
	if (((cmd >> 8) & 0xff) != IOCTL_OF_BTRFS)
		return false;
	switch (cmd & 0xff) {
	case 1: /* SNAP_CREATE */
	case 14: /* SUBVOL_CREATE */
	case 15: /* SNAP_DESTROY */
	case 23: /* SNAP_CREATE_V2 */
	case 24: /* SUBVOL_CREATE_V2 */
	case 63: /* SNAP_DESTROY_V2 */
		return true;
	}
	return false;
}

#define IOCTL_OF_XFS 'X'
#define IOCTL_OF_EXT4 'f'
#define IOCTL_OF_F2FS 0xf5

/* X2: content that changes without a time of change, and files that are opened past file_open. */
static __always_inline bool is_silent_change(unsigned int cmd)
{
	unsigned int number = cmd & 0xff;

	switch ((cmd >> 8) & 0xff) {
	case IOCTL_OF_XFS: /* OPEN_BY_HANDLE, SWAPEXT, EXCHANGE_RANGE, COMMIT_RANGE */
		return number == 107 || number == 109 || number == 129 || number == 131;
	case IOCTL_OF_EXT4: /* MOVE_EXT, SWAP_BOOT */
		return number == 15 || number == 17;
	case IOCTL_OF_F2FS: /* MOVE_RANGE */
		return number == 9;
	}
	return false;
}

static __always_inline int judge_control(struct file *file, unsigned int cmd)
{
	struct subject s;

	if (is_subvolume_call(cmd) || is_silent_change(cmd))
		return CLOSED(OP_IOCTL);
	switch (cmd) {
	case TIOCSTI:
	case TIOCLINUX:
		return CLOSED(OP_IOCTL);
	case FS_IOC_SETFLAGS:
	case FS_IOC32_SETFLAGS:
	case FS_IOC_FSSETXATTR:
		if (!subject_of_current(&s))
			return 0;
		return finish(&s, OP_SETATTR, judge_change_of(&s, file->f_path.dentry, file->f_inode), -EACCES);
	}
	return 0;
}

/* R22: letters that seem to come from the operator's keyboard. F21: attributes that are no file's contents. */
SEC("lsm/file_ioctl")
int BPF_PROG(control_file, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
	return ret ? ret : judge_control(file, cmd);
}

/* The same, from a 32-bit program; 6.8. */
SEC("lsm/file_ioctl_compat")
int BPF_PROG(control_file_compat, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
	return ret ? ret : judge_control(file, cmd);
}
