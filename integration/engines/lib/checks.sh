# What a case is written with. A case runs under `set -e` in a shell of its own: the first check that fails ends it.

# fail TEXT ends the case.
fail() {
    echo "failed: $*" >&2
    exit 1
}

# skip REASON ends a case that this machine cannot run.
skip() {
    echo "$*" >"$work/skip"
    exit 0
}

# check WHAT COMMAND...: the command must succeed; its output stays in $output.
check() {
    local what=$1 status=0
    shift
    outcome "$@"
    ((status == 0)) || fail "$what: \`$*\` ended with $status: $output"
}

# outcome COMMAND... sets $status and $output. Through a file: a container that lives on would keep a pipe open.
outcome() {
    status=0
    "$@" >"$work/output" 2>&1 || status=$?
    output=$(<"$work/output")
}

# equals EXPECTED ACTUAL [WHAT]
equals() {
    [[ $2 == "$1" ]] || fail "${3:-value}: expected '$1', got '$2'"
}

# contains TEXT PART
contains() {
    [[ $1 == *"$2"* ]] || fail "expected to find '$2' in: $1"
}

# lacks TEXT PART
lacks() {
    [[ $1 != *"$2"* ]] || fail "expected not to find '$2' in: $1"
}

# matches TEXT REGEX
matches() {
    [[ $1 =~ $2 ]] || fail "expected a match for '$2' in: $1"
}

# at_most LIMIT VALUE [WHAT]
at_most() {
    (($2 <= $1)) || fail "${3:-value}: expected at most $1, got $2"
}

# exit_code CODE COMMAND...: the command must end with CODE; what it said stays in $output.
exit_code() {
    local expected=$1 status
    shift
    outcome "$@"
    ((status == expected)) || fail "\`$*\` ended with $status, not $expected: $output"
}

# refused COMMAND...: the command must fail; prints with which status, for a same_ case. What it said stays in $output.
refused() {
    local status
    outcome "$@"
    ((status)) || fail "\`$*\` passed: $output"
    echo "$status from ${*//$runtime/RUNTIME}"
}

# each_ends_with_its_status COUNT COMMAND...: so many at the same time, which run a shell that ends with 1, 2, 3 ...
each_ends_with_its_status() {
    local number code jobs=() numbers
    numbers=$(seq "$1")
    shift
    for number in $numbers; do
        "$@" sh -c "exit $number" &
        jobs+=($!)
    done
    for number in $numbers; do
        code=0
        wait "${jobs[number - 1]}" || code=$?
        equals "$number" "$code" "status of the shell $number"
    done
}

# keeps_streams_apart COMMAND...: which runs a shell
keeps_streams_apart() {
    "$@" sh -c 'echo out; echo err >&2' >"$work/out" 2>"$work/err"
    equals out "$(<"$work/out")"
    equals err "$(<"$work/err")"
}

# wait_until SECONDS COMMAND... polls until the command succeeds.
wait_until() {
    poll "$@" || fail "not within $1 s: ${*:2}"
}

# poll SECONDS COMMAND... is wait_until for the harness itself: it reports, and does not end the case.
poll() {
    local limit=$1 end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS <= end)) || return 1
        sleep 0.1
    done
}

# gone PATH...
gone() {
    local path
    for path in "$@"; do
        [[ ! -e $path ]] || return 1
    done
}

# json_field NAME prints the first plain value of that name in the JSON on stdin: the test bed has no jq.
json_field() {
    grep -m1 -oE "\"$1\" *: *(\"[^\"]*\"|[^,\"}]*)" | sed -E '1!d; s/^[^:]*: *//; s/^"(.*)"$/\1/' || true
}

# in_terminal COMMAND...: the command with a terminal on 0, 1 and 2, its output without carriage returns.
in_terminal() {
    script -qec "$(printf '%q ' "$@")" /dev/null </dev/null | tr -d '\r'
}
