# The host's default policy (run --policy default): containers that name none are under it, whoever starts them. What it
# refuses has a twin that it does not.

# asks_the_kernel COMMAND...: runs a shell in a container; what the policy `default` says of its questions
asks_the_kernel() {
    output=$("$@" sh -c 'cat /proc/kallsyms | head -1; cat /proc/version' 2>&1) || true
    contains "$output" "can't open '/proc/kallsyms': Permission denied"
    contains "$output" 'Linux version'
}

# is_told ID: the container is in `status`, under the policy, with its refusal counted
is_told() {
    output=$("$(runtime_path "$runtime")" status "$1")
    contains "$output" "  $policy  enforce"
    matches "$output" 'open +deny +[1-9]'
    matches "$output" 'exec +allow +[1-9]'
}

same_bundle_default_policy_is_no_filter_of_its_own() {
    config[args]='["sh", "-c", "grep Seccomp: /proc/self/status | tr -d S"]'
    ran
    echo "$output"
}

more_docker_default_policy_holds() {
    docker run -d --name "$name" busybox sleep 1000000
    asks_the_kernel docker exec "$name"
    is_told "$(id_of "$name")"
}

more_podman_default_policy_holds() {
    podman run -d --name "$name" busybox sleep 1000000
    asks_the_kernel podman exec "$name"
    is_told "$(command podman inspect -f '{{.Id}}' "$name")"
}

more_ctr_default_policy_holds() {
    run_by_ctr -d -- sleep 1000000
    asks_the_kernel command ctr task exec --exec-id asked "$name"
    is_told "$name"
}

more_cri_default_policy_holds() {
    local pod container
    pod=$(pod)
    container=$(started_in "$pod" localhost/busybox:1 sleep 1000000)
    asks_the_kernel cri exec-sync "$container"
    is_told "$container"
}

more_bundle_default_policy_holds() {
    config[args]='["sleep", "1000000"]'
    started
    asks_the_kernel oci exec "$(container_id)"
    is_told "$(container_id)"
}
