# shellcheck shell=bash disable=SC2034 # its users use the variables
# What build and run share: where things are kept, and what they are keyed by.

vm_dir=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
vm_cache=${SEVORIX_VM_CACHE:-$vm_dir/cache}
vm_kernels=(6.1 6.12)
vm_images=(bookworm trixie)

die() {
	echo "vm: $*" >&2
	exit 125
}

one_of() { # WORD CHOICE...
	local word=$1 choice
	shift
	for choice; do [ "$word" != "$choice" ] || return 0; done
	return 1
}

# A digest over the contents of files: a checkout gives every file a new time, and must not cost a rebuild.
digest() { cat -- "$@" | sha256sum | cut -c1-16; }

kernel_dir() { # 6.1|6.12
	echo "$vm_cache/kernel-$1-$(digest "$vm_dir/build" "$vm_dir/lib.sh")"
}

image_file() { # bookworm|trixie
	echo "$vm_cache/$1-$(digest "$vm_dir"/{build,debian.sh,lib.sh} "$vm_dir"/guest/* "$vm_dir"/packages/{common,"$1"}).ext4"
}
