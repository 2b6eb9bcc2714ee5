# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Python's clients, over HTTP and HTTPS.

client() { # SCRIPT ARGUMENTS…
	start_server
	round_trip 0 "$PYTHON" "$CLIENTS/$1" "${@:2}"
	not_empty rec.out
	lacks rec.err Traceback
}

test_urllib() { # sanitizers=asan,tsan
	client urllib_calls.py HTTPS
}

test_urllib_http() {
	client urllib_calls.py HTTP
}

test_requests() {
	client requests_calls.py HTTPS
	contains rec.out "'attempt': 4"
}

test_requests_http() {
	client requests_calls.py HTTP
	contains rec.out ChunkedEncodingError
}

test_requests_uploads() {
	client upload.py HTTPS
	client upload.py HTTP
}

test_multipart_file() {
	# The boundary is another in every run, the file is the same.
	start_server
	cat >form.py <<-'END'
		import os, requests
		data = bytes(range(256)) * 300 + b"\r\n--\r\n"
		for name in ("a.bin", "b.bin"):
		    r = requests.post(os.environ["HTTPS"] + "/counter?key=" + name, timeout=20,
		        data={"purpose": "assistants"}, files={"file": (name, data)})
		    print(name, r.text)
	END
	round_trip 0 "$PYTHON" form.py
	equal served 2 "$(query rep.json 'd["served"]')"
	sed -i 's/range(256)/reversed(range(256))/' form.py
	replay_offline "$PYTHON" form.py
	equal "another file is a miss" 2 "$(query rep.json 'd["missed"]')"
}

test_httpx_sync() {
	client httpx_calls.py HTTPS sync
}

test_httpx_async() {
	client httpx_calls.py HTTPS async
}

test_httpx_async_http() {
	client httpx_calls.py HTTP async
}

test_aiohttp() {
	client aiohttp_calls.py HTTPS page 4
}

test_aiohttp_streams() { # sanitizers=asan,tsan
	client aiohttp_calls.py HTTPS stream 8
}

test_64_different_at_once() { # timeout=120 serial sanitizers=asan,tsan
	client aiohttp_calls.py HTTPS page 64
	equal answers 64 "$(grep -c token rec.out)"
	"$PYTHON" - <<-'END' || fail "somebody got another's answer"
		import json
		for line in open("rep.out"):
		    if not line.strip():
		        continue
		    number, answer = line.split(" ", 1)
		    if True:
		        assert json.loads(answer)["page"] == number, line
	END
}

test_64_identical_at_once() { # timeout=120 serial
	start_server
	round_trip 0 "$PYTHON" "$CLIENTS/aiohttp_calls.py" HTTPS same 64
	equal "distinct answers" 64 "$(grep -c . <(sort -u -k 2 rep.out | grep '[0-9]'))"
	query rep.json 'd.get("ambiguous", 0) > 0' >ambiguous
	equal "reported as ambiguous" True "$(cat ambiguous)"
}

test_64_streams_at_once() { # timeout=120 serial
	client aiohttp_calls.py HTTPS stream 64
	equal "whole streams" 64 "$(grep -o 'DONE' rec.out | wc -l)"
}

test_threads() { # sanitizers=asan,tsan
	client workers.py HTTPS threads
}

test_forked_pool() { # sanitizers=asan,tsan
	client workers.py HTTPS processes
}

test_forked_executor() {
	client workers.py HTTPS executor
}

test_fork_without_exec() {
	client workers.py HTTPS fork
}

test_errors() {
	start_server
	local closed
	closed=$(closed_port)
	record "$PYTHON" "$CLIENTS/errors.py" HTTP "$closed"
	equal status 0 "$rec_status"
	contains rec.out ConnectionRefusedError
	contains rec.out ConnectionResetError
	contains rec.out IncompleteRead
	stop_server
	replay_offline "$PYTHON" "$CLIENTS/errors.py" HTTP "$closed"
	same
}

test_errors_tls() {
	start_server
	local closed
	closed=$(closed_port)
	record "$PYTHON" "$CLIENTS/errors.py" HTTPS "$closed"
	equal status 0 "$rec_status"
	stop_server
	replay_offline "$PYTHON" "$CLIENTS/errors.py" HTTPS "$closed"
	same
}

test_nonblocking_and_pipelining() {
	start_server
	local closed
	closed=$(closed_port)
	record "$PYTHON" "$CLIENTS/nonblocking.py" "$closed"
	equal status 0 "$rec_status"
	contains rec.out 'SO_ERROR ECONNREFUSED'
	equal "requests in the pipeline" 3 "$(exchanges)"
	stop_server
	replay_offline "$PYTHON" "$CLIENTS/nonblocking.py" "$closed"
	same
	assert_zero_miss
}

test_server_of_the_session() {
	# A server that the program itself runs stays live in replay; what is outside does not.
	start_server
	cat >both.py <<-'END'
		import http.server, os, threading, urllib.request
		class Here(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        self.send_response(200)
		        self.end_headers()
		        self.wfile.write(b"live " + os.environ["RUN"].encode())
		    def log_message(self, *_):
		        pass
		server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Here)
		threading.Thread(target=server.serve_forever, daemon=True).start()
		inside = urllib.request.urlopen("http://127.0.0.1:%d/" % server.server_address[1]).read()
		outside = urllib.request.urlopen(os.environ["HTTPS"] + "/json").read()
		open("inside", "wb").write(inside)
		print(outside)
	END
	RUN=first record "$PYTHON" both.py
	equal status 0 "$rec_status"
	equal "answer from inside" 'live first' "$(cat inside)"
	stop_server
	RUN=second replay_offline "$PYTHON" both.py
	same
	equal "answer from inside" 'live second' "$(cat inside)"
}
