#!/bin/sh
# policy: research-agent
# Reads, computes and keeps notes; what it wrote is read, and never executed.
set -eu

work() {
	printf 'b 2\na 1\n' >notes
	sort notes >sorted
	echo 'import sys; print(sum(int(line.split()[1]) for line in sys.stdin))' >sum.py
	[ "$(python3 sum.py <sorted)" = 3 ]
	python3 - <<'PY'
import json, sqlite3
store = sqlite3.connect("/workspace/notes.db")
store.execute("create table notes (text)")
store.execute("insert into notes values (?)", (json.dumps({"n": 1}),))
store.commit()
PY
	git -C /workspace --version >/dev/null
	gzip -k notes
}

twin() {
	printf '#!/bin/sh\necho executed\n' >script
	chmod +x script
	./script
}

"$1"
