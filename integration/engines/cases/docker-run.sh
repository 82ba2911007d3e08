# docker run: exit status, streams, terminal, what the process sees of itself.

docker_run_gives_the_exit_status_of_the_command() {
    local code
    for code in 1 255; do
        exit_code $code docker run --rm busybox sh -c "exit $code"
    done
}

docker_run_gives_128_plus_the_signal() {
    # process 1 of a pid namespace cannot kill itself
    exit_code 137 docker run --rm --pid host busybox sh -c 'kill -KILL $$'
    exit_code 143 docker run --rm --init busybox sh -c 'kill -TERM $$'
}

docker_run_of_a_missing_program_is_127() {
    exit_code 127 docker run --rm busybox no-such-program
    contains "$output" 'executable file not found in $PATH'
    exit_code 127 docker run --rm busybox /no/such/program
    contains "$output" 'no such file or directory'
}

docker_run_of_what_is_no_program_is_126() {
    exit_code 126 docker run --rm busybox /etc/plain-file
    contains "$output" 'permission denied'
    exit_code 126 docker run --rm busybox /etc
    matches "$output" 'permission denied|is a directory'
}

long_docker_run_makes_a_missing_working_folder() {
    equals /no/such/folder "$(docker run --rm -w /no/such/folder busybox pwd)"
}

long_docker_run_of_a_bad_option_is_125() {
    exit_code 125 docker run --rm --memory 1k busybox true
}

docker_run_keeps_stdout_and_stderr_apart() {
    keeps_streams_apart docker run --rm busybox
}

docker_run_passes_stdin_and_its_end() {
    equals "3 lines" "$(printf 'a\nb\nc\n' | docker run --rm -i busybox sh -c 'echo $(wc -l) lines')"
    equals "0" "$(docker run --rm -i busybox sh -c 'wc -c' </dev/null)" "stdin that ends at once"
}

long_docker_run_passes_a_megabyte_both_ways() {
    head -c 1000000 /dev/urandom >"$work/bytes"
    docker run --rm -i busybox cat <"$work/bytes" >"$work/back"
    check 'the bytes come back as they went' cmp "$work/bytes" "$work/back"
}

docker_run_gives_a_terminal() {
    output=$(in_terminal docker run --rm -t "${with_runtime[@]}" --network host busybox sh -c 'tty; test -t 0 && test -t 1 && test -t 2 && echo all; stty -a')
    contains "$output" /dev/pts/0
    contains "$output" all
}

docker_run_terminal_reads_what_is_typed() {
    output=$({ wait_until 20 grep -q ready "$work/typed"; echo hello; } |
        script -qefc "docker run --rm -it ${with_runtime[*]} --network host busybox sh -c 'echo ready; read line; echo got \$line'" "$work/typed")
    contains "$output" 'got hello'
}

docker_run_terminal_takes_a_new_size() {
    docker run -d -t --name "$name" busybox sh -c 'trap "stty size" WINCH; echo ready; while :; do sleep 0.1; done'
    wait_until 10 logs_contain "$name" ready
    api POST "/containers/$name/resize?h=41&w=97"
    wait_until 10 logs_contain "$name" '41 97'
}

same_docker_run_what_a_process_sees_of_itself() {
    docker run --rm --hostname inside -e FLAG=set -w /tmp busybox sh -c '
        env | sort; pwd; id; umask; hostname; cat /proc/self/oom_score_adj /proc/self/limits /proc/self/cgroup
        grep -E "^(Groups|Cap|NoNewPrivs|Seccomp|Sig[BICP]|Shd|Umask)" /proc/self/status
        readlink /proc/1/cwd; readlink /proc/1/root; cat /proc/1/cmdline | tr "\0" " "; ls -l /proc/self/fd | wc -l' | normalise
}

same_docker_run_as_a_user() {
    docker run --rm --user alice --group-add audio --group-add 4711 busybox sh -c '
        id; env | sort; pwd; grep -E "^(Uid|Gid|Groups|Cap)" /proc/self/status; touch /root/x; touch ~/y && stat -c "%A %U %G %s %n" ~/y'
    docker run --rm --user 4000:5000 busybox sh -c 'id; echo $HOME; grep -E "^(Uid|Gid|Groups|Cap)" /proc/self/status'
}

long_same_docker_run_process_attributes() {
    docker run --rm busybox sh -c 'probe self; cat /proc/self/personality /proc/self/timens_offsets /proc/self/sessionid'
    docker run --rm busybox sh -c 'cat /proc/self/attr/current 2>&1; cat /proc/self/stat | cut -d" " -f5-8' 2>&1
}

long_docker_run_of_an_unknown_user_fails() {
    exit_code 125 docker run --rm --user nobody-knows busybox true
}

docker_run_with_init_reaps_and_passes_signals() {
    docker run -d --init --name "$name" busybox sh -c 'trap "echo term; exit 7" TERM; echo ready; while :; do sleep 0.1; done'
    wait_until 10 logs_contain "$name" ready
    contains "$(docker exec "$name" cat /proc/1/comm)" init
    docker exec "$name" sh -c '(sleep 0.1 &) ; exit 0'
    docker stop "$name"
    equals 7 "$(state_of "$name" ExitCode)"
    contains "$(docker logs "$name")" term
}

long_docker_run_rm_leaves_no_container() {
    docker run --rm --name "$name" busybox true
    wait_until 5 no_container "$name"
}

long_docker_run_detached_prints_the_id_and_wait_the_status() {
    id=$(docker run -d --name "$name" busybox sh -c 'exit 9')
    matches "$id" '^[0-9a-f]{64}$'
    equals 9 "$(docker wait "$name")"
    equals exited "$(state_of "$name" Status)"
}

long_docker_run_shows_the_output_in_logs() {
    docker run --name "$name" busybox sh -c 'echo one; echo two >&2' >/dev/null 2>&1
    equals $'one\ntwo' "$(docker logs "$name" 2>&1 | sort)"
}

long_docker_run_attach_takes_what_comes_later() {
    docker run -d -i --name "$name" busybox sh -c 'read line; echo "heard $line"; exit 5'
    exit_code 5 docker attach "$name" <<<hello
    contains "$(docker logs "$name")" 'heard hello'
}

long_docker_run_every_exit_status_above_the_shells() {
    local code
    for code in 2 3 63 64 100 124 125 126 127 128 129 137 143 200 254; do
        exit_code $code docker run --rm busybox sh -c "exit $code"
    done
}

long_docker_run_fifty_at_the_same_time() {
    each_ends_with_its_status 50 docker run --rm busybox
}
