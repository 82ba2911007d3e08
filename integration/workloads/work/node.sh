#!/bin/sh
# policy: coding-agent
# A package from a tarball, installed by npm and used.
set -eu

work() {
	mkdir -p greeting app
	echo '{ "name": "greeting", "version": "1.0.0", "main": "index.js" }' >greeting/package.json
	echo 'module.exports = name => `hello ${name}`' >greeting/index.js
	(cd greeting && npm pack --silent --offline >/dev/null)
	echo '{ "name": "app", "version": "1.0.0", "scripts": { "start": "node main.js" } }' >app/package.json
	echo 'console.log(require("greeting")("you"))' >app/main.js
	cd app
	npm install --silent --offline --no-audit --no-fund ../greeting/greeting-1.0.0.tgz
	[ "$(npm run --silent start)" = 'hello you' ]
	node -e 'const http = require("http"); const server = http.createServer((_, to) => to.end("served"));
		server.listen(0, "127.0.0.1", () => http.get({ host: "127.0.0.1", port: server.address().port }, from =>
			from.on("data", data => console.log(String(data))).on("end", () => server.close())))' | grep -qx served
}

twin() {
	node -e 'console.log(String(require("fs").readFileSync("/workspace/.env")))'
}

"$1"
