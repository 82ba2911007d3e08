# File systems in a Docker container: read-only root, tmpfs, volumes, propagation.

docker_storage_read_only_root() {
    output=$(docker run --rm --read-only --tmpfs /scratch busybox sh -c 'touch /x; touch /scratch/x && echo scratch; touch /dev/shm/y && echo shm' 2>&1)
    contains "$output" 'Read-only file system'
    contains "$output" scratch
    contains "$output" shm
}

same_docker_storage_mounts() {
    mkdir -p "$work/volume/inner"
    docker run --rm --tmpfs /scratch:size=1m,mode=1700,noexec,uid=7 -v "$work/volume:/rw" -v "$work/volume:/ro:ro" \
        --mount "type=bind,src=$work/volume,dst=/nr,readonly,bind-nonrecursive" -v /anonymous busybox sh -c '
        cut -d" " -f4- /proc/self/mountinfo | sort; stat -c "%a %u" /scratch; touch /rw/made && ls /ro; touch /ro/x 2>&1' 2>&1 |
        normalise | sed -E "s#$(dirname "$work")#CASES#" || true
    [[ -e $work/volume/made ]] || fail 'what the container wrote is not there'
}

long_same_docker_storage_propagation() {
    local kind
    mkdir -p "$work/volume"
    for kind in rshared rslave rprivate shared slave; do
        echo "$kind:"
        docker run --rm -v "$work/volume:/volume:$kind" busybox grep ' /volume ' /proc/self/mountinfo | cut -d' ' -f5- | sed -E 's/(shared|master):[0-9]+/\1/'
    done
}

docker_storage_mounts_go_where_they_are_sent() {
    mkdir -p "$work/volume/out" "$work/volume/in"
    docker run -d --privileged --name "$name" -v "$work/volume:/volume:rshared" busybox sh -c '
        mount -t tmpfs from-inside /volume/out && touch /volume/out/inside && echo ready; sleep 1000'
    wait_until 10 logs_contain "$name" ready
    check 'a mount made inside shows outside' test -e "$work/volume/out/inside"
    mount -t tmpfs from-outside "$work/volume/in"
    touch "$work/volume/in/outside"
    docker exec "$name" ls /volume/in/outside
    umount "$work/volume/in" "$work/volume/out"
}

long_docker_storage_volumes_from_another() {
    docker run --name "$name" -v /shared busybox sh -c 'echo kept >/shared/file'
    equals kept "$(docker run --rm --volumes-from "$name" busybox cat /shared/file)"
}

long_docker_storage_mount_over_a_file_of_the_image() {
    echo mine >"$work/file"
    equals mine "$(docker run --rm -v "$work/file:/etc/plain-file:ro" busybox cat /etc/plain-file)"
    refused docker run --rm -v "$work/file:/etc" busybox true
    contains "$output" 'not a directory'
}
