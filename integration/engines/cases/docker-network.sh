# Networks and shared namespaces of Docker containers.

long_docker_network_none_has_only_the_loopback() {
    output=$(docker run --rm --network none busybox sh -c 'ip -o link | cut -d: -f2; ip -o addr show lo')
    contains "$output" 127.0.0.1
    lacks "$output" eth0
}

long_docker_network_host_is_the_hosts() {
    equals "$(readlink /proc/self/ns/net)" "$(docker run --rm --network host busybox readlink /proc/self/ns/net)"
}

docker_network_bridge_reaches_a_published_port() {
    docker run -d --name "$name" -p 127.0.0.1:18080:80 busybox sh -c 'echo served >/tmp/index.html; httpd -p 80 -h /tmp; echo ready; sleep 1000'
    wait_until 10 logs_contain "$name" ready
    address=$(docker inspect -f '{{.NetworkSettings.IPAddress}}' "$name")
    equals served "$("$payload/busybox" wget -q -O - "http://$address/")" 'through the bridge'
    equals served "$("$payload/busybox" wget -q -O - http://127.0.0.1:18080/)" 'through the published port'
    equals served "$(docker run --rm --network bridge busybox wget -q -O - "http://$address/")" 'from a neighbour'
}

long_docker_network_of_another_container() {
    docker run -d --name "$name" --network none busybox sleep 1000
    net=$(docker exec "$name" readlink /proc/self/ns/net)
    equals "$net" "$(docker run --rm --network "container:$name" busybox readlink /proc/self/ns/net)"
}

long_same_docker_files_of_the_network() {
    docker run --rm --network none --hostname inside --add-host other:10.1.2.3 --dns 10.9.8.7 busybox sh -c 'hostname; cat /etc/hostname /etc/hosts /etc/resolv.conf; echo 10.0.0.1 more >>/etc/hosts && tail -1 /etc/hosts'
}

long_same_docker_sysctls() {
    docker run --rm --network none --sysctl net.ipv4.ip_forward=1 --sysctl kernel.shmmax=7654321 busybox sh -c 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax'
    # docker itself asks for these in a network namespace of its own
    docker run --rm --network none busybox sh -c 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range'
}

docker_namespaces_of_the_host() {
    local kind
    output=$(docker run --rm --pid host --ipc host --uts host --cgroupns host busybox sh -c 'for n in pid ipc uts cgroup; do readlink /proc/self/ns/$n; done')
    for kind in pid ipc uts cgroup; do contains "$output" "$(readlink /proc/self/ns/$kind)"; done
}

docker_namespaces_of_its_own() {
    local kind
    output=$(docker run --rm --network none busybox sh -c 'for n in pid ipc uts cgroup net mnt; do readlink /proc/self/ns/$n; done')
    for kind in pid ipc uts cgroup net mnt; do lacks "$output" "$(readlink /proc/self/ns/$kind)"; done
}

long_docker_namespaces_of_another_container() {
    docker run -d --name "$name" --ipc shareable busybox sleep 65437
    output=$(docker run --rm --pid "container:$name" --ipc "container:$name" busybox sh -c 'ps -o args; readlink /proc/self/ns/ipc')
    contains "$output" 'sleep 65437'
    contains "$output" "$(docker exec "$name" readlink /proc/self/ns/ipc)"
}

docker_stop_ends_all_in_the_hosts_pid_namespace() {
    docker run -d --pid host --name "$name" busybox sh -c 'setsid sleep 65438 & echo ready; exec sleep 1000'
    wait_until 10 logs_contain "$name" ready
    docker rm -f "$name"
    wait_until 5 no_process 'sleep 65438'
}
