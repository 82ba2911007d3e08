# What fences a Docker container: capabilities, seccomp, no-new-privileges, devices, user namespaces, hidden paths.

same_docker_capabilities() {
    local options
    for options in '' '--cap-drop ALL' '--cap-drop ALL --cap-add NET_RAW --cap-add SYS_TIME' '--user alice --cap-add SYS_ADMIN'; do
        # shellcheck disable=SC2086
        docker run --rm $options busybox grep -E '^(Cap|NoNewPrivs|Seccomp)' /proc/self/status
    done
}

same_docker_capability_to_make_routes() {
    docker run --rm --cap-add NET_ADMIN busybox grep ^Cap /proc/self/status
}

same_docker_privileged() {
    docker run --rm --privileged busybox sh -c 'grep -E "^(Cap|NoNewPrivs|Seccomp)" /proc/self/status; ls /dev | sort | grep -vE "^(ram|loop|vcs|tty|k?core)"
        mount -t tmpfs none /mnt && echo mounted; touch /proc/sys/kernel/domainname && echo writable
        cut -d" " -f4- /proc/self/mountinfo' | normalise | sort
}

docker_seccomp_default_profile_is_on() {
    output=$(docker run --rm busybox sh -c 'grep Seccomp: /proc/self/status; unshare -U true; keyctl 2>/dev/null; probe syscall 250' 2>&1) || true
    contains "$output" $'Seccomp:\t2'
    contains "$output" 'Operation not permitted'
}

long_docker_seccomp_unconfined_is_off() {
    output=$(docker run --rm --security-opt seccomp=unconfined busybox sh -c 'grep Seccomp: /proc/self/status; unshare -U true && echo unshared')
    contains "$output" $'Seccomp:\t0'
    contains "$output" unshared
}

same_docker_seccomp_custom_profile() {
    cat >"$work/profile.json" <<'JSON'
{ "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
  "syscalls": [{ "names": ["getpriority"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95 }, { "names": ["chmod", "fchmodat"], "action": "SCMP_ACT_ERRNO" }] }
JSON
    docker run -d --name "$name" --security-opt "seccomp=$work/profile.json" busybox sleep 1000 >&2
    docker exec "$name" sh -c 'probe syscall 140; chmod 600 /etc/passwd 2>&1; grep Seccomp: /proc/self/status; grep Seccomp: /proc/1/status'
}

same_docker_no_new_privileges() {
    docker run -d --name "$name" --security-opt no-new-privileges busybox sleep 1000 >&2
    docker exec "$name" grep -h -E '^(NoNewPrivs|Seccomp)' /proc/1/status /proc/self/status
    docker exec "$name" sh -c 'chmod 4755 /bin/busybox'
    docker exec --user alice "$name" sh -c 'grep Uid /proc/self/status; grep ^Cap /proc/self/status'
}

same_docker_masked_and_read_only_paths() {
    docker run --rm busybox sh -c 'cut -d" " -f4- /proc/self/mountinfo | sort -s -k2,2; for f in /proc/kcore /proc/keys /proc/timer_list; do stat -c "%n %F" $f 2>&1; done
        ls -A /sys/firmware /proc/acpi 2>&1; echo 1 2>&1 >/proc/sys/kernel/pid_max; echo b 2>&1 >/proc/sysrq-trigger' 2>&1 | normalise || true
}

same_docker_devices() {
    docker run --rm busybox sh -c 'cd /dev; for f in * pts/*; do stat -c "%n %F %a %u:%g %t:%T" $f; readlink $f; done; true' | without_kcore
    docker run --rm --device /dev/kmsg:/dev/other-name:rw busybox stat -c '%n %F %a %t:%T' /dev/other-name
}

docker_devices_that_were_not_given_cannot_be_opened() {
    docker run -d --name "$name" --cap-add MKNOD --device /dev/zero:/dev/given:r busybox sleep 1000
    # both for the first process and for one that enters later; kmsg is not in any engine's list
    output=$(docker exec "$name" sh -c 'mknod /tmp/kmsg c 1 11; mknod /tmp/null c 1 3; for f in /tmp/kmsg /tmp/null /dev/given; do probe open $f; done
        echo x >/tmp/kmsg' 2>&1) || true
    equals 'EPERM ok ok' "$(head -3 <<<"$output" | xargs)"
    contains "$output" 'Operation not permitted'
    equals EPERM "$(docker run --rm --cap-add MKNOD busybox sh -c 'mknod /tmp/kmsg c 1 11; probe open /tmp/kmsg')"
}

docker_devices_all_for_a_privileged_container() {
    equals ok "$(docker run --rm --privileged busybox sh -c 'mknod /tmp/kmsg c 1 11; probe open /tmp/kmsg')"
}

long_docker_devices_rule_is_kept_over_an_update() {
    docker run -d --name "$name" --cap-add MKNOD busybox sleep 1000
    docker update --memory 64m --memory-swap 64m "$name"
    docker exec "$name" mknod /tmp/kmsg c 1 11
    equals EPERM "$(docker exec "$name" probe open /tmp/kmsg)"
}

# CVE-2019-5736: the runtime enters the container, whose processes reach for its executable
long_docker_exec_does_not_hand_over_the_runtime() {
    local own
    own=$(runtime_path "$runtime")
    before=$(sha256sum "$own")
    docker run -d --name "$name" busybox probe hunt 8
    while [[ $(state_of "$name" Running) == true ]]; do docker exec "$name" true >/dev/null 2>&1 || true; done
    output=$(docker logs "$name")
    contains "$output" 'hunt over'
    lacks "$output" overwritten
    lacks "$output" "$(stat -c '%d:%i' "$own")"
    equals "$before" "$(sha256sum "$own")"
}

docker_entry_point_of_the_runtimes_own_link() {
    local own
    own=$(runtime_path "$runtime")
    before=$(sha256sum "$own")
    docker run --rm --entrypoint /proc/self/exe busybox --version >"$work/said" 2>&1 || true
    equals "$before" "$(sha256sum "$own")"
    docker run --rm --entrypoint sh busybox -c 'echo still fine'
}

long_docker_user_namespace_remap() {
    if ! grep -q remapped /etc/subuid; then
        echo 'remapped:x:4242:4242::/:/bin/false' >>/etc/passwd
        echo 'remapped:x:4242:' >>/etc/group
        echo 'remapped:200000:65536' | tee -a /etc/subuid >>/etc/subgid
    fi
    second_dockerd --userns-remap remapped
    as_second run --rm --runtime "$runtime" --network none busybox cat /proc/self/uid_map >"$work/map"
    matches "$(<"$work/map")" '0 +200000 +65536'
    as_second run -d --runtime "$runtime" --network none --name "$name" busybox sleep 65436
    wait_until 5 pgrep -fx 'sleep 65436'
    equals 200000 "$(awk '$1 == "Uid:" { print $2 }' "/proc/$(pgrep -fx 'sleep 65436')/status")"
    equals 0 "$(as_second exec "$name" id -u)"
    contains "$(as_second exec "$name" grep Seccomp: /proc/self/status)" 2
    as_second rm -f "$name"
}
