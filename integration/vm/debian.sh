# shellcheck shell=bash
# Where Debian packages come from: the mirrors that this machine's own apt uses, with its settings for reaching them.

# mirrors prints address and suite of each archive of this machine's own release, as in `http://… bookworm-security`.
mirrors() {
	local own
	# shellcheck source=/dev/null
	own=$(. /etc/os-release && echo "$VERSION_CODENAME")
	# shellcheck disable=SC2016 # apt expands these
	apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
		sed -nE "s,^([^ ]* $own(-updates|-security)?) main\$,\1,p" | sort -u
}

# source_lines RELEASE: the same archives of another release, as apt reads them. Unstable has but one.
source_lines() {
	local release=$1 address suite
	mirrors | while read -r address suite; do
		[ "$release" != sid ] || [ "$suite" = "${suite%-*}" ] || continue
		[ "$suite" = "${suite%-*}" ] && suite=$release || suite=$release-${suite##*-}
		echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $address $suite main"
	done
}

# apt_settings: proxies and the like hold for an apt of our own as for the machine's.
apt_settings() {
	apt-config dump --format '%F "%v";%n' Acquire::http Acquire::https
	apt-config dump --format '%F "%v";%n' Acquire::Check-Valid-Until Acquire::Check-Date
}
