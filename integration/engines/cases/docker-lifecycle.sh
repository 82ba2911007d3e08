# The life of a Docker container after its start: signals, stop, pause, removal, restarts.

docker_stop_lets_a_handler_end_it() {
    docker run -d --name "$name" busybox sh -c 'trap "echo bye; exit 3" TERM; echo ready; while :; do sleep 0.1; done'
    wait_until 10 logs_contain "$name" ready
    docker stop -t 20 "$name"
    equals 3 "$(state_of "$name" ExitCode)"
    contains "$(docker logs "$name")" bye
}

docker_stop_kills_after_the_time_is_up() {
    docker run -d --name "$name" busybox sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
    wait_until 10 logs_contain "$name" ready
    docker stop -t 1 "$name"
    equals 137 "$(state_of "$name" ExitCode)"
}

docker_kill_sends_the_signal_asked_for() {
    docker run -d --name "$name" busybox sh -c 'trap "echo user" USR1; trap "exit 4" HUP; echo ready; while :; do sleep 0.1; done'
    wait_until 10 logs_contain "$name" ready
    docker kill -s USR1 "$name"
    wait_until 10 logs_contain "$name" user
    docker kill -s HUP "$name"
    equals 4 "$(docker wait "$name")"
}

long_docker_kill_of_a_stopped_container_says_so() {
    docker run --name "$name" busybox true
    exit_code 1 docker kill "$name"
    contains "$output" 'is not running'
}

docker_kill_takes_the_children_too() {
    docker run -d --name "$name" busybox sh -c 'for i in 1 2 3; do (setsid sleep 54321 &) ; done; echo ready; sleep 1000'
    wait_until 10 logs_contain "$name" ready
    docker kill "$name"
    wait_until 5 no_process 'sleep 54321'
}

docker_pause_stops_the_clock_and_unpause_starts_it() {
    docker run -d --name "$name" busybox sh -c 'while :; do echo tick; sleep 0.1; done'
    wait_until 10 logs_contain "$name" tick
    docker pause "$name"
    equals paused "$(state_of "$name" Status)"
    ! unified_cgroups || check 'its cgroup is frozen' frozen "$(cgroup_of "$name")"
    before=$(docker logs "$name" | wc -l)
    equals "$before" "$(docker logs "$name" | wc -l)" 'lines while paused'
    docker unpause "$name"
    equals running "$(state_of "$name" Status)"
    wait_until 10 more_lines_than "$before"
}

more_lines_than() {
    (($(docker logs "$name" | wc -l) > $1))
}

docker_rm_f_takes_running_paused_and_created() {
    docker run -d --name "$name" busybox sleep 1000
    docker run -d --name "$name-paused" busybox sleep 1000
    docker create --name "$name-created" busybox true
    docker pause "$name-paused"
    docker rm -f "$name" "$name-paused" "$name-created"
    wait_until 5 no_container "$name"
}

long_docker_rm_of_a_running_container_is_refused() {
    docker run -d --name "$name" busybox sleep 1000
    exit_code 1 docker rm "$name"
    equals running "$(state_of "$name" Status)"
}

long_docker_start_again_after_an_end() {
    docker create --name "$name" busybox sh -c 'echo run >>/mark; cat /mark; exit 6'
    exit_code 6 docker start -a "$name"
    exit_code 6 docker start -a "$name"
    equals $'run\nrun\nrun' "$(docker logs "$name")"
}

long_docker_restart_gives_a_new_process() {
    docker run -d --name "$name" busybox sh -c 'echo up; sleep 1000'
    before=$(state_of "$name" Pid)
    docker restart -t 0 "$name"
    [[ $(state_of "$name" Pid) != "$before" ]] || fail 'the process is the old one'
    equals running "$(state_of "$name" Status)"
}

docker_restart_policy_counts_failures() {
    docker run -d --restart on-failure:2 --name "$name" busybox sh -c 'echo try; exit 1'
    wait_until 30 has_state "$name" exited
    equals 2 "$(docker inspect -f '{{.RestartCount}}' "$name")"
    equals 3 "$(docker logs "$name" | wc -l)" 'runs'
}

docker_removes_a_container_that_made_cgroups() {
    unified_cgroups || skip 'not the unified cgroup hierarchy'
    docker run -d --privileged --cgroupns host --name "$name" busybox sh -c '
        own=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup); mkdir -p $own/a/b/c
        sh -c "echo \$\$ >$own/a/b/c/cgroup.procs; echo ready; exec sleep 1000" & wait'
    wait_until 10 logs_contain "$name" ready
    cgroup=$(cgroup_of "$name")
    [[ -d $cgroup/a/b/c ]] || fail "the container could not make a cgroup: $(docker logs "$name" 2>&1)"
    docker rm -f "$name"
    wait_until 5 gone "$cgroup"
}

long_docker_health_check_is_run() {
    docker run -d --name "$name" --health-cmd 'test -e /healthy' --health-interval 1s --health-retries 1 busybox sh -c 'echo ready; sleep 1000'
    wait_until 20 health_is unhealthy
    docker exec "$name" touch /healthy
    wait_until 20 health_is healthy
}

health_is() {
    [[ $(api GET "/containers/$name/json" | sed 's/.*"Health"://' | json_field Status) == "$1" ]]
}

docker_cp_goes_both_ways() {
    docker run -d --name "$name" busybox sleep 1000
    echo content >"$work/file"
    docker cp "$work/file" "$name:/tmp/file"
    equals content "$(docker exec "$name" cat /tmp/file)"
    docker cp "$name:/etc/passwd" "$work/passwd"
    check 'the file is the same' cmp "$work/passwd" "$rootfs/etc/passwd"
}

docker_top_and_stats_show_the_processes() {
    docker run -d --name "$name" --memory 64m busybox sh -c 'sleep 76543 & sleep 1000'
    contains "$(docker top "$name")" 'sleep 76543'
    output=$(docker stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' "$name")
    matches "$output" '^2 .*/ 64MiB$'
}
