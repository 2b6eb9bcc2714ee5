# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What a replay tells about itself: misses explained, statistics, guards, checkpoints.

# say SYSTEM USER MODEL: a chat request, as a command line.
say() {
	echo "curl -sS '$HTTPS/echo' -H 'Content-Type: application/json' -H 'X-Run: $1'" \
		"-d '{\"model\":\"$3\",\"trace\":\"run-$1\",\"messages\":[" \
		"{\"role\":\"system\",\"content\":\"Work in /srv/job-$1/x, be brief and never lie.\"}," \
		"{\"role\":\"user\",\"content\":\"$2\"}]}'; echo;"
}

# replay_here COMMAND…: without a server; its report is kept.
replay_here() {
	rep_status=0
	"$RRSHIM" replay ${REPLAY_OPTIONS[@]+"${REPLAY_OPTIONS[@]}"} -- "$@" >rep.out 2>rep.err || rep_status=$?
	no_sanitizer_report rep.err
}

fits_80_columns() { # FILE
	"$PYTHON" - "$1" <<-'END'
		import sys
		lines = open(sys.argv[1], encoding="utf-8").read().split("\n")
		long = [l for l in lines if len(l) > 80 and not l.startswith("recording /")]
		if long:
		    sys.exit(f"longer than 80: {long}")
	END
}

test_mismatches_and_explain() { # sanitizers=asan
	start_server
	record sh -c "$(say 7210 'fix the bug' m-1)"
	stop_server
	replay_here sh -c "$(say 7210 'fix the bug' m-1) $(say 7210 'fix the bug' m-1)
		$(say 7210 'fix the bugs, please' m-1) $(say 7210 'fix the bug' m-2) curl -sS http://nowhere.test/x"
	equal status 86 "$rep_status"

	"$RRSHIM" mismatches >list 2>&1 || fail "mismatches failed: $(cat list)"
	contains list '  1 used_up                 1 POST'
	contains list '+ fix the bugs, please'
	contains list "('m-1' is now 'm-2')"
	contains list nowhere.test
	fits_80_columns list
	"$RRSHIM" mismatches --json >list.json
	equal count 4 "$(query list.json 'd["mismatch_count"]')"
	equal types "['used_up', 'different', 'different', 'name_not_recorded']" \
		"$(query list.json '[m["type"] for m in d["mismatches"]]')"
	equal nearest 1 "$(query list.json 'd["mismatches"][1]["nearest"]')"
	equal expected POST "$(query list.json 'd["mismatches"][1]["expected"]["method"]')"
	equal kinds "['prompt', 'model']" \
		"$(query list.json '[m["differences"][0]["kind"] for m in d["mismatches"][1:3]]')"

	"$RRSHIM" explain 1 >one
	contains one 'call 1    exact after'
	contains one 'repeat: last'
	"$RRSHIM" explain 2 >two
	fits_80_columns two
	contains two 'a different request'
	lacks two 'rules:'
	"$RRSHIM" explain last --call 1 --json >call.json
	contains call.json '"normalised_key"'
	local status=0
	"$RRSHIM" explain 9 >nine 2>&1 || status=$?
	equal status 1 "$status"
	contains nine 'has 4 mismatches, not 9'
}

test_the_rule_it_names_makes_it_match() {
	start_server
	record sh -c "$(say 7210 'fix the bug' m-1)"
	stop_server
	replay_here sh -c "$(say 7345 'fix the bug' m-1)"
	equal status 86 "$rep_status"
	"$RRSHIM" explain 1 >one
	contains one 'Nothing that differs looks as if it were meant'
	sed -n '/^rules:/,$p' one >rrshim.yaml
	REPLAY_OPTIONS=(--rules rrshim.yaml)
	replay_here sh -c "$(say 7345 'fix the bug' m-1)"
	equal "status with $(cat rrshim.yaml)" 0 "$rep_status"
	contains rep.err '1 served, 1 of them normalised, 0 missed, 0 unused'
	# And nothing else does.
	replay_here sh -c "$(say 7345 'fix the bugs' m-1)"
	equal status 86 "$rep_status"
}

test_stats_and_the_last_ten() {
	start_server
	record curl -sS "$HTTPS/json?a" "$HTTPS/json?b"
	stop_server
	replay_here curl -sS "$HTTPS/json?a"
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		replay_here curl -sS "$HTTPS/json?a" "$HTTPS/json?c"
	done
	"$RRSHIM" stats --json >stats.json
	equal replays 10 "$(query stats.json 'len(d["replays"])')"
	equal numbers '1 1 1 1 0.5' "$(query stats.json '" ".join(str(d[k]) for k in
		("mismatch_count", "exact", "missed", "unused", "success_rate"))')"
	equal types "{'different': 1}" "$(query stats.json 'd["mismatch_types"]')"
	equal coverage '2 1 1 0.5' "$(query stats.json '" ".join(str(d["coverage"][k]) for k in
		("recorded", "served", "unused", "ratio"))')"
	equal call '1 exact True' "$(query stats.json '"%d %s %s" % (d["calls"][0]["number"],
		d["calls"][0]["outcome"], d["calls"][0]["replayed"]["duration_ns"] > 0)')"
	"$RRSHIM" stats --calls >stats.out
	contains stats.out 'success   50.0 % of what was asked for'
	equal "kept reports" 10 "$(find recordings/.replays -name '*.json' | wc -l)"
	equal "their modes" 600 "$(find recordings/.replays -type f -printf '%m\n' | sort -u)"
	equal recordings 1 "$("$RRSHIM" ls --json | "$PYTHON" -c 'import json, sys; print(len(json.load(sys.stdin)))')"
	REPLAY_OPTIONS=(--no-history)
	rm -r recordings/.replays
	replay_here curl -sS "$HTTPS/json?a"
	[[ ! -e recordings/.replays ]] || fail "--no-history left a report"
}

