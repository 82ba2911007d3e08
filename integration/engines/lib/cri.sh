# containerd's CRI socket, through sevorix-cri in place of a kubelet. Pods share the host's network: no CNI is needed.

start_cri() {
    local pause=$scratch/pause
    [[ -x $payload/sevorix-cri ]] || { echo 'run: there is no sevorix-cri in the payload' >&2; return 1; }
    # containerd copies both into each pod
    touch /etc/resolv.conf /etc/hosts
    start_containerd && cri version --wait 60 >/dev/null || return 1
    # as the real one, which is the only program that a sandbox's policy lets run: no environment, so no PATH
    mkdir -p "$pause"
    cp "$here/fixtures/bin/pause" "$pause/"
    image localhost/pause:1 '{"Entrypoint":["/pause"]}' "$pause" | import_for_cri &&
        image localhost/busybox:1 '{"Env":["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],"Cmd":["sh"]}' "$rootfs" | import_for_cri || return 1
    # the engine's own folders and cgroups come with the first pod
    cri pod-run --name first localhost/busybox:1 true
}

import_for_cri() {
    ctr -n k8s.io image import - >>"$results/cri.log" 2>&1
}

prepare_cri() {
    pod_name=${name//_/-}
}

cri() {
    "$payload/sevorix-cri" "$@"
}

# pod [OPTION...] starts a pod with the runtime under test; prints its id.
pod() {
    cri run-pod --handler "$runtime" --name "$pod_name" "$@"
}

# started_in POD [OPTION...] IMAGE COMMAND...: a container, created and started; prints its id.
started_in() {
    local container
    container=$(cri create "$@")
    cri start "$container" >/dev/null
    echo "$container"
}

# pod_run [OPTION...] COMMAND...: one container in a pod of its own, from start to removal
pod_run() {
    cri pod-run --handler "$runtime" --name "$pod_name" "$@"
}

clean_up_cri() {
    local pod
    [[ -n $(ls /run/containerd/io.containerd.grpc.v1.cri/sandboxes 2>/dev/null) ]] || return 0
    for pod in $(cri list-pods -q --name "$pod_name"); do
        cri stop-pod "$pod"
        cri rm-pod "$pod"
    done
}
