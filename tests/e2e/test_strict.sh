# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What is not in the recording is refused, and the refusal says why.

test_same_request_three_times() { # sanitizers=asan,tsan
	# Answers 1, 2, 3 in turn; the fourth is used up, and the server, which is up, is not asked.
	start_server
	record sh -c 'for i in 1 2 3; do curl -sS "$HTTPS/counter"; done'
	equal output $'1\n2\n3' "$(cat rec.out)"
	local before
	before=$(requests_seen)
	rep_status=0
	"$RRSHIM" replay --report rep.json -- sh -c 'for i in 1 2 3; do curl -sS "$HTTPS/counter"; done
		curl -sS -o fourth -w "%{http_code}\n" "$HTTPS/counter"' >rep.out 2>rep.err || rep_status=$?
	equal output $'1\n2\n3\n400' "$(cat rep.out)"
	equal status 86 "$rep_status"
	equal "requests that reached the server" "$before" "$(requests_seen)"
	contains fourth used_up
	contains rep.err 'used'
	equal "kind of the miss" used_up "$(query rep.json 'd["misses"][0]["type"]')"
	equal totals '3 1 0' "$(query rep.json '"%d %d %d" % (d["served"], d["missed"], d["unused"])')"
	grep -aqE '^rrshim: replayed .*3 served, 1 missed, 0 unused' rep.err || fail "no summary line"
}

test_changed_prompt() { # sanitizers=asan,tsan
	start_server
	record "$PYTHON" "$CLIENTS/chat.py" 'hello'
	equal status 0 "$rec_status"
	local before
	before=$(requests_seen)
	rep_status=0
	"$RRSHIM" replay --report rep.json -- "$PYTHON" "$CLIENTS/chat.py" 'goodbye' >rep.out 2>rep.err || rep_status=$?
	equal status 86 "$rep_status"
	equal "first line" '400 false' "$(head -n 1 rep.out)"
	contains rep.out '$.messages[0].content'
	contains rep.out hello
	contains rep.out goodbye
	contains rep.err '$.messages[0].content'
	equal "kind of the miss" different "$(query rep.json 'd["misses"][0]["type"]')"
	equal "place of the difference" '$.messages[0].content' \
		"$(query rep.json 'd["misses"][0]["differences"][0]["at"]')"
	equal "requests that reached the server" "$before" "$(requests_seen)"
	equal totals '0 1 1' "$(query rep.json '"%d %d %d" % (d["served"], d["missed"], d["unused"])')"
}

test_key_order_does_not_matter() {
	start_server
	record curl -sS "$HTTPS/echo?b=2&a=1" -H 'Content-Type: application/json' \
		-d '{"model":"m","messages":[{"role":"user","content":"x"}]}'
	stop_server
	replay_offline curl -sS "$HTTPS/echo?a=1&b=2" -H 'Content-Type: application/json' \
		-d '{ "messages": [ {"content":"x", "role":"user"} ], "model": "m" }'
	same
	assert_zero_miss
}

test_other_endpoint() {
	start_server
	record curl -sS "$HTTPS/json"
	stop_server
	replay_offline curl -sS -w '%{http_code}\n' "$HTTPS/other"
	equal status 86 "$rep_status"
	contains rep.out 400
	contains rep.err /other
}

test_other_host() {
	# Never explained by a difference from another host's request.
	start_server
	record curl -sS "$HTTPS/json"
	stop_server
	replay_offline curl -sS -w '%{http_code}\n' http://127.0.0.1:9/json
	contains rep.err 127.0.0.1:9
	replay_offline curl -sS --resolve "other.test:$HTTPS_PORT:127.0.0.1" -k -w '%{http_code}\n' \
		"https://other.test:$HTTPS_PORT/json"
	equal status 86 "$rep_status"
	contains rep.err other.test
	equal "kind of the miss" no_host "$(query rep.json 'd["misses"][0]["type"]')"
	equal "nearest" None "$(query rep.json 'd["misses"][0].get("nearest")')"
}

test_name_not_recorded() {
	start_server
	record curl -sS "$HTTPS/json"
	stop_server
	replay_offline curl -sS --max-time 20 https://never-recorded.test/
	((rep_status != 0)) || fail "a name that was not recorded resolved"
	contains rep.err never-recorded.test
}

test_unused_is_reported() {
	start_server
	record curl -sS "$HTTPS/json?a" "$HTTPS/json?b"
	stop_server
	replay_offline curl -sS "$HTTPS/json?a"
	equal status 0 "$rep_status"
	equal totals '1 0 1' "$(query rep.json '"%d %d %d" % (d["served"], d["missed"], d["unused"])')"
}

