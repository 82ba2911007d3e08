#!/usr/bin/env python3
"""A verdict service: allows what is of low risk and runs `true`, denies the rest. Usage: verdict_service.py SOCKET"""
import json, os, socket, struct, sys, threading
JURY = "sha256:" + "0" * 64  # change it whenever the service would decide otherwise
ASK = {"id", "deadline_ms", "op", "rule", "risk", "policy", "action", "facts", "tainted"}
FACTS = {"hook", "container", "uid", "gate", "writable_exe"}
OPS = "exec open create rename link unlink setattr connect send bind listen unix dns".split()

def once(pairs):
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key is given twice")
    return dict(pairs)

def exactly(value, must, may=()):
    if not must <= value.keys() <= must | set(may):
        raise ValueError("a field is missing or unknown")

def read(stream):
    (length,) = struct.unpack(">I", stream.read(4))
    if not 0 < length <= 65536:
        raise ValueError("the length of no frame")
    return json.loads(stream.read(length).decode(), object_pairs_hook=once)

def say(stream, message):
    content = json.dumps(message).encode()
    stream.write(struct.pack(">I", len(content)) + content), stream.flush()

def judge(ask):
    exactly(ask, ASK, {"extra_jurors", "intent", "history"})
    exactly(ask["facts"], FACTS, {"exe", "fds", "ancestors", "net", "taint"})
    if ask["op"] not in OPS or ask["risk"] not in ("low", "high"):
        raise ValueError("an unknown word")
    good = ask["risk"] == "low" and ask["tainted"].get("argv") == [{"s": "true"}] and not ask.get("extra_jurors")
    return {"id": ask["id"], "verdict": "allow" if good else "deny", "action": ask["action"], "jury": JURY, "code": "example"}

def serve(connection):
    with connection, connection.makefile("rwb") as stream:
        try:
            hello, last = read(stream)["hello"], -1
            if hello["proto"] != "sevorix.verdict" or 1 not in hello["versions"]:
                return
            say(stream, {"hello": {"version": 1, "jury": JURY, "max_inflight": 64, "features": []}})
            while True:
                message = read(stream)
                if message.keys() == {"cancel"}:
                    continue  # answered already: this service judges one ask after the other
                if message["id"] <= last:
                    return
                last = message["id"]
                say(stream, judge(message))
        except (ValueError, KeyError, TypeError, AttributeError, struct.error, OSError):
            return  # whatever is no message ends the connection

listener = socket.socket(socket.AF_UNIX)
os.umask(0o117)
listener.bind(sys.argv[1])
listener.listen()
print("listening on", sys.argv[1], file=sys.stderr, flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
