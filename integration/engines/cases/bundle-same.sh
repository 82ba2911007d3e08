# What a container finds, compared line by line with runc: mounts, devices, limits, namespaces, credentials.

# seen SCRIPT: what a script prints in the container, as runc would have it compared
seen() {
    config[args]="[\"sh\", \"-c\", \"$1\"]"
    ran
    normalise <<<"$output"
    equals 0 "$status" 'exit status'
}

# What of mountinfo is the same each time: root, target, flags, propagation without the peer group, type and options.
# The options of sysfs's superblock and the v1 hierarchies have cases of their own. Sort by target first: only there the order of two mounts matters.
shown_mounts() {
    cut -d' ' -f4- | sed -E -e 's/(shared|master|propagate_from):[0-9]+/\1/g' -e "s#[^ ]*$scratch/rootfs#ROOT#" \
        -e "s#$work#WORK#g" -e 's#^[^ ]*/rootfs #ROOT #' -e 's/ - sysfs sysfs r[ow]$/ - sysfs sysfs/' \
        -e 's#^(/ /sys/fs/cgroup) r[ow](,.*) - tmpfs #\1\2 - tmpfs #' -e 's#( /sys/fs/cgroup/.*) - cgroup [a-z]+ #\1 - cgroup #' \
        -e 's#( /sys/fs/cgroup/.*) master - cgroup #\1 - cgroup #'
}

same_bundle_mounts() {
    seen 'sort -s -k5,5 /proc/self/mountinfo' | shown_mounts
}

same_bundle_flags_of_v1_hierarchies() {
    [[ -d /sys/fs/cgroup/memory ]] || skip 'this host has no v1 hierarchies'
    config[args]='["grep", " /sys/fs/cgroup", "/proc/self/mountinfo"]'
    ran
    cut -d' ' -f4- <<<"$output" | sed -E 's/master:[0-9]+/master/' | sort
}

same_bundle_superblock_of_sysfs() {
    config[args]='["grep", "sysfs", "/proc/self/mountinfo"]'
    ran
    cut -d' ' -f4- <<<"$output"
}

same_bundle_tmpfs_over_a_folder_with_another_mode() {
    config[mounts]='{ "destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["size=1m", "mode=1750"] }'
    seen 'stat -c \"%a %u %g\" /tmp'
}

same_bundle_read_only_paths_keep_the_flags() {
    config[linux]='"readonlyPaths": ["/etc", "/bin", "/link", "/dev/shm", "/with-mount", "/etc", "/no/such/path"]'
    config[mounts]='{ "destination": "/with-mount/inner", "type": "tmpfs", "source": "tmpfs", "options": ["size=1m", "noatime"] }'
    own_rootfs
    ln -sfn /home/alice "$work/root/link"
    seen 'touch /etc/x /bin/x /home/alice/x /dev/shm/x /with-mount/x 2>&1; touch /with-mount/inner/x; sort -s -k5,5 /proc/self/mountinfo | grep -E \" (/etc|/bin|/home/alice|/dev/shm|/with-mount|/with-mount/inner) \"' |
        shown_mounts_and_rest | without_propagation
}

# flags that the user namespace must not take off stay on
same_bundle_read_only_paths_in_a_user_namespace() {
    in_user_namespace
    mkdir -p "$work/locked"
    mount -t tmpfs -o nosuid,nodev,noexec,mode=755 locked "$work/locked"
    config[mounts]='{ "destination": "/locked", "type": "bind", "source": "'$work'/locked", "options": ["rbind"] }'
    config[linux]+=', "readonlyPaths": ["/etc", "/locked", "/proc/sys"]'
    seen 'touch /etc/x /locked/x 2>&1; grep -E \" (/etc|/locked|/proc/sys) \" /proc/self/mountinfo' | shown_mounts_and_rest | without_propagation
    umount "$work/locked"
}

# what covers a path of the root mount has its propagation, which has a case of its own
without_propagation() {
    sed -E 's/ (master|shared) - / - /'
}

