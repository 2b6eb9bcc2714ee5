# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# curl: what it received when recorded, it receives again offline.

CURL=(curl -sS --max-time 30)

chat_body() {
	echo '{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hello"}]}' >prompt.json
}

test_http() { # sanitizers=asan,tsan
	start_server
	round_trip 0 "${CURL[@]}" "$HTTP/json"
	not_empty rec.out
}

test_https() { # sanitizers=asan,tsan
	start_server
	round_trip 0 "${CURL[@]}" "$HTTPS/json"
	not_empty rec.out
}

test_llm_stream() { # sanitizers=asan,tsan
	start_server
	chat_body
	round_trip 0 "${CURL[@]}" -N "$HTTPS/v1/chat/completions" -d @prompt.json
	contains rec.out 'data: [DONE]'
}

test_llm_stream_http() {
	start_server
	chat_body
	round_trip 0 "${CURL[@]}" -N "$HTTP/v1/chat/completions" -d @prompt.json
	contains rec.out 'data: [DONE]'
}

test_client_leaves_after_done() {
	# sed quits at [DONE], so curl meets a closed pipe; what had been received is complete.
	start_server
	chat_body
	local script="curl -sSN --max-time 20 $HTTPS/v1/chat/completions -d @prompt.json 2>/dev/null | sed '/DONE/q'"
	record sh -c "$script"
	equal status 0 "$rec_status"
	stop_server
	replay_offline sh -c "$script"
	same
	assert_zero_miss
	"$RRSHIM" cat "$(recording)" 1 >body
	contains body '[DONE]'
}

test_headers_shown() {
	start_server
	round_trip 0 "${CURL[@]}" -i "$HTTPS/json"
	contains rec.out X-Request-Id
}

test_address_instead_of_name() {
	start_server
	round_trip 0 "${CURL[@]}" "https://127.0.0.1:$HTTPS_PORT/json"
}

test_ipv6() {
	ip -6 addr show dev lo 2>/dev/null | grep -q ::1 || skip "no IPv6 loopback here"
	start_server --bind ::1
	round_trip 0 "${CURL[@]}" "https://[::1]:$HTTPS_PORT/json" "http://[::1]:$HTTP_PORT/json"
}

test_keep_alive() {
	start_server
	round_trip 0 "${CURL[@]}" -w '%{num_connects}\n' "$HTTPS/json?a" "$HTTPS/json?b" "$HTTPS/chunked" \
		"$HTTPS/json?c" "$HTTPS/204" "$HTTPS/json?d"
	equal "requests of the session" 6 "$(exchanges)"
}

test_several_hosts() {
	start_server
	round_trip 0 "${CURL[@]}" --resolve "api.test:$HTTPS_PORT:127.0.0.1" "$HTTPS/json" "$HTTP/json" \
		"https://api.test:$HTTPS_PORT/json" "$HTTPS/json"
}

test_parallel() {
	start_server
	local urls=() i
	for i in {1..12}; do
		urls+=("$HTTPS/page?i=$i&ms=30" -o "part$i")
	done
	round_trip 0 "${CURL[@]}" --parallel "${urls[@]}"
	for i in {1..12}; do
		contains "part$i" "\"page\": \"$i\""
	done
}

test_parallel_bodies() {
	# As above, comparing every body.
	start_server
	cat >fetch <<-'END'
		rm -f part*
		for i in 1 2 3 4 5 6 7 8; do set -- "$@" -o "part$i" "$HTTPS/page?i=$i&ms=$((i * 5))"; done
		curl -sS --max-time 20 --parallel "$@"
		cat part1 part2 part3 part4 part5 part6 part7 part8
	END
	round_trip 0 sh fetch
	equal "answers" 8 "$(grep -c token rec.out)"
}

test_post() {
	start_server
	round_trip 0 "${CURL[@]}" "$HTTPS/echo" -H 'Content-Type: application/json' -d '{"b":1,"a":[1,2]}'
	contains rec.out '"length": 17'
}

test_signed_requests() {
	# AWS signs host and date; recording changes neither, and the replay has another date.
	local secret=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY
	echo "user = \"AKIDEXAMPLE:$secret\"" >credentials
	local ask=("${CURL[@]}" -K credentials --aws-sigv4 aws:amz:us-east-1:bedrock \
		-H 'Content-Type: application/json' -d '{"modelId":"m"}')
	start_server
	round_trip 0 "${ask[@]}" "$HTTPS/signed" --fail
	contains rec.out x-amz-date
	wait_until 5 eval '[[ $(date +%s) != "$(stat -c %Y rec.out)" ]]'
	replay_offline "${ask[@]}" "$HTTPS/signed" --fail
	same
	assert_zero_miss
	! grep -arqF "$secret" "$RRSHIM_DIR" || fail "the key is in the recording"
}