test_program_that_ignores_a_miss() {
	# It exits 0; rrshim does not.
	start_server
	record curl -sS "$HTTPS/json"
	stop_server
	replay_offline sh -c 'curl -sS "$HTTPS/json?other" >/dev/null; exit 0'
	equal status 86 "$rep_status"
}

test_server_left_alone() {
	# The server is up all the time, and nothing of a replay reaches it.
	start_server
	record "$PYTHON" "$CLIENTS/requests_calls.py" HTTPS
	local before
	before=$(requests_seen)
	rep_status=0
	"$RRSHIM" replay --report rep.json -- "$PYTHON" "$CLIENTS/requests_calls.py" HTTPS >rep.out 2>rep.err || rep_status=$?
	same
	assert_zero_miss
	equal "requests that reached the server" "$before" "$(requests_seen)"
}

test_volatile_headers() {
	# Dates, trace ids, user agents and keys of another run make no miss.
	start_server
	record curl -sS "$HTTPS/json" -A one/1 -H 'Date: Mon, 01 Jan 2024 00:00:00 GMT' \
		-H 'traceparent: 00-11111111111111111111111111111111-1111111111111111-01' -H 'X-Request-Id: 1' \
		-H 'Authorization: Bearer one'
	stop_server
	replay_offline curl -sS "$HTTPS/json" -A two/2 -H 'Date: Tue, 02 Jan 2024 00:00:00 GMT' \
		-H 'traceparent: 00-22222222222222222222222222222222-2222222222222222-01' -H 'X-Request-Id: 2' \
		-H 'Authorization: Bearer two'
	same
	assert_zero_miss
}

# ask_as UUID TIME WORD
ask_as() {
	echo "curl -sS '$HTTPS/echo?at=$2' -H 'X-Session: $1' -H 'Content-Type: application/json'" \
		"-d '{\"session\":\"$1\",\"at\":\"$2\",\"say\":\"$3\"}'"
}

test_values_of_another_run() { # sanitizers=asan,tsan
	# Ids and times are others, and the answers are the recorded ones, in their order.
	local now before
	now=$(date -u +%FT%TZ)
	before=$(date -u -d '1 hour ago' +%FT%TZ)
	start_server
	ask_as 01a1fe99-466d-72d0-bb2d-eaf45bed72e4 "$now" hi >calls.sh
	ask_as 9a1f8262-c40a-479b-a73b-f8b42c723caa "$now" hi >>calls.sh
	record sh calls.sh
	stop_server
	ask_as bc78ef82-88ab-43dc-a5d9-bfe0c969adcd "$before" hi >calls.sh
	ask_as 42b71817-bc15-4e36-8041-8ea68e273b3e "$before" hi >>calls.sh
	replay_offline sh calls.sh
	same
	assert_zero_miss 2
	equal "known by their normalised form" 2 "$(query rep.json 'd["normalised"]')"
	contains rep.err '2 served, 2 of them normalised, 0 missed, 0 unused'
	# A word is no such value.
	ask_as bc78ef82-88ab-43dc-a5d9-bfe0c969adcd "$before" ho >calls.sh
	replay_offline sh calls.sh
	equal status 86 "$rep_status"
	equal "places that differ" "['\$.say']" \
		"$(query rep.json '[x["at"] for x in d["misses"][0]["differences"]]')"
}

test_ids_that_the_user_said() {
	# The same id or day in the arguments is what was asked about; another is another question.
	local said=(-d "{\"ask\":\"delete order 01a1fe99-466d-72d0-bb2d-eaf45bed72e4 of $(date +%F)\"}")
	local other=(-d "{\"ask\":\"delete order bc78ef82-88ab-43dc-a5d9-bfe0c969adcd of $(date +%F)\"}")
	local day=(-d "{\"ask\":\"delete order 01a1fe99-466d-72d0-bb2d-eaf45bed72e4 of $(date -d yesterday +%F)\"}")
	start_server
	record curl -sS "$HTTPS/echo" "${said[@]}"
	stop_server
	replay_offline curl -sS "$HTTPS/echo" "${said[@]}"
	same
	assert_zero_miss 1
	replay_offline curl -sS "$HTTPS/echo" "${other[@]}"
	equal "status, another order" 86 "$rep_status"
	replay_offline curl -sS "$HTTPS/echo" "${day[@]}"
	equal "status, another day" 86 "$rep_status"
}

report_to() { # PATH SPANS
	printf '%s\n' "curl -sS -o /dev/null -w '%{http_code}\n' '$HTTPS$1' -d '{\"spans\":$2}'"
}

