# run and exec in the foreground, terminals, descriptors: the parts of the command line that a person or a shim uses.

bundle_run_gives_the_status_and_leaves_nothing() {
    local code
    for code in 0 1 255; do
        config[args]="[\"sh\", \"-c\", \"echo out; exit $code\"]"
        ran
        equals $code "$status" 'exit status'
        equals out "$output"
    done
    exit_code 1 oci state "$(container_id)"
}

bundle_run_gives_128_plus_the_signal() {
    config[namespaces]='{ "type": "mount" }' config[hostname]=''
    config[args]='["sh", "-c", "kill -KILL $$"]'
    ran
    equals 137 "$status"
    config[args]='["sh", "-c", "kill -TERM $$"]'
    ran
    equals 143 "$status"
}

bundle_run_passes_signals_on() {
    config[args]='["sh", "-c", "trap \"echo term; exit 9\" TERM; echo ready; while :; do sleep 0.05; done"]'
    bundle
    "${oci_command[@]}" run --bundle "$work/bundle" --pid-file "$work/pid" "$(container_id)" </dev/null >"$work/log" 2>&1 &
    wait_until 10 grep -q ready "$work/log"
    kill -TERM $!
    status=0
    wait $! || status=$?
    equals 9 "$status"
    contains "$(<"$work/log")" term
}

bundle_run_passes_stdin() {
    config[args]='["sh", "-c", "read line; echo heard $line"]'
    bundle
    equals 'heard hello' "$(echo hello | oci run --bundle "$work/bundle" "$(container_id)")"
}

bundle_run_keep_leaves_the_container() {
    bundle
    oci run --help | grep -q -- --keep || skip 'this runtime has no --keep'
    oci run --keep --bundle "$work/bundle" "$(container_id)"
    equals stopped "$(status_of)"
    oci delete "$(container_id)"
}

bundle_run_detached_returns_at_once() {
    config[args]='["sleep", "1000000"]'
    bundle
    oci run --detach --pid-file "$work/pid" --bundle "$work/bundle" "$(container_id)" </dev/null >"$work/log" 2>&1
    equals running "$(status_of)"
    check 'its process lives' kill -0 "$(<"$work/pid")"
}

bundle_run_in_a_terminal() {
    config[terminal]=true
    config[args]='["sh", "-c", "tty; test -t 0 && test -t 2 && echo all; stat -c %t:%T /dev/console; exit 3"]'
    bundle
    status=0
    output=$(in_terminal "${oci_command[@]}" run --bundle "$work/bundle" "$(container_id)") || status=$?
    contains "$output" /dev/pts/0
    contains "$output" all
    contains "$output" 88:0
    equals 3 "$status"
}

bundle_run_terminal_takes_the_size_of_the_outer_one() {
    config[terminal]=true config[args]='["sh", "-c", "until stty size 2>/dev/null | grep 33; do sleep 0.05; done"]'
    bundle
    output=$(in_terminal sh -c "stty rows 33 cols 77; ${oci_command[*]} run --bundle $work/bundle $(container_id)")
    contains "$output" '33 77'
}

bundle_detached_terminal_needs_a_console_socket() {
    config[terminal]=true
    bundle
    exit_code 1 oci create --bundle "$work/bundle" "$(container_id)"
    contains "$output" 'console'
    config[terminal]=false
    bundle
    exit_code 1 oci create --bundle "$work/bundle" --console-socket "$work/none" "$(container_id)"
    contains "$output" 'console'
}

bundle_console_socket_gets_the_terminal() {
    config[terminal]=true config[args]='["sh", "-c", "tty; read line; echo heard $line; ls -l /dev/console"]'
    bundle
    echo hello | "$here/fixtures/bin/console" "$work/socket" >"$work/shown" &
    wait_until 5 test -S "$work/socket"
    oci create --bundle "$work/bundle" --console-socket "$work/socket" "$(container_id)"
    oci start "$(container_id)"
    wait_until 5 grep -q 'heard hello' "$work/shown"
    contains "$(<"$work/shown")" /dev/pts/0
    stopped
}

