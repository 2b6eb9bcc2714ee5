# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Calls of a replay that go to the real server, and the child recording they become part of.

# replay_live OPTION… -- CMD…: where there is a network; output as replay_offline()'s.
replay_live() {
	rep_status=0
	rm -f rep.json
	"$RRSHIM" replay --report rep.json "$@" >rep.out 2>rep.err || rep_status=$?
	no_sanitizer_report rep.err
}

child() { # the path of the child that the last replay made
	local name
	name=$(query rep.json 'd["child"]') || fail "the replay made no child"
	echo "$RRSHIM_DIR/$name"
}

# replay_child CMD…: offline, strictly; must be as the live run was, with nothing missed.
replay_child() {
	local path
	path=$(child) || exit 1
	mv rep.out live.out
	live_status=$rep_status
	stop_server
	REPLAY_OPTIONS=("$path")
	replay_offline "$@"
	[[ $live_status == "$rep_status" ]] || {
		show_file rep.err 40
		fail "exit status $live_status live, $rep_status when the child was replayed"
	}
	cmp -s live.out rep.out || show_file rep.err 40
	same_file live.out rep.out
	equal "missed calls" 0 "$(query rep.json 'd["missed"]')"
}

totals() {
	query rep.json '"%d exact, %d normalised, %d live, %d missed, %d unused" % (
		d["exact"], d["normalised"], d["live"], d["missed"], d["unused"])'
}

test_hybrid() { # sanitizers=asan,tsan
	# What was recorded is served, what was not is asked; the child holds both.
	start_server
	record curl -sS "$HTTPS/json?a"
	local before parent
	before=$(requests_seen)
	parent=$(basename "$(recording)")
	set -- curl -sS "$HTTPS/json?a" "$HTTPS/sse?new" -H 'Authorization: Bearer open-sesame-42'
	replay_live --mode hybrid -- "$@"
	equal status 0 "$rep_status"
	equal totals '1 exact, 0 normalised, 1 live, 0 missed, 0 unused' "$(totals)"
	equal "requests that reached the server" $((before + 1)) "$(requests_seen)"
	head -n 1 rep.out | cmp -s - rec.out || fail "the recorded call was not served"
	contains rep.err "1 live call; recorded with the rest in rec_"
	equal "parent" "$parent" "$(query "$(child)/manifest.json" \
		'"/".join(d["parent"]["path"].split("/")[-1:])')"
	equal "live calls" 1 "$(query "$(child)/manifest.json" 'd["live"]')"
	contains server/log open-sesame-42
	"$PYTHON" "$TESTS/e2e/on_disk.py" "$(child)" open-sesame-42 || fail "a secret is on disk"
	replay_child "$@"
	equal served 2 "$(query rep.json 'd["served"]')"
}
