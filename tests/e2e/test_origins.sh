# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Values that are another in every run are known by where programs have them from.

# elsewhere CMD…: replays as another user, in another folder.
elsewhere() {
	REPLAY_OPTIONS=("$(recording)")
	mkdir -p somewhere/else
	cd somewhere/else || return
	HOME=/home/somebody USER=somebody LOGNAME=somebody replay_offline "$@"
	cd "$OLDPWD" || return
	mv somewhere/else/rep.* .
}

# random_origins FOLDER: how many values of random bytes the recording names.
random_origins() {
	"$RRSHIM" events "$1" --json | grep session.origin | grep -c '"random"' || true
}

test_python() { # sanitizers=asan,tsan
	start_server
	record "$PYTHON" "$CLIENTS/origins.py" same
	equal status 0 "$rec_status"
	stop_server
	equal "random values" 5 "$(random_origins "$(recording)")"
	elsewhere "$PYTHON" "$CLIENTS/origins.py" same
	same
	assert_zero_miss
	# What differs in meaning is another request all the same.
	elsewhere "$PYTHON" "$CLIENTS/origins.py" other
	equal "missed calls" 1 "$(query rep.json 'd["missed"]')"
}

test_under_the_preload_alone() {
	start_server
	LD_PRELOAD=$SHIM "$PYTHON" "$CLIENTS/origins.py" same >pre.out
	stop_server
	# Drawn before there was a session, but for the last.
	equal "random values" 5 "$(random_origins "$(recording)")"
}

test_shell() {
	start_server
	# shellcheck disable=SC2016 # for the inner shell
	local program='d=$(mktemp -d); curl -sS -d "made $d by $$" "$HTTP/json"; rmdir "$d"'
	record bash -c "$program"
	equal status 0 "$rec_status"
	stop_server
	elsewhere bash -c "$program"
	same
	assert_zero_miss
}

test_node() {
	: "${NODE:=$("$TESTS/clients.sh" --where)/bin/node}"
	[[ -x $NODE ]] || fail "'$NODE' is not there: run tests/clients.sh"
	start_server
	record "$NODE" "$CLIENTS/origins.js"
	equal status 0 "$rec_status"
	stop_server
	elsewhere "$NODE" "$CLIENTS/origins.js"
	same
	assert_zero_miss
}

test_draws_stay_in_memory() {
	start_server
	UNSENT=$PWD/unsent record "$PYTHON" "$CLIENTS/origins.py" same
	equal status 0 "$rec_status"
	stop_server
	equal "random values" 5 "$(random_origins "$(recording)")"
	"$PYTHON" - "$TESTS/e2e/on_disk.py" "$RRSHIM_DIR" <<-'END' || fail "what was drawn is on disk"
		import base64, subprocess, sys
		drawn = open("unsent", "rb").read()
		raw = max(drawn.split(b"\0"), key=len)
		words = [drawn.hex(), drawn.hex()[:16], base64.b64encode(drawn), base64.urlsafe_b64encode(drawn)]
		sys.exit(subprocess.call([sys.executable, *sys.argv[1:], *words, *([raw] if len(raw) > 7 else [])]))
	END
}

test_another_day() {
	command -v faketime >/dev/null || skip "there is no faketime"
	start_server
	record "$PYTHON" "$CLIENTS/today.py"
	equal status 0 "$rec_status"
	stop_server
	# The helper's clock is not the program's.
	replay_offline faketime '+400 days' "$PYTHON" "$CLIENTS/today.py"
	same
	assert_zero_miss
}