bundle_preserve_fds_keeps_these_and_no_others() {
    config[args]='["sh", "-c", "echo fd3 <&3; read a <&3; read b <&4; echo $a $b; ls /proc/self/fd"]'
    bundle
    output=$(oci run --preserve-fds 2 --bundle "$work/bundle" "$(container_id)" 3<<<three 4<<<four 7<<<seven)
    contains "$output" 'three four'
    lacks "$output" $'\n7'
    config[args]='["ls", "/proc/self/fd"]'
    bundle
    # 3 is the folder that ls reads
    equals $'0\n1\n2\n3' "$(oci run --bundle "$work/bundle" "$(container_id)" 5<<<five 9</etc/passwd)"
}

bundle_exec_runs_a_second_process() {
    config[args]='["sleep", "1000000"]'
    started
    equals 'second 3' "$(oci exec "$(container_id)" sh -c 'echo second $(ls /proc/self/fd | grep -c "^[012]$")')"
    exit_code 7 oci exec "$(container_id)" sh -c 'exit 7'
    exit_code 137 oci exec "$(container_id)" sh -c 'kill -KILL $$'
    equals 'heard hello' "$(echo hello | oci exec "$(container_id)" sh -c 'read line; echo heard $line')"
}

bundle_exec_takes_user_cwd_and_environment() {
    config[args]='["sleep", "1000000"]'
    started
    equals '1000 1000 /tmp set' "$(oci exec --user 1000:1000 --cwd /tmp --env FLAG=set "$(container_id)" sh -c 'echo $(id -u) $(id -g) $(pwd) $FLAG')"
}

bundle_exec_from_a_process_file_detached() {
    config[args]='["sleep", "1000000"]'
    started
    cat >"$work/process.json" <<JSON
{ "terminal": false, "user": { "uid": 0, "gid": 0 }, "cwd": "/", "env": ["PATH=/bin"], "args": ["sleep", "65434"],
  "capabilities": { "bounding": [], "effective": [], "permitted": [] }, "noNewPrivileges": true }
JSON
    oci exec --detach --pid-file "$work/exec-pid" --process "$work/process.json" "$(container_id)" </dev/null >"$work/exec-log" 2>&1
    # the shim's part is over when the process is told to go: its own program may come a moment later
    wait_until 5 pgrep -fx 'sleep 65434'
    equals "$(pgrep -fx 'sleep 65434')" "$(<"$work/exec-pid")"
    contains "$(<"/proc/$(<"$work/exec-pid")/status")" $'CapEff:\t0000000000000000'
    check 'it is in the cgroup' grep -qx "$(<"$work/exec-pid")" "$(container_cgroup)/cgroup.procs"
}

bundle_exec_in_a_terminal() {
    config[args]='["sleep", "1000000"]'
    started
    output=$(in_terminal "${oci_command[@]}" exec --tty "$(container_id)" sh -c 'tty; exit 4') && status=0 || status=$?
    contains "$output" /dev/pts/
    equals 4 "$status"
}

same_bundle_exec_refusals() {
    config[args]='["sleep", "1000000"]'
    started
    refused oci exec "$(container_id)" no-such-program
    contains "$output" 'executable file not found in $PATH'
    refused oci exec "$(container_id)" /etc/plain-file
    contains "$output" 'permission denied'
    refused oci exec --cwd /no/such/folder "$(container_id)" true
    contains "$output" 'no such file or directory'
    oci pause "$(container_id)"
    refused oci exec "$(container_id)" true
    contains "$output" paused
    oci resume "$(container_id)"
    oci kill "$(container_id)" KILL
    stopped
    refused oci exec "$(container_id)" true
    contains "$output" 'stopped'
}

# an image whose name service library would run in the runtime, if that looked up a user after entering the image
bundle_image_cannot_run_code_in_the_runtime() {
    local folder
    own_rootfs
    printf 'passwd: evil files\ngroup: evil files\n' >"$work/root/etc/nsswitch.conf"
    for folder in lib lib64 usr/lib lib/x86_64-linux-gnu usr/lib/x86_64-linux-gnu; do
        mkdir -p "$work/root/$folder"
        cp "$here/fixtures/bin/libnss_evil.so.2" "$work/root/$folder/"
    done
    config[args]='["sleep", "1000000"]' config[env]='["PATH=/bin"]'
    created
    gone "$work/root/image-code-ran" || fail 'the library was loaded at create'
    oci start "$(container_id)"
    oci exec --user 1000:1000 "$(container_id)" true
    gone "$work/root/image-code-ran" || fail 'the library was loaded by exec'
}
