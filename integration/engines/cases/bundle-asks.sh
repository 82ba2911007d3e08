# What a policy asks about: held in the kernel until a verdict service has answered, and refused whenever anything breaks.

readonly slm=/run/sevorix/slm.sock

# asks: the case's container asks before it runs /usr/asked/busybox, and before it connects to 203.0.113.0/24
asks() {
    own_rootfs
    mkdir -p "$work/root/usr/asked"
    cp "$work/root/bin/busybox" "$work/root/usr/asked/busybox"
    printf '#!/usr/asked/busybox echo\n' >"$work/root/usr/script"
    chmod +x "$work/root/usr/script"
    mkdir -p /etc/sevorix/policies.d /etc/sevorix/config.d
    echo 'policies = ["asks"]' >/etc/sevorix/config.d/engines.toml
    cat >/etc/sevorix/policies.d/asks.toml <<TOML
version = 1
[exec]
default = "allow"
writable = "allow"
rules = [ { path = "/usr/asked/busybox", action = "ask" } ]
[file]
default = "allow"
${1:-}
[net]
default = "allow"
listen = "any"
unix = "any"
rules = [ { cidr = "203.0.113.0/24", action = "ask" } ]
[verdict]
timeout = "5s"
TOML
    config[annotations]='{ "io.sevorix.policy": "asks" }'
    config[args]='["sleep", "1000"]'
}

# served: a verdict service listens
served() {
    mkdir -p /run/sevorix
    "$payload/sevorix-slm" serve --socket "$slm" </dev/null >"$work/slm.log" 2>&1 &
    service=$!
    wait_until 10 test -S "$slm"
}

# unserved: and now none does
unserved() {
    kill "$service" || true
    wait "$service" || true
    rm -f "$slm"
}

# entered SCRIPT: what a shell in the running container says of it, in $output
entered() {
    outcome oci exec "$(container_id)" sh -c "$1"
}

# monitors: the pids of the container's holder and worker
monitors() {
    cat /sys/fs/cgroup/sevorix-monitors/*/cgroup.procs /sys/fs/cgroup/unified/sevorix-monitors/*/cgroup.procs 2>/dev/null || true
}

more_bundle_asks_are_answered_for_programs() {
    asks
    served
    started
    entered '/usr/asked/busybox echo ran; /usr/asked/busybox cat /root/.ssh/id_rsa; echo status $?; /usr/script word; true'
    contains "$output" ran
    contains "$output" 'status 126'
    contains "$output" '/usr/script word'
    outcome oci events --json
    contains "$output" '"by":"verdict","rule":"exec.rules[0]"'
    unserved
}

more_bundle_asks_are_answered_for_init() {
    asks
    served
    config[args]='["/usr/asked/busybox", "echo", "ran"]'
    ran
    equals ran "$output"
    config[args]='["/usr/asked/busybox", "cat", "/root/.ssh/id_rsa"]'
    ran
    contains "$output" 'permission denied'
    unserved
}

more_bundle_asks_are_answered_for_destinations() {
    asks
    served
    started
    entered 'nc 203.0.113.9 443; nc 198.51.100.1 443; true'
    # there is no route to either: it is the network that says so
    lacks "$output" 'not permitted'
    unserved
    # what was answered is known; what was not is asked of nobody
    entered 'nc 203.0.113.9 443; nc 203.0.113.9 444; true'
    contains "$output" 'Network is unreachable'
    contains "$output" 'Operation not permitted'
    outcome oci events --json
    contains "$output" '"reason":"no-verdict-service"'
}

more_bundle_asks_are_answered_for_files() {
    asks 'rules = [ { path = "/etc/asked/**", access = "rwc", action = "ask" } ]'
    mkdir -p "$work/root/etc/asked/.ssh"
    echo open | tee "$work/root/etc/asked/file" >"$work/root/etc/asked/other"
    echo secret >"$work/root/etc/asked/.ssh/id_rsa"
    served
    started
    entered 'cat /etc/asked/file /etc/asked/.ssh/id_rsa; echo made >/etc/asked/new && cat /etc/asked/new; cat /etc/passwd'
    contains "$output" open
    contains "$output" made
    contains "$output" root:
    contains "$output" "can't open '/etc/asked/.ssh/id_rsa': Permission denied"
    lacks "$output" secret
    unserved
    entered 'cat /etc/asked/other; echo x >/etc/asked/newer; cat /etc/passwd'
    contains "$output" "can't open '/etc/asked/other': Permission denied"
    contains "$output" "can't create /etc/asked/newer: Permission denied"
    contains "$output" root:
    [[ ! -e $work/root/etc/asked/newer ]] || fail 'a refused file was made'
}

