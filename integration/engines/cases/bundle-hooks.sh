# Hooks: when each kind runs, in which namespaces, what it is told, what its failure does.

# hooks KIND... puts a hook of each kind into the configuration: a script that notes what it sees in $work/notes.
# startContainer runs inside: its script is in the container's own root file system and notes there.
hooks() {
    local kind list=''
    own_rootfs
    write_hook "$work/hook" "$work"
    write_hook "$work/root/bin/hook" ''
    for kind in "$@"; do
        list+="${list:+, }\"$kind\": [{ \"path\": \"$([[ $kind == startContainer ]] || echo "$work/hook")\", \"args\": [\"hook\", \"$kind\"], \"env\": [\"FLAG=set\"] }]"
    done
    config[hooks]="{ ${list//\"path\": \"\"/\"path\": \"/bin/hook\"} }"
}

# write_hook FILE FOLDER-FOR-NOTES
write_hook() {
    cat >"$1" <<HOOK
#!/bin/sh
PATH=/bin:/usr/bin
{
    echo "\$1"
    for kind in mnt pid net uts ipc; do echo "\$1 \$kind \$(readlink /proc/self/ns/\$kind)"; done
    echo "\$1 folder \$(pwd)"
    echo "\$1 environment \$FLAG \$OUTSIDE"
} >>$2/notes
cat >$2/state.\$1
[ ! -e $2/fail.\$1 ]
HOOK
    chmod +x "$1"
}

readonly every_kind=(prestart createRuntime createContainer startContainer poststart poststop)

all_notes() {
    cat "$work/notes" "$work/root/notes" 2>/dev/null || true
}

bundle_hooks_run_in_order() {
    hooks "${every_kind[@]}"
    config[args]='["sh", "-c", "until grep -qs . /go; do sleep 0.05; done; echo command >>/notes"]'
    created
    # runc runs poststart as early as at create
    equals $'prestart\ncreateRuntime\ncreateContainer' "$(grep -vE ' |poststart' "$work/notes")" 'at create'
    oci start "$(container_id)"
    echo go >"$work/root/go"
    stopped
    equals $'startContainer\ncommand' "$(grep -v ' ' "$work/root/notes")" 'inside'
    oci delete "$(container_id)"
    equals $'prestart\ncreateRuntime\ncreateContainer\npoststart\npoststop' "$(grep -v ' ' "$work/notes")" 'on the host'
}

bundle_hooks_run_in_their_namespaces() {
    local kind namespace
    hooks "${every_kind[@]}"
    OUTSIDE=leaked created
    oci start "$(container_id)"
    stopped
    oci delete "$(container_id)"
    for kind in prestart createRuntime poststart poststop; do
        for namespace in mnt pid net uts ipc; do
            contains "$(all_notes)" "$kind $namespace $(readlink /proc/self/ns/$namespace)"
        done
    done
    for kind in createContainer startContainer; do
        lacks "$(all_notes)" "$kind mnt $(readlink /proc/self/ns/mnt)"
        lacks "$(all_notes)" "$kind net $(readlink /proc/self/ns/net)"
    done
    for kind in "${every_kind[@]}"; do
        contains "$(all_notes)" "$kind environment set"
    done
    lacks "$(all_notes)" leaked
}

bundle_hooks_get_the_state() {
    local kind
    config[annotations]='{ "org.example.key": "value" }'
    hooks "${every_kind[@]}"
    created
    pid=$(<"$work/pid")
    oci start "$(container_id)"
    stopped
    oci delete "$(container_id)"
    cp "$work/root/state.startContainer" "$work/"
    for kind in "${every_kind[@]}"; do
        equals "$(container_id)" "$(json_field id <"$work/state.$kind")" "id told to $kind"
        equals "$work/bundle" "$(json_field bundle <"$work/state.$kind")" "bundle told to $kind"
        contains "$(<"$work/state.$kind")" org.example.key
        [[ -n $(json_field ociVersion <"$work/state.$kind") ]] || fail "$kind is not told the version"
    done
    for kind in prestart createRuntime poststart; do
        equals "$pid" "$(json_field pid <"$work/state.$kind")" "pid told to $kind"
    done
    for kind in prestart createRuntime createContainer; do
        equals creating "$(json_field status <"$work/state.$kind")" "status told to $kind"
    done
    equals stopped "$(json_field status <"$work/state.poststop")"
}

bundle_hooks_of_a_run_have_no_signal_blocked() {
    hooks "${every_kind[@]}"
    sed -i 's/^    echo "\$1 folder/    grep SigBlk: \/proc\/self\/status\n&/' "$work/hook" "$work/root/bin/hook"
    bundle
    exit_code 0 oci run --bundle "$work/bundle" "$(container_id)"
    equals 6 "$(all_notes | grep -c '^SigBlk:')" 'hooks that ran'
    equals '' "$(all_notes | grep '^SigBlk:' | grep -vE '[[:space:]]0+$' || true)" 'blocked signals'
}

bundle_failing_hook_at_create_leaves_nothing() {
    local kind
    hooks "${every_kind[@]}"
    bundle
    for kind in prestart createRuntime createContainer; do
        touch "$work/fail.$kind"
        exit_code 1 oci create --bundle "$work/bundle" "$(container_id)"
        contains "$output" hook
        exit_code 1 oci state "$(container_id)"
        gone "$(container_cgroup)" || fail "the cgroup is still there after a failing $kind"
        rm "$work/fail.$kind"
    done
    gone "$work/root/notes" || fail 'startContainer ran'
}

bundle_missing_hook_program_is_told() {
    config[hooks]='{ "createRuntime": [{ "path": "/no/such/hook" }] }'
    bundle
    exit_code 1 oci create --bundle "$work/bundle" "$(container_id)"
    contains "$output" 'no such file or directory'
}

long_bundle_slow_hook_is_ended() {
    config[hooks]='{ "createRuntime": [{ "path": "/bin/sleep", "args": ["sleep", "65435"], "timeout": 1 }] }'
    bundle
    exit_code 1 oci create --bundle "$work/bundle" "$(container_id)"
    wait_until 5 no_process 'sleep 65435'
}

bundle_failing_start_container_hook_stops_the_start() {
    hooks startContainer
    config[args]='["sh", "-c", "echo ran >/ran"]'
    created
    touch "$work/root/fail.startContainer"
    oci start "$(container_id)" || true
    stopped
    gone "$work/root/ran" || fail 'the command ran'
}

more_bundle_poststart_waits_for_the_start() {
    hooks createContainer poststart
    created
    equals createContainer "$(grep -v ' ' "$work/notes")" 'at create'
    oci start "$(container_id)"
    equals $'createContainer\npoststart' "$(grep -v ' ' "$work/notes")" 'at start'
}

bundle_failing_poststop_hook_does_not_stop_the_delete() {
    hooks poststop
    touch "$work/fail.poststop"
    started
    stopped
    oci delete "$(container_id)" || true
    exit_code 1 oci state "$(container_id)"
    equals poststop "$(grep -v ' ' "$work/notes")"
}

bundle_several_hooks_of_a_kind_run_in_order() {
    own_rootfs
    config[hooks]="{ \"createRuntime\": [
        { \"path\": \"/bin/sh\", \"args\": [\"sh\", \"-c\", \"echo first >>$work/notes\"] },
        { \"path\": \"/bin/sh\", \"args\": [\"sh\", \"-c\", \"echo second >>$work/notes\"] }] }"
    created
    equals $'first\nsecond' "$(<"$work/notes")"
}
