# containerd by its own command line: shim v2 with a BinaryName, without Docker's additions.

start_ctr() {
    start_containerd || return 1
    image localhost/busybox:latest '{"Env":["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],"Cmd":["sh"]}' "$rootfs" |
        command ctr image import - >"$results/ctr.log" 2>&1 || return 1
    # the engine's own folders and cgroups come with the first container
    command ctr run --rm localhost/busybox:latest first true >>"$results/ctr.log" 2>&1
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
