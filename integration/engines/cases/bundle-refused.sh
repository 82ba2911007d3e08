# Bundles that cannot run: the exit status, the reason in runc's kind of words, and nothing left behind.

# bad_bundle REASON: create must fail with 1, say why on standard error and in the log, and leave no state.
bad_bundle() {
    bundle
    refuses_create "$1"
}

refuses_create() {
    exit_code 1 oci --log "$work/log.json" --log-format json create --bundle "$work/bundle" "$(container_id)"
    last=$(tail -n 1 "$work/log.json")
    equals error "$(json_field level <<<"$last")"
    matches "$last" '"msg":"[^"]'
    matches "$last" '"time":"[0-9]{4}-[0-9]{2}-[0-9]{2}T'
    contains "$last" "$1"
    rm "$work/log.json"
    exit_code 1 oci state "$(container_id)"
    contains "$output" 'does not exist'
    gone "$(container_cgroup)" || fail 'the cgroup is still there'
}

bundle_without_rootfs_is_refused() {
    config[root]='{ "path": "no-rootfs" }'
    bad_bundle 'no such file or directory'
}

bundle_without_configuration_is_refused() {
    mkdir "$work/bundle"
    refuses_create 'config.json'
}

bundle_that_is_no_json_is_refused() {
    mkdir "$work/bundle"
    echo '{ "ociVersion": "1.0.2", "process": { ' >"$work/bundle/config.json"
    refuses_create ''
}

bundle_that_does_not_exist_is_refused() {
    refuses_create 'no such file or directory'
}

bundle_with_an_unknown_namespace_path_is_refused() {
    config[hostname]=''
    config[namespaces]='{ "type": "mount" }, { "type": "network", "path": "/no/such/namespace" }'
    bad_bundle 'no such file or directory'
    config[namespaces]='{ "type": "mount" }, { "type": "no-such-kind" }'
    bad_bundle 'no-such-kind'
}

bundle_with_a_namespace_of_another_kind_is_refused() {
    config[namespaces]='{ "type": "mount" }, { "type": "network", "path": "/proc/1/ns/uts" }'
    bad_bundle ''
}

bundle_with_an_impossible_working_folder_is_refused() {
    config[cwd]='"/etc/plain-file"'
    bad_bundle 'not a directory'
    config[cwd]='"/proc/no-such-folder"'
    bad_bundle 'no such file or directory'
}

bundle_makes_a_missing_working_folder() {
    config[cwd]='"/no/such/folder"' config[args]='["pwd"]'
    own_rootfs
    ran
    equals /no/such/folder "$output"
}

bundle_with_a_relative_working_folder_is_refused() {
    config[cwd]='"tmp"'
    bad_bundle 'absolute path'
}

bundle_with_a_missing_program_is_refused() {
    config[args]='["no-such-program"]'
    bad_bundle 'executable file not found in $PATH'
    config[args]='["/no/such/program"]'
    bad_bundle 'no such file or directory'
}

bundle_with_what_is_no_program_is_refused() {
    config[args]='["/etc/plain-file"]'
    bad_bundle 'permission denied'
    config[args]='["/etc"]'
    bundle
    exit_code 1 oci create --bundle "$work/bundle" "$(container_id)"
    matches "$output" 'is a directory|permission denied'
}

bundle_without_arguments_is_refused() {
    config[args]='[]'
    bad_bundle 'args'
}

bundle_with_a_bad_mount_is_refused() {
    config[mounts]='{ "destination": "/mnt", "type": "bind", "source": "/no/such/source", "options": ["bind"] }'
    bad_bundle 'no such file or directory'
    config[mounts]='{ "destination": "/mnt", "type": "no-such-type", "source": "none" }'
    bad_bundle 'no such device'
    contains "$last" 'error mounting \"none\" to rootfs at \"/mnt\"'
    echo mine >"$work/file"
    config[mounts]='{ "destination": "/etc", "type": "bind", "source": "'$work/file'", "options": ["rbind", "ro"] }'
    bad_bundle 'not a directory'
    contains "$last" 'error mounting \"'"$work"'/file\" to rootfs at \"/etc\"'
}

bundle_with_a_bad_mount_from_a_closed_folder_is_told_with_its_own_source() {
    in_user_namespace
    mkdir "$work/closed"
    echo mine >"$work/closed/file"
    chmod 700 "$work/closed"
    config[mounts]='{ "destination": "/etc", "type": "bind", "source": "'$work'/closed/file", "options": ["rbind", "ro"] }'
    bad_bundle 'not a directory'
    contains "$last" 'error mounting \"'"$work"'/closed/file\" to rootfs at \"/etc\"'
}

