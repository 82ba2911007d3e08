# A container under a policy: what the kernel refuses, what it lets through beside that, and what is left when it ends.

# policy: the text of a policy on stdin; the case's container is put under it.
policy() {
    mkdir -p /etc/sevorix/policies.d /etc/sevorix/config.d
    echo 'policies = ["engines"]' >/etc/sevorix/config.d/engines.toml
    { echo 'version = 1'; cat; } >/etc/sevorix/policies.d/engines.toml
    config[annotations]='{ "io.sevorix.policy": "engines" }'
}

# everything_but RULES: what a policy of files that denies RULES looks like
everything_but() {
    policy <<TOML
[exec]
default = "allow"
writable = "allow"
[file]
default = "allow"
rules = [ $1 ]
[net]
default = "allow"
listen = "any"
unix = "any"
TOML
}

# inside SCRIPT: what a shell in the container says of it, in $output
inside() {
    config[args]="[\"sh\", \"-c\", \"$1\"]"
    ran
}

more_bundle_policy_refuses_files_by_their_place() {
    own_rootfs
    mkdir -p "$work/root/kept" "$work/root/open"
    echo secret >"$work/root/kept/file"
    everything_but '{ path = "/kept/**", access = "rwc", action = "deny" }'
    inside 'cat /kept/file; echo x >/kept/new; mv /kept /elsewhere; ln /kept/file /open/link; ln -s /kept/file /open/s; cat /open/s; echo written >/open/file && cat /open/file'
    contains "$output" "can't open '/kept/file': Permission denied"
    contains "$output" "can't create /kept/new: Permission denied"
    contains "$output" "can't open '/open/s': Permission denied"
    contains "$output" written
    lacks "$output" secret
    equals secret "$(cat "$work/root/kept/file")"
    [[ ! -e $work/root/elsewhere && ! -e $work/root/kept/new && ! -e $work/root/open/link ]] || fail 'a refused change was made'
}

more_bundle_policy_refuses_a_volume_by_its_place_in_the_container() {
    mkdir -p "$work/volume"
    echo secret >"$work/volume/file"
    config[mounts]='{ "destination": "/kept", "type": "bind", "source": "'$work'/volume", "options": ["rbind", "rw"] },
        { "destination": "/open", "type": "tmpfs", "source": "tmpfs" }'
    everything_but '{ path = "/kept/file", access = "rw", action = "deny" }'
    own_rootfs
    inside 'cat /kept/file; echo other >/kept/other; cat /kept/other; echo y >/open/y; cat /open/y'
    contains "$output" "can't open '/kept/file': Permission denied"
    contains "$output" other
    contains "$output" y
}

more_bundle_policy_refuses_names_anywhere() {
    own_rootfs
    everything_but '{ name = ".env", access = "r", action = "deny" }, { name = "*.pem", access = "rwc", action = "deny" }'
    echo secret | tee "$work/root/home/.env" >"$work/root/tmp/key.pem"
    inside 'cat /home/.env; cat /tmp/key.pem; echo x >/root/new.pem; mv /tmp/key.pem /tmp/key.txt; echo fine >/root/new.txt; cat /root/new.txt'
    contains "$output" "can't open '/home/.env': Permission denied"
    contains "$output" "can't open '/tmp/key.pem': Permission denied"
    contains "$output" "can't create /root/new.pem: Permission denied"
    contains "$output" fine
    lacks "$output" secret
}

more_bundle_policy_refuses_what_was_written_and_said() {
    own_rootfs
    policy <<'TOML'
[exec]
default = "allow"
writable = "deny"
rules = [ { path = "/bin/busybox", argv = ["wget", "**"], action = "deny" } ]
[file]
default = "allow"
TOML
    inside 'cp /bin/busybox /tmp/copy; /tmp/copy true; echo copy $?; busybox true; echo image $?; busybox wget x; echo words $?'
    contains "$output" 'copy 126'
    contains "$output" 'image 0'
    contains "$output" 'words 137'
}

more_bundle_policy_refuses_programs() {
    own_rootfs
    cp "$work/root/bin/busybox" "$work/root/usr/denied"
    policy <<'TOML'
[exec]
default = "allow"
writable = "allow"
rules = [ { path = "/usr/denied", action = "deny" } ]
[file]
default = "allow"
[net]
default = "deny"
TOML
    inside '/usr/denied true; echo status $?; /bin/true && echo twin'
    contains "$output" 'status 126'
    contains "$output" twin
}

more_bundle_policy_refuses_destinations() {
    policy <<'TOML'
[exec]
default = "allow"
writable = "allow"
[file]
default = "allow"
[net]
default = "deny"
rules = [ { cidr = "203.0.113.0/24", port = 443, action = "allow" } ]
TOML
    inside 'nc 203.0.113.9 80; nc 203.0.113.9 443; nc 198.51.100.1 443; true'
    # there is no route to the one that is allowed: it is the network that says so
    equals "nc: can't connect to remote host (203.0.113.9): Operation not permitted
nc: can't connect to remote host (203.0.113.9): Network is unreachable
nc: can't connect to remote host (198.51.100.1): Operation not permitted" "$output"
}

more_bundle_policy_holds_for_exec_as_for_init() {
    own_rootfs
    everything_but '{ path = "/etc/plain-file", access = "r", action = "deny" }'
    config[args]='["sleep", "1000"]'
    started
    outcome oci exec "$(container_id)" cat /etc/plain-file /etc/passwd
    contains "$output" "can't open '/etc/plain-file': Permission denied"
    contains "$output" root:
    outcome oci exec "$(container_id)" unshare -U true
    contains "$output" 'Operation not permitted'
}

