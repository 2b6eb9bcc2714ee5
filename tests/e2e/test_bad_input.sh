# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Group: bad
#
# What goes wrong outside: said once, in words, with an exit status, and never a crash or a hang.

# refuses TEXT CMD…: it fails, but not by a signal, and its stderr has one sensible line with TEXT.
refuses() {
	local text=$1 status=0
	shift
	timeout 30 "$@" >refused.out 2>refused.err </dev/null || status=$?
	((status != 0)) || fail "'$*' succeeded"
	((status < 124 || status == 125)) || fail "'$*' ended with status $status"
	no_sanitizer_report refused.err
	contains refused.err "$text"
	(($(wc -l <refused.err) <= 4)) || {
		show_file refused.err
		fail "'$*' says more than it should"
	}
}

small_recording() {
	start_server
	record curl -sSN "$HTTPS/v1/chat/completions?delay=0&chunks=30" -d '{}' "$HTTPS/json" "$HTTPS/binary" "$HTTP/json"
	equal status 0 "$rec_status"
	stop_server
	REC=$(recording)
}

test_missing_recording() {
	local verb
	for verb in show events recover; do
		refuses nowhere "$RRSHIM" $verb ./nowhere
	done
	refuses nowhere "$RRSHIM" cat ./nowhere 1
	refuses nowhere "$RRSHIM" replay ./nowhere -- touch ran
	refuses recording "$RRSHIM" replay -- touch ran # there is none at all
	refuses recording "$RRSHIM" show
	[[ ! -e ran ]] || fail "the program ran without a recording"
}

test_not_a_recording() {
	mkdir empty rec_0123_1
	echo text >file
	local what verb
	for what in ./empty ./file ./rec_0123_1 /dev/null; do
		for verb in show events; do
			refuses "$what" "$RRSHIM" $verb $what
		done
		refuses "$what" "$RRSHIM" replay $what -- true
	done
}

