# What every engine needs: a busybox root file system, folders, the place of each runtime.

readonly scratch=/var/tmp/engines
readonly rootfs=$scratch/rootfs
readonly baseline=$scratch/baseline

prepare_machine() {
    local runtime
    mkdir -p "$scratch/roots" "$scratch/cases"
    make_rootfs
    set_default_policy
    for runtime in "${runtimes[@]}"; do
        [[ -x $(runtime_path "$runtime") ]] || { echo "run: there is no runtime $runtime" >&2; exit 2; }
    done
}

# set_default_policy: the host's configuration as it is shipped, and over it what an operator writes for --policy.
set_default_policy() {
    [[ $policy ]] || return 0
    mkdir -p /usr/share/sevorix /etc/sevorix
    cp -r "$payload/configs/." /usr/share/sevorix/
    echo "default_policy = \"$policy\"" >/etc/sevorix/config.toml
}

# tell_policy: without containers that were put under it, nothing that passed says anything about the policy.
tell_policy() {
    [[ $policy ]] || return 0
    local containers
    containers=$(containers_of_this_boot) || return 1
    echo "$containers containers were under the policy $policy"
    ((containers > 0))
}

# containers_of_this_boot: how many the floor has registered. The number of the next one is in the second word of this map.
containers_of_this_boot() {
    local next
    next=$(bpftool --json map dump pinned /sys/fs/bpf/sevorix/v*/ready |
        jq -er '.[0].value[8:12] | reverse | map(ltrimstr("0x")) | add') || return 1
    echo $((16#$next - 1))
}

# runtime_path NAME
runtime_path() {
    if [[ -x $payload/$1 ]]; then echo "$payload/$1"; else command -v "$1"; fi
}


make_rootfs() {
    local applet
    mkdir -p "$rootfs"/{bin,sbin,dev,etc,proc,sys,tmp,root,run,var,home/alice,mnt,usr/lib}
    cp "$payload/busybox" "$rootfs/bin/busybox"
    chroot "$rootfs" /bin/busybox --install -s /bin
    chmod 1777 "$rootfs/tmp"
    printf '%s\n' root:x:0:0:root:/root:/bin/sh nobody:x:65534:65534:nobody:/:/bin/false \
        alice:x:1000:1000:alice:/home/alice:/bin/sh >"$rootfs/etc/passwd"
    printf '%s\n' root:x:0: nogroup:x:65534: alice:x:1000: wheel:x:10:alice audio:x:29: >"$rootfs/etc/group"
    chown 1000:1000 "$rootfs/home/alice"
    echo 'not a program' >"$rootfs/etc/plain-file"
    [[ ! -d $here/fixtures/bin ]] || { cp "$here/fixtures/bin/probe" "$rootfs/bin/" && cp "$here/fixtures/bin/pause" "$rootfs/"; }
}

# unified_cgroups: whether cgroup v2 is all there is; systemd_boot: whether systemd rules over the cgroups.
unified_cgroups() {
    [[ -e /sys/fs/cgroup/cgroup.controllers ]]
}

systemd_boot() {
    [[ -d /run/systemd/system ]]
}

# process_cgroup PID prints the folder of a process's cgroup in the v2 hierarchy.
process_cgroup() {
    unified_cgroups || skip 'not the unified cgroup hierarchy'
    echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$1/cgroup")"
}

# has_controllers NAME...
has_controllers() {
    local controller
    for controller in "$@"; do grep -qsw "$controller" /sys/fs/cgroup/cgroup.subtree_control || return 1; done
}

# clean_up ENGINE removes what a case left running. What it cannot remove shows up as left behind.
clean_up() {
    "clean_up_$1"
}

# prepare_shared CASE starts the container that cases which only look share, if this one does.
prepare_shared() {
    [[ $(declare -f "$1") != *'"$shared"'* ]] || "share_$(engine_of "$1")"
}
