# What a container may leave on the machine. Taken after every case: a case must leave what it found.

snapshot() {
    find /sys/fs/cgroup -mindepth 1 -type d -printf 'cgroup %p\n'
    # podman mounts its own storage folder when it likes to
    awk '$5 != "/var/lib/containers/storage/overlay" { print "mount", $4, $5 }' /proc/self/mountinfo
    state_dirs
    # without this shell and what it starts; kernel threads are children of 2. By number: a name changes at exec.
    awk -v shell="$BASHPID" '
        match($0, /\(.*\)/) {
            split(substr($0, RSTART + RLENGTH + 1), rest, " ")
            if ($1 != 2 && rest[2] != 2 && $1 != shell && rest[2] != shell) print "process", $1
        }' /proc/[0-9]*/stat 2>/dev/null
}

state_dirs() {
    local root roots=()
    for root in /run/docker/runtime-*/* /run/docker/containerd/daemon /run/containerd/runc/* \
        /run/containerd/io.containerd.runtime.v2.task/* /run/runc /run/crun /run/sevorix /run/sevorix/c "$scratch"/roots/*; do
        [[ ! -d $root ]] || roots+=("$root")
    done
    ((${#roots[@]} == 0)) || find "${roots[@]}" -mindepth 1 -maxdepth 1 -type d -printf 'state %p\n'
}

# left_behind prints what is there now and was not in $baseline, after giving daemons time to finish.
left_behind() {
    poll 8 nothing_new && return 0
    echo "left behind:"
    comm -13 "$baseline" "$baseline.now" | while read -r kind what; do
        [[ $kind != process ]] || what="$what $(tr '\0' ' ' 2>/dev/null <"/proc/$what/cmdline")"
        echo "$kind $what"
    done
    return 1
}

nothing_new() {
    sorted_snapshot >"$baseline.now"
    [[ -z $(comm -13 "$baseline" "$baseline.now") ]]
}

new_baseline() {
    sorted_snapshot >"$baseline"
}

# through a file: a sort at the other end of a pipe would be in its own picture
sorted_snapshot() {
    snapshot >"$baseline.raw"
    sort "$baseline.raw"
}