test_unreadable_recording() {
	small_recording
	chmod 000 "$REC"/*
	local as=()
	if ((UID == 0)); then
		chmod 755 . .. "$RRSHIM_DIR" "$REC"
		as=(setpriv --reuid nobody --regid nogroup --clear-groups)
	fi
	refuses 'ermission denied' "${as[@]}" "$RRSHIM" show "$REC"
	refuses 'ermission denied' "${as[@]}" "$RRSHIM" events "$REC" --json
	refuses 'ermission denied' "${as[@]}" "$RRSHIM" replay "$REC" -- true
}

test_bad_manifest() {
	small_recording
	local text
	for text in '' '{' '[]' 'null' '{"format":99999}' '{"argv":7,"created":[],"totals":"x"}' "$(printf '[%.0s' {1..5000})"; do
		printf '%s' "$text" >"$REC/manifest.json"
		local status=0
		timeout 30 "$RRSHIM" show "$REC" >out 2>err || status=$?
		((status < 124)) || fail "show: status $status with the manifest '${text:0:40}'"
		status=0
		timeout 30 "$RRSHIM" ls >out 2>err || status=$?
		((status < 124)) || fail "ls: status $status with the manifest '${text:0:40}'"
		no_sanitizer_report err
	done
	rm "$REC/manifest.json"
	# The events are the truth: they open without it.
	"$RRSHIM" events "$REC" --json >events.json || fail "events need the manifest"
	not_empty events.json
}

test_newer_format() {
	small_recording
	"$PYTHON" - "$REC" <<-'END'
		# A header of version 2: XXH3 over the first 56 bytes is right.
		import ctypes, glob, struct, sys
		xxhash = ctypes.CDLL("libxxhash.so.0")
		xxhash.XXH3_64bits.restype = ctypes.c_uint64
		path = sorted(glob.glob(sys.argv[1] + "/events-*"))[0]
		data = bytearray(open(path, "rb").read())
		data[8:12] = struct.pack("<I", 2)
		head = bytes(data[:56])
		data[56:64] = struct.pack("<Q", xxhash.XXH3_64bits(head, ctypes.c_size_t(56)))
		open(path, "wb").write(data)
	END
	refuses newer "$RRSHIM" events "$REC" --json
	refuses newer "$RRSHIM" replay "$REC" -- touch ran
	[[ ! -e ran ]] || fail "the program ran"
}

# mangle WHAT: 1,000 times, at a place chosen at random, with show, events and cat each time.
mangle() {
	small_recording
	"$PYTHON" - "$1" "$RRSHIM" "$REC" "${2:-1000}" <<-'END' || fail "see above"
		import glob, os, random, shutil, subprocess, sys
		from concurrent.futures import ThreadPoolExecutor
		what, rrshim, rec, times = sys.argv[1:]
		files = sorted(glob.glob(rec + "/events-*"))
		whole = subprocess.run([rrshim, "events", rec, "--json"], stdout=subprocess.PIPE, check=True).stdout
		seed = random.randrange(1 << 30)
		print("seed", seed)
		def one(i):
		    chance = random.Random(seed + i)
		    copy = "copy%d" % i
		    shutil.copytree(rec, copy)
		    path = os.path.join(copy, os.path.basename(chance.choice(files)))
		    with open(path, "r+b") as f:
		        data = bytearray(f.read())
		        if what == "truncate":
		            place = i if i < 200 else chance.randrange(len(data))
		            f.truncate(place)
		        else:
		            for _ in range(chance.choice([1, 1, 1, 8, 100])):
		                place = chance.randrange(len(data))
		                data[place] ^= 1 << chance.randrange(8)
		            f.seek(0)
		            f.write(data)
		    command = chance.choice([["events", copy, "--json"], ["show", copy], ["show", copy, "--json"],
		        ["cat", copy, "1"], ["recover", copy]])
		    problem = None
		    try:
		        p = subprocess.run([rrshim] + command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
		            stdin=subprocess.DEVNULL, timeout=60)
		        text = p.stderr.decode("utf-8", "replace")
		        if p.returncode < 0 or p.returncode >= 90 or "Sanitizer" in text or "runtime error" in text:
		            problem = "status %d: %s" % (p.returncode, text[-3000:])
		        elif p.returncode and not text.strip():
		            problem = "status %d without a word" % p.returncode
		        elif what == "truncate" and command[0] == "events" and not whole.startswith(p.stdout):
		            problem = "what it shows is not a beginning of the whole"
		    except subprocess.TimeoutExpired:
		        problem = "hangs"
		    if problem:
		        return "%s, %s at %d of %d: %s" % (" ".join(command), what, place, len(data), problem)
		    shutil.rmtree(copy)
		with ThreadPoolExecutor(2) as pool:
		    problems = [p for p in pool.map(one, range(int(times))) if p]
		for problem in problems[:10]:
		    print(problem)
		sys.exit(bool(problems) and "%d of %s" % (len(problems), times))
	END
}

test_truncated() { # timeout=200
	mangle truncate
}

test_flipped() { # timeout=200
	mangle flip
}

test_replay_of_mangled() { # timeout=120
	# Replay of a recording cut off in the middle serves what is there and misses the rest.
	small_recording
	local i size events
	events=$(find "$REC" -name 'events-*' | sort | head -n 1)
	size=$(stat -c %s "$events")
	cp "$events" whole
	for i in 1 2 3 4 5 6 7 8; do
		head -c $((size * i / 9)) whole >"$events"
		REPLAY_OPTIONS=("$REC")
		replay_offline curl -sS --max-time 20 "$HTTPS/json"
		((rep_status != 0 && rep_status < 124)) || [[ $rep_status == 0 ]] || fail "status $rep_status"
	done
}

test_cut_off_is_recovered() {
	small_recording
	local events
	events=$(find "$REC" -name 'events-*' | sort | tail -n 1)
	truncate -s -5 "$events"
	sed -i 's/"complete"/"recording"/' "$REC/manifest.json"
	"$RRSHIM" recover "$REC" >out 2>err || fail "recover failed: $(cat err)"
	equal state recovered "$(state "$REC")"
	opens "$REC"
	# A second time there is nothing to do.
	"$RRSHIM" recover "$REC" >out 2>err || fail "recover failed the second time: $(cat err)"
}

test_full_disk() { # timeout=120
	# The program goes on as if nothing were; rrshim says it, and what was written opens.
	start_server
	mkdir small
	local body='
		mount -t tmpfs -o size=2m tmpfs small || exit 77
		RRSHIM_DIR=$PWD/small/recordings "$RRSHIM" record -- curl -sS --max-time 60 -o out "$HTTP/download?bytes=30000000" 2>rec.err
		echo $? >status
		"$RRSHIM" show "$(echo small/recordings/rec_*)" >show.out 2>show.err
		echo $? >show.status
		umount small 2>/dev/null'
	local status=0 unshare=(unshare -m)
	((UID == 0)) || unshare=(unshare -rm)
	# In a chroot the root is no mount point, whose propagation could be changed.
	"${unshare[@]}" true 2>/dev/null || unshare+=(--propagation unchanged)
	"${unshare[@]}" true 2>/dev/null || skip "no mount namespaces here"
	RRSHIM=$RRSHIM "${unshare[@]}" bash -c "$body" || status=$?
	((status != 77)) || skip "cannot mount a tmpfs here"
	equal "bytes the program received" 30000000 "$(stat -c %s out)"
	equal status 0 "$(cat status)"
	grep -aqi 'no space left' rec.err || {
		show_file rec.err
		fail "nobody said that the disk is full"
	}
	equal "status of show" 0 "$(cat show.status)"
	no_sanitizer_report rec.err show.err
}

test_read_only_folder() {
	start_server
	mkdir ro
	chmod 555 ro
	local as=()
	if ((UID == 0)); then
		chmod 755 . ..
		chmod 644 pki/*
		as=(setpriv --reuid nobody --regid nogroup --clear-groups)
	fi
	# Record fails open: said once, and the program runs.
	local status=0
	RRSHIM_DIR=$PWD/ro/recordings "${as[@]}" "$RRSHIM" record -- curl -sS "$HTTPS/json" >rec.out 2>rec.err || status=$?
	equal status 0 $status
	contains rec.out '"id"'
	contains rec.err ro/recordings
	grep -aqiE 'permission denied|read-only' rec.err || fail "no reason given: $(cat rec.err)"
	status=0
	RRSHIM_DIR=$PWD/ro/recordings LD_PRELOAD=$SHIM "${as[@]}" curl -sS "$HTTPS/json" >rec.out 2>rec.err || status=$?
	equal "status of the preloaded program" 0 $status
	contains rec.out '"id"'
	status=0
	"${as[@]}" "$RRSHIM" record -o "$PWD/ro/x" -- sh -c 'exit 5' 2>rec.err || status=$?
	equal status 5 $status
	contains rec.err ro/x
}

test_output_folder_is_a_file() {
	echo text >file
	local status=0
	"$RRSHIM" record -o file -- sh -c 'exit 5' 2>rec.err || status=$?
	equal status 5 $status
	contains rec.err file
}

test_library_missing() {
	# rrshim without its library: record lets the program run, replay must not.
	mkdir alone
	cp "$RRSHIM" alone/
	[[ ! -e $BUILD/rrshimd ]] || cp "$BUILD/rrshimd" alone/
	local status=0
	alone/rrshim record -- sh -c 'exit 5' >rec.out 2>rec.err || status=$?
	equal status 5 $status
	contains rec.err librrshim.so
	small_recording
	refuses librrshim.so alone/rrshim replay "$REC" -- touch ran
	[[ ! -e ran ]] || fail "the program ran unprotected"
}

test_helper_missing() {
	mkdir alone
	cp "$SHIM" alone/
	start_server
	local status=0
	LD_PRELOAD=$PWD/alone/librrshim.so bash -c 'curl -sS "$HTTP/json"; curl -sS "$HTTP/json"; exit 4' >rec.out 2>rec.err || status=$?
	equal status 4 $status
	equal answers 2 "$(grep -c '"id"' rec.out)"
	contains rec.err rrshimd
}

test_mock_port_taken() {
	"$PYTHON" -c '
import socket, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
open("port.new", "w").write(str(s.getsockname()[1]))
import os
os.rename("port.new", "port")
time.sleep(60)' &
	wait_until 10 test -s port || fail "no port"
	refuses "$(cat port)" "$RRSHIM" mock --port "$(cat port)"
	grep -aqi 'in use' refused.err || fail "no reason given: $(cat refused.err)"
}

test_bad_arguments() {
	refuses usage "$RRSHIM" record
	refuses usage "$RRSHIM" replay
	refuses nonsense "$RRSHIM" nonsense
	refuses nonsense "$RRSHIM" record --nonsense -- true
	refuses nonsense "$RRSHIM" replay --timing nonsense -- true
	refuses x0 "$RRSHIM" replay --timing x0 -- true
	refuses 'x-1' "$RRSHIM" replay --timing x-1 -- true
}

test_number_out_of_range() {
	small_recording
	local n
	for n in 0 5 99999999 -1 x 1x '' 18446744073709551617; do
		refuses "'$n'" "$RRSHIM" cat "$REC" "$n"
	done
	"$RRSHIM" cat "$REC" 4 >/dev/null || fail "number 4 is there"
}

test_bad_names() {
	small_recording
	local name
	for name in zzzz ../.. 'rec_' '%n%n' "$(printf 'a%.0s' {1..5000})"; do
		refuses recording "$RRSHIM" show "$name"
	done
}

test_report_cannot_be_written() {
	small_recording
	local status=0
	"$RRSHIM" replay --report /nonexistent/report "$REC" -- sh -c 'exit 0' >out 2>err || status=$?
	((status < 124)) || fail "status $status"
	contains err /nonexistent/report
}

test_output_to_a_closed_pipe() {
	small_recording
	"$RRSHIM" events "$REC" --json 2>err | head -n 1 >/dev/null || true
	no_sanitizer_report err
	lacks err 'rror'
	local status=0
	"$RRSHIM" cat "$REC" 1 >/dev/full 2>err || status=$?
	((status != 0)) || fail "a full disk went unnoticed"
}

test_arena_of_somebody_else() {
	# A connection to the peer's port that nobody announced is reset.
	small_recording
	REPLAY_OPTIONS=("$REC")
	cat >probe.py <<-'END'
		import os, socket, subprocess, sys, time
		# A process without the preload tries every listening port of this namespace.
		with open("/proc/net/tcp") as f:
		    ports = [int(l.split()[1].split(":")[1], 16) for l in f if l.split()[3] == "0A"]
		print(len(ports), "listening", file=sys.stderr)
		for port in ports:
		    s = socket.socket()
		    s.settimeout(5)
		    try:
		        s.connect(("127.0.0.1", port))
		        s.sendall(b"GET /json HTTP/1.1\r\nHost: localhost:%s\r\n\r\n" % os.environ["HTTP_PORT"].encode())
		        print("answered:", s.recv(100), flush=True)
		    except OSError as e:
		        print("reset", file=sys.stderr)
	END
	offline bash -c '"$@" & sleep 1; '"$PYTHON"' probe.py; kill %1; wait' probe \
		"$RRSHIM" replay "$REC" -- sleep 5 >probe.out 2>probe.err || true
	lacks probe.out answered
	contains probe.err listening
}
