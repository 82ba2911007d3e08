# Which cases run. A case is a function named [long_][same_|more_]ENGINE_what_it_shows; nothing is registered anywhere.

readonly case_name='^(long_)?(same_|more_)?(docker|podman|ctr|cri|bundle)_'

# engine_of CASE
engine_of() {
    local rest=${1#long_}
    rest=${rest#same_}
    rest=${rest#more_}
    echo "${rest%%_*}"
}

# engines_of CASE... prints each engine once, in the order they are started.
engines_of() {
    local engine case
    for engine in bundle docker podman ctr cri; do
        for case in "$@"; do
            [[ $(engine_of "$case") == "$engine" ]] && { echo "$engine"; break; }
        done
    done
}

select_cases() {
    all_cases | wanted_engines | wanted_policy | grep -E -- "$filter" | wanted_length | part_of "$shard" | sort
}

all_cases() {
    declare -F | sed 's/^declare -f //' | grep -E "$case_name"
}

wanted_engines() {
    if ((${#engines[@]} == 0)); then
        cat
    else
        grep -E "^(long_)?(same_|more_)?($(IFS='|'; echo "${engines[*]}"))_"
    fi
}

# What the host's default policy promises is asked only where there is one.
wanted_policy() {
    if [[ $policy ]]; then cat; else grep -v _default_policy_; fi
}

wanted_length() {
    local cases
    cases=$(cat)
    grep -v '^long_' <<<"$cases"
    case $long in
        none) ;;
        all) grep '^long_' <<<"$cases" ;;
        *) grep '^long_' <<<"$cases" | part_of "$long" ;;
    esac
}

# part_of I/N keeps the cases that the seed deals to part I. Dealt by a hash of the name, so that a new case moves no other.
part_of() {
    awk -v part="${1%/*}" -v parts="${1#*/}" -v seed="$seed" '
        BEGIN { for (i = 1; i < 256; i++) code[sprintf("%c", i)] = i }
        {
            hash = 5381; text = seed $0
            for (i = 1; i <= length(text); i++) hash = (hash * 33 + code[substr(text, i, 1)]) % 1000003
            if (hash % parts == part % parts) print
        }'
}
