# containerd itself: its settings, and images made by hand, since there is no registry.

containerd_settings() {
    local runtime
    cat <<TOML
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "runc"
TOML
    for runtime in "${runtimes[@]}"; do
        cat <<TOML
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.$runtime]
      runtime_type = "io.containerd.runc.v2"
      pod_annotations = ["io.sevorix.*"]
      container_annotations = ["io.sevorix.*"]
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.$runtime.options]
        BinaryName = "$(runtime_path "$runtime")"
TOML
    done
}

start_containerd() {
    [[ -S /run/containerd/containerd.sock ]] && return 0
    containerd_settings >"$scratch/containerd.toml"
    containerd --config "$scratch/containerd.toml" >"$results/containerd.log" 2>&1 &
    poll 60 ctr version
}

# image NAME CONFIGURATION FOLDER: an image of one layer, as `ctr image import` takes it, on standard output
image() {
    local folder=$scratch/image digest
    rm -rf "$folder"
    mkdir "$folder"
    tar -C "$3" --numeric-owner -cf "$folder/layer.tar" .
    digest=$(sha256sum <"$folder/layer.tar" | cut -d' ' -f1)
    printf '{"architecture":"amd64","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
        "$2" "$digest" >"$folder/config.json"
    printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$1" >"$folder/manifest.json"
    tar -C "$folder" -c manifest.json config.json layer.tar
}
