# The runtime's own command line: each verb, the state after each step, the words engines look for.

readonly wait_forever='["sleep", "1000000"]'

bundle_state_after_each_step() {
    config[args]=$wait_forever config[annotations]='{ "org.example.key": "value" }'
    created
    output=$(oci state "$(container_id)")
    equals created "$(json_field status <<<"$output")"
    equals "$(container_id)" "$(json_field id <<<"$output")"
    equals "$(<"$work/pid")" "$(json_field pid <<<"$output")"
    equals "$work/bundle" "$(json_field bundle <<<"$output")"
    equals value "$(json_field org.example.key <<<"$output")"
    oci start "$(container_id)"
    equals running "$(status_of)"
    oci kill "$(container_id)" KILL
    stopped
    equals 0 "$(oci state "$(container_id)" | json_field pid)"
    oci delete "$(container_id)"
    exit_code 1 oci state "$(container_id)"
    contains "$output" 'does not exist'
}

bundle_nothing_runs_before_start() {
    config[args]='["sh", "-c", "echo ran >/tmp/mark"]'
    own_rootfs
    created
    check 'the cgroup is there' test -d "$(container_cgroup)"
    check 'init is in it' grep -qx "$(<"$work/pid")" "$(container_cgroup)/cgroup.procs"
    gone "$work/root/tmp/mark" || fail 'the command ran before start'
    oci start "$(container_id)"
    wait_until 5 grep -q ran "$work/root/tmp/mark"
}

bundle_pid_file_holds_the_number_alone() {
    config[args]=$wait_forever
    created
    matches "$(<"$work/pid")" '^[0-9]+$'
    check 'that process lives' kill -0 "$(<"$work/pid")"
}

bundle_start_twice_is_refused() {
    config[args]=$wait_forever
    started
    exit_code 1 oci start "$(container_id)"
    contains "$output" 'cannot start'
}

bundle_kill_takes_names_and_numbers() {
    config[args]='["sh", "-c", "trap \"echo usr1\" USR1; trap \"echo hup\" HUP; trap \"exit 0\" TERM; echo ready; while :; do sleep 0.05; done"]'
    started
    wait_until 5 grep -q ready "$work/log"
    oci kill "$(container_id)" SIGUSR1
    wait_until 5 grep -q usr1 "$work/log"
    oci kill "$(container_id)" 1
    wait_until 5 grep -q hup "$work/log"
    oci kill "$(container_id)"
    stopped
}

bundle_kill_of_a_stopped_container_says_not_running() {
    started
    stopped
    exit_code 1 oci kill "$(container_id)" KILL
    contains "$output" 'container not running'
}

bundle_kill_of_an_unknown_signal_is_refused() {
    config[args]=$wait_forever
    started
    exit_code 1 oci kill "$(container_id)" NOSUCH
    contains "$output" 'unknown signal'
    equals running "$(status_of)"
}

bundle_kill_of_a_created_container_ends_it() {
    created
    oci kill "$(container_id)" KILL
    stopped
    oci delete "$(container_id)"
}

bundle_harmless_signal_leaves_created_startable() {
    config[args]='["sh", "-c", "echo went on"]'
    created
    oci kill "$(container_id)" URG
    equals created "$(status_of)"
    oci start "$(container_id)"
    wait_until 5 grep -q 'went on' "$work/log"
}

bundle_kill_all_reaches_every_process() {
    config[args]='["sh", "-c", "for i in 1 2 3; do setsid sleep 65432 & done; exec sleep 1000000"]'
    config[namespaces]='{ "type": "mount" }' config[hostname]=''
    started
    wait_until 5 processes_in_cgroup 4
    oci kill --all "$(container_id)" KILL
    wait_until 5 processes_in_cgroup 0
}

processes_in_cgroup() {
    (($(wc -l <"$(container_cgroup)/cgroup.procs") == $1))
}

bundle_delete_of_a_running_container_is_refused() {
    config[args]=$wait_forever
    started
    exit_code 1 oci delete "$(container_id)"
    contains "$output" 'not stopped'
    equals running "$(status_of)"
}

bundle_delete_twice_tells_and_force_does_not_mind() {
    started
    stopped
    exit_code 0 oci delete "$(container_id)"
    exit_code 1 oci delete "$(container_id)"
    contains "$output" 'does not exist'
    exit_code 0 oci delete --force "$(container_id)"
    equals '' "$output" 'what delete --force of an unknown container says'
}

bundle_delete_force_ends_a_running_container() {
    config[args]='["sh", "-c", "setsid sleep 65433 & exec sleep 1000000"]'
    started
    oci delete --force "$(container_id)"
    gone "$(container_cgroup)" || fail 'the cgroup is still there'
    wait_until 5 no_process 'sleep 65433'
}

bundle_delete_removes_cgroups_made_inside() {
    config[args]=$wait_forever
    started
    mkdir -p "$(container_cgroup)/a/b/c" "$(container_cgroup)/d"
    oci kill "$(container_id)" KILL
    stopped
    exit_code 0 oci delete "$(container_id)"
    gone "$(container_cgroup)" || fail 'the cgroup is still there'
}

bundle_list_and_ps_show_it() {
    config[args]=$wait_forever
    started
    contains "$(oci list)" "$(container_id)"
    equals "$(container_id)" "$(oci list -q)"
    output=$(oci list --format=json)
    equals running "$(json_field status <<<"$output")"
    equals "$(<"$work/pid")" "$(json_field pid <<<"$output")"
    equals "[$(<"$work/pid")]" "$(oci ps --format json "$(container_id)" | tr -d ' \n')"
    contains "$(oci ps "$(container_id)")" 'sleep 1000000'
    contains "$(oci ps "$(container_id)" -o pid,comm)" sleep
}

