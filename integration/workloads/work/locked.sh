#!/bin/sh
# policy: locked
# What the image holds may run and be read; nothing is written, nobody is called.
set -eu

work() {
	[ "$(python3 -c 'print(sum(range(1000)))')" = 499500 ]
	[ "$(node -e 'console.log(6 * 7)')" = 42 ]
	awk -F: '$1 == "root" { found = 1 } END { exit !found }' /etc/passwd
	find /usr/share -maxdepth 1 | sort | wc -l >/dev/null
}

twin() {
	echo x >/tmp/file
}

"$1"
