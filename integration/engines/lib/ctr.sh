# containerd by its own command line: shim v2 with a BinaryName, without Docker's additions.

start_ctr() {
    start_containerd || return 1
    tar -C "$rootfs" -cf "$scratch/layer.tar" .
    import_for_ctr || return 1
    # the engine's own folders and cgroups come with the first container
    command ctr run --rm localhost/busybox:latest first true >>"$results/ctr.log" 2>&1
}

# import_for_ctr makes an image of the layer by hand: an OCI archive is four small files.
import_for_ctr() {
    local image=$scratch/image digest config manifest
    mkdir -p "$image/blobs/sha256"
    digest=$(add_blob "$scratch/layer.tar")
    cat >"$scratch/config.json" <<JSON
{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],"Cmd":["sh"]},"rootfs":{"type":"layers","diff_ids":["sha256:$digest"]}}
JSON
    config=$(add_blob "$scratch/config.json")
    cat >"$scratch/manifest.json" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
 "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:$config","size":$(stat -c %s "$scratch/config.json")},
 "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:$digest","size":$(stat -c %s "$scratch/layer.tar")}]}
JSON
    manifest=$(add_blob "$scratch/manifest.json")
    echo '{"imageLayoutVersion":"1.0.0"}' >"$image/oci-layout"
    cat >"$image/index.json" <<JSON
{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:$manifest",
 "size":$(stat -c %s "$scratch/manifest.json"),"annotations":{"io.containerd.image.name":"localhost/busybox:latest","org.opencontainers.image.ref.name":"latest"}}]}
JSON
    tar -C "$image" -c . | command ctr image import - >"$results/ctr.log" 2>&1
}

# add_blob FILE puts it into the image and prints its digest.
add_blob() {
    local digest
    digest=$(sha256sum <"$1" | cut -d' ' -f1)
    cp "$1" "$scratch/image/blobs/sha256/$digest"
    echo "$digest"
}

prepare_ctr() {
    ctr_options=(--runc-binary "$(runtime_path "$runtime")")
}

# run_by_ctr OPTION... COMMAND...: a container of the image named $name; options before --, the command after it.
run_by_ctr() {
    local options=()
    while [[ $1 != -- ]]; do options+=("$1"); shift; done
    shift
    command ctr run "${ctr_options[@]}" "${options[@]}" localhost/busybox:latest "$name" "$@"
}

clean_up_ctr() {
    command ctr container ls -q | grep -qx "$name" || return 0
    command ctr task kill -s KILL -a "$name"
    command ctr task rm -f "$name"
    command ctr container rm "$name"
}

# task_is STATUS
task_is() {
    [[ $(command ctr task ls | awk -v name="$name" '$1 == name { print $3 }') == "$1" ]]
}
