# shellcheck shell=bash
# What the benches inside the VM and on this machine share: bundles, and one life of a container.
# Uses $payload (cost, still), $scratch, $costs (a file, one line a measured command) and $busy (sleep does not count).

die() {
	echo "bench: $*" >&2
	exit 1
}

make_bundles() {
	local bundle
	for bundle in true still; do
		mkdir -p "$scratch/$bundle/rootfs/bin"
		cp "$payload/still" "$scratch/$bundle/rootfs/bin/still"
		(cd "$scratch/$bundle" && runc spec)
	done
	configure true '["/bin/still"]'
	configure still '["/bin/still", "wait"]'
}

configure() { # BUNDLE ARGS
	local config=$scratch/$1/config.json
	jq --argjson args "$2" '.process.args = $args | .process.terminal = false' "$config" >"$config.new"
	mv "$config.new" "$config"
}

# Also the payload's own: that one is sevorix, and whatever else is put there to be compared.
runtime_path() { # RUNTIME
	if [ -x "$payload/$1" ]; then echo "$payload/$1"; else command -v "$1" || die "there is no runtime $1"; fi
}

cost() { # LABEL COMMAND...
	"$payload/cost" ${busy:+--busy} "$costs" "$@" </dev/null >"$scratch/output" 2>&1 || die "${*:2}: status $?: $(<"$scratch/output")"
}

whole_run() { # RUNTIME [LABEL [BUNDLE]]
	cost "${2:-run}	$1" "$(runtime_path "$1")" --root "$scratch/state-$1" run --bundle "$scratch/${3:-true}" "bench-$1"
}

# A bundle as `true`, whose container is put under a policy.
make_bundle_under() { # POLICY
	cp -r "$scratch/true" "$scratch/$1"
	jq --arg policy "$1" '.annotations["io.sevorix.policy"] = $policy' "$scratch/true/config.json" >"$scratch/$1/config.json"
}

# create, start, exec and delete, each by itself.
each_verb() { # RUNTIME
	local runtime=("$(runtime_path "$1")" --root "$scratch/state-$1") id=bench-$1
	cost "create	$1" "${runtime[@]}" create --bundle "$scratch/still" "$id"
	cost "start	$1" "${runtime[@]}" start "$id"
	cost "exec	$1" "${runtime[@]}" exec "$id" /bin/still
	"${runtime[@]}" kill "$id" KILL
	until_stopped "${runtime[@]}" state "$id"
	cost "delete	$1" "${runtime[@]}" delete "$id"
}

until_stopped() { # COMMAND...
	local tries
	for tries in {1..200}; do
		[ "$("$@" | jq -r .status)" != stopped ] || return 0
	done
	die "still not stopped after being killed and asked $tries times: $*"
}
