# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_sevorix_global_optspecs
    string join \n root= log= log-format= debug systemd-cgroup rootless= policy= criu= v/version h/help
end

function __fish_sevorix_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_sevorix_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_sevorix_using_subcommand
    set -l cmd (__fish_sevorix_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c sevorix -n "__fish_sevorix_needs_command" -l root -d 'folder of the containers\' state (default: /run/sevorix)' -r
complete -c sevorix -n "__fish_sevorix_needs_command" -l log -d 'append messages to this file' -r
complete -c sevorix -n "__fish_sevorix_needs_command" -l log-format -d 'text or json (default: text)' -r
complete -c sevorix -n "__fish_sevorix_needs_command" -l rootless -d 'whether we run without root\'s rights: true, false or auto (default: auto)' -r
complete -c sevorix -n "__fish_sevorix_needs_command" -l policy -d 'the policy of containers whose engine passes no annotations' -r
complete -c sevorix -n "__fish_sevorix_needs_command" -l criu -d 'accepted and not used: there is no checkpoint and restore' -r
complete -c sevorix -n "__fish_sevorix_needs_command" -l debug -d 'log how each step goes'
complete -c sevorix -n "__fish_sevorix_needs_command" -l systemd-cgroup -d 'let systemd make the cgroups: cgroupsPath is slice:prefix:name'
complete -c sevorix -n "__fish_sevorix_needs_command" -s v -l version -d 'print the version'
complete -c sevorix -n "__fish_sevorix_needs_command" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "create" -d 'prepare a container up to the point where start lets it run'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "start" -d 'let the payload of a created container run'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "state" -d 'print a container\'s state as JSON'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "kill" -d 'send a signal to a container (default: SIGTERM)'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "delete" -d 'remove a container that has stopped'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "run" -d 'create a container and start it'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "exec" -d 'run one more process in a container'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "ps" -d 'show the processes of a container'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "list" -d 'list the containers below this root'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "pause" -d 'suspend every process of a container'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "resume" -d 'let the processes of a paused container go on'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "update" -d 'change a container\'s limits'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "events" -d 'print what a container uses, and when it runs out of memory; or what policies refused'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "spec" -d 'write a config.json to start from'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "features" -d 'print what this runtime supports as JSON'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "checkpoint" -d 'refused: a container\'s policy in the kernel cannot be saved'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "restore" -d 'refused: a container\'s policy in the kernel cannot be restored'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "doctor" -d 'tell what this host can enforce, and how to mend what it cannot'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "status" -d 'tell which containers are under a policy, and what it decided'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "asks" -d 'tell which actions wait for a person to allow or deny them'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "allow" -d 'let an action go on that waits for a person'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "deny" -d 'refuse an action that waits for a person'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "install" -d 'register the runtime with container engines'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "uninstall" -d 'take the runtime out of container engines\' configuration'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "policy" -d 'check, show, test or compare policies: check FILE, show NAME|ID, test FILE ACT, diff A B'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "explain" -d 'tell what a container\'s policy says of an act, as in: explain ID connect api.example.com:443'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "verdict" -d 'try out a verdict service: verdict test [--socket PATH]'
complete -c sevorix -n "__fish_sevorix_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c sevorix -n "__fish_sevorix_using_subcommand create" -s b -l bundle -d 'folder of config.json (default: the current one)' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand create" -l console-socket -d 'socket that receives the terminal' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand create" -l pidfd-socket -d 'socket that receives a pidfd of the container\'s init' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand create" -l pid-file -d 'file for the pid of the container\'s init' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand create" -l preserve-fds -d 'descriptors to pass on beside the standard streams and those of LISTEN_FDS' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand create" -l no-pivot -d 'do not use pivot_root: for a rootfs on a ramdisk'
complete -c sevorix -n "__fish_sevorix_using_subcommand create" -l no-new-keyring -d 'keep the caller\'s session keyring'
complete -c sevorix -n "__fish_sevorix_using_subcommand create" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand start" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand state" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand kill" -s a -l all -d 'to every process of the container'
complete -c sevorix -n "__fish_sevorix_using_subcommand kill" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand delete" -s f -l force -d 'kill it if it still runs; an unknown id is no error'
complete -c sevorix -n "__fish_sevorix_using_subcommand delete" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand run" -s b -l bundle -d 'folder of config.json (default: the current one)' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand run" -l console-socket -d 'socket that receives the terminal' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand run" -l pidfd-socket -d 'socket that receives a pidfd of the container\'s init' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand run" -l pid-file -d 'file for the pid of the container\'s init' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand run" -l preserve-fds -d 'descriptors to pass on beside the standard streams and those of LISTEN_FDS' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand run" -s d -l detach -d 'do not wait for the container\'s end'
complete -c sevorix -n "__fish_sevorix_using_subcommand run" -l keep -d 'do not delete the container after its end'
complete -c sevorix -n "__fish_sevorix_using_subcommand run" -l no-subreaper -d 'do not adopt the container\'s orphans'
complete -c sevorix -n "__fish_sevorix_using_subcommand run" -l no-pivot -d 'do not use pivot_root: for a rootfs on a ramdisk'
complete -c sevorix -n "__fish_sevorix_using_subcommand run" -l no-new-keyring -d 'keep the caller\'s session keyring'
complete -c sevorix -n "__fish_sevorix_using_subcommand run" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand exec" -l console-socket -d 'socket that receives the terminal' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand exec" -l pidfd-socket -d 'socket that receives a pidfd of the process' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand exec" -l cwd -d 'folder to start in' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand exec" -s e -l env -d 'a variable, as NAME=VALUE' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand exec" -s u -l user -d 'who runs it, as UID or UID:GID' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand exec" -s g -l additional-gids -d 'a supplementary group' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand exec" -s p -l process -d 'file with the process as JSON, instead of a command' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand exec" -l pid-file -d 'file for its pid' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand exec" -l process-label -d 'its SELinux label' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand exec" -l apparmor -d 'its AppArmor profile' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand exec" -s c -l cap -d 'a capability to add' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand exec" -l preserve-fds -d 'descriptors to pass on beside the standard streams and those of LISTEN_FDS' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand exec" -l cgroup -d 'a sub-cgroup of the container\'s to run in' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand exec" -s t -l tty -d 'give it a terminal'
complete -c sevorix -n "__fish_sevorix_using_subcommand exec" -s d -l detach -d 'do not wait for its end'
complete -c sevorix -n "__fish_sevorix_using_subcommand exec" -l no-new-privs -d 'it cannot gain privileges'
complete -c sevorix -n "__fish_sevorix_using_subcommand exec" -l ignore-paused -d 'also in a paused container'
complete -c sevorix -n "__fish_sevorix_using_subcommand exec" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand ps" -s f -l format -d 'table or json (default: table)' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand ps" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand list" -s f -l format -d 'table or json (default: table)' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand list" -s q -l quiet -d 'print ids only'
complete -c sevorix -n "__fish_sevorix_using_subcommand list" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand pause" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand resume" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand update" -s r -l resources -d 'file with the limits as in config.json\'s linux.resources, or - for stdin; other options are ignored then' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand update" -l blkio-weight -d 'weight of block I/O, 10 to 1000' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand update" -l cpu-period -d 'microseconds of a CPU period' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand update" -l cpu-quota -d 'microseconds of CPU time in a period' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand update" -l cpu-burst -d 'microseconds of CPU time that may be saved up' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand update" -l cpu-share -d 'CPU weight relative to other containers' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand update" -l cpu-shares -d 'the same as --cpu-share' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand update" -l cpu-rt-period -d 'microseconds of a real-time period' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand update" -l cpu-rt-runtime -d 'microseconds of real-time CPU time in a period' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand update" -l cpuset-cpus -d 'CPUs to use' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand update" -l cpuset-mems -d 'memory nodes to use' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand update" -l cpu-idle -d '1: only run when nobody else wants the CPU' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand update" -l memory -d 'bytes of memory' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand update" -l memory-reservation -d 'bytes of memory kept when memory is short' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand update" -l memory-swap -d 'bytes of memory and swap together, -1 for no limit' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand update" -l kernel-memory -d 'not used any more' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand update" -l kernel-memory-tcp -d 'not used any more' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand update" -l pids-limit -d 'number of processes' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand update" -l l3-cache-schema -d 'refused: resctrl is not managed' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand update" -l mem-bw-schema -d 'refused: resctrl is not managed' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand update" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand events" -l interval -d 'time between two prints, as 500ms or 1m30s (default: 5s)' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand events" -l stats -d 'print once'
complete -c sevorix -n "__fish_sevorix_using_subcommand events" -s f -l follow -d 'what policies refused, as it happens'
complete -c sevorix -n "__fish_sevorix_using_subcommand events" -l json -d 'what policies refused, as JSON'
complete -c sevorix -n "__fish_sevorix_using_subcommand events" -l allowed -d 'follow also what the policy of one container allows, as long as this runs'
complete -c sevorix -n "__fish_sevorix_using_subcommand events" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand spec" -s b -l bundle -d 'folder to write it to (default: the current one)' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand spec" -l rootless -d 'for a container of a user without root\'s rights'
complete -c sevorix -n "__fish_sevorix_using_subcommand spec" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand features" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand checkpoint" -l image-path -d 'folder for the image files' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand checkpoint" -l work-path -d 'folder for work files and logs' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand checkpoint" -l parent-path -d 'folder of an earlier image' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand checkpoint" -l status-fd -d 'descriptor to announce lazy pages on' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand checkpoint" -l page-server -d 'address and port of the page server' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand checkpoint" -l manage-cgroups-mode -d 'soft, full, strict or ignore' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand checkpoint" -l empty-ns -d 'a namespace whose properties are not restored' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand checkpoint" -l leave-running -d 'leave the container running'
complete -c sevorix -n "__fish_sevorix_using_subcommand checkpoint" -l tcp-established -d 'allow open TCP connections'
complete -c sevorix -n "__fish_sevorix_using_subcommand checkpoint" -l tcp-skip-in-flight -d 'skip TCP connections in flight'
complete -c sevorix -n "__fish_sevorix_using_subcommand checkpoint" -l ext-unix-sk -d 'allow external UNIX sockets'
complete -c sevorix -n "__fish_sevorix_using_subcommand checkpoint" -l shell-job -d 'allow shell jobs'
complete -c sevorix -n "__fish_sevorix_using_subcommand checkpoint" -l lazy-pages -d 'restore memory pages lazily'
complete -c sevorix -n "__fish_sevorix_using_subcommand checkpoint" -l file-locks -d 'handle file locks'
complete -c sevorix -n "__fish_sevorix_using_subcommand checkpoint" -l pre-dump -d 'dump the memory only'
complete -c sevorix -n "__fish_sevorix_using_subcommand checkpoint" -l auto-dedup -d 'remove duplicate memory images'
complete -c sevorix -n "__fish_sevorix_using_subcommand checkpoint" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand restore" -l console-socket -d 'socket that receives the terminal' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand restore" -l image-path -d 'folder of the image files' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand restore" -l work-path -d 'folder for work files and logs' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand restore" -l manage-cgroups-mode -d 'soft, full, strict or ignore' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand restore" -s b -l bundle -d 'folder of config.json' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand restore" -l pid-file -d 'file for the pid of the container\'s init' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand restore" -l empty-ns -d 'a namespace whose properties are not restored' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand restore" -l lsm-profile -d 'a security profile, as TYPE:NAME' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand restore" -l lsm-mount-context -d 'a security context for the mounts' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand restore" -l tcp-established -d 'allow open TCP connections'
complete -c sevorix -n "__fish_sevorix_using_subcommand restore" -l ext-unix-sk -d 'allow external UNIX sockets'
complete -c sevorix -n "__fish_sevorix_using_subcommand restore" -l shell-job -d 'allow shell jobs'
complete -c sevorix -n "__fish_sevorix_using_subcommand restore" -l file-locks -d 'handle file locks'
complete -c sevorix -n "__fish_sevorix_using_subcommand restore" -s d -l detach -d 'do not wait for the container\'s end'
complete -c sevorix -n "__fish_sevorix_using_subcommand restore" -l no-subreaper -d 'do not adopt the container\'s orphans'
complete -c sevorix -n "__fish_sevorix_using_subcommand restore" -l no-pivot -d 'do not use pivot_root'
complete -c sevorix -n "__fish_sevorix_using_subcommand restore" -l auto-dedup -d 'remove duplicate memory images'
complete -c sevorix -n "__fish_sevorix_using_subcommand restore" -l lazy-pages -d 'restore memory pages lazily'
complete -c sevorix -n "__fish_sevorix_using_subcommand restore" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand doctor" -l json -d 'print JSON'
complete -c sevorix -n "__fish_sevorix_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand status" -l json -d 'print JSON'
complete -c sevorix -n "__fish_sevorix_using_subcommand status" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand asks" -l json -d 'print JSON, an object a line'
complete -c sevorix -n "__fish_sevorix_using_subcommand asks" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand allow" -l reason -d 'why, for events' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand allow" -l for -d 'how long the same action is allowed again, as 10m; without: this once' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand allow" -l uses -d 'how often at most, meanwhile' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand allow" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand deny" -l reason -d 'why, for events' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand deny" -l for -d 'how long the same action is denied without asking, as 10m' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand deny" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand install" -l host-root -d 'where the host\'s / is mounted (default: /)' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand install" -l policy -d 'register sevorix-NAME, bound to this policy, for engines that pass no annotations' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand install" -l binary -d 'where the runtime is, as the host sees it (default: this program)' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand install" -l dry-run -d 'show what would change, write nothing'
complete -c sevorix -n "__fish_sevorix_using_subcommand install" -l default -d 'make it the default runtime'
complete -c sevorix -n "__fish_sevorix_using_subcommand install" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand uninstall" -l host-root -d 'where the host\'s / is mounted (default: /)' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand uninstall" -l policy -d 'take out sevorix-NAME only' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand uninstall" -l dry-run -d 'show what would change, write nothing'
complete -c sevorix -n "__fish_sevorix_using_subcommand uninstall" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand policy" -l annotation -d 'an annotation as a container would carry it: KEY=VALUE, with or without io.sevorix.' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand policy" -l host-root -d 'where the host\'s / is mounted (default: /)' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand policy" -l json -d 'print JSON'
complete -c sevorix -n "__fish_sevorix_using_subcommand policy" -l written -d 'test: the container wrote or created the file that is executed'
complete -c sevorix -n "__fish_sevorix_using_subcommand policy" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand explain" -l host-root -d 'where the host\'s / is mounted (default: /)' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand explain" -l json -d 'print JSON'
complete -c sevorix -n "__fish_sevorix_using_subcommand explain" -l written -d 'the container wrote or created the file that is executed'
complete -c sevorix -n "__fish_sevorix_using_subcommand explain" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand verdict" -l socket -d 'where the service listens (default: /run/sevorix/slm.sock)' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand verdict" -l patience -d 'how many milliseconds it may take for what it does at once (default: 2000)' -r
complete -c sevorix -n "__fish_sevorix_using_subcommand verdict" -l json -d 'print JSON'
complete -c sevorix -n "__fish_sevorix_using_subcommand verdict" -s h -l help -d 'Print help'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "create" -d 'prepare a container up to the point where start lets it run'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "start" -d 'let the payload of a created container run'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "state" -d 'print a container\'s state as JSON'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "kill" -d 'send a signal to a container (default: SIGTERM)'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "delete" -d 'remove a container that has stopped'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "run" -d 'create a container and start it'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "exec" -d 'run one more process in a container'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "ps" -d 'show the processes of a container'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "list" -d 'list the containers below this root'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "pause" -d 'suspend every process of a container'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "resume" -d 'let the processes of a paused container go on'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "update" -d 'change a container\'s limits'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "events" -d 'print what a container uses, and when it runs out of memory; or what policies refused'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "spec" -d 'write a config.json to start from'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "features" -d 'print what this runtime supports as JSON'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "checkpoint" -d 'refused: a container\'s policy in the kernel cannot be saved'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "restore" -d 'refused: a container\'s policy in the kernel cannot be restored'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "doctor" -d 'tell what this host can enforce, and how to mend what it cannot'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "status" -d 'tell which containers are under a policy, and what it decided'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "asks" -d 'tell which actions wait for a person to allow or deny them'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "allow" -d 'let an action go on that waits for a person'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "deny" -d 'refuse an action that waits for a person'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "install" -d 'register the runtime with container engines'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "uninstall" -d 'take the runtime out of container engines\' configuration'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "policy" -d 'check, show, test or compare policies: check FILE, show NAME|ID, test FILE ACT, diff A B'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "explain" -d 'tell what a container\'s policy says of an act, as in: explain ID connect api.example.com:443'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "verdict" -d 'try out a verdict service: verdict test [--socket PATH]'
complete -c sevorix -n "__fish_sevorix_using_subcommand help; and not __fish_seen_subcommand_from create start state kill delete run exec ps list pause resume update events spec features checkpoint restore doctor status asks allow deny install uninstall policy explain verdict help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