bundle_with_a_volume_in_the_place_of_proc_is_refused() {
    mkdir "$work/volume"
    for place in /proc /proc/sys; do
        config[mounts]='{ "destination": "'$place'", "type": "bind", "source": "'$work/volume'", "options": ["rbind"] }'
        bad_bundle "$place\\\" cannot be mounted because it is"
    done
    config[mounts]=''
    own_rootfs
    rmdir "$work/root/proc"
    ln -s /etc "$work/root/proc"
    bad_bundle 'must be mounted on ordinary directory'
}

bundle_with_an_unknown_capability_or_limit() {
    config[process]='"rlimits": [{ "type": "RLIMIT_NO_SUCH", "soft": 1, "hard": 1 }]'
    bad_bundle 'RLIMIT_NO_SUCH'
}

bundle_with_overlapping_user_mappings_is_refused() {
    config[namespaces]+=', { "type": "user" }'
    config[linux]='"uidMappings": [{ "containerID": 0, "hostID": 100000, "size": 65536 }, { "containerID": 65536, "hostID": 100000, "size": 65536 }],
        "gidMappings": [{ "containerID": 0, "hostID": 100000, "size": 65536 }]'
    bad_bundle ''
}

bundle_with_a_duplicate_name_is_refused() {
    config[args]='["sleep", "1000000"]'
    started
    exit_code 1 oci create --bundle "$work/bundle" "$(container_id)"
    contains "$output" 'already exists'
    equals running "$(status_of)" 'state of the first'
}

bundle_with_a_bad_name_is_refused() {
    local id
    bundle
    for id in ../escape a/b 'with space' .. ''; do
        exit_code 1 oci create --bundle "$work/bundle" "$id"
    done
    gone "$scratch/roots/escape" || fail 'the name left the state folder'
}

# a_stranger_in_the_cgroup sets $stranger to a process that is in the container's cgroup before the container is.
a_stranger_in_the_cgroup() {
    unified_cgroups || skip 'not the unified cgroup hierarchy'
    mkdir "$(container_cgroup)"
    sleep 1000 &
    stranger=$!
    echo $stranger >"$(container_cgroup)/cgroup.procs"
}

the_stranger_lives() {
    check 'the stranger lives' kill -0 $stranger
    kill $stranger
    wait $stranger || true
}

bundle_with_a_cgroup_of_strangers() {
    a_stranger_in_the_cgroup
    ran
    the_stranger_lives
}

bundle_start_failure_is_told() {
    config[args]='["/tmp/program"]'
    own_rootfs
    printf '#!/no/such/interpreter\n' >"$work/root/tmp/program"
    chmod +x "$work/root/tmp/program"
    created
    exit_code 0 oci start "$(container_id)"
    stopped
    contains "$(<"$work/log")" 'no such file or directory'
}

# the log of a failed verb ends in one error line of the shape that containerd and podman parse, and stdout stays empty
bundle_errors_go_to_the_log_and_not_to_stdout() {
    exit_code 1 oci --log "$work/log.json" --log-format json start no-such-container
    equals '' "$(oci --log "$work/log.json" --log-format json kill no-such-container 2>/dev/null || true)"
    equals 2 "$(grep -c '"level":"error"' "$work/log.json")" 'error lines'
    contains "$(<"$work/log.json")" 'does not exist'
    exit_code 1 oci --log "$work/log.text" --log-format text start no-such-container
    contains "$(<"$work/log.text")" 'level=error'
}

more_bundle_with_a_cgroup_of_strangers_is_refused() {
    a_stranger_in_the_cgroup
    bundle
    exit_code 1 oci create --bundle "$work/bundle" "$(container_id)"
    contains "$output" cgroup
    exit_code 1 oci state "$(container_id)"
    the_stranger_lives
    wait_until 5 rmdir "$(container_cgroup)"
}

more_bundle_with_an_unknown_annotation_of_ours_is_refused() {
    config[annotations]='{ "io.sevorix.net.alow": "example.org:443" }'
    bad_bundle 'unknown annotation io.sevorix.net.alow'
    config[annotations]='{ "io.sevorix.trust-mask": "not-a-number" }'
    bad_bundle io.sevorix.trust-mask
    config[annotations]='{ "org.example.whatever": "ignored" }'
    ran
    equals 0 "$status"
}
