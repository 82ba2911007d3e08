/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * The parts of the kernel's structures that the programs read, and nothing else: libbpf finds where each field really
 * lies in the kernel that runs, from its BTF.
 */
#pragma once

typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_INODE_STORAGE = 28,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};

enum {
	BPF_ANY = 0,
	BPF_F_NO_PREALLOC = 1,
	BPF_LOCAL_STORAGE_GET_F_CREATE = 1,
};

#define SIGKILL 9
#define PROT_WRITE 2
#define PROT_EXEC 4
#define O_TRUNC 01000
#define FMODE_READ 1
#define FMODE_WRITE 2
#define FMODE_CREATED 0x100000 /* by this very open */
#define OPENED_FOR_EXEC 0x20 /* __FMODE_EXEC in f_flags: open(2) itself can't set it */
#define SB_RDONLY 1
#define SB_KERNMOUNT (1 << 22)
#define RENAME_EXCHANGE 2

#define S_IFMT 0170000
#define S_IFREG 0100000
#define S_IFDIR 0040000
#define S_IFBLK 0060000
#define S_IFCHR 0020000

#define EPERM 1
#define EACCES 13
#define ENOMEM 12
#define EXDEV 18
#define EPROTONOSUPPORT 93
#define MAX_ERRNO 4095

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct qstr {
	union {
		struct {
			__u32 hash;
			__u32 len;
		};
	};
	const unsigned char *name;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_flags;
	unsigned long s_magic;
	unsigned int s_time_gran;
	struct dentry *s_root;
};

struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
};

struct inode {
	unsigned short i_mode;
	unsigned int i_nlink;
	struct super_block *i_sb;
	struct timespec64 i_ctime; /* until 6.5 */
};

struct inode___6_6 {
	struct timespec64 __i_ctime;
};

struct inode___6_11 {
	__s64 i_ctime_sec;
	__u32 i_ctime_nsec;
};

#define SHORT_NAME 32 /* as much as every kernel keeps in the dentry itself */

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	unsigned char d_iname[SHORT_NAME];
	struct super_block *d_sb;
};

union shortname_store {
	unsigned long words[SHORT_NAME / sizeof(unsigned long)];
};

struct dentry___6_14 {
	union shortname_store d_shortname;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct vfsmount mnt;
	void *mnt_ns;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	unsigned int f_mode;
	unsigned int f_flags;
	struct path f_path;
	struct inode *f_inode;
};

struct backing_file { /* 6.5 */
	struct path user_path;
};

struct vm_area_struct {
	unsigned long vm_flags;
	struct file *vm_file;
	void *anon_vma;
};

struct linux_binprm {
	struct file *file;
	unsigned long p; /* the lowest address of the new stack: the command line */
	unsigned long exec; /* where the environment behind that ends */
	int argc;
	const char *filename, *interp; /* the same pointer until a script names another program */
};

struct iattr {
	unsigned int ia_valid;
};

struct seqcount {
	unsigned int sequence;
};

struct cred;
struct bpf_fib_lookup; /* libbpf only declares pointers to it */

struct bpf_local_storage_data {
	void *smap;
	unsigned char data[];
};

struct bpf_local_storage {
	struct bpf_local_storage_data *cache[16]; /* what was asked for last, by a number of the map's */
};

struct task_struct {
	int pid;
	int tgid;
	const struct cred *real_cred;
	const struct cred *cred;
	__u64 start_boottime;
	struct bpf_local_storage *bpf_storage;
};

#pragma clang attribute pop
