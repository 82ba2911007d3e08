#!/bin/sh
# policy: coding-agent
# A repository of its own, cloned from a folder and from a daemon, and pushed to. The one in /workspace is the host's, too:
# what git on the host would execute from it can't be written.
set -eu

work() {
	git config --global user.name agent
	git config --global user.email agent@example.com
	git config --global init.defaultBranch main
	git init -q project
	cd project
	echo one >file
	git add file
	git commit -qm 'Add a file'
	git clone -q --bare "file:///workspace/project" /workspace/shared.git
	git clone -q "file:///workspace/shared.git" /workspace/second
	cd /workspace/second
	echo two >>file
	git commit -qam 'Add a line'
	git push -q origin main
	git daemon --listen=127.0.0.1 --base-path=/workspace --export-all --reuseaddr --detach --pid-file=/tmp/daemon
	until git ls-remote -q git://127.0.0.1/shared.git >/dev/null 2>&1; do kill -0 "$(cat /tmp/daemon)"; done
	git clone -q git://127.0.0.1/shared.git /workspace/third
	kill "$(cat /tmp/daemon)"
	[ "$(git -C /workspace/third log --format=%s | paste -sd,)" = 'Add a line,Add a file' ]
	git -C /workspace/third diff --stat HEAD~1 | grep -q file
}

twin() {
	echo 'echo run on the host' >/workspace/.git/hooks/pre-commit
}

"$1"