more_bundle_list_shows_the_policy_behind_runcs_columns() {
    config[args]=$wait_forever config[annotations]='{ "io.sevorix.policy": "none" }'
    started
    matches "$(oci list | head -n 1)" '^ID +PID +STATUS +BUNDLE +CREATED +OWNER +POLICY$'
    matches "$(oci list | tail -n 1)" '^b-.* root +none$'
    contains "$(oci list --format json)" '"owner":"root"}'
}

# as runtime-spec 1.2.1 has it, which runc 1.1 does not know
more_bundle_exec_on_chosen_cpus() {
    (($(nproc) == 2)) || skip 'not two CPUs'
    config[args]=$wait_forever
    config[process]+=', "execCPUAffinity": { "initial": "0-1", "final": "1" }'
    started
    equals $'Cpus_allowed_list:\t0-1' "$(oci exec "$(container_id)" grep Cpus_allowed_list /proc/1/status)"
    equals $'Cpus_allowed_list:\t1' "$(oci exec "$(container_id)" grep Cpus_allowed_list /proc/self/status)"
    echo '{ "cwd": "/", "user": { "uid": 0, "gid": 0 }, "args": ["/bin/grep", "Cpus_allowed_list", "/proc/self/status"] }' >"$work/process"
    equals $'Cpus_allowed_list:\t1' "$(oci exec --process "$work/process" "$(container_id)")" 'of a process that does not say'
    config[process]='"execCPUAffinity": { "final": "one" }'
    bundle
    exit_code 1 oci create --bundle "$work/bundle" "$(container_id)-second"
    contains "$output" 'execCPUAffinity format: one'
}

bundle_pause_and_resume() {
    config[args]=$wait_forever
    started
    oci pause "$(container_id)"
    equals paused "$(status_of)"
    check 'it is frozen' frozen "$(container_cgroup)"
    oci resume "$(container_id)"
    equals running "$(status_of)"
    check 'it is no longer frozen' thawed "$(container_cgroup)"
}

bundle_paused_container_can_be_killed_and_deleted() {
    config[args]=$wait_forever
    started
    oci pause "$(container_id)"
    exit_code 0 oci kill "$(container_id)" KILL
    oci resume "$(container_id)" || true
    stopped
    oci delete "$(container_id)"
}

bundle_update_changes_the_limits() {
    config[args]=$wait_forever
    has_controllers memory pids cpu || skip 'no memory, pids and cpu controllers'
    started
    oci update --memory 67108864 --pids-limit 42 --cpu-quota 20000 --cpu-period 100000 --cpu-share 512 "$(container_id)"
    equals 67108864 "$(<"$(container_cgroup)/memory.max")"
    equals 42 "$(<"$(container_cgroup)/pids.max")"
    equals '20000 100000' "$(<"$(container_cgroup)/cpu.max")"
    echo '{ "memory": { "limit": 33554432 }, "pids": { "limit": 17 } }' | oci update --resources - "$(container_id)"
    equals 33554432 "$(<"$(container_cgroup)/memory.max")"
    equals 17 "$(<"$(container_cgroup)/pids.max")"
    equals '20000 100000' "$(<"$(container_cgroup)/cpu.max")" 'what the second update does not name'
}

bundle_events_stats_are_json() {
    config[args]=$wait_forever
    started
    output=$(oci events --stats "$(container_id)")
    equals stats "$(json_field type <<<"$output")"
    equals "$(container_id)" "$(json_field id <<<"$output")"
    for key in cpu memory pids usage current; do contains "$output" "\"$key\":"; done
}

bundle_spec_writes_a_bundle_that_runs() {
    mkdir "$work/bundle"
    (cd "$work/bundle" && oci spec)
    exit_code 1 oci spec --bundle "$work/bundle"
    sed -i -e 's/"terminal": true/"terminal": false/' -e 's/"sh"/"echo", "it runs"/' -e "s#\"rootfs\"#\"$rootfs\"#" "$work/bundle/config.json"
    equals 'it runs' "$(oci run --bundle "$work/bundle" "$(container_id)")"
}

bundle_features_and_version_are_readable() {
    output=$(oci features)
    for key in ociVersionMin ociVersionMax hooks mountOptions namespaces capabilities cgroup seccomp apparmor selinux; do
        contains "$output" "\"$key\":"
    done
    for value in createRuntime createContainer startContainer poststart poststop rro CAP_SYS_ADMIN SCMP_ACT_NOTIFY SCMP_ARCH_X86_64; do
        contains "$output" "\"$value\""
    done
    output=$(oci --version)
    matches "$output" "^[a-z]+ version [^ ]+"
    equals 1 "$(grep -c version <<<"$output")" 'lines with the word version'
    contains "$output" 'spec: 1.'
}

# every mount option, hook, capability, action and operator that runc announces is announced; more may be
bundle_features_hold_what_runc_tells() {
    words_of runc >"$work/runc"
    words_of "$runtime" >"$work/own"
    equals '' "$(comm -23 "$work/runc" "$work/own" | tr '\n' ' ')" 'missing from features'
}

words_of() {
    "$(runtime_path "$1")" features | grep -oE '^ *"[A-Za-z_]+",?$' | tr -d ' ",' | sort -u
}

bundle_unknown_options_are_refused() {
    exit_code 1 oci create --no-such-option x
    exit_code 1 oci state
}
