#!/bin/sh
# policy: coding-agent
# A package from an index on loopback, installed and used.
set -eu

wheel() {
	python3 - <<'PY'
import os, zipfile
os.makedirs("index/simple/greeting")
name = "greeting-1.0-py3-none-any.whl"
with zipfile.ZipFile("index/simple/greeting/" + name, "w") as wheel:
    wheel.writestr("greeting.py", "def greet(name):\n    return f'hello {name}'\n")
    info = "greeting-1.0.dist-info/"
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(info + "RECORD", "".join(f"{each},,\n" for each in wheel.namelist()) + info + "RECORD,,\n")
open("index/simple/greeting/index.html", "w").write(f"<a href='{name}'>{name}</a>")
PY
}

work() {
	wheel
	python3 -m http.server --bind 127.0.0.1 --directory index 8000 >server.log 2>&1 &
	until python3 -c 'import urllib.request as r; r.urlopen("http://127.0.0.1:8000/simple/greeting/")' 2>/dev/null; do kill -0 $!; done
	pip install -q --user --break-system-packages --disable-pip-version-check --root-user-action ignore \
		--index-url http://127.0.0.1:8000/simple greeting
	kill $!
	cat >test_greeting.py <<'PY'
import subprocess, unittest
from greeting import greet
class Test(unittest.TestCase):
    def test_it(self):
        self.assertEqual(greet("you"), "hello you")
    def test_a_process(self):
        self.assertEqual(subprocess.check_output(["echo", "x"]), b"x\n")
PY
	python3 -m unittest -q test_greeting
}

twin() {
	python3 -c 'import socket; socket.create_connection(("203.0.113.1", 4443), 60)'
}

"$1"
