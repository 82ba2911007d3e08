# The runtime killed in the middle of its work: the next `delete --force` must be able to clear up.

# killed_after SECONDS VERB...
killed_after() {
    local delay=$1 process
    shift
    "${oci_command[@]}" "$@" </dev/null >"$work/log" 2>&1 &
    process=$!
    sleep "$delay"
    kill -KILL $process 2>/dev/null || true
    wait $process 2>/dev/null || true
}

# seconds_of COMMAND...
seconds_of() {
    local start=$EPOCHREALTIME
    "$@" >/dev/null 2>&1 </dev/null
    awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'
}

nothing_of_the_container_is_left() {
    gone "$(container_cgroup)" "$scratch/roots/$runtime/$(container_id)" || return 1
    ! grep -qF "$work/bundle" /proc/self/mountinfo || return 1
    ! pgrep -f "$(container_id)"
}

# killed_points NUMBER: that many creates, each killed at a random moment of its life
killed_points() {
    local whole point delay
    config[args]='["sleep", "1000000"]'
    bundle
    whole=$(seconds_of "${oci_command[@]}" create --bundle "$work/bundle" "$(container_id)")
    oci delete --force "$(container_id)"
    RANDOM=$(cksum <<<"$seed$1" | cut -d' ' -f1)
    for point in $(seq "$1"); do
        delay=$(awk -v whole="$whole" -v random=$RANDOM 'BEGIN { printf "%.4f", whole * random / 32768 }')
        killed_after "$delay" create --bundle "$work/bundle" "$(container_id)"
        exit_code 0 oci delete --force "$(container_id)"
        poll 5 nothing_of_the_container_is_left ||
            fail "left after a kill at $delay of $whole s: $(ls -d "$(container_cgroup)" "$scratch/roots/$runtime"/* 2>&1) $(pgrep -af "$(container_id)")"
    done
}

more_bundle_killed_create_can_be_cleared_up() {
    killed_points 5
}

long_more_bundle_killed_create_at_twenty_points() {
    killed_points 20
}

more_bundle_killed_delete_can_be_repeated() {
    local round
    config[args]='["sleep", "1000000"]'
    for round in 1 2 3; do
        started
        killed_after "0.00$round" delete --force "$(container_id)"
        exit_code 0 oci delete --force "$(container_id)"
        wait_until 5 nothing_of_the_container_is_left
    done
}
