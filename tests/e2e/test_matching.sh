# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Whose answer a request gets, where others are much like it.

# again CLIENT ARG…: replays offline with other arguments than it was recorded with.
again() {
	replay_offline "$PYTHON" "$CLIENTS/$1" "${@:2}"
}

test_sessions_interleaved_otherwise() {
	start_server
	record "$PYTHON" "$CLIENTS/sessions.py" session abbaab
	equal status 0 "$rec_status"
	stop_server
	again sessions.py session abababab
	equal "both asked once more than recorded" 86 "$rep_status"
	equal "answers of a" "$(grep ^a rec.out) refused 400" "$(grep ^a rep.out)"
	equal "answers of b" "$(grep ^b rec.out) refused 400" "$(grep ^b rep.out)"
	again sessions.py session ababab
	same
	assert_zero_miss 6
	equal "all of them normalised" 6 "$(query rep.json 'd["normalised"]')"
}

test_one_session_asks_too_often() {
	# Its third question gets no answer that was the other one's.
	start_server
	record "$PYTHON" "$CLIENTS/sessions.py" session abab
	stop_server
	again sessions.py session aaabb
	equal status 86 "$rep_status"
	equal "answers of a" "$(grep ^a rec.out) refused 400" "$(grep ^a rep.out)"
	equal "answers of b" "$(grep ^b rec.out)" "$(grep ^b rep.out)"
	equal "kind of the miss" used_up "$(query rep.json 'd["misses"][0]["type"]')"
	contains rep.err 'other ids'
}

test_polls_of_two_batches() {
	start_server
	record "$PYTHON" "$CLIENTS/sessions.py" batch abbbab
	stop_server
	again sessions.py batch bbabba
	same
	assert_zero_miss 8
	again sessions.py batch bbaaabb
	equal status 86 "$rep_status"
	equal "the batch that is polled once more" "$(grep ^a rec.out) refused 400" "$(grep ^a rep.out)"
	equal "the other" "$(grep ^b rec.out)" "$(grep ^b rep.out)"
}

chat_body() {
	printf '{"model":"m","messages":[{"role":"user","content":"%s"}]}' "$1"
}

# say WHAT…: asks for each into a file of its own; "&" after one: at the same time as what follows.
say() {
	local what
	for what; do
		if [[ $what == '&'* ]]; then
			curl -sS "$HTTPS/echo" -H 'Content-Type: application/json' -d "$(chat_body "${what#&}")" \
				-o "${what#&}.out" &
		else
			curl -sS "$HTTPS/echo" -H 'Content-Type: application/json' -d "$(chat_body "$what")" \
				-o "$what.out"
		fi
	done
	wait
	cat title.out turn.out
}

test_title_races_the_first_turn() {
	local order
	{ declare -f chat_body say && echo 'say "$@"'; } >say.sh
	start_server
	record bash say.sh title turn
	equal status 0 "$rec_status"
	stop_server
	for order in 'turn title' '&turn title' '&title turn'; do
		# shellcheck disable=SC2086
		replay_offline bash say.sh $order
		same
		assert_zero_miss 2
	done
}

test_every_recording_is_checked() {
	start_server
	record sh -c 'curl -sS "$HTTPS/json"; curl -sS "$HTTPS/json"; curl -sS "$HTTPS/page?i=1"'
	equal "in the manifest" '3 3 [] []' "$(query "$(recording)/manifest.json" \
		'"%(requests)d %(matched)d %(ambiguous)s %(failed)s" % d["self_check"]')"
	lacks rec.err 'rrshim check'
	"$RRSHIM" check >check.out || fail "rrshim check failed"
	contains check.out '3 of 3 requests get their own answer'
}

test_what_only_order_tells_apart() {
	start_server
	record sh -c 'curl -sS "$HTTPS/counter?ms=1000" & curl -sS "$HTTPS/counter?ms=1000" & wait'
	contains rec.err "nothing but their order tells 1 request from another"
	equal "pairs" '[[1, 2]]' "$("$RRSHIM" check --json >check.json && query check.json 'd["ambiguous"]')"
}

test_a_pid_in_a_prompt() {
	# No spelling shows what it is; it is known of both runs whose it is.
	local ask='curl -sS "$HTTPS/echo" -H "Content-Type: application/json" \
		-d "{\"model\":\"m\",\"messages\":[{\"role\":\"tool\",\"content\":\"started as $1 $$\"}]}"'
	start_server
	record sh -c "$ask" sh process
	stop_server
	replay_offline sh -c "true; $ask" sh process
	same
	assert_zero_miss
	equal "explained by its origin" 1 "$(query rep.json 'd["explained"]')"
	replay_offline sh -c "true; $ask" sh job
	equal status 86 "$rep_status"
}
