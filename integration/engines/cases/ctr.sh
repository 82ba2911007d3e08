# containerd's ctr: run, exec, kill, pause through shim v2.

ctr_run_gives_the_exit_status_and_the_output() {
    equals 'out' "$(run_by_ctr --rm -- echo out)"
    exit_code 42 run_by_ctr --rm -- sh -c 'exit 42'
}

ctr_run_of_a_missing_program_tells_the_reason() {
    exit_code 1 run_by_ctr --rm -- no-such-program
    contains "$output" 'executable file not found in $PATH'
}

ctr_run_gives_a_terminal() {
    output=$(in_terminal ctr run --rm -t "${ctr_options[@]}" localhost/busybox:latest "$name" sh -c 'tty; test -t 0 && echo all')
    contains "$output" /dev/pts/0
    contains "$output" all
}

ctr_exec_runs_beside() {
    run_by_ctr -d -- sleep 1000
    equals beside "$(ctr task exec --exec-id one "$name" echo beside)"
    exit_code 7 ctr task exec --exec-id two "$name" sh -c 'exit 7'
    contains "$(ctr task ps "$name")" "$(pgrep -fx 'sleep 1000')"
}

ctr_kill_and_remove() {
    run_by_ctr -d -- sh -c 'trap "exit 3" TERM; while :; do sleep 0.1; done'
    wait_until 10 task_is RUNNING
    ctr task kill -s KILL "$name"
    wait_until 10 task_is STOPPED
    exit_code 1 ctr task kill "$name"
    ctr task rm "$name" || true
    ctr container rm "$name"
}

ctr_pause_and_resume() {
    run_by_ctr -d -- sleep 1000
    ctr task pause "$name"
    wait_until 10 task_is PAUSED
    ctr task resume "$name"
    wait_until 10 task_is RUNNING
}

ctr_annotations_and_labels_reach_the_runtime() {
    run_by_ctr -d --annotation org.example.key=value -- sleep 1000
    contains "$("$(runtime_path "$runtime")" --root /run/containerd/runc/default state "$name")" org.example.key
}

same_ctr_run_what_a_process_sees() {
    run_by_ctr --rm --env FLAG=set --cwd /tmp --seccomp -- sh -c '
        env | sort; pwd; id -u; id -g; grep -E "^(Groups|Cap|NoNewPrivs|Seccomp)" /proc/self/status; cut -d" " -f5- /proc/self/mountinfo | sort -s -k1,1' |
        sed -E 's#,?(lowerdir|upperdir|workdir)=[^, ]*##g' | normalise
}

ctr_limits_stand_in_the_cgroup() {
    run_by_ctr -d --memory-limit 67108864 --cpus 0.5 -- sleep 1000
    unified_cgroups || skip 'not the unified cgroup hierarchy'
    cgroup=$(process_cgroup "$(ctr task ls | awk -v name="$name" '$1 == name { print $2 }')")
    equals '67108864 50000 100000' "$(cat "$cgroup/memory.max" "$cgroup/cpu.max" | xargs)"
}

ctr_metrics_are_there() {
    run_by_ctr -d -- sleep 1000
    contains "$(ctr task metrics "$name")" memory
}
