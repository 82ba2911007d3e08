/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * Files that exist: opened, received, cut, given other attributes.
 */
#include "grant.h"
#include "origin.h"

/* The open of a layer below an overlay file, which was judged itself: the kernel's own mount of the layer, or, before
 * 6.5, the layer's inode under the overlay's path. */
static __always_inline bool is_open_of_layer(const struct subject *s, struct file *file)
{
	if (!in_borrowed_credentials(s))
		return false;
	return file->f_inode != file->f_path.dentry->d_inode || is_on_internal_mount(file);
}

_Static_assert(FMODE_READ == 1 << READ && FMODE_WRITE == 1 << WRITE, "a mode is a mask of accesses");

static __always_inline __u32 accesses_of(struct file *file)
{
	__u32 accesses = file->f_mode & (FMODE_READ | FMODE_WRITE);

	if (file->f_flags & O_TRUNC)
		accesses |= 1 << WRITE;
	return accesses ? accesses : 1 << READ; /* opened for ioctl alone: as for reading */
}

/* R2, R11, R21, F22, X17: files by which a container would reach the kernel or the host, wherever they are mounted. Of proc
 * only a process's own folder may be written to. */
static __always_inline bool is_kernel_interface(struct dentry *dentry, __u64 magic, __u32 accesses)
{
	switch (magic) {
	case MAGIC_BPF:
	case MAGIC_DEBUG:
	case MAGIC_TRACE:
	case MAGIC_SECURITY:
		return dentry->d_parent != dentry; /* their roots may be looked at */
	case MAGIC_CGROUP:
	case MAGIC_CGROUP2:
	case MAGIC_SYSFS:
	case MAGIC_BINFMT: /* the host would run what is registered there */
		return accesses & (1 << WRITE);
	}
	return false;
}

/* Under the root of proc: a process's folder has a number for a name. To be asked after a walk. */
static __always_inline bool is_host_part_of_proc(struct subject *s, __u64 magic, __u32 accesses)
{
	struct walk *walk = &s->agent->walk;
	__u32 first = walk->depth - 1;
	char digit = 0;

	if (magic != MAGIC_PROC || !(accesses & (1 << WRITE)) || first >= DEPTH_MOST)
		return false;
	bpf_probe_read_kernel(&digit, sizeof(digit), (void *)walk->names[first]);
	return digit < '0' || digit > '9';
}

/* /proc/PID/mem writes into code that is mapped to be read and executed only. */
static __always_inline bool is_memory(struct dentry *dentry)
{
	char name[4] = {};

	if (dentry->d_name.len != 3)
		return false;
	bpf_probe_read_kernel(name, 3, dentry->d_name.name);
	return name[0] == 'm' && name[1] == 'e' && name[2] == 'm';
}

/* What is remembered as allowed is of no special class: nothing else is remembered here. */
static __always_inline verdict_t judge_file(struct subject *s, struct file *file, __u32 accesses)
{
	struct dentry *dentry = file->f_path.dentry;
	struct memory memory = memory_of(s, dentry, file->f_inode);
	struct super_block *sb;
	verdict_t verdict;
	__u64 magic;

	if (allowed_before(&memory, dentry, accesses))
		return ALLOW;
	equip(s);
	if (!s->agent)
		return refuse(REASON_NO_MEMORY);
	if (!s->container)
		return refuse(REASON_STALE_LABEL);
	sb = dentry->d_sb;
	if (is_nameless(sb))
		return ALLOW;
	magic = sb->s_magic;
	if (is_kernel_interface(dentry, magic, accesses))
		return refuse(REASON_KERNEL_INTERFACE);
	verdict = judge_and_remember(s, dentry, magic, accesses, &memory);
	if (is_ask(verdict) && take_open(s, file, accesses))
		verdict = ALLOW;
	if (allowed(verdict) && is_host_part_of_proc(s, magic, accesses))
		return refuse(REASON_KERNEL_INTERFACE);
	if (allowed(verdict) && (accesses & (1 << WRITE)) && is_memory(dentry))
		return judge_jit(s);
	return verdict;
}

/* A descriptor that this process gets: what can be written through it is from then on this container's. */
static __always_inline verdict_t judge_descriptor(struct subject *s, struct file *file)
{
	__u32 accesses = accesses_of(file);
	verdict_t verdict = judge_file(s, file, accesses);

	if (!(accesses & (1 << WRITE)) || !lets_through(verdict))
		return verdict;
	return stricter(verdict, judge_writer(s, file->f_inode));
}

