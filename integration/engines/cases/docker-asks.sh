# The same through Docker: a policy's asks are held, answered, and gone with the container.

more_docker_asks_are_answered() {
    command docker run --help | grep -q -- --annotation || skip 'this docker passes no annotations'
    mkdir -p /etc/sevorix/policies.d /etc/sevorix/config.d
    echo 'policies = ["asks"]' >/etc/sevorix/config.d/engines.toml
    cat >/etc/sevorix/policies.d/asks.toml <<'TOML'
version = 1
[exec]
default = "allow"
writable = "allow"
rules = [ { path = "/bin/busybox", argv = ["asked", "**"], action = "ask" } ]
[file]
default = "allow"
[net]
default = "allow"
TOML
    served
    docker run -d --name "$name" --annotation io.sevorix.policy=asks busybox sleep 1000 >/dev/null
    exit_code 0 docker exec "$name" echo asked politely
    equals 'asked politely' "$output"
    exit_code 0 docker exec "$name" echo unasked
    exit_code 126 docker exec "$name" echo asked /root/.ssh/id_rsa
    unserved
    exit_code 126 docker exec "$name" echo asked again
    docker rm -f "$name" >/dev/null
    equals '' "$(monitors)"
}
