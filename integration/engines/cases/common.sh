# Questions and habits that several case files share.

# normalise replaces on stdin what differs between two runs of the same thing: identifiers, numbers of inodes and
# peer groups. The options of sysfs's superblock have a case of their own, and so has the propagation of the root: runc
# 1.1.5 keeps what the engine's mount had, later ones and sevorix make it private.
normalise() {
    sed -E -e 's/[0-9a-f]{64}/ID/g' -e 's/\b[0-9a-f]{12}\b/SHORT-ID/g' -e 's/(mnt|net|ipc|uts|pid|user|cgroup|time):\[[0-9]+\]/\1:[INODE]/g' \
        -e 's/ - sysfs sysfs r[ow]$/ - sysfs sysfs/' -e 's/ (shared|master|propagate_from):[0-9]+/ \1/g' \
        -e 's#(^| )(/ r[ow][a-z,]*) (shared|master) - #\1\2 - #' -e 's/overlay2\/l\/[A-Z0-9]{26}/overlay2\/l\/LAYER/g' -e "s/$runtime/RUNTIME/g"
}

no_container() {
    ! command docker inspect "$1"
}

# no_process ARGUMENTS: nobody runs with exactly these words.
no_process() {
    ! pgrep -fx -- "$1"
}

# frozen CGROUP and thawed CGROUP, with either version of cgroups
frozen() {
    grep -qs 'frozen 1' "$1/cgroup.events" || grep -qs FROZEN "${1/cgroup\/pids/cgroup\/freezer}/freezer.state"
}

thawed() {
    grep -qs 'frozen 0' "$1/cgroup.events" || grep -qs THAWED "${1/cgroup\/pids/cgroup\/freezer}/freezer.state"
}

# without_kcore: a list of /dev but for the link to /proc/kcore, which has a case of its own
without_kcore() {
    grep -vE '^(/dev/)?k?core |^/proc/kcore$'
}
