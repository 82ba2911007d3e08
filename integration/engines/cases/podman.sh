# Podman: the same container life through conmon, and pods.

podman_run_gives_the_exit_status() {
    exit_code 42 podman run --rm busybox sh -c 'exit 42'
    exit_code 137 podman run --rm --pid host busybox sh -c 'kill -KILL $$'
}

podman_run_of_what_cannot_run() {
    exit_code 127 podman run --rm busybox no-such-program
    exit_code 126 podman run --rm busybox /etc/plain-file
    exit_code 125 podman run --rm --no-such-option busybox true
}

podman_run_passes_the_streams() {
    equals 'heard hello' "$(echo hello | podman run --rm -i busybox sh -c 'read line; echo heard $line')"
    keeps_streams_apart podman run --rm busybox
}

podman_run_gives_a_terminal() {
    output=$(in_terminal "${podman_command[@]}" run --rm -t --network host busybox sh -c 'tty; test -t 0 && test -t 1 && echo all; exit 3') && status=0 || status=$?
    contains "$output" /dev/pts/0
    contains "$output" all
    equals 3 "$status"
}

same_podman_run_what_a_process_sees_of_itself() {
    podman run --rm --hostname inside --user alice --group-add audio -e FLAG=set -w /tmp --umask 0027 --ulimit nofile=100:200 --oom-score-adj 55 busybox sh -c '
        env | sort; pwd; id; umask; hostname; cat /proc/self/oom_score_adj /proc/self/cgroup; grep -E "files|processes" /proc/self/limits
        grep -E "^(Groups|Cap|NoNewPrivs|Seccomp|Sig[BICP]|Shd)" /proc/self/status' | normalise
}

same_podman_run_mounts_and_devices() {
    podman run --rm --network none --tmpfs /scratch:size=1m -v "$work:/work:ro,rslave" --device /dev/kmsg busybox sh -c '
        cut -d" " -f4- /proc/self/mountinfo | sort -k2; for f in /dev/*; do stat -c "%n %F %a %u:%g %t:%T" $f; done' |
        normalise | without_kcore | sed -E 's#/[^ ]*/overlay-containers/#/#; s/[A-Z0-9]{26}/LAYER/g; s#,?(lowerdir|upperdir|workdir)=[^, ]*##g'
}

long_same_podman_run_sysctls_and_seccomp() {
    podman run --rm --network none --sysctl net.ipv4.ip_forward=1 busybox sh -c 'cat /proc/sys/net/ipv4/ip_forward; unshare -U true 2>&1; grep Seccomp: /proc/self/status' || true
    podman run --rm --security-opt seccomp=unconfined --security-opt no-new-privileges busybox grep -E '^(Seccomp|NoNewPrivs)' /proc/self/status
}

podman_exec_runs_beside() {
    podman run -d --name "$name" busybox sleep 1000
    exit_code 127 podman exec "$name" no-such-program
    exit_code 126 podman exec "$name" /etc/plain-file
    exit_code 7 podman exec -i --user alice -w /tmp -e FLAG=set "$name" sh -c 'echo $(id -un) $(pwd) $FLAG $(grep Seccomp: /proc/self/status); exit 7'
    equals $'alice /tmp set Seccomp: 2' "$output"
    equals 'heard hello' "$(echo hello | podman exec -i "$name" sh -c 'read line; echo heard $line')"
    output=$(in_terminal "${podman_command[@]}" exec -t "$name" tty)
    contains "$output" /dev/pts/
}

podman_stop_kill_and_wait() {
    podman run -d --name "$name" busybox sh -c 'trap "echo bye; exit 3" TERM; trap "echo user" USR1; echo ready; while :; do sleep 0.1; done'
    wait_until 10 plogs_contain "$name" ready
    podman kill -s USR1 "$name"
    wait_until 10 plogs_contain "$name" user
    podman stop -t 20 "$name"
    equals 3 "$(podman wait "$name")"
    exit_code 125 podman kill "$name"
}

long_podman_stop_kills_after_the_time_is_up() {
    podman run -d --name "$name" busybox sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
    wait_until 10 plogs_contain "$name" ready
    podman stop -t 1 "$name"
    equals 137 "$(pstate "$name" ExitCode)"
}

podman_pause_and_unpause() {
    podman run -d --name "$name" busybox sleep 1000
    podman pause "$name"
    equals paused "$(pstate "$name" Status)"
    refused podman exec "$name" true
    podman unpause "$name"
    equals running "$(pstate "$name" Status)"
    exit_code 0 podman exec "$name" true
}

