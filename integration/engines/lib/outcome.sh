# Runs the cases and tells what came of each: one line a case and runtime, the output of those that failed, a summary.
#
# A case that fails is run once more when all the others are done, from its reference on: engines lose races of their own
# on a busy machine. What passes then is told and counted as unsteady; what fails twice has failed.

passed=0 failed=0 skipped=0 differing=0 unsteady=0
again=() last_chance=''

run_cases() {
    local case summary
    printf 'result\tengine\truntime\tcase\tseconds\treason\n' >"$results/engines.tsv"
    new_baseline
    for case in "$@"; do run_with_each "$case"; done
    last_chance=1
    for case in ${again[@]+"${again[@]}"}; do
        run_with_each "$case"
        [[ $result == FAIL ]] || ((unsteady += 1))
    done
    summary=$(printf '%d passed, %d failed, %d skipped, %d differ, %d unsteady' \
        $passed $failed $skipped $differing $unsteady)
    printf '%s, in %d s\n' "$summary" "$SECONDS"
    ((failed == 0))
}

# run_with_each CASE up to the first failure, the last result in $result: a case that fails under the reference says
# nothing about the others. Not to be called in a condition, as run_case.
run_with_each() {
    local runtime
    for runtime in $(runtimes_for "$1"); do
        run_case "$1"
        [[ $result != FAIL ]] || break
    done
}

# runtimes_for CASE: what sevorix promises beyond runc, a more_ case, is not asked of the reference.
runtimes_for() {
    if [[ ${1#long_} == more_* ]]; then echo "${runtimes[@]:1}"; else echo "${runtimes[@]}"; fi
}

# run_case CASE with $runtime; the result in $result. Neither this nor in_case may be called in a condition: bash would
# then ignore `set -e` in the case.
run_case() {
    local case=$1 engine started=$EPOCHREALTIME seconds status
    engine=$(engine_of "$case") name=$case-$runtime work=$scratch/cases/$case-$runtime
    # of an earlier attempt
    rm -rf --one-file-system "$work"
    mkdir -p "$work"
    "prepare_$engine"
    prepare_shared "$case"
    in_case "$case"
    status=$?
    ((status != 124)) || echo "failed: no end within $(limit_of "$case") s" >>"$work/stderr"
    clean_up "$engine" >>"$work/stderr" 2>&1
    ((status)) || same_as_reference "$case" || status=1
    if ! left_behind >>"$work/stderr"; then
        status=left-behind
        new_baseline
    fi
    seconds=$(seconds_since "$started")
    judge "$case" "$engine" "$status" "$seconds"
}

# seconds_since EPOCHREALTIME, with one digit after the point
seconds_since() {
    local tenths=$(((${EPOCHREALTIME/./} - ${1/./}) / 100000))
    echo "$((tenths / 10)).$((tenths % 10))"
}

limit_of() {
    if [[ $1 == long_* ]]; then echo 300; else echo 90; fi
}

# in_case CASE: in a process group of its own, so that whatever it started in the foreground ends with it.
in_case() {
    local group clock status
    set -m
    (set -eu; "$1") </dev/null >"$work/stdout" 2>"$work/stderr" &
    group=$!
    sleep "$(limit_of "$1")" &
    clock=$!
    set +m
    wait -n "$group" "$clock"
    status=$?
    if kill -0 "$group" 2>/dev/null; then status=124; fi
    kill -KILL -- "-$group" "-$clock" 2>/dev/null
    wait "$group" "$clock" 2>/dev/null
    return $status
}

# same_as_reference CASE: a same_ case must print under every runtime what it prints under the first one.
same_as_reference() {
    [[ ${1#long_} == same_* ]] || return 0
    local reference=$scratch/cases/$1-${runtimes[0]}/stdout
    [[ -s $work/skip ]] && return 0
    if [[ ! -s $reference ]]; then
        echo "failed: the case prints nothing to compare" >>"$work/stderr"
        return 1
    fi
    compared "$reference" >"$work/expected"
    compared "$work/stdout" | diff -U1 --label "${runtimes[0]}" --label "$runtime" "$work/expected" - >>"$work/stderr"
}

# compared FILE: what is compared of it. Under a policy every process has one seccomp filter more; that has a case of its own.
compared() {
    if [[ $policy ]]; then grep -av '^Seccomp' "$1"; else cat "$1"; fi
}

# judge CASE ENGINE STATUS SECONDS sets $result and tells it. No listed difference excuses what is left behind.
judge() {
    local reason difference=${differences[$1]:-}
    if [[ -s $work/skip && $3 == 0 ]]; then
        result=skip reason=$(<"$work/skip")
        ((skipped += 1))
    elif [[ $3 != 0 && $3 != left-behind && $difference && $runtime != "${runtimes[0]}" ]]; then
        result=differs reason=$difference
        ((differing += 1))
    elif [[ $3 != 0 ]]; then
        result=FAIL reason=$([[ $runtime == "${runtimes[0]}" ]] && echo "the reference fails: a wrong case")
        if [[ $last_chance ]]; then ((failed += 1)); else again+=("$1"); fi
    else
        result=ok reason=
        [[ -z $difference || $runtime == "${runtimes[0]}" ]] || reason='listed as a difference and yet it passes'
        ((passed += 1))
    fi
    printf '%-7s %s %s %s %s%s\n' "$result" "$2" "$runtime" "$1" "$4" "${reason:+ ($reason)}"
    printf '%s\t' "$result" "$2" "$runtime" "$1" "$4" >>"$results/engines.tsv"
    printf '%s\n' "${reason:-}" >>"$results/engines.tsv"
    [[ $result != FAIL ]] || sed 's/^/    /' "$work/stdout" "$work/stderr" | cut -c1-400 | tail -40
}

# differences.tsv, by case; under the host's default policy also what this refuses.
declare -A differences=()
while IFS=$'\t' read -r listed why; do
    differences[$listed]=$why
done < <(cat "$here/differences.tsv"; [[ ! -e $here/differences-$policy.tsv ]] || cat "$here/differences-$policy.tsv")
