# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Calls at once, in another order in every run: nobody gets another's answer.
# RRSHIM_TEST_REPLAYS says how often each recording is replayed (3).

: "${RRSHIM_TEST_REPLAYS:=3}"

# replay_often CMD…: all of them as the recorded run.
replay_often() {
	local i
	for ((i = 0; i < RRSHIM_TEST_REPLAYS; i++)); do
		replay_offline "$@"
		same
		assert_zero_miss
	done
}

documents() { # HOW
	start_server
	REPLAY_OPTIONS=(--timing none)
	record "$PYTHON" "$CLIENTS/pipeline.py" "$1" 32
	equal status 0 "$rec_status"
	equal "documents answered" 32 "$(grep -c . rec.out)"
	stop_server
	replay_often "$PYTHON" "$CLIENTS/pipeline.py" "$1" 32
	equal "served" 64 "$(query rep.json 'd["served"]')"
}

test_documents_by_threads() { # timeout=120 sanitizers=tsan
	documents threads
}

test_documents_by_coroutines() { # timeout=120 sanitizers=none
	documents coroutines
}
