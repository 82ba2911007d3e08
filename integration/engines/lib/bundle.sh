# The runtime called directly: `oci` is the command line, `bundle` writes a config.json from $config.

start_bundle() {
    local runtime
    for runtime in "${runtimes[@]}"; do mkdir -p "$scratch/roots/$runtime"; done
}

prepare_bundle() {
    oci_command=("$(runtime_path "$runtime")" --root "$scratch/roots/$runtime")
    default_config
}

# oci VERB...: the runtime under test, with a state folder of the suite's own. For a process in the background, whose
# number counts, or in a terminal: "${oci_command[@]}".
oci() {
    "${oci_command[@]}" "$@"
}

clean_up_bundle() {
    local state
    for state in "$scratch/roots/$runtime"/*/; do
        [[ ! -d $state ]] || timeout 20 "${oci_command[@]}" delete --force "$(basename "$state")"
    done
    umount -R -l "$work"/*/mounted 2>/dev/null
    rmdir "$(container_cgroup)" 2>/dev/null
    return 0
}

# container_id: what the case's container is called; container_cgroup: its folder, with cgroup v1 the one for counting processes.
container_id() {
    echo "b-${name//_/-}"
}

container_cgroup() {
    if unified_cgroups; then echo "/sys/fs/cgroup/engines-$(container_id)"; else echo "/sys/fs/cgroup/pids/engines-$(container_id)"; fi
}

# The default configuration: what `docker run` of today's engines asks for, in small. A case changes single values:
#   config[args]='["sh", "-c", "exit 3"]'
declare -A config
default_config() {
    config=(
        [terminal]=false
        [user]='{ "uid": 0, "gid": 0 }'
        [args]='["true"]'
        [env]='["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"]'
        [cwd]='"/"'
        [capabilities]='["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]'
        [process]='"noNewPrivileges": true'
        [root]="{ \"path\": \"$rootfs\", \"readonly\": false }"
        [hostname]='"hostname": "inside",'
        [mounts]=''
        [hooks]='{}'
        [namespaces]='{ "type": "pid" }, { "type": "ipc" }, { "type": "uts" }, { "type": "mount" }, { "type": "cgroup" }, { "type": "network" }'
        [resources]='{ "devices": [{ "allow": false, "access": "rwm" }] }'
        [linux]='"maskedPaths": ["/proc/kcore", "/proc/keys", "/sys/firmware"], "readonlyPaths": ["/proc/sys", "/proc/bus"]'
        [annotations]='{}'
    )
}

# bundle writes $work/bundle/config.json.
bundle() {
    mkdir -p "$work/bundle"
    cat >"$work/bundle/config.json" <<JSON
{
  "ociVersion": "1.0.2",
  "process": {
    "terminal": ${config[terminal]}, "user": ${config[user]}, "args": ${config[args]}, "env": ${config[env]}, "cwd": ${config[cwd]},
    "capabilities": {
      "bounding": ${config[capabilities]}, "effective": ${config[capabilities]}, "permitted": ${config[capabilities]}
    },
    ${config[process]}
  },
  "root": ${config[root]},
  ${config[hostname]}
  "mounts": [
$(usual_mounts "${config[mounts]}")
  ],
  "hooks": ${config[hooks]},
  "annotations": ${config[annotations]},
  "linux": {
    "cgroupsPath": "/engines-$(container_id)",
    "namespaces": [${config[namespaces]}],
    "resources": ${config[resources]},
    ${config[linux]}
  }
}
JSON
}

# created [VALUE...]: the bundle's container made, not started; its output goes to $work/log.
created() {
    bundle
    oci create --bundle "$work/bundle" --pid-file "$work/pid" "$(container_id)" </dev/null >"$work/log" 2>&1 \
        || fail "create ended with $?: $(<"$work/log")"
}

# started: created and started. A container that waits: config[args]='["sleep", "1000"]'.
started() {
    created
    oci start "$(container_id)" || fail "start ended with $?"
}

# ran: the bundle run in the foreground; status in $status, output in $output.
ran() {
    bundle
    outcome oci run --bundle "$work/bundle" "$(container_id)"
}

# stopped: waits for the end of the container's process. A zombie counts as stopped, but still keeps its cgroup busy.
stopped() {
    wait_until 5 status_is stopped
    [[ ! -e $work/pid ]] || wait_until 5 gone "/proc/$(<"$work/pid")"
}

# own_rootfs gives the case a root file system that it may change.
own_rootfs() {
    cp -al "$rootfs" "$work/root"
    config[root]="{ \"path\": \"$work/root\" }"
}

status_of() {
    oci state "$(container_id)" | json_field status
}

# status_is STATUS
status_is() {
    [[ $(status_of) == "$1" ]]
}
