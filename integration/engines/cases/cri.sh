# containerd's CRI as a kubelet uses it, with the runtime as handler (RuntimeClass).

cri_pod_gives_the_status_and_the_output() {
    exit_code 3 pod_run localhost/busybox:1 sh -c 'echo hello; exit 3'
    contains "$output" hello
}

cri_of_a_missing_program_tells_the_reason() {
    exit_code 125 pod_run localhost/busybox:1 no-such-program
    contains "$output" 'executable file not found in $PATH'
}

cri_container_lives_in_a_pod() {
    pod=$(pod)
    container=$(started_in "$pod" --memory 33554432 --seccomp runtime/default localhost/busybox:1 sh -c 'echo from inside; exec sleep 1000')
    exit_code 9 cri exec-sync "$container" sh -c 'exit 9'
    contains "$(cri exec-sync "$container" grep Seccomp: /proc/self/status)" 2
    cri update "$container" --memory 67108864
    ! unified_cgroups || equals 67108864 "$(<"$(process_cgroup "$(cri status "$container" --get /info/pid)")/memory.max")"
    exit_code 125 cri exec-sync --timeout 2 "$container" sleep 1000
    cri stop --grace 1 "$container"
    exit_code 137 cri wait "$container"
    contains "$(cri logs "$container")" 'from inside'
    cri rm "$container"
}

cri_annotations_reach_pod_and_container() {
    pod=$(pod --annotation io.sevorix.agent.name=from-the-pod --annotation org.example.key=not-let-through)
    container=$(started_in "$pod" localhost/busybox:1 sleep 1000)
    output=$(cri pod-status "$pod" --get /info/runtimeSpec/annotations)
    contains "$output" from-the-pod
    contains "$output" '"sandbox"'
    lacks "$output" not-let-through
    output=$(cri status "$container" --get /info/runtimeSpec/annotations)
    contains "$output" from-the-pod
    contains "$output" '"container"'
    lacks "$output" not-let-through
}

cri_out_of_memory_is_told() {
    # seen with 1.6 and runc: the exit is told before the OOM event has been counted
    [[ $(containerd --version) != *' 1.6.'* ]] || skip 'containerd 1.6 does not always tell OOMKilled'
    exit_code 137 pod_run --memory 33554432 localhost/busybox:1 probe eat 64
    contains "$output" OOMKilled
}

cri_containers_of_a_pod_share_what_it_says() {
    pod=$(pod --pid pod)
    container=$(started_in "$pod" localhost/busybox:1 sleep 1000)
    matches "$(cri exec-sync "$container" ps -o pid,args)" ' 1 /pause'
    equals "$(readlink "/proc/$(cri pod-status "$pod" --get /info/pid)/ns/ipc")" "$(readlink "/proc/$(cri status "$container" --get /info/pid)/ns/ipc")"
}

same_cri_what_a_process_sees() {
    pod=$(pod)
    container=$(started_in "$pod" --env FLAG=set --workdir /tmp --user 1000:1001 --seccomp runtime/default --cap-drop ALL --read-only \
        --no-new-privs localhost/busybox:1 sleep 1000)
    cri exec-sync "$container" sh -c 'env | grep -v HOSTNAME | sort; pwd; id -u; id -g; cat /proc/self/oom_score_adj
        grep -E "^(Groups|Cap|NoNewPrivs|Seccomp)" /proc/self/status; cut -d" " -f4- /proc/self/mountinfo | sort -s -k2,2' |
        normalise | sed -E 's#,?(lowerdir|upperdir|workdir)=[^, ]*##g'
}

long_cri_mount_propagation() {
    local kind
    mkdir -p "$work/volume"
    mount --bind "$work/volume" "$work/volume"
    mount --make-rshared "$work/volume"
    pod=$(pod --privileged)
    for kind in rshared rslave private; do
        container=$(started_in "$pod" --container-name "$kind" --privileged --mount "$work/volume:/volume:$kind" localhost/busybox:1 sleep 1000)
        line=$(cri exec-sync "$container" grep ' /volume ' /proc/self/mountinfo)
        case $kind in
            rshared) contains "$line" shared: ;;
            rslave) contains "$line" master: ;;
            private) lacks "$line" shared: ;;
        esac
        cri stop --grace 0 "$container"
    done
    umount "$work/volume"
}

long_cri_ten_containers_at_once() {
    local number jobs=()
    pod=$(pod)
    for number in $(seq 10); do
        started_in "$pod" --container-name "c$number" localhost/busybox:1 sh -c "exit $number" >"$work/container-$number" &
        jobs+=($!)
    done
    wait "${jobs[@]}"
    for number in $(seq 10); do
        exit_code "$number" cri wait "$(<"$work/container-$number")"
    done
}
