# A container under a policy on a host whose kernel takes no LSM programs: what the layers that are left refuse, what they
# let through beside that, and that nothing starts with less than the host's configuration says.

# degraded [RULE...]: the host's word that these rules need not be held. Without it, a host that says nothing: undegraded.
degraded() {
    local rules=''
    takes_no_lsm_programs
    mkdir -p /etc/sevorix/config.d
    (($# == 0)) || rules=$(printf '"%s", ' "$@")
    printf '[floor]\ndegraded = true\naccept = [%s]\n' "$rules" >/etc/sevorix/config.d/floor.toml
}

undegraded() {
    takes_no_lsm_programs
    rm -f /etc/sevorix/config.d/floor.toml
}

takes_no_lsm_programs() {
    ! grep -qw bpf /sys/kernel/security/lsm || skip 'this kernel takes LSM programs'
}

# with_files RULES: a policy that lets everything be but for files, of which it allows what RULES say, and to read programs:
# Landlock starts none that can't be read.
with_files() {
    policy <<TOML
[exec]
default = "allow"
writable = "allow"
jit.default = "allow"
[file]
default = "deny"
rules = [ $1, { path = "/bin/**", access = "r", action = "allow" } ]
[net]
default = "allow"
listen = "any"
unix = "any"
TOML
    own_rootfs
    mkdir -p "$work/root"/open/inner "$work/root/kept"
    echo secret | tee "$work/root/open/inner/file" >"$work/root/kept/file"
    echo plain >"$work/root/open/file"
}

readonly open_folder='{ path = "/open/**", access = "rwc", action = "allow" }'

# with_net RULES LISTEN: the same for the network.
with_net() {
    policy <<TOML
[exec]
default = "allow"
writable = "allow"
jit.default = "allow"
[file]
default = "allow"
[net]
default = "deny"
rules = [ $1 ]
listen = "$2"
unix = "any"
TOML
}

more_bundle_degraded_host_starts_no_policy_that_it_was_not_told_to() {
    undegraded
    with_net '' any
    bad_bundle "this host can't enforce a policy: BPF security module"
    config[annotations]='{}'
    inside 'echo twin'
    equals twin "$output"
}

more_bundle_degraded_rule_that_is_not_held_is_refused() {
    degraded net.unix
    with_files "$open_folder, { path = \"/open/inner/**\", access = \"rwc\", action = \"deny\" }"
    bad_bundle 'file.rules[1]'
    lacks "$last" 'file.rules[0]'
    with_files "$open_folder"
    inside 'cat /open/inner/file'
    equals secret "$output"
}

more_bundle_degraded_annotation_accepts_nothing() {
    undegraded
    with_net '' any
    config[annotations]='{ "io.sevorix.policy": "engines", "io.sevorix.degraded": "true" }'
    bad_bundle 'degraded'
}

more_bundle_degraded_refuses_destinations() {
    degraded
    with_net '{ cidr = "203.0.113.0/24", port = 443, action = "allow" }' any
    inside 'nc 203.0.113.9 80; nc 203.0.113.9 443; nc 198.51.100.1 443; nslookup x.example 198.51.100.1; true'
    # there is no route to the one that is allowed: it is the network that says so
    equals "nc: can't connect to remote host (203.0.113.9): Operation not permitted
nc: can't connect to remote host (203.0.113.9): Network is unreachable
nc: can't connect to remote host (198.51.100.1): Operation not permitted
nslookup: can't connect to remote host (198.51.100.1): Operation not permitted" "$output"
}

more_bundle_degraded_refuses_servers() {
    degraded
    with_net '' none
    inside 'timeout 2 nc -l -p 8080; echo status $?'
    contains "$output" 'Operation not permitted'
    with_net '' any
    inside 'timeout 2 nc -l -p 8080; echo status $?'
    contains "$output" 'status 143'
    lacks "$output" 'not permitted'
}

more_bundle_degraded_refuses_files_that_nobody_allowed() {
    degraded net.unix
    with_files "$open_folder, { path = \"/etc/passwd\", access = \"r\", action = \"allow\" }"
    inside 'cat /kept/file; echo x >/kept/new; mv /open/file /kept/moved; cat /etc/group; ls /; head -n 1 /etc/passwd; echo new >/open/new && mv /open/new /open/inner/new && cat /open/inner/new'
    contains "$output" "can't open '/kept/file': Permission denied"
    contains "$output" "can't create /kept/new: Permission denied"
    contains "$output" "can't open '/etc/group': Permission denied"
    contains "$output" root:x:0:0
    contains "$output" new
    lacks "$output" secret
    contains "$output" "ls: can't open '/': Permission denied"
    [[ ! -e $work/root/kept/new && ! -e $work/root/kept/moved && -e $work/root/open/inner/new ]] || fail 'a refused change was made'
}

more_bundle_degraded_refuses_programs() {
    degraded exec.default
    policy <<'TOML'
[exec]
default = "deny"
writable = "allow"
jit.default = "allow"
rules = [ { path = "/bin/**", action = "allow" } ]
[file]
default = "allow"
[net]
default = "allow"
listen = "any"
unix = "any"
TOML
    own_rootfs
    cp "$work/root/bin/busybox" "$work/root/usr/denied"
    inside '/usr/denied true; echo status $?; /bin/true && echo twin'
    contains "$output" 'status 126'
    contains "$output" twin
}

more_bundle_degraded_refuses_system_calls() {
    degraded
    with_net '' any
    inside 'unshare -U true; mount -t tmpfs x /mnt; true && echo twin'
    contains "$output" 'unshare'
    contains "$output" 'Operation not permitted'
    contains "$output" twin
}

more_bundle_degraded_holds_for_exec_as_for_init() {
    degraded net.unix
    with_files "$open_folder"
    config[args]='["sleep", "1000"]'
    started
    outcome oci exec "$(container_id)" cat /kept/file /open/file
    contains "$output" "can't open '/kept/file': Permission denied"
    contains "$output" plain
    outcome oci exec "$(container_id)" unshare -U true
    contains "$output" 'Operation not permitted'
}

more_bundle_degraded_is_told() {
    degraded net.unix file.rules
    with_files "$open_folder, { path = \"/open/inner/**\", access = \"rwc\", action = \"deny\" }"
    config[args]='["sleep", "1000"]'
    created
    contains "$(oci status)" 'degraded: BPF security module'
    contains "$(oci status)" 'not held: file.rules[1], net.unix, floor.'
    matches "$(oci status --json)" '"unheld": \[[[:space:]]*"file.rules\[1\]"'
    matches "$(oci state "$(container_id)")" '"degraded": \[[[:space:]]*"file.rules\[1\]"'
    matches "$(oci events --json)" '"seq":1,.*"container":"'"$(container_id)"'".*"op":"degraded".*"unheld":\["file.rules\[1\]"'
    outcome oci doctor
    equals 1 "$status"
    contains "$output" 'This host can enforce, degraded: net'
    oci delete --force "$(container_id)"
    lacks "$(oci status)" degraded
    lacks "$(oci events)" "$(container_id)"
}

more_bundle_degraded_host_tells_that_nothing_is_loaded() {
    undegraded
    outcome oci events
    equals 0 "$status"
    contains "$output" 'nothing is loaded'
    equals 'no container is under a policy, and nothing is loaded' "$(oci status)"
    [[ ! -e /sys/fs/bpf/sevorix ]] || fail 'asking has loaded the floor'
}
