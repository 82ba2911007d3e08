# docker exec: a second process in a container, as fenced as the first.

docker_exec_gives_the_exit_status() {
    exit_code 0 docker exec "$shared" true
    exit_code 42 docker exec "$shared" sh -c 'exit 42'
    exit_code 137 docker exec "$shared" sh -c 'kill -KILL $$'
}

# docker 20 says 126 here and later releases 127: what matters is that it is told as runc tells it
same_docker_exec_of_a_missing_program() {
    refused docker exec "$shared" no-such-program
    contains "$output" 'executable file not found in $PATH'
    refused docker exec "$shared" /no/such/program
    contains "$output" 'no such file or directory'
    refused docker exec -w /no/such/folder "$shared" true
    contains "$output" 'no such file or directory'
}

docker_exec_of_what_is_no_program_is_126() {
    exit_code 126 docker exec "$shared" /etc/plain-file
    contains "$output" 'permission denied'
    exit_code 126 docker exec "$shared" /etc
    matches "$output" 'permission denied|is a directory'
}

same_docker_exec_what_a_process_sees_of_itself() {
    docker exec -e FLAG=set -w /tmp "$shared" sh -c '
        env | sort; pwd; id; umask; cat /proc/self/oom_score_adj /proc/self/limits /proc/self/cgroup
        grep -E "^(Groups|Cap|NoNewPrivs|Seccomp|Sig[BICP]|Shd|Umask)" /proc/self/status; ls -l /proc/self/fd | wc -l' | normalise
}

same_docker_exec_as_a_user() {
    docker exec --user alice "$shared" sh -c 'id; env | sort; pwd; grep -E "^(Uid|Gid|Groups|Cap)" /proc/self/status'
    docker exec --user 4000:5000 "$shared" sh -c 'id; echo $HOME'
}

long_same_docker_exec_process_attributes() {
    docker exec "$shared" sh -c 'probe self; cat /proc/self/personality /proc/self/timens_offsets'
}

same_docker_exec_privileged() {
    docker exec --privileged "$shared" grep -E '^(Cap|NoNewPrivs|Seccomp)' /proc/self/status
}

docker_exec_is_under_the_seccomp_profile() {
    contains "$(docker exec "$shared" grep Seccomp: /proc/self/status)" 2
    exit_code 1 docker exec "$shared" unshare -U true
    contains "$output" 'Operation not permitted'
}

docker_exec_is_in_the_containers_cgroup_and_namespaces() {
    local kind
    output=$(docker exec "$shared" sh -c 'diff /proc/1/cgroup /proc/self/cgroup && for n in /proc/self/ns/*; do
        [ $(readlink $n) = $(readlink /proc/1/ns/${n##*/}) ] || echo ${n##*/} differs; done; echo compared')
    equals compared "$output"
}

docker_exec_passes_stdin() {
    equals 'heard hello' "$(echo hello | docker exec -i "$shared" sh -c 'read line; echo heard $line')"
}

docker_exec_gives_a_terminal() {
    output=$(in_terminal docker exec -t "$shared" sh -c 'tty; test -t 0 && test -t 1 && test -t 2 && echo all; exit 3') && status=0 || status=$?
    matches "$output" /dev/pts/[0-9]
    contains "$output" all
    equals 3 "$status" 'exit status'
}

long_docker_exec_detached_goes_on_alone() {
    docker run -d --name "$name" busybox sleep 1000
    docker exec -d "$name" sh -c 'echo was-here >/tmp/mark; exec sleep 87654'
    wait_until 10 docker exec "$name" grep -q was-here /tmp/mark
    contains "$(docker top "$name" -o pid,args)" 'sleep 87654'
}

docker_exec_into_a_paused_container_fails() {
    docker run -d --name "$name" busybox sleep 1000
    docker pause "$name"
    exit_code 1 docker exec "$name" true
    contains "$output" paused
    docker unpause "$name"
    exit_code 0 docker exec "$name" true
}

long_docker_exec_into_a_stopped_container_fails() {
    docker run --name "$name" busybox true
    exit_code 1 docker exec "$name" true
    contains "$output" 'is not running'
}

long_docker_exec_twenty_at_the_same_time() {
    each_ends_with_its_status 20 docker exec "$shared"
}
