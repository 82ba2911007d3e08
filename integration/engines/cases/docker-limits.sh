# Limits: what docker asks for stands in the cgroup's files, and holds.

docker_limits_memory_kills_what_eats_too_much() {
    exit_code 137 docker run --name "$name" --memory 32m --memory-swap 32m busybox probe eat 64
    equals 137 "$(docker inspect -f '{{.State.ExitCode}}' "$name")"
    # seen with 1.6 and runc: the exit is told before the OOM event has been counted
    [[ $(containerd --version) != *' 1.6.'* ]] || return 0
    equals true "$(docker inspect -f '{{.State.OOMKilled}}' "$name")"
}

docker_limits_pids_stop_forks() {
    output=$(docker run --rm --pids-limit 8 busybox sh -c 'for i in 1 2 3 4 5 6 7 8 9; do sleep 5 & done' 2>&1) || true
    contains "$output" "can't fork"
}

docker_limits_cpu_quota_throttles() {
    unified_cgroups || skip 'not the unified cgroup hierarchy'
    docker run -d --name "$name" --cpus 0.2 busybox sh -c 'while :; do :; done'
    wait_until 20 throttled
}

throttled() {
    (($(awk '$1 == "nr_throttled" { print $2 }' "$(cgroup_of "$name")/cpu.stat") > 0))
}

same_docker_limits_in_the_cgroup() {
    unified_cgroups || skip 'not the unified cgroup hierarchy'
    docker run -d --name "$name" --memory 64m --memory-reservation 32m --memory-swap 96m --cpus 0.5 --cpu-shares 512 \
        --cpuset-cpus 0 --cpuset-mems 0 --pids-limit 42 busybox sleep 1000 >&2
    cgroup_files "$(cgroup_of "$name")"
    docker update --memory 48m --memory-swap 96m --cpus 0.25 --pids-limit 17 "$name" >&2
    cgroup_files "$(cgroup_of "$name")"
}

cgroup_files() {
    local file
    for file in memory.max memory.low memory.swap.max cpu.max cpuset.cpus cpuset.mems pids.max; do
        echo "$file $(<"$1/$file")"
    done
}

same_docker_limits_of_the_process() {
    docker run --rm --ulimit nofile=100:200 --ulimit core=0 --ulimit memlock=4096:8192 --oom-score-adj 321 --shm-size 7m busybox sh -c '
        cat /proc/self/limits /proc/self/oom_score_adj; grep " /dev/shm " /proc/self/mountinfo | cut -d" " -f5-'
}

docker_limits_hold_for_exec() {
    docker run -d --name "$name" --memory 32m --memory-swap 32m busybox sleep 1000
    exit_code 137 docker exec "$name" probe eat 64
    equals running "$(state_of "$name" Status)"
}

long_docker_cgroup_parent_is_where_it_runs() {
    unified_cgroups || skip 'not the unified cgroup hierarchy'
    ! systemd_boot || skip 'systemd wants a slice as parent'
    docker run -d --name "$name" --cgroup-parent /engines-parent busybox sleep 1000
    check 'the cgroup is below the parent' test -d "/sys/fs/cgroup/engines-parent/$(id_of "$name")"
    docker rm -f "$name"
    wait_until 5 rmdir /sys/fs/cgroup/engines-parent
}

# whether the folder around v1 hierarchies is writable has a case of its own
same_docker_cgroup_namespace() {
    local folder=/sys/fs/cgroup
    unified_cgroups || folder=/sys/fs/cgroup/memory
    docker run --rm busybox sh -c 'cat /proc/self/cgroup; ls /sys/fs/cgroup | grep -c cgroup.procs; grep " /sys/fs/cgroup " /proc/self/mountinfo | cut -d" " -f4-' |
        normalise | without_access_of_tmpfs
    docker run --rm --cgroupns host busybox sh -c 'cat /proc/self/cgroup; grep " /sys/fs/cgroup " /proc/self/mountinfo | cut -d" " -f4-; mkdir '$folder'/x 2>&1' 2>&1 |
        normalise | without_access_of_tmpfs || true
}

without_access_of_tmpfs() {
    sed -E 's#^(/ /sys/fs/cgroup) r[ow](,.*) - tmpfs #\1\2 - tmpfs #'
}

long_same_docker_limits_block_io() {
    grep -qw io /sys/fs/cgroup/cgroup.subtree_control || skip 'no io controller'
    device=/dev/$(basename "$(readlink "/sys/dev/block/$(mountpoint -d /)")")
    docker run -d --name "$name" --device-read-bps "$device:1mb" --device-write-iops "$device:100" busybox sleep 1000 >&2
    [[ $(docker inspect -f '{{len .HostConfig.BlkioDeviceReadBps}}' "$name") != 0 ]] || skip 'this dockerd takes no limits of block devices'
    cat "$(cgroup_of "$name")/io.max"
}