podman_limits_stand_in_the_cgroup() {
    podman run -d --name "$name" --memory 64m --pids-limit 42 --cpus 0.5 busybox sleep 1000
    unified_cgroups || skip 'not the unified cgroup hierarchy'
    cgroup=$(process_cgroup "$(pstate "$name" Pid)")
    equals '67108864 42 50000 100000' "$(cat "$cgroup/memory.max" "$cgroup/pids.max" "$cgroup/cpu.max" | xargs)"
    podman update --help >/dev/null 2>&1 || return 0
    podman update --memory 32m --cpus 0.25 "$name"
    equals '33554432 25000 100000' "$(cat "$cgroup/memory.max" "$cgroup/cpu.max" | xargs)"
}

podman_out_of_memory_kills() {
    exit_code 137 podman run --rm --memory 32m --memory-swap 32m busybox probe eat 64
}

podman_health_check_is_run() {
    podman run -d --name "$name" --health-cmd 'test -e /healthy' --health-interval disable busybox sleep 1000
    exit_code 1 podman healthcheck run "$name"
    podman exec "$name" touch /healthy
    exit_code 0 podman healthcheck run "$name"
}

long_podman_init_passes_signals() {
    init=$(command -v catatonit docker-init tini | head -1) || skip 'no init program'
    podman run -d --init --init-path "$init" --name "$name" busybox sh -c 'trap "exit 7" TERM; echo ready; while :; do sleep 0.1; done'
    wait_until 10 plogs_contain "$name" ready
    podman stop "$name"
    equals 7 "$(pstate "$name" ExitCode)"
}

podman_user_namespace() {
    output=$(podman run --rm --uidmap 0:300000:65536 --gidmap 0:300000:65536 busybox sh -c 'cat /proc/self/uid_map; id -u; touch /made && ls -ln /made')
    matches "$output" '0 +300000 +65536'
}

podman_top_stats_and_ps() {
    podman run -d --name "$name" busybox sh -c 'sleep 65439 & sleep 1000'
    contains "$(podman top "$name" args)" 'sleep 65439'
    contains "$(podman ps)" "$name"
    matches "$(podman stats --no-stream --format '{{.PIDs}}' "$name")" '^2'
}

long_podman_pod_shares_namespaces() {
    # podman 4 forbids every device in the pod's own cgroup when there is no systemd
    podman pod create --name "$name" --network none --share-parent=false
    podman run -d --pod "$name" --name "$name-one" busybox sh -c 'echo ready; exec sleep 1000'
    wait_until 10 plogs_contain "$name-one" ready
    net=$(podman exec "$name-one" readlink /proc/self/ns/net)
    equals "$net" "$(podman run --rm --pod "$name" busybox readlink /proc/self/ns/net)"
    podman pod stop -t 0 "$name"
    podman pod start "$name"
    podman pod rm -f -t 0 "$name"
}

long_podman_kube_play_runs_a_manifest() {
    cat >"$work/pod.yaml" <<'YAML'
apiVersion: v1
kind: Pod
metadata: { name: played }
spec:
  hostNetwork: true
  restartPolicy: Never
  containers:
    - name: main
      image: localhost/busybox
      imagePullPolicy: Never
      command: ["sh", "-c", "echo from the manifest: $FLAG; exec sleep 1000"]
      env: [{ name: FLAG, value: set }]
      securityContext: { runAsUser: 1000, readOnlyRootFilesystem: true }
YAML
    systemd_boot || [[ $(command podman --version) != *' 4.'* ]] || skip "podman 4 without systemd forbids a pod's containers every device"
    # podman takes a folder or file of the image's name for something to build
    cd "$work" || return
    podman kube play "$work/pod.yaml"
    wait_until 20 plogs_contain played-main 'from the manifest: set'
    equals 1000 "$(podman exec played-main id -u)"
    podman kube down "$work/pod.yaml"
}

long_podman_annotations_reach_the_runtime() {
    podman run -d --annotation org.example.key=value --name "$name" busybox sleep 1000
    id=$(podman inspect -f '{{.Id}}' "$name")
    contains "$("$(runtime_path "$runtime")" state "$id")" org.example.key
}

long_podman_rm_leaves_nothing() {
    podman run --rm --name "$name" busybox true
    exit_code 1 podman container exists "$name"
}

long_podman_restart_and_restart_policy() {
    podman run -d --restart on-failure:2 --name "$name" busybox sh -c 'echo try; exit 1'
    wait_until 30 ended_after_two_restarts
    equals 3 "$(podman logs "$name" | wc -l)" runs
}

ended_after_two_restarts() {
    [[ $(pstate "$name" Status) == exited && $(command podman inspect -f '{{.RestartCount}}' "$name") == 2 ]]
}

long_podman_twenty_at_the_same_time() {
    each_ends_with_its_status 20 podman run --rm busybox
}