test_no_secret_in_a_report() {
	start_server
	record curl -sS "$HTTPS/echo" -H 'Authorization: Bearer sk-one-0123456789abcdefghijklmn' -d 'x=1'
	stop_server
	REPLAY_OPTIONS=(--report rep.json)
	replay_here curl -sS "$HTTPS/echo?api_key=sk-two-0123456789abcdefghijklmn" \
		-H 'Authorization: Bearer sk-two-0123456789abcdefghijklmn' -d 'x=2'
	equal status 86 "$rep_status"
	! grep -raqF sk-two-0123456789abcdefghijklmn rep.json recordings || fail "a secret is on disk"
}

test_require_all() {
	start_server
	record curl -sS "$HTTPS/json?a" "$HTTPS/json?b"
	stop_server
	REPLAY_OPTIONS=(--require-all)
	replay_here curl -sS "$HTTPS/json?a"
	equal status 87 "$rep_status"
	contains rep.err 'recorded calls that nobody asked for: 1'
	replay_here curl -sS "$HTTPS/json?a" "$HTTPS/json?b"
	equal status 0 "$rep_status"
}

test_max_age() {
	start_server
	record curl -sS "$HTTPS/json"
	stop_server
	sleep 2.1
	REPLAY_OPTIONS=(--max-age 1s)
	replay_here curl -sS "$HTTPS/json"
	equal status 0 "$rep_status"
	contains rep.err ' old, --max-age 1.00 s'
	REPLAY_OPTIONS=(--max-age 1s:refuse)
	replay_here touch started
	equal status 88 "$rep_status"
	[[ ! -e started ]] || fail "the program was started"
	REPLAY_OPTIONS=(--max-age 30d:refuse)
	replay_here curl -sS "$HTTPS/json"
	equal status 0 "$rep_status"
	REPLAY_OPTIONS=(--max-age soon)
	replay_here true
	equal status 2 "$rep_status"
}

test_checkpoints() { # sanitizers=asan
	start_server
	cat >three.py <<-'END'
		import ctypes, os, subprocess, sys
		def get(name):
		    subprocess.run(["curl", "-sS", os.environ["HTTPS"] + "/json?" + name], check=True)
		    print(flush=True)
		wanted = sys.argv[1]
		if "a" in wanted:
		    get("a")
		if wanted == "abc":
		    subprocess.run([os.environ["RRSHIM"], "checkpoint", "planned", "--metadata", '{"step": 1}'], check=True)
		if "b" in wanted:
		    get("b")
		if wanted == "abc":
		    mark = ctypes.CDLL(None).rrs_checkpoint
		    assert mark(b"done", None) == 0
		    assert mark(None, None) < 0
		    assert mark(b"x" * 256, None) < 0
		if "c" in wanted:
		    get("c")
	END
	export RRSHIM
	record "$PYTHON" three.py abc
	equal status 0 "$rec_status"
	stop_server
	"$RRSHIM" show >show.out
	contains show.out 'planned'
	"$RRSHIM" show --json >show.json
	equal checkpoints "['planned', 'done']" "$(query show.json '[c["label"] for c in d["checkpoints"]]')"
	"$RRSHIM" events --json --type recording.checkpoint >events.json
	contains events.json '"metadata":{"step":1}'

	replay_offline "$PYTHON" three.py abc
	same
	assert_zero_miss
	REPLAY_OPTIONS=(--from planned --require-all)
	replay_offline "$PYTHON" three.py bc
	equal status 0 "$rep_status"
	REPLAY_OPTIONS=(--from planned --until 'done' --require-all)
	replay_offline "$PYTHON" three.py b
	equal status 0 "$rep_status"
	REPLAY_OPTIONS=(--until 'done')
	replay_offline "$PYTHON" three.py bc
	equal status 86 "$rep_status"
	REPLAY_OPTIONS=(--from nowhere)
	replay_offline "$PYTHON" three.py bc
	equal status 125 "$rep_status"
	contains rep.err "no checkpoint 'nowhere'"
}

test_checkpoint_outside_of_a_session() {
	local status=0
	"$RRSHIM" checkpoint here 2>err || status=$?
	equal status 1 "$status"
	contains err 'this is no session'
	"$RRSHIM" checkpoint here --metadata '{' 2>err || status=$?
	equal status 2 "$status"
}

test_until_a_checkpoint_then_live() {
	# Up to there as recorded, from there on by the mode: the real server is asked.
	start_server
	record sh -c 'curl -sS "$HTTPS/json?a"; '"$RRSHIM"' checkpoint planned; curl -sS "$HTTPS/json?b"'
	local before
	before=$(requests_seen)
	REPLAY_OPTIONS=(--mode hybrid --until planned --report rep.json)
	replay_here sh -c 'curl -sS "$HTTPS/json?a"; curl -sS "$HTTPS/json?b"'
	equal status 0 "$rep_status"
	equal "requests that reached the server" $((before + 1)) "$(requests_seen)"
	equal totals '1 1 0' "$(query rep.json '"%d %d %d" % (d["served"], d["live"], d["missed"])')"
}

test_the_nearest_is_a_warning() {
	start_server
	record sh -c "$(say 7210 'fix the bug in the parser, then run all the tests' m-1)"
	stop_server
	REPLAY_OPTIONS=(--mode warn)
	replay_here sh -c "$(say 7210 'fix the bug in the parser, then run all tests' m-1)"
	"$RRSHIM" mismatches >list
	contains list "answered with the nearest call's answer"
	contains list 'run all the tests'
	"$RRSHIM" stats --json >stats.json
	equal nearest 1 "$(query stats.json 'd["nearest"]')"
}
