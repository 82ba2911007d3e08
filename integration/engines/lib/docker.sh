# Docker: dockerd beside containerd, started once; `docker` in a case is the user's command line with the runtime put in.

start_docker() {
    local options=() runtime
    start_containerd || return 1
    for runtime in "${runtimes[@]}"; do
        [[ $runtime == runc ]] || options+=(--add-runtime "$runtime=$(runtime_path "$runtime")")
    done
    dockerd --containerd /run/containerd/containerd.sock "${options[@]}" >"$results/dockerd.log" 2>&1 &
    poll 90 command docker version || return 1
    tar -C "$rootfs" -c . | command docker import -c 'CMD ["sh"]' - busybox >/dev/null || return 1
    # the engine's own folders, mounts and cgroups come with the first container
    command docker run --rm busybox true && command docker run --rm --network host busybox true
}

# docker: as the user types it. Without a word about the network a container joins the host's, because dockerd's
# hook for a network namespace starts dockerd again, which costs two seconds under emulation.
docker() {
    case $1 in
        run | create)
            local verb=$1 network=(--network host)
            shift
            [[ " $* " != *" --network"* && " $* " != *" -p "* ]] || network=()
            command docker "$verb" "${with_runtime[@]}" "${network[@]}" "$@"
            ;;
        *) command docker "$@" ;;
    esac
}

# prepare_docker sets $with_runtime: what `docker` adds, for a case that must write the whole command line itself.
prepare_docker() {
    with_runtime=(--runtime "$runtime" --label "case=$name")
}

clean_up_docker() {
    local id
    for id in $(grep -l "\"case\":\"$name\"" /var/lib/docker/containers/*/config.v2.json 2>/dev/null | cut -d/ -f6); do
        api DELETE "/containers/$id?force=1&v=1"
    done
}

# share_docker: a container named $shared, one for each runtime, for cases that change nothing in it.
share_docker() {
    shared=shared-$runtime
    has_state "$shared" running && return 0
    command docker rm -f "$shared" >/dev/null 2>&1
    command docker run -d --runtime "$runtime" --name "$shared" --network host busybox sleep 1000000 >/dev/null
    new_baseline
}

# api METHOD PATH asks dockerd directly: the docker command needs half a second under emulation, which is too much for what
# cases ask often. Prints the body.
api() {
    printf '%s %s HTTP/1.0\r\n\r\n' "$1" "$2" | nc -w 30 -U /var/run/docker.sock | tr -d '\0' | sed '1,/^\r$/d'
}

# id_of CONTAINER
id_of() {
    api GET "/containers/$1/json" | json_field Id
}

# state_of CONTAINER FIELD, as in state_of web OOMKilled
state_of() {
    api GET "/containers/$1/json" | sed 's/.*"State"://' | json_field "$2"
}

# has_state CONTAINER STATUS
has_state() {
    [[ $(state_of "$1" Status) == "$2" ]]
}

# logs_contain CONTAINER TEXT
logs_contain() {
    [[ $(api GET "/containers/$1/logs?stdout=1&stderr=1") == *"$2"* ]]
}

# cgroup_of CONTAINER prints its folder in cgroupfs.
cgroup_of() {
    process_cgroup "$(state_of "$1" Pid)"
}

# second_dockerd OPTION...: a dockerd of the case's own, for options that concern the whole daemon; `as_second` speaks to it.
# Its folder has a short name, because it makes sockets far below it.
second_dockerd() {
    local options=()
    [[ $runtime == runc ]] || options=(--add-runtime "$runtime=$(runtime_path "$runtime")")
    mkdir -p /run/second
    command dockerd --host unix:///run/second/socket --data-root "$work/docker" --exec-root /run/second/exec \
        --pidfile /run/second/pid --containerd /run/containerd/containerd.sock --bridge none --iptables=false \
        "${options[@]}" "$@" >>"$work/dockerd.log" 2>&1 &
    second=$!
    poll 60 as_second version || fail "the second dockerd does not start: $(tail -n 5 "$work/dockerd.log")"
    trap end_second_dockerd EXIT
    as_second image inspect busybox >/dev/null 2>&1 || tar -C "$rootfs" -c . | as_second import - busybox >/dev/null
}

# a dockerd that was killed leaves its mounts to us
end_second_dockerd() {
    kill $second
    wait $second || true
    umount /run/second/exec/netns/default "$work/docker" 2>/dev/null || true
    rm -rf /run/second
}

as_second() {
    command docker --host unix:///run/second/socket "$@"
}