test_head() {
	start_server
	round_trip 0 "${CURL[@]}" -I "$HTTPS/json" "$HTTP/json"
	contains rec.out Content-Length
}

test_head_then_get() {
	# On one connection: the head's Content-Length must not swallow the next answer.
	start_server
	round_trip 0 "${CURL[@]}" -I "$HTTPS/json" --next "${CURL[@]:1}" "$HTTPS/json"
}

test_status_without_body() {
	start_server
	round_trip 0 "${CURL[@]}" -i "$HTTPS/204" "$HTTPS/json" "$HTTPS/304" "$HTTPS/json"
	contains rec.out '304 Not Modified'
}

test_early_hints() {
	start_server
	round_trip 0 "${CURL[@]}" -i "$HTTPS/early" "$HTTPS/json"
	contains rec.out '103 Early Hints'
}

test_expect_continue() {
	start_server
	head -c 2000000 /dev/urandom >body
	round_trip 0 "${CURL[@]}" -v -H 'Expect: 100-continue' "$HTTPS/echo" --data-binary @body
	contains rec.out '"length": 2000000'
	contains rec.out "$(sha256sum <body | cut -d ' ' -f 1)"
	contains rec.err '100 Continue'
	contains rep.err '100 Continue'
}

test_redirects() {
	start_server
	round_trip 0 "${CURL[@]}" -L -w '%{num_redirects} %{url_effective}\n' "$HTTPS/redirect?n=3"
	contains rec.out 'after=redirect'
}

test_redirect_of_a_post() {
	start_server
	round_trip 0 "${CURL[@]}" -L "$HTTPS/redirect-post" -d 'a=1'
	contains rec.out '"length": 3'
}

test_compressed() {
	start_server
	round_trip 0 "${CURL[@]}" --compressed "$HTTPS/gzip" "$HTTPS/gzip-stream" "$HTTPS/gzip-empty" "$HTTPS/json"
	contains rec.out data:
}

test_compressed_as_received() {
	start_server
	round_trip 0 "${CURL[@]}" --raw "$HTTPS/gzip" "$HTTPS/gzip-zero" "$HTTPS/gzip-empty"
	not_empty rec.out
}

test_chunk_framing() {
	# Extensions, trailers, lower-case names, and the framing itself (--raw) come back.
	start_server
	round_trip 0 "${CURL[@]}" -i --raw "$HTTP/chunked" "$HTTPS/chunked" "$HTTPS/ends-in-zero" \
		"$HTTPS/ends-in-zero?length=1" "$HTTPS/json"
	contains rec.out ';name=value'
	contains rec.out 'X-Sum: '
}

test_sse_line_ends() {
	start_server
	round_trip 0 "${CURL[@]}" -N "$HTTPS/sse?eol=cr" "$HTTPS/sse?eol=lf" "$HTTPS/sse?eol=crlf"
	contains rec.out 'event: e3'
}

test_split_characters() {
	start_server
	round_trip 0 "${CURL[@]}" -N "$HTTPS/utf8"
	contains rec.out '€😀'
}

test_binary() {
	start_server
	round_trip 0 "${CURL[@]}" "$HTTPS/binary" "$HTTP/binary"
	"$RRSHIM" cat "$(recording)" 1 >body
	cmp -n 4000 body rec.out || fail "cat gives other bytes than the program received"
}

test_http10() {
	start_server
	round_trip 0 "${CURL[@]}" "$HTTPS/until-close" "$HTTPS/until-close?old=1" "$HTTP/until-close"
	equal lines 15 "$(grep -c line rec.out)"
}

test_silence() { # timeout=90 sanitizers=none
	start_server
	round_trip 0 curl -sSN --max-time 60 "$HTTPS/silent?seconds=12"
	contains rec.out 'data: last'
}

test_silence_not_replayed() { # sanitizers=none
	# --timing none leaves the pauses out, and nothing else.
	start_server
	record curl -sSN "$HTTPS/silent?seconds=5"
	stop_server
	REPLAY_OPTIONS=(--timing none)
	replay_offline "${CURL[@]}" -N "$HTTPS/silent?seconds=5"
	same
	assert_zero_miss
}

test_timing_factor() {
	start_server
	record "${CURL[@]}" -N "$HTTPS/v1/chat/completions?delay=100" -d '{}'
	stop_server
	REPLAY_OPTIONS=(--timing x10)
	replay_offline "${CURL[@]}" -N "$HTTPS/v1/chat/completions?delay=100" -d '{}'
	same
	assert_zero_miss
}

test_refused() {
	start_server
	stop_server
	record "${CURL[@]}" "$HTTPS/json"
	equal status 7 "$rec_status"
	replay_offline "${CURL[@]}" "$HTTPS/json"
	same
	contains rep.err "$(grep -ao 'Failed to connect to.*port' rec.err | head -n 1)"
}

