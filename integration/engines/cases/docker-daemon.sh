# dockerd beside the containers: its restart, its view of the runtime.

docker_info_knows_the_runtime() {
    contains "$(docker info -f '{{json .Runtimes}}')" "\"$runtime\""
}

long_docker_containers_outlive_dockerd() {
    second_dockerd --live-restore
    as_second run -d --runtime "$runtime" --network host --name "$name" busybox sh -c 'trap "exit 5" TERM; while :; do echo tick; sleep 0.1; done'
    pid=$(as_second inspect -f '{{.State.Pid}}' "$name")
    kill -KILL $second
    wait $second || true
    check 'the container goes on' kill -0 "$pid"
    rm /run/second/pid
    second_dockerd --live-restore
    equals "$pid" "$(as_second inspect -f '{{.State.Pid}}' "$name")"
    equals hello "$(as_second exec "$name" echo hello)"
    as_second stop "$name"
    equals 5 "$(as_second inspect -f '{{.State.ExitCode}}' "$name")"
    as_second rm "$name"
}
