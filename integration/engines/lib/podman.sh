# Podman: no daemon; `podman` in a case is the user's command line with the runtime put in.

start_podman() {
    settings_for_podman
    command podman --version >"$results/podman.log" || return 1
    tar -C "$rootfs" -c . | command podman import -c 'CMD ["sh"]' - busybox >>"$results/podman.log" 2>&1 || return 1
    tar -C "$rootfs" -c ./pause | command podman import -c 'ENTRYPOINT ["/pause"]' - pause >>"$results/podman.log" 2>&1 || return 1
    # the engine's own folders and cgroups come with the first container
    command podman --runtime runc run --rm --network host busybox true >>"$results/podman.log" 2>&1
}

# The runtimes by name, as `sevorix install podman` writes them, and that their log is JSON, which podman believes of names
# it knows only. A pod's first container is ours, because podman would build one out of a program that the test bed does
# not have; podman 4 takes its command from here, podman 5 from the image.
settings_for_podman() {
    local runtime names
    names=$(printf '"%s", ' "${runtimes[@]}")
    mkdir -p /etc/containers/containers.conf.d
    {
        echo '[engine]'
        echo 'infra_image = "localhost/pause"'
        echo 'infra_command = "/pause"'
        echo "runtime_supports_json = [${names%, }]"
        echo '[engine.runtimes]'
        for runtime in "${runtimes[@]}"; do echo "$runtime = [\"$(runtime_path "$runtime")\"]"; done
    } >/etc/containers/containers.conf.d/engines.conf
}

prepare_podman() {
    podman_command=(podman --runtime "$runtime")
}

# podman: as the user types it; as with docker, the network is the host's where the case does not speak of it.
podman() {
    case $1 in
        run | create)
            local verb=$1 network=(--network host)
            shift
            [[ " $* " != *" --network"* && " $* " != *" --pod"* && " $* " != *" -p "* ]] || network=()
            command "${podman_command[@]}" "$verb" "${network[@]}" "$@"
            ;;
        *) command "${podman_command[@]}" "$@" ;;
    esac
}

clean_up_podman() {
    grep -q '"id"' /var/lib/containers/storage/overlay-containers/containers.json 2>/dev/null || return 0
    timeout 60 "${podman_command[@]}" pod rm -f -a -t 0
    timeout 60 "${podman_command[@]}" rm -f -a -t 0
}


# pstate CONTAINER FIELD, as in pstate web ExitCode
pstate() {
    command podman inspect -f "{{.State.$2}}" "$1"
}

# plogs_contain CONTAINER TEXT
plogs_contain() {
    [[ $(command podman logs "$1" 2>&1) == *"$2"* ]]
}