test_reset() {
	start_server
	round_trip 56 "${CURL[@]}" "$HTTP/reset?after=5000"
	equal "bytes before the reset" 5000 "$(wc -c <rec.out)"
}

test_reset_tls() {
	start_server
	round_trip 56 "${CURL[@]}" "$HTTPS/reset?after=5000"
	equal "bytes before the reset" 5000 "$(wc -c <rec.out)"
}

test_reset_without_answer() {
	start_server
	record "${CURL[@]}" "$HTTPS/reset-at-once"
	equal status 56 "$rec_status"
	stop_server
	replay_offline "${CURL[@]}" "$HTTPS/reset-at-once"
	same
}

test_cut() {
	# The server ends in the middle of a body: curl says so, at the same byte.
	start_server
	round_trip 18 "${CURL[@]}" "$HTTP/cut?after=777"
	equal "bytes before the end" 777 "$(wc -c <rec.out)"
}

test_cut_tls() {
	start_server
	record "${CURL[@]}" "$HTTPS/cut?after=777"
	((rec_status != 0)) || fail "curl accepted a truncated body"
	equal "bytes before the end" 777 "$(wc -c <rec.out)"
	stop_server
	replay_offline "${CURL[@]}" "$HTTPS/cut?after=777"
	same
	assert_zero_miss
}

test_cut_stream() {
	start_server
	record "${CURL[@]}" -N "$HTTPS/cut-chunked"
	((rec_status != 0)) || fail "curl accepted a truncated stream"
	contains rec.out hal
	stop_server
	replay_offline "${CURL[@]}" -N "$HTTPS/cut-chunked"
	same
	assert_zero_miss
}

test_no_close_notify() {
	start_server
	record "${CURL[@]}" "$HTTPS/until-close?rude=1"
	stop_server
	replay_offline "${CURL[@]}" "$HTTPS/until-close?rude=1"
	same
	assert_zero_miss
}

test_close_notify() {
	start_server
	round_trip 0 "${CURL[@]}" "$HTTPS/until-close"
}

test_name_not_found() {
	record "${CURL[@]}" http://name.invalid/
	equal status 6 "$rec_status"
	replay_offline "${CURL[@]}" http://name.invalid/
	same
	contains rep.err 'Could not resolve host: name.invalid'
}

test_timeout() {
	# The client gives up; in replay the answer does not come either.
	start_server
	record curl -sS --max-time 2 "$HTTPS/hang"
	equal status 28 "$rec_status"
	stop_server
	replay_offline curl -sS --max-time 2 "$HTTPS/hang"
	same
}

test_retry_chain() {
	# 429, 429, then the answer: the chain, not its first link, is what replays.
	start_server
	round_trip 0 "${CURL[@]}" --retry 5 "$HTTPS/flaky?fail=2" -o out -w '%{http_code} %{num_retries}\n'
	contains out '"attempt": 3'
	equal requests 3 "$(exchanges)"
}

test_failures_then_success() {
	start_server
	round_trip 0 sh -c 'for status in 500 reset 429; do
		for i in 1 2; do
			curl -sS --max-time 20 "$HTTPS/flaky?fail=1&status=$status&key=$status"; echo " -> $?"
		done
	done'
	equal "failures and successes" 3 "$(grep -c '"attempt": 2' rec.out)"
	contains rec.out '-> 56'
}

test_certificate_not_trusted() {
	# Trusting is the program's own affair: without the authority it refuses, and with -k it goes on.
	start_server
	record env -u SSL_CERT_FILE -u CURL_CA_BUNDLE "${CURL[@]}" "$HTTPS/json"
	equal status 60 "$rec_status"
	record env -u SSL_CERT_FILE -u CURL_CA_BUNDLE "${CURL[@]}" -k "$HTTPS/json"
	equal status 0 "$rec_status"
	stop_server
	replay_offline env -u SSL_CERT_FILE -u CURL_CA_BUNDLE "${CURL[@]}" -k "$HTTPS/json"
	same
	assert_zero_miss
}

test_added_to_a_pipeline() {
	start_server
	round_trip 0 bash -c 'set -o pipefail
		curl -sS "$HTTPS/json" | tr a-z A-Z | curl -sS "$HTTPS/echo" -d @- | cat'
	contains rec.out sha256
}

test_unrecorded_requests_are_the_same() {
	# The server sees the same requests with and without rrshim.
	start_server
	chat_body
	local what=("${CURL[@]}" "$HTTPS/v1/chat/completions?delay=0" -d @prompt.json "$HTTPS/json")
	"${what[@]}" >/dev/null
	record "${what[@]}"
	query server/log 'd[0]["headers"] == d[2]["headers"] and d[1]["headers"] == d[3]["headers"]' >same
	equal "same headers" True "$(cat same)"
}
