# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# replay --fault: what clients make of answers that go wrong.

injected() { # NUMBER
	query rep.json "d['faults'][${1:-0}]['injected']"
}

recorded_stream() {
	start_server
	record curl -sSN "$HTTPS/v1/chat/completions" -d '{}'
	equal status 0 "$rec_status"
	stop_server
}

# replay_with STATUS FAULT… -- CMD…
replay_with() {
	local expected=$1
	shift
	REPLAY_OPTIONS=(--timing none)
	while [[ $1 != -- ]]; do
		REPLAY_OPTIONS+=(--fault "$1")
		shift
	done
	shift
	replay_offline "$@"
	[[ $rep_status == "$expected" ]] || {
		show_file rep.err
		fail "status $rep_status, expected $expected"
	}
}

test_curl_sees_each() { # timeout=60 sanitizers=asan
	recorded_stream
	local ask=(curl -sSN --max-time 20 "$HTTPS/v1/chat/completions" -d '{}')
	# 18: a part of the body; 56: reset; 22: the status, by --fail.
	replay_with 18 cut,after=3events -- "${ask[@]}"
	equal "events before the cut" 3 "$(grep -c '^data: ' rep.out)"
	equal "the answer is left" 1 "$(query rep.json 'd["unused"]')"
	contains rep.err 'rrshim: fault cut,after=3events: injected 1 time'
	replay_with 56 reset -- "${ask[@]}"
	replay_with 22 status=529,path=/v1/* -- "${ask[@]}" --fail
	replay_with 28 stall,after=1event -- "${ask[@]}" --max-time 1
	equal "events before the stall" 1 "$(grep -c '^data: ' rep.out)"
	replay_with 0 stall=200ms,after=2events slow=2x,call=2 -- "${ask[@]}"
	same_file rec.out rep.out
	equal "injected" '1 0' "$(injected 0) $(injected 1)"
	contains rep.err 'fault slow=2x,call=2: injected never'
}

test_curl_retries() { # timeout=60 sanitizers=none
	recorded_stream
	replay_with 0 status=503,times=2 -- \
		curl -sSN --retry 3 --retry-delay 1 -o answer "$HTTPS/v1/chat/completions" -d '{}'
	same_file rec.out answer
	equal injected 2 "$(injected)"
	assert_zero_miss
}

test_a_fault_that_is_none() {
	local status=0
	"$RRSHIM" replay --fault cut,after=3things -- true 2>err || status=$?
	equal status 2 "$status"
	contains err "--fault 'cut,after=3things'"
}

# Retries with a body whose recorded answer is a stream, and gives up a stream that is cut.
test_sdk() { # timeout=120 sanitizers=none
	# shellcheck source=tests/e2e/test_node.sh
	source "$TESTS/e2e/test_node.sh"
	node_trusting
	need_package openai
	record "$NODE" "$CLIENTS/node_packages.js" openai
	equal status 0 "$rec_status"
	stop_server
	replay_with 0 status=529,times=1 -- "$NODE" "$CLIENTS/node_packages.js" openai
	same_file rec.out rep.out
	assert_zero_miss
	replay_with 1 cut,after=3events -- "$NODE" "$CLIENTS/node_packages.js" openai
	equal "words before the cut" 3 "$(grep -c . rep.out)"
}
