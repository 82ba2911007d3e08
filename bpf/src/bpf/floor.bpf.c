/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
 *
 * The floor under every agent: one object, loaded and attached once per boot, for all containers. Each part is a file;
 * they are one translation unit, so that they share the maps and the big functions without a linker.
 */
#include "cgroup.bpf.c"
#include "command.bpf.c"
#include "exec.bpf.c"
#include "file.bpf.c"
#include "harden.bpf.c"
#include "net.bpf.c"
#include "scope.bpf.c"
#include "tree.bpf.c"

/* Types that no map of this object names, but the Rust side writes and reads: clang describes what a variable has. */
struct path_node path_node_type;
struct name_node name_node_type;
struct word_set word_set_type;
struct event event_type;
struct net_key net_key_type;
struct port_set port_set_type;

char LICENSE[] SEC("license") = "Dual BSD/GPL";