same_bundle_mount_options() {
    mkdir -p "$work/source/inner"
    mount -t tmpfs inner "$work/source/inner"
    echo content >"$work/source/file"
    config[mounts]='{ "destination": "/made/tmpfs", "type": "tmpfs", "source": "tmpfs", "options": ["size=1m", "mode=1750", "noexec", "nosuid", "nodev", "noatime", "uid=7", "gid=8"] },
        { "destination": "/made/for/it", "type": "bind", "source": "'$work'/source", "options": ["rbind", "ro", "rslave"] },
        { "destination": "/made/plain", "type": "bind", "source": "'$work'/source", "options": ["bind", "rw", "private", "nosuid"] },
        { "destination": "/made/file", "type": "bind", "source": "'$work'/source/file", "options": ["bind", "ro"] }'
    own_rootfs
    seen 'sort -s -k5,5 /proc/self/mountinfo; stat -c \"%a %u %g\" /made/tmpfs; cat /made/file; touch /made/file /made/for/it/x /made/for/it/inner/x 2>&1; ls /made/plain' | shown_mounts_and_rest
    umount "$work/source/inner"
}

shown_mounts_and_rest() {
    local line
    while read -r line; do
        if [[ $line == *' - '* ]]; then shown_mounts <<<"$line"; else echo "$line"; fi
    done
}

long_same_bundle_root_propagation() {
    local kind
    for kind in private rprivate slave rslave shared rshared; do
        config[linux]="\"rootfsPropagation\": \"$kind\""
        config[args]='["grep", "-E", " (/|/proc) [a-z]+,", "/proc/self/mountinfo"]'
        echo "$kind:"
        ran
        shown_mounts <<<"$output"
    done
}

same_bundle_devices() {
    seen 'cd /dev; for f in * pts/*; do stat -c \"%n %F %a %u:%g %t:%T\" $f; readlink $f; done; true; stat -c \"%a %u:%g\" /dev /dev/pts /dev/shm' | without_kcore
}

same_bundle_link_to_kcore() {
    [[ -e /proc/kcore ]] || skip 'this kernel has no /proc/kcore'
    seen 'ls /dev | grep core'
}

same_bundle_extra_devices() {
    config[linux]='"devices": [{ "path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 432, "uid": 5, "gid": 6 },
        { "path": "/dev/deep/er/pipe", "type": "p", "fileMode": 420 }]'
    seen 'stat -c \"%n %F %a %u:%g %t:%T\" /dev/fuse /dev/deep/er/pipe'
}

same_bundle_masked_and_read_only_paths() {
    config[linux]='"maskedPaths": ["/proc/kcore", "/proc/keys", "/sys/firmware", "/etc/plain-file", "/home/alice", "/no/such/path"],
        "readonlyPaths": ["/proc/sys", "/proc/bus", "/no/such/path"]'
    own_rootfs
    seen 'cat /etc/plain-file /proc/keys | wc -c; ls -A /home/alice /sys/firmware; stat -c %F /etc/plain-file; stat -c %F /proc/kcore 2>&1; echo 1 2>&1 >/proc/sys/kernel/pid_max; sort -s -k5,5 /proc/self/mountinfo' | shown_mounts_and_rest | grep -v " /sys/fs/cgroup/"
}

same_bundle_read_only_root() {
    config[root]="{ \"path\": \"$rootfs\", \"readonly\": true }"
    seen 'touch /x 2>&1; touch /dev/shm/x && echo shm; sort -s -k5,5 /proc/self/mountinfo' | shown_mounts_and_rest | grep -E '^[^/]| / '
}

same_bundle_credentials() {
    config[user]='{ "uid": 1000, "gid": 1001, "umask": 63, "additionalGids": [5, 7, 4711] }'
    config[process]='"noNewPrivileges": false, "oomScoreAdj": 123, "apparmorProfile": ""'
    seen 'id -u; id -g; umask; cat /proc/self/oom_score_adj; grep -E \"^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp)\" /proc/self/status; touch /tmp/as-user && stat -c %a /tmp/as-user; rm -f /tmp/as-user'
}

same_bundle_ambient_capabilities() {
    config[user]='{ "uid": 1000, "gid": 1000 }'
    config[process]='"noNewPrivileges": true'
    bundle_with_ambient
    outcome oci run --bundle "$work/bundle" "$(container_id)"
    echo "$output"
}

bundle_with_ambient() {
    config[args]='["grep", "-E", "^Cap", "/proc/self/status"]'
    bundle
    sed -i 's/"bounding": \(\[[^]]*\]\)/"bounding": \1, "inheritable": \1, "ambient": \1/' "$work/bundle/config.json"
}