more_bundle_asks_are_refused_without_a_service() {
    asks
    rm -f "$slm"
    started
    entered '/usr/asked/busybox echo ran; echo status $?; busybox echo unasked'
    contains "$output" 'status 126'
    contains "$output" unasked
    lacks "$output" ran
    served
    entered '/usr/asked/busybox echo ran'
    contains "$output" ran
    unserved
}

more_bundle_asks_outlive_the_worker_and_not_the_monitor() {
    local holder worker
    asks
    served
    started
    holder=$(monitors | head -1) worker=$(monitors | tail -1)
    kill -9 "$worker"
    wait_until 10 another_worker_than "$worker"
    entered '/usr/asked/busybox echo ran'
    contains "$output" ran
    kill -9 "$holder"
    wait_until 10 no_monitors
    entered true
    ((status != 0)) || fail 'something ran without a monitor'
    unserved
}

another_worker_than() {
    (($(monitors | wc -l) == 2)) && [[ $(monitors | tail -1) != "$1" ]]
}

no_monitors() {
    [[ -z $(monitors) ]]
}

more_bundle_asks_leave_nothing_behind() {
    asks
    started
    ((2 == $(monitors | wc -l))) || fail "there are other monitors: $(monitors)"
    oci delete --force "$(container_id)"
    equals '' "$(monitors)"
    [[ ! -e /sys/fs/cgroup/sevorix-monitors ]] || fail 'the cgroup of monitors is left'
}

more_bundle_asks_refuse_a_listener_beside_them() {
    asks
    config[linux]='"seccomp": { "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/x.sock",
        "syscalls": [{ "names": ["mkdir"], "action": "SCMP_ACT_NOTIFY" }] }'
    bundle
    exit_code 1 oci create --bundle "$work/bundle" "$(container_id)"
    contains "$output" 'only one of them can hold calls'
}

# someone_is_asked: something waits for a person
someone_is_asked() {
    [[ -n $(oci asks "$(container_id)") ]]
}

nobody_is_asked() {
    ! someone_is_asked
}

more_bundle_asks_of_a_person() {
    local asking ask
    asks
    sed -i 's|"/usr/asked/busybox", action = "ask"|"/usr/asked/busybox", argv = ["echo", "**"], action = "ask", ask = "operator"|' /etc/sevorix/policies.d/asks.toml
    started
    "${oci_command[@]}" exec "$(container_id)" /usr/asked/busybox echo ran </dev/null >"$work/ran" 2>&1 &
    asking=$!
    wait_until 10 someone_is_asked
    outcome oci asks
    contains "$output" 'exec "/usr/asked/busybox" as "/usr/asked/busybox" "echo" "ran"'
    ask=${output%% *}
    exit_code 2 oci allow "$ask"
    exit_code 0 oci allow "$ask" --for 10m --reason 'asked for it'
    wait $asking
    equals ran "$(cat "$work/ran")"
    # the same again needs nobody
    entered '/usr/asked/busybox echo ran'
    equals ran "$output"
    # another line does
    "${oci_command[@]}" exec "$(container_id)" /usr/asked/busybox echo other </dev/null >"$work/other" 2>&1 &
    asking=$!
    wait_until 10 someone_is_asked
    ask=$(oci asks)
    exit_code 0 oci deny "${ask%% *}" --reason 'not that'
    ! wait $asking || fail 'it ran'
    contains "$(cat "$work/other")" 'denied'
    outcome oci events --json
    contains "$output" '"reason":"operator: asked for it"'
    contains "$output" '"reason":"operator: not that"'
    exit_code 1 oci allow "${ask%% *}" --reason late
    contains "$output" 'nothing waits as'
    # whoever does not wait any more is not shown
    "${oci_command[@]}" exec "$(container_id)" /usr/asked/busybox echo gone </dev/null >/dev/null 2>&1 &
    asking=$!
    wait_until 10 someone_is_asked
    oci kill --all "$(container_id)" KILL || oci kill "$(container_id)" KILL
    wait $asking || true
    wait_until 10 nobody_is_asked
}
