# Docker: containerd and dockerd, started once; `docker` in a case is the user's command line with the runtime put in.

start_containerd() {
    [[ -S /run/containerd/containerd.sock ]] && return 0
    containerd >"$results/containerd.log" 2>&1 &
    poll 60 ctr version
}

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
    local ids
    ids=$(grep -l "\"case\":\"$name\"" /var/lib/docker/containers/*/config.v2.json 2>/dev/null | awk -F/ '{ print $6 }')
    [[ -z $ids ]] || timeout 60 docker rm -f -v $ids >/dev/null
}

# share_docker: a container named $shared, one for each runtime, for cases that change nothing in it.
share_docker() {
    shared=shared-$runtime
    [[ $(command docker inspect -f '{{.State.Running}}' "$shared" 2>/dev/null) == true ]] && return 0
    command docker rm -f "$shared" >/dev/null 2>&1
    command docker run -d --runtime "$runtime" --name "$shared" --network host busybox sleep 1000000 >/dev/null
    new_baseline
}

# id_of CONTAINER
id_of() {
    command docker inspect -f '{{.Id}}' "$1"
}

# state_of CONTAINER FIELD, as in state_of web OOMKilled
state_of() {
    command docker inspect -f "{{.State.$2}}" "$1"
}

# has_state CONTAINER STATUS
has_state() {
    [[ $(state_of "$1" Status) == "$2" ]]
}

# logs_contain CONTAINER TEXT
logs_contain() {
    [[ $(command docker logs "$1" 2>&1) == *"$2"* ]]
}

# cgroup_of CONTAINER prints its folder in cgroupfs.
cgroup_of() {
    echo "/sys/fs/cgroup/docker/$(id_of "$1")"
}

# api METHOD PATH: a call that the docker command does not offer by itself.
api() {
    printf '%s %s HTTP/1.0\r\nHost: docker\r\n\r\n' "$1" "$2" | nc -U -q 2 /var/run/docker.sock
}