same_bundle_limits_of_the_process() {
    config[process]='"rlimits": [{ "type": "RLIMIT_NOFILE", "soft": 100, "hard": 200 }, { "type": "RLIMIT_CORE", "soft": 0, "hard": 0 },
        { "type": "RLIMIT_NPROC", "soft": 300, "hard": 400 }, { "type": "RLIMIT_MEMLOCK", "soft": 4096, "hard": 8192 }]'
    seen 'cat /proc/self/limits'
}

same_bundle_namespaces() {
    local kind
    config[args]='["sleep", "1000000"]'
    started
    for kind in cgroup ipc mnt net pid pid_for_children user uts time; do
        [[ $(readlink "/proc/$(<"$work/pid")/ns/$kind") == $(readlink /proc/self/ns/$kind) ]] && echo "$kind is the host's" || echo "$kind is new"
    done
    cut -d: -f3 "/proc/$(<"$work/pid")/cgroup" | sed "s/$runtime/RUNTIME/"
}

same_bundle_joined_namespaces() {
    local pid
    config[args]='["sleep", "65441"]'
    started
    wait_until 5 pgrep -fx 'sleep 65441'
    pid=$(<"$work/pid")
    config[namespaces]="{ \"type\": \"pid\", \"path\": \"/proc/$pid/ns/pid\" }, { \"type\": \"network\", \"path\": \"/proc/$pid/ns/net\" },
        { \"type\": \"ipc\", \"path\": \"/proc/$pid/ns/ipc\" }, { \"type\": \"uts\", \"path\": \"/proc/$pid/ns/uts\" }, { \"type\": \"mount\" }"
    config[hostname]='' config[args]='["sh", "-c", "hostname; ps -o args | grep sleep | grep -v grep"]'
    bundle
    sed -i "/cgroupsPath/s/-$runtime/&-second/" "$work/bundle/config.json"
    oci run --bundle "$work/bundle" "$(container_id)-second"
}

in_user_namespace() {
    cp -a "$rootfs" "$work/root"
    chown -hR 100000:100000 "$work/root"
    config[root]="{ \"path\": \"$work/root\" }"
    chmod 755 "$scratch" "$scratch/cases" "$work"
    config[namespaces]+=', { "type": "user" }'
    config[linux]='"uidMappings": [{ "containerID": 0, "hostID": 100000, "size": 65536 }], "gidMappings": [{ "containerID": 0, "hostID": 100000, "size": 65536 }]'
}

same_bundle_user_namespace() {
    in_user_namespace
    seen 'id -u; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; grep -E \"^Cap\" /proc/self/status; ls -ld /etc | cut -d\" \" -f3-6; sort -s -k5,5 /proc/self/mountinfo' | shown_mounts_and_rest
}

# the container's root may not look there, the host's has done so for it
same_bundle_sources_below_a_closed_folder() {
    in_user_namespace
    mkdir -p "$work/closed/folder/inner" "$work/closed/other" "$work/closed/mounted"
    echo content | tee "$work/closed/file" "$work/closed/folder/file" >"$work/closed/other/file"
    mount -t tmpfs -o mode=755 shared "$work/closed/mounted"
    mount --make-shared "$work/closed/mounted"
    chmod 700 "$work/closed"
    config[mounts]='{ "destination": "/bound/folder", "type": "bind", "source": "'$work'/closed/folder", "options": ["rbind", "ro", "rprivate"] },
        { "destination": "/bound/folder/inner", "type": "bind", "source": "'$work'/closed/other", "options": ["bind", "nosuid", "private"] },
        { "destination": "/bound/file", "type": "bind", "source": "'$work'/closed/file", "options": ["bind", "ro", "private"] },
        { "destination": "/bound/shared", "type": "bind", "source": "'$work'/closed/mounted", "options": ["rbind", "rslave"] }'
    config[args]='["sleep", "1000000"]'
    started
    mkdir "$work/closed/mounted/late"
    mount -t tmpfs -o mode=755 late "$work/closed/mounted/late"
    touch "$work/closed/mounted/late/arrived"
    oci exec "$(container_id)" sh -c 'cd /bound; cat file folder/file folder/inner/file; ls -R; touch file folder/x 2>&1; grep " /bound" /proc/self/mountinfo | sort -s -k5,5' |
        shown_mounts_and_rest
    ls -A "$work/closed"
}

same_bundle_sysctls_and_host_name() {
    config[linux]='"sysctl": { "net.ipv4.ip_forward": "0", "net.ipv4.ip_unprivileged_port_start": "80", "kernel.shmmax": "1234567", "fs.mqueue.msg_max": "11" }'
    seen 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shmmax /proc/sys/fs/mqueue/msg_max; hostname'
}

long_same_bundle_refused_sysctls() {
    local name
    for name in kernel.pid_max vm.swappiness net.ipv4.no_such_name; do
        config[linux]="\"sysctl\": { \"$name\": \"1\" }"
        bundle
        refused oci create --bundle "$work/bundle" "$(container_id)"
    done
}

same_bundle_environment() {
    config[env]='["PATH=/bin", "A=1", "B=with space", "A=2", "EMPTY=", "HOME=/somewhere"]'
    seen 'env | sort'
    config[env]='["PATH=/bin"]'
    seen 'env | sort'
    config[user]='{ "uid": 1000, "gid": 1000 }'
    seen 'env | sort'
}

same_bundle_without_path() {
    config[env]='["A=1"]' config[args]='["/bin/env"]'
    ran
    echo "$status $output"
}

same_bundle_process_attributes() {
    seen 'probe self; cat /proc/self/personality /proc/self/timens_offsets; ls /proc/self/fd | wc -l; grep -E \"^(Sig[BICP]|Shd)\" /proc/self/status; pwd; readlink /proc/self/root; cut -d\" \" -f5-8 /proc/self/stat'
}

same_bundle_signals_that_the_caller_ignores() {
    trap '' USR1 USR2 TERM
    seen 'grep -E \"^(SigBlk|SigIgn|SigCgt)\" /proc/self/status'
    config[args]='["sleep", "1000000"]'
    started
    oci exec "$(container_id)" grep -E '^(SigBlk|SigIgn|SigCgt)' /proc/self/status
}

same_bundle_seccomp() {
    local action
    for action in SCMP_ACT_ERRNO SCMP_ACT_KILL_PROCESS SCMP_ACT_LOG; do
        config[linux]="\"seccomp\": { \"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": [\"SCMP_ARCH_X86_64\"],
            \"syscalls\": [{ \"names\": [\"getpriority\"], \"action\": \"$action\" }] }"
        config[args]='["sh", "-c", "probe syscall 140 2>/dev/null; echo ended with $?; grep Seccomp: /proc/self/status"]'
        ran
        echo "$action: $status: $(grep -v 'Bad system call' <<<"$output")"
    done
}

# an explicit false must mean what a missing field means
same_bundle_seccomp_without_no_new_privileges() {
    config[process]='"noNewPrivileges": false'
    config[linux]='"seccomp": { "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{ "names": ["getpriority"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95 }] }'
    seen 'probe syscall 140; grep -E \"^(Seccomp|NoNewPrivs)\" /proc/self/status'
    config[args]='["sleep", "1000000"]'
    started
    oci exec "$(container_id)" sh -c 'probe syscall 140; grep -E "^(Seccomp|NoNewPrivs)" /proc/self/status'
}

# a system call that is newer than the profile must be "not implemented", not "not permitted", or programs do not fall back
same_bundle_seccomp_unknown_system_call() {
    config[linux]='"seccomp": { "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [{ "names": ["getpriority", "no_such_call"], "action": "SCMP_ACT_ERRNO" }] }'
    seen 'probe syscall 140; probe syscall 1023'
}

same_bundle_cpu_weight() {
    has_controllers cpu || skip 'no cpu controller'
    config[resources]='{ "devices": [{ "allow": false, "access": "rwm" }], "cpu": { "shares": 512 } }'
    config[args]='["sleep", "1000000"]'
    started
    cat "$(container_cgroup)/cpu.weight"
}

same_bundle_cgroup_files() {
    has_controllers memory pids cpu cpuset || skip 'not every controller'
    config[resources]='{ "devices": [{ "allow": false, "access": "rwm" }], "memory": { "limit": 67108864, "reservation": 33554432, "swap": 67108864 },
        "cpu": { "shares": 512, "quota": 20000, "period": 100000, "cpus": "0", "mems": "0" }, "pids": { "limit": 42 },
        "blockIO": { "weight": 500 }, "hugepageLimits": [{ "pageSize": "2MB", "limit": 4194304 }], "unified": { "memory.high": "50331648" } }'
    config[args]='["sleep", "1000000"]'
    started
    for file in memory.max memory.low memory.high memory.swap.max cpu.max cpuset.cpus cpuset.mems pids.max hugetlb.2MB.max io.weight cgroup.controllers cgroup.type; do
        echo "$file $(cat "$(container_cgroup)/$file" 2>&1 | sed 's#.*: ##')"
    done
}
