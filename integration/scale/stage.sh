# shellcheck shell=bash disable=SC2154 # in-vm sets the variables
# The containers that in-vm makes, and what it counts.

# One root file system for all, that nobody may write to; a policy for each number.
stage() {
	local number name
	mkdir -p "$scratch"/root/{bin,proc,dev,sys,tmp,data} "$scratch"/{bundles,said} /usr/share/sevorix /etc/sevorix/{policies.d,config.d}
	cp -r "$payload/configs/." /usr/share/sevorix/
	cp "$payload/busybox" "$scratch/root/bin/"
	chroot "$scratch/root" /bin/busybox --install -s /bin
	cp "$here/asks" "$scratch/root/bin/"
	mkfifo "$scratch/root/gate" "$scratch/root/end"
	for ((number = 0; number < policies; number++)); do
		name=$(printf 'scale-%02d' "$number")
		mkdir "$scratch/root/data/$number"
		echo content >"$scratch/root/data/$number/file"
		printf '#!/bin/sh\ntrue\n' >"$scratch/root/bin/run-$number"
		chmod +x "$scratch/root/bin/run-$number"
		policy "$number" >"/etc/sevorix/policies.d/$name.toml"
		echo "$name"
	done | awk '{ printf "%s\"%s\"", NR == 1 ? "policies = [" : ", ", $1 } END { print "]" }' >/etc/sevorix/config.d/scale.toml
}

# policy NUMBER: everything but one folder, one program, one address
policy() {
	cat <<TOML
version = 1
[exec]
default = "allow"
writable = "allow"
rules = [{ path = "/bin/run-$1", action = "deny" }]
[file]
default = "allow"
rules = [{ path = "/data/$1/**", access = "rwc", action = "deny" }]
[net]
default = "allow"
rules = [{ cidr = "198.51.100.$1/32", action = "deny" }]
listen = "any"
unix = "any"
TOML
}

# expected_of NUMBER: what `asks` says under that policy
expected_of() {
	local next=$((($1 + 1) % policies))
	echo "reads all but $1; $1 does not run, $next runs; $1 is refused, $next is unreachable"
}

# bundle ID NUMBER COMMAND
bundle() {
	mkdir -p "$scratch/bundles/$1"
	cat >"$scratch/bundles/$1/config.json" <<JSON
{
  "ociVersion": "1.0.2",
  "process": { "user": { "uid": 0, "gid": 0 }, "cwd": "/", "args": $3, "env": ["PATH=/bin", "HOME=/"], "noNewPrivileges": true },
  "root": { "path": "$scratch/root", "readonly": true },
  "mounts": [
$(usual_mounts)
  ],
  "annotations": { "io.sevorix.policy": "$(printf 'scale-%02d' "$2")" },
  "linux": {
    "cgroupsPath": "/scale/$1",
    "namespaces": [{ "type": "pid" }, { "type": "ipc" }, { "type": "uts" }, { "type": "mount" }, { "type": "cgroup" }],
    "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
    "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
  }
}
JSON
}

# start NUMBER: a container that waits at the gate, asks, and waits for the end
start() {
	local id=scale-$1 number=$(($1 % policies))
	bundle "$id" "$number" "[\"/bin/asks\", \"$number\", \"$policies\"]"
	"$sevorix" run --detach --bundle "$scratch/bundles/$id" "$id" </dev/null >"$scratch/said/$1" 2>&1 ||
		{ cat "$scratch/said/$1"; return 1; }
}

# once NUMBER: a container from create to delete
once() {
	[ -e "$scratch/bundles/once-$1" ] || bundle "once-$1" "$1" '["true"]'
	"$sevorix" run --bundle "$scratch/bundles/once-$1" "once-$1" </dev/null
}

# wake COUNT FIFO: a line for each that waits there, or will
wake() {
	exec 8<>"$scratch/root/$2"
	yes '' | head -n "$1" >&8
}

find_maps() {
	maps=$(echo /sys/fs/bpf/sevorix/v*/maps)
}

# entries MAP: bpftool counts them itself only where it can't tell their fields
entries() {
	bpftool map dump pinned "$maps/$1" | awk '/"key":/ { told++ } /^Found [0-9]+ element/ { told = $2 } END { print told + 0 }'
}

# table_bytes: what is taken for containers: an entry for each of its mounts and the folders on the way there, and a label for
# each task, one here. All else lies in tables of fixed size.
table_bytes() {
	echo $(($(entries mounts) * $(allocated mounts) + $(entries cgroups) * $(allocated agents)))
}

# allocated MAP: what an entry takes, with the kernel's 56 to 80 bytes around it, in the sizes that its allocator has
allocated() {
	local size
	size=$(bpftool --json map show pinned "$maps/$1" | jq '.bytes_key + .bytes_value + 80')
	local class
	for class in 96 128 192 256 512 1024 2048 4096; do [ "$size" -gt $class ] || break; done
	echo $class
}

# What a container could leave behind. Not the two tables of fixed size that forget the oldest by themselves.
inventory() {
	echo "pins $(find /sys/fs/bpf/sevorix | wc -l)"
	local kind
	for kind in link prog map; do echo "$kind $(bpftool $kind show | grep -c '^[0-9]*:')"; done
	for kind in mounts cgroups policy_paths policy_names policy_words policy_nets policy_port_sets; do echo "entries of $kind $(entries $kind)"; done
	echo "cgroups $(find /sys/fs/cgroup -type d | grep -cv '/scale$')"
	echo "mounts $(wc -l </proc/self/mountinfo)"
	echo "states $(find /run/sevorix -mindepth 1 -maxdepth 1 ! -name '.*' | wc -l)"
	echo "processes $(pgrep -c asks)"
	"$sevorix" status
}
