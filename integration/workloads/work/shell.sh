#!/bin/sh
# policy: coding-agent
# What a person types all day.
set -eu

work() {
	mkdir -p notes/old
	printf '%s\n' pear apple fig >notes/fruit
	sort notes/fruit | head -n 1 | grep -qx apple
	sed -i s/fig/plum/ notes/fruit
	cp notes/fruit notes/old/copy
	mv notes/old/copy notes/old/moved
	ln -s old/moved notes/link
	cmp notes/fruit notes/link
	tar -czf /tmp/notes.tar.gz notes
	tar -tzf /tmp/notes.tar.gz | grep -qx notes/old/moved
	printf '#!/bin/sh\necho "$1 from a script"\n' >hello
	chmod +x hello
	[ "$(./hello hi)" = 'hi from a script' ]
	find . -name moved -exec cat {} + | wc -l | grep -qx 3
	(sleep 1000 & kill $!)
	touch "$HOME/.history"
	ls -l /etc /usr/bin >/dev/null
	rm -r notes hello
}

twin() {
	cat "$HOME/.ssh/id_ed25519"
}

"$1"