test_telemetry_is_no_miss() {
	start_server
	record sh -c "curl -sS '$HTTPS/json'; $(report_to /v1/traces 1)"
	stop_server
	replay_offline sh -c "$(report_to /v1/traces 2) >/dev/null; curl -sS '$HTTPS/json'
		$(report_to /v1/traces 3); $(report_to /v1/logs 4) >unrecorded"
	same
	assert_zero_miss 1
	equal "what had no answer" 400 "$(cat unrecorded)"
	equal "answered, of those again, and not" '2 1 1' "$(query rep.json \
		'"%d %d %d" % (d["sinks"], d["sinks_repeated"], d["sinks_unrecorded"])')"
}

test_two_replays_at_once() { # sanitizers=asan,tsan
	several_replays 2
}

test_sixteen_replays_at_once() { # timeout=180 serial sanitizers=none
	several_replays 16
}

several_replays() {
	start_server
	cat >session.sh <<-'END'
		curl -sSN "$HTTPS/v1/chat/completions" -d '{}'
		for i in 1 2 3 4; do curl -sS "$HTTPS/counter"; done
	END
	record sh session.sh
	stop_server
	local i rec pids=()
	rec=$(recording)
	for ((i = 0; i < $1; i++)); do
		"$RRSHIM" replay --report "report$i" "$rec" -- sh session.sh >"out$i" 2>"err$i" &
		pids+=($!)
	done
	for ((i = 0; i < $1; i++)); do
		wait "${pids[i]}" || {
			show_file "err$i"
			fail "replay $i: status $?"
		}
		same_file rec.out "out$i"
		no_sanitizer_report "err$i"
		equal "replay $i served" 5 "$(query "report$i" 'd["served"]')"
	done
	equal recordings 1 "$(recordings_count)"
}

test_moved_recording() {
	# Another place, another time zone, another name for the folder.
	start_server
	record curl -sS "$HTTPS/json"
	stop_server
	mkdir -p "else where"
	mv "$(recording)" "else where/copy of it"
	REPLAY_OPTIONS=("else where/copy of it")
	TZ=Asia/Tokyo replay_offline curl -sS "$HTTPS/json"
	same
	assert_zero_miss
}

test_another_user() { # sanitizers=none
	# A recording given to another user, who has another home and folder.
	need_root "becomes another user"
	local home status=0
	home=$(mktemp -d /tmp/rrshim-other.XXXXXX)
	setpriv --reuid=65534 --clear-groups test -x "$RRSHIM" || skip "'$RRSHIM' is for root alone"
	start_server
	record curl -sS "$HTTPS/json"
	stop_server
	cp -r "$(recording)" "$home/recording"
	cp "$SSL_CERT_FILE" "$home/ca.pem"
	chown -R 65534 "$home"
	(
		cd "$home"
		offline env HOME="$home" USER=nobody TZ=Asia/Tokyo CURL_CA_BUNDLE="$home/ca.pem" \
			SSL_CERT_FILE="$home/ca.pem" TMPDIR="$home" RRSHIM_DIR="$home" \
			setpriv --reuid=65534 --clear-groups "$RRSHIM" replay "$home/recording" -- \
			curl -sS "$HTTPS/json"
	) >rep.out 2>rep.err || status=$?
	rm -rf "$home"
	[[ $status == 0 ]] || show_file rep.err
	equal status 0 "$status"
	same_file rec.out rep.out
}

test_recording_is_not_changed() {
	start_server
	record curl -sS "$HTTPS/json"
	stop_server
	find "$(recording)" -type f -exec sha256sum {} + | sort >before
	replay_offline curl -sS "$HTTPS/json"
	"$RRSHIM" show "$(recording)" >show.out
	find "$(recording)" -type f -exec sha256sum {} + | sort >after
	same_file before after
	chmod -R a-w "$(recording)"
	replay_offline curl -sS "$HTTPS/json"
	same
}

test_choosing_a_recording() {
	start_server
	record curl -sS "$HTTPS/json?first"
	local first
	first=$(recording)
	cp rec.out first.out
	sleep 1.1
	record curl -sS "$HTTPS/json?second"
	stop_server
	equal recordings 2 "$(recordings_count)"
	replay_offline curl -sS "$HTTPS/json?second"
	same
	REPLAY_OPTIONS=(last)
	replay_offline curl -sS "$HTTPS/json?second"
	same
	local name=${first##*/rec_}
	for name in "$first" "${first##*/}" "${name%_*}"; do
		REPLAY_OPTIONS=("$name")
		replay_offline curl -sS "$HTTPS/json?first"
		same_file first.out rep.out
	done
	"$RRSHIM" ls --json >ls.json
	equal "listed" 2 "$(query ls.json 'len(d if isinstance(d, list) else d["recordings"])')"
}
