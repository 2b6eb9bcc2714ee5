# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Rules of the user's, and those that are learned from two recordings.

test_bad_file() {
	start_server
	record curl -sS "$HTTPS/json"
	cat >bad.yaml <<-'END'
		rules:
		  - name: x
		    header: {ignore: [x-run]}
	END
	rep_status=0
	"$RRSHIM" replay --rules bad.yaml -- curl -sS "$HTTPS/json" >rep.out 2>rep.err || rep_status=$?
	equal status 125 "$rep_status"
	equal output "" "$(cat rep.out)"
	equal error "rrshim: replay: bad.yaml:3:5: unknown key 'header'; did you mean 'headers'?" "$(cat rep.err)"
	rep_status=0
	"$RRSHIM" rules --check bad.yaml >check.out 2>check.err || rep_status=$?
	equal "status of the check" 1 "$rep_status"
	contains check.err 'bad.yaml:3:5'
}

test_bad_file_leaves_recording_alone() {
	# One that merely lies there is said, and the program runs.
	start_server
	echo 'rules: {' >rrshim.yaml
	record curl -sS "$HTTPS/json"
	equal status 0 "$rec_status"
	contains rec.err 'rrshim.yaml:2:1'
	equal exchanges 1 "$(exchanges)"
}

test_users_rules() {
	start_server
	record curl -sS -H 'X-Run: a' "$HTTPS/echo?page=one" -H 'Content-Type: application/json' \
		-d '{"note":{"by":"me"},"text":"job red, done"}'
	stop_server
	local other=(curl -sS -H 'X-Run: b' "$HTTPS/echo?page=two" -H 'Content-Type: application/json'
		-d '{"note":{"by":"you"},"text":"job blue, done"}')
	replay_offline "${other[@]}"
	equal "status without rules" 86 "$rep_status"
	cat >rrshim.yaml <<-'END'
		rules:
		  - match: {host: localhost, path: /e*, method: POST}
		    headers: {ignore: [x-run]}
		    query: {mark: {page: page}}
		    json: {ignore: [$.note]}
		    text: [{pattern: 'job (?<value>[a-z]+)', mark: job}]
	END
	replay_offline "${other[@]}"
	same
	assert_zero_miss
	contains rep.err "by the rules of 'rrshim.yaml'"
	# What no rule speaks of still counts.
	replay_offline "${other[@]/done/failed}"
	equal "status with another text" 86 "$rep_status"
	# Another endpoint has other rules.
	sed -i 's/localhost/elsewhere/' rrshim.yaml
	replay_offline "${other[@]}"
	equal "status at another host" 86 "$rep_status"
}

test_which_apply() {
	"$RRSHIM" rules --json --host api.anthropic.com --path /v1/messages >rules.json
	equal provider anthropic "$(query rules.json 'd["provider"]')"
	equal "claude's rule" 1 "$(query rules.json 'sum(r["name"] == "claude" for r in d["rules"])')"
	equal "telemetry's rules" 0 "$(query rules.json 'sum("sink" in r for r in d["rules"])')"
	"$RRSHIM" rules --host api.segment.io --path /v1/batch >rules.out
	contains rules.out 'built-in telemetry.yaml'
	contains rules.out 'telemetry'
	start_server
	record curl -sS "$HTTPS/json"
	echo 'rules: [{name: mine, headers: {ignore: [x-run]}}]' >mine.yaml
	"$RRSHIM" rules --rules mine.yaml 1 >rules.out
	equal "first" 'mine  mine.yaml:1' "$(head -n 1 rules.out)"
	contains rules.out "GET $HTTPS/json"
}

two_runs() { # sets A and B
	record "$PYTHON" "$CLIENTS/agent.py" "$1" 1
	A=$(recording)
	record "$PYTHON" "$CLIENTS/agent.py" "$2" 2
	B=$(recording)
}

test_learn() {
	start_server
	two_runs 'count the words' 'count the words'
	stop_server
	REPLAY_OPTIONS=("$A")
	replay_offline "$PYTHON" "$CLIENTS/agent.py" 'count the words' 3
	equal "status without rules" 86 "$rep_status"
	"$RRSHIM" learn "$A" "$B" -o rrshim.yaml 2>learn.err || {
		show_file learn.err
		fail "learn did not explain all"
	}
	contains learn.err '2 of 2 calls of B match A'
	contains rrshim.yaml "'x-calls': number"
	contains rrshim.yaml "'\$.metadata.job': id"
	contains rrshim.yaml 'worker (?<value>'
	replay_offline "$PYTHON" "$CLIENTS/agent.py" 'count the words' 3
	equal status 0 "$rep_status"
	assert_zero_miss 2
	# It masked nothing else.
	replay_offline "$PYTHON" "$CLIENTS/agent.py" 'count the letters' 4
	equal "status with another prompt" 86 "$rep_status"
	"$RRSHIM" learn "$A" "$B" -o rrshim.yaml 2>learn.err && fail "a file was written over"
	contains learn.err 'it is there already'
}

test_learn_refuses() {
	start_server
	two_runs 'count the words' 'count the letters'
	stop_server
	local status=0
	"$RRSHIM" learn "$A" "$B" >learned.yaml 2>learn.err || status=$?
	equal status 1 "$status"
	# shellcheck disable=SC2016 # a JSON path
	contains learn.err 'not masked: $.messages[0].content, calls 1 and 1: words of what is asked'
	contains learn.err 'B: letters'
	lacks learned.yaml letters
	status=0
	# shellcheck disable=SC2016
	"$RRSHIM" learn --force '$.messages[0].content' "$A" "$B" >learned.yaml 2>learn.err || status=$?
	equal "status when forced" 0 "$status"
	contains learned.yaml "- '\$.messages[*].content'"
}