/* Overlayfs opens the layer's file, where it is judged when memory that it was mapped into becomes code. */
static __always_inline verdict_t judge_layer(struct subject *s, struct file *file)
{
	return (file->f_mode & FMODE_WRITE) ? judge_writer(s, file->f_inode) : ALLOW;
}

/* F1-F16: whatever name, link, mount or call led to the file. What exec opens is judged when it is run or mapped. */
SEC("lsm/file_open")
int BPF_PROG(open_file, struct file *file, int ret)
{
	verdict_t verdict;
	struct subject s;

	if (ret)
		return ret;
	if (!recognise(&s))
		return 0;
	if (file->f_flags & OPENED_FOR_EXEC)
		return 0;
	if (is_open_of_layer(&s, file)) {
		verdict = judge_layer(&s, file);
		if (allowed(verdict))
			return 0;
	} else {
		verdict = judge_descriptor(&s, file);
	}
	return finish(&s, OP_OPEN, verdict, -EACCES);
}

/* F25: a descriptor from somebody else is worth what opening the file would be. */
SEC("lsm/file_receive")
int BPF_PROG(receive_file, struct file *file, int ret)
{
	struct subject s;

	if (ret)
		return ret;
	if (!recognise(&s))
		return 0;
	return finish(&s, OP_OPEN, judge_descriptor(&s, file), -EACCES);
}

static __always_inline verdict_t judge_change_of(struct subject *s, struct dentry *dentry, struct inode *inode)
{
	if (in_borrowed_credentials(s))
		return ALLOW;
	if (is_nameless(dentry->d_sb))
		return ALLOW;
	if (is_kernel_interface(dentry, dentry->d_sb->s_magic, 1 << WRITE))
		return refuse(REASON_KERNEL_INTERFACE);
	return judge_object(s, dentry, inode, 1 << WRITE);
}

/* What every hook on attributes does. `ret` is the answer of the module before us. */
static __always_inline int change_attributes(struct dentry *dentry, int ret)
{
	struct subject s;

	if (ret)
		return ret;
	if (!subject_of_current(&s))
		return 0;
	return finish(&s, OP_SETATTR, judge_change_of(&s, dentry, dentry->d_inode), -EACCES);
}

/* F20: truncate(2) opens nothing. */
SEC("lsm/path_truncate")
int BPF_PROG(truncate_path, const struct path *path, int ret)
{
	return change_attributes(path->dentry, ret);
}

/* F20: ftruncate(2), on a descriptor from before a tightening; 6.2. */
SEC("lsm/file_truncate")
int BPF_PROG(truncate_file, struct file *file, int ret)
{
	struct subject s;

	if (ret)
		return ret;
	if (!subject_of_current(&s))
		return 0;
	return finish(&s, OP_SETATTR, judge_change_of(&s, file->f_path.dentry, file->f_inode), -EACCES);
}

/* F20, F21: mode, owner, times, size; on 6.1 also what file_truncate (6.2) refuses earlier. The hook got an argument in
 * front in 6.9: the loader takes the one of the two that fits. */
SEC("lsm/inode_setattr")
int BPF_PROG(set_attributes, void *idmap, struct dentry *dentry, struct iattr *attributes, int ret)
{
	return change_attributes(dentry, ret);
}

SEC("lsm/inode_setattr")
int BPF_PROG(set_attributes_6_1, struct dentry *dentry, struct iattr *attributes, int ret)
{
	return change_attributes(dentry, ret);
}

/* F21: extended attributes, access lists among them. */
SEC("lsm/inode_setxattr")
int BPF_PROG(set_xattr, void *idmap, struct dentry *dentry, const char *name, const void *value, unsigned long size,
	     int flags, int ret)
{
	return change_attributes(dentry, ret);
}

/* F21: access lists have hooks of their own since 6.2; before, inode_setxattr sees them. */
SEC("lsm/inode_set_acl")
int BPF_PROG(set_acl, void *idmap, struct dentry *dentry, const char *name, void *acl, int ret)
{
	return change_attributes(dentry, ret);
}

SEC("lsm/inode_remove_acl")
int BPF_PROG(remove_acl, void *idmap, struct dentry *dentry, const char *name, int ret)
{
	return change_attributes(dentry, ret);
}

SEC("lsm/inode_removexattr")
int BPF_PROG(remove_xattr, void *idmap, struct dentry *dentry, const char *name, int ret)
{
	return change_attributes(dentry, ret);
}