more_bundle_policy_gives_exec_no_more_than_create() {
    local capabilities='["CAP_KILL", "CAP_NET_ADMIN"]'
    everything_but ''
    config[args]='["sleep", "1000"]'
    started
    cat >"$work/process.json" <<JSON
{ "terminal": false, "user": { "uid": 0, "gid": 0 }, "cwd": "/", "env": ["PATH=/bin"], "args": ["true"],
  "capabilities": { "bounding": $capabilities, "effective": $capabilities, "permitted": $capabilities } }
JSON
    refused oci exec --process "$work/process.json" "$(container_id)"
    contains "$output" 'CAP_NET_ADMIN was not given to the container'
    sed -i 's/, "CAP_NET_ADMIN"//g' "$work/process.json"
    check 'the twin' oci exec --process "$work/process.json" "$(container_id)"
}

more_bundle_policy_outlives_every_process_of_ours() {
    own_rootfs
    everything_but '{ path = "/etc/plain-file", access = "r", action = "deny" }'
    config[args]='["sh", "-c", "until [ -e /tmp/go ]; do sleep 0.1; done; cat /etc/plain-file; echo done"]'
    started
    rm -rf /run/sevorix /run/sevorix-floor
    touch "$work/root/tmp/go"
    stopped
    contains "$(<"$work/log")" "can't open '/etc/plain-file': Permission denied"
    contains "$(<"$work/log")" done
}

more_bundle_policy_is_told_in_events_and_status() {
    own_rootfs
    everything_but '{ path = "/etc/plain-file", access = "r", action = "deny" }'
    config[args]='["sh", "-c", "cat /etc/plain-file; sleep 1000"]'
    oci events >/dev/null
    started
    wait_until 10 told_in_events
    contains "$(oci status "$(container_id)")" engines
    matches "$(oci status "$(container_id)")" 'open +deny +1'
}

more_bundle_policy_reports_are_for_every_reader() {
    own_rootfs
    everything_but '{ path = "/etc/plain-file", access = "r", action = "deny" }'
    config[args]='["sh", "-c", "cat /etc/plain-file; sleep 1000"]'
    started
    # who asks for another container's takes them out of the kernel's buffer as well
    equals '' "$(oci events --json nobody)"
    wait_until 10 told_in_events
    told_in_events
    matches "$(oci events)" 'deny +open /etc/plain-file +cat\([0-9]+\) +file.rules\[0\] +#1'
    oci delete --force "$(container_id)"
    told_in_events
}

more_bundle_policy_tells_what_it_allows_to_who_asks() {
    own_rootfs
    everything_but ''
    config[args]='["sh", "-c", "until [ -e /tmp/go ]; do sleep 0.1; done; cat /etc/plain-file; sleep 1000"]'
    started
    lacks "$(oci events --json | grep "$(container_id)")" /etc/plain-file
    "${oci_command[@]}" events --allowed --json "$(container_id)" >"$work/allowed" &
    wait_until 10 grep -q '"result":"allow"' "$work/allowed"
    touch "$work/root/tmp/go"
    wait_until 10 grep -q '"op":"open","object":"/etc/plain-file".*"result":"allow"' "$work/allowed"
    oci delete --force "$(container_id)"
    wait $! # who asks ends with the container
    exit_code 1 oci events --allowed
}

told_in_events() {
    oci events --json >"$work/events"
    grep -q '"container":"'"$(container_id)"'".*"op":"open","object":"/etc/plain-file".*"rule":"file.rules\[0\]"' "$work/events"
}

more_bundle_policy_leaves_nothing_in_the_kernel() {
    local before
    everything_but ''
    ran
    equals 0 "$status" "$output"
    before=$(find /sys/fs/bpf/sevorix | sort)
    ran
    equals "$before" "$(find /sys/fs/bpf/sevorix | sort)"
    contains "$(oci status)" 'no container is under a policy'
}

more_bundle_policy_that_cannot_be_enforced_is_refused() {
    policy <<'TOML'
[exec]
default = "allow"
writable = "allow"
[net]
default = "deny"
rules = [ { host = "api.example.com", port = 443, action = "allow" } ]
TOML
    bad_bundle 'needs rules on host names (net.rules[0])'
}

more_bundle_policy_that_nobody_wrote_is_refused() {
    policy <<<''
    config[annotations]='{ "io.sevorix.policy": "nosuch" }'
    bad_bundle 'policy nosuch may not be named'
}

# The rows of the attack catalogue that no hook of the kernel sees: the seccomp filter and the runtime stand in their way.
more_bundle_policy_stops_what_no_hook_sees() {
    local attack=$payload/floor/attack id said told
    [[ -x $attack ]] || skip 'the payload has no attacks'
    own_rootfs
    mkdir -p "$work/root/usr/bin"
    cp "$attack" "$work/root/usr/bin/attack"
    "$attack" prepare "$work/root"
    config[capabilities]='["CAP_SETUID", "CAP_SETGID", "CAP_DAC_OVERRIDE"]' # X16 becomes another user
    for id in F8 F9 F14s R6 R10 R18 R24 X16; do
        policy < <("$attack" policy "$id" | grep -v '^version') # not behind a pipe: it sets the annotation
        config[args]="[\"/usr/bin/attack\", \"$id\"]"
        ran
        said=$(grep '^{' <<<"$output") || fail "attack $id: $output"
        told=$("$attack" list | jq -c --arg id "$id" --argjson said "$said" \
            'select(.id == $id) | .ways[] | select(.way == $said.way) | select(.outcome == $said.outcome and .errno == $said.errno)')
        [[ -n $told ]] || fail "attack $id: $output"
        config[args]="[\"/usr/bin/attack\", \"$id\", \"twin\"]"
        ran
        contains "$output" '"outcome":"passed"'
    done
}
