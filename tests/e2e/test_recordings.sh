# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What a recording says of itself, and how rrshim is asked.

test_manifest() {
	start_server
	git init -q work
	(
		cd work || exit 1
		git -c user.name=t -c user.email=t@example.org commit -q --allow-empty -m one
		"$RRSHIM" record -- curl -sS "$HTTPS/echo" -H 'Content-Type: application/json' \
			-d '{"model":"gpt-4o","seed":42,"messages":[]}' >../rec.out 2>../rec.err
	)
	local manifest
	manifest=$(recording)/manifest.json
	check() { # EXPECTED EXPRESSION
		equal "$2" "$1" "$(query "$manifest" "$2")"
	}
	check complete 'd["state"]'
	check curl 'd["argv"][0]'
	check "$PWD/work" 'd["cwd"]'
	check "$(sha256sum "$(readlink -f /usr/bin/curl)" | cut -d ' ' -f 1)" 'd["exe"]["sha256"]'
	check "$(git -C work rev-parse HEAD)" 'd["git"]["sha"]'
	check "['gpt-4o']" 'd["model_ids"]'
	check '[42]' 'd["seeds"]'
	check 1 'd["totals"]["exchanges"]'
	check "$("$RRSHIM" events "$(recording)" --json | wc -l)" 'd["total_events"]'
}

test_events() {
	start_server
	record sh -c 'curl -sSN "$HTTPS/v1/chat/completions" -d "{}"; curl -sS http://name.invalid/'
	opens
	local type
	for type in recording.start process.start process.exit io.network.resolve \
		io.network.connect io.network.tls io.network.data io.network.close recording.stop; do
		contains events.json "\"type\":\"$type\""
	done
	equal "places" True "$(query events.json '[e["seq"] for e in d] == list(range(len(d)))')"
	equal "one answer per chunk, at least" True "$(query events.json '
		sum(e["type"] == "io.network.data" and e["direction"] == "in" for e in d) >= 9')"
	equal "server name" localhost "$(query events.json '
		[e["sni"] for e in d if e["type"] == "io.network.tls"][0]')"
}

test_chunks_come_one_by_one() {
	# The program reads in replay what it read when recorded, read by read.
	start_server
	round_trip 0 "$PYTHON" "$CLIENTS/chunks.py"
	(($(wc -l <rec.out) >= 13)) || fail "the recorder joined chunks: $(wc -l <rec.out) reads"
}

test_bodies_by_number() {
	start_server
	record curl -sS "$HTTPS/chunked" "$HTTPS/echo" -d 'question'
	"$RRSHIM" cat "$(recording)" 2 --request >body
	equal "request body" question "$(cat body)"
	"$RRSHIM" cat "$(recording)" 1 --head >start
	contains start 'transfer-encoding: chunked'
	"$RRSHIM" cat "$(recording)" 1 --raw >raw
	contains raw ';name=value'
	"$RRSHIM" cat "$(recording)" 1 >body
	lacks body ';name=value'
	contains body 'three 0'
	record curl -sS "$HTTPS/gzip"
	"$RRSHIM" cat 1 | gzip -d >plain
	"$RRSHIM" cat 1 --decode >decoded
	same_file plain decoded
	not_empty plain
}

test_segments() { # timeout=120 serial sanitizers=none
	# A long recording is several files; each part is found again.
	start_server
	record sh -c 'curl -sS "$HTTP/json"; curl -sS -o body "$HTTP/download?bytes=250000000"; curl -sS "$HTTP/json"'
	local segments
	segments=$(find "$(recording)" -name 'events-*.rrz' | wc -l)
	((segments >= 2)) || fail "$segments segment"
	"$RRSHIM" cat "$(recording)" 2 | cmp - body || fail "the body in several segments is another"
	rm body
	stop_server
	REPLAY_OPTIONS=(--timing none)
	replay_offline sh -c 'curl -sS "$HTTP/json"; curl -sS -o body "$HTTP/download?bytes=250000000"; curl -sS "$HTTP/json"'
	same
	assert_zero_miss
}

test_log_is_silent_by_default() {
	start_server
	LD_PRELOAD=$SHIM curl -sS "$HTTP/json" >rec.out 2>rec.err
	equal "standard error" '' "$(cat rec.err)"
	RRSHIM_LOG=debug record curl -sS "$HTTP/json"
	(($(wc -l <rec.err) >= 2)) || fail "debug says nothing"
	RRSHIM_LOG=trace,file=$PWD/log record curl -sS "$HTTP/json"
	not_empty log
	(($(wc -l <rec.err) <= 1)) || fail "the log is on standard error as well"
}

test_help() {
	local verb
	for verb in record replay ls show cat events recover doctor mock version; do
		"$RRSHIM" $verb --help >help 2>err || fail "$verb --help: status $?"
		contains help "$verb"
		equal "standard error of $verb --help" '' "$(cat err)"
	done
	"$RRSHIM" --help >help
	for verb in record replay ls show cat events recover doctor mock version; do
		contains help "$verb"
	done
	"$RRSHIM" version --json >version.json
	query version.json 'd["version"]' >/dev/null
}

test_mock() {
	# What the quickstart is made of: mock, record, stop, replay.
	"$RRSHIM" mock --port 0 --tls-port 0 --port-file ports --ca-file ca.pem --delay 5 >mock.out 2>&1 &
	local mock=$! port
	wait_until 20 test -s ports || fail "the mock server did not start: $(cat mock.out)"
	port=$(sed -n 's/^https //p' ports)
	export SSL_CERT_FILE=$PWD/ca.pem CURL_CA_BUNDLE=$PWD/ca.pem
	local call=(curl -sSN "https://localhost:$port/v1/chat/completions" -H 'Content-Type: application/json'
		-d '{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}')
	record "${call[@]}"
	equal status 0 "$rec_status"
	contains rec.out '[DONE]'
	kill $mock
	wait $mock || true
	replay_offline "${call[@]}"
	same
	assert_zero_miss
}

test_recorded_while_recording() {
	# A recording that is being made can be looked at.
	start_server
	"$RRSHIM" record -- curl -sSN "$HTTPS/silent?seconds=4" >rec.out 2>rec.err &
	local launcher=$!
	wait_until 20 test -s rec.out || fail "the client received nothing"
	"$RRSHIM" ls >ls.out || fail "ls failed"
	contains ls.out recording
	opens
	wait $launcher || fail "status $?"
	equal state complete "$(state)"
}
