# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# kill -9, of the program and of the helper, at any moment.

# kills SCHEME HOW TIMES: HOW is record or preload.
kills() {
	start_server
	"$PYTHON" - "$1" "$2" "$3" "$RRSHIM" "$SHIM" "$CLIENTS/receive.py" <<-'END' || fail "bytes were lost"
		import os, random, signal, subprocess, sys, time
		scheme, how, times, rrshim, shim, client = sys.argv[1:]
		def descendants(pid):
		    try:
		        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
		            children = [int(p) for p in f.read().split()]
		    except OSError:
		        return
		    for child in children:
		        yield child
		        yield from descendants(child)
		def image(pid):
		    try:
		        return os.path.basename(os.readlink("/proc/%d/exe" % pid))
		    except OSError:
		        return ""
		middle = 0
		for i in range(int(times)):
		    folder = os.path.join(os.environ["RRSHIM_DIR"], str(i))  # a late helper may still use the last
		    if os.path.exists("log"):
		        os.unlink("log")
		    command = [sys.executable, client, scheme, "/v1/chat/completions?chunks=110&delay=3", "log"]
		    environment = dict(os.environ, RRSHIM_DIR=folder)
		    if how == "record":
		        command = [rrshim, "record", "--"] + command
		    else:
		        environment["LD_PRELOAD"] = shim
		    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL,
		        stderr=subprocess.PIPE)
		    deadline = time.monotonic() + 20
		    # One of three may die before its first byte.
		    def begun():
		        return os.path.exists("log") and (i % 3 == 0 or os.path.getsize("log") > 0)
		    while not begun() and process.poll() is None and time.monotonic() < deadline:
		        time.sleep(0.001)
		    time.sleep(random.random() * 0.3)
		    target = process.pid
		    if how == "record":
		        target = next((p for p in descendants(process.pid) if image(p).startswith("python")), 0)
		    if target:
		        try:
		            os.kill(target, signal.SIGKILL)
		        except ProcessLookupError:
		            pass
		    code = process.wait(20)
		    stderr = process.stderr.read()
		    if b"Sanitizer" in stderr:
		        sys.exit(stderr.decode())
		    with open("log", "rb") as f:
		        received = f.read()
		    if not received and not os.path.exists(folder):
		        continue  # killed before it did anything
		    recordings = os.listdir(folder)
		    if len(recordings) != 1:
		        sys.exit("kill %d: %d recordings" % (i, len(recordings)))
		    path = os.path.join(folder, recordings[0])
		    deadline = time.monotonic() + 10
		    while time.monotonic() < deadline:  # alone, the helper takes a moment to see the death
		        try:
		            with open(os.path.join(path, "manifest.json")) as f:
		                if '"recording"' not in f.read():
		                    break
		        except FileNotFoundError:
		            pass
		        time.sleep(0.02)
		    subprocess.run([rrshim, "show", path], check=True, stdout=subprocess.DEVNULL)
		    if not received:
		        continue
		    middle += code != 0
		    body = subprocess.run([rrshim, "cat", path, "1"], check=True, stdout=subprocess.PIPE).stdout
		    if not body.startswith(received):
		        sys.exit("kill %d: the program had received %d bytes, the recording holds %d: %r … %r"
		            % (i, len(received), len(body), received[-80:], body[-80:]))
		print(middle, "kills were in the middle of the stream")
		if middle < int(times) / 2:
		    sys.exit("only %d kills were in the middle of the stream" % middle)
	END
}

test_program_killed() { # timeout=240 serial
	kills HTTPS record 70
}

test_preloaded_program_killed() { # timeout=240 serial
	kills HTTP preload 30
}

test_group_killed() {
	# The program and its children, and the launcher is told that it was a signal.
	start_server
	record sh -c 'curl -sSN "$HTTPS/v1/chat/completions?delay=100" -d {} & sleep 0.5; kill -9 $! $$'
	equal status 137 "$rec_status"
	wait_until 10 is_complete || fail "the recording was not completed"
	opens
	"$RRSHIM" cat "$(recording)" 1 >body
	not_empty body
}

# descendants PID IMAGE: the ids of its descendants, itself included, that run IMAGE.
descendants() {
	local children=() child
	[[ $(readlink "/proc/$1/exe") != */$2* ]] || echo "$1"
	read -ra children <"/proc/$1/task/$1/children" || true
	for child in ${children[@]+"${children[@]}"}; do
		descendants "$child" "$2"
	done
}

# recording_client: starts a recorded client in the background: LAUNCHER, CLIENT and HELPERS (all
# processes of rrshim's, the launcher included) are process ids.
recording_client() {
	rm -rf "$RRSHIM_DIR" log
	"$RRSHIM" record -- "$PYTHON" "$CLIENTS/receive.py" HTTPS '/v1/chat/completions?chunks=50&delay=20' log \
		>rec.out 2>rec.err &
	LAUNCHER=$!
	wait_until 20 test -s log || fail "the client received nothing"
	CLIENT=$(descendants $LAUNCHER python)
	HELPERS=$(descendants $LAUNCHER rrshim)
}

client_finished() {
	wait_until 30 gone "$CLIENT" || fail "the client hangs without the helper"
	equal "what the client printed" 'done' "$(cat rec.out)"
	contains log '[DONE]'
}

recovers() {
	opens
	"$RRSHIM" recover "$(recording)" >recover.out 2>&1 || {
		show_file recover.out
		fail "rrshim recover failed"
	}
	equal state recovered "$(state)"
	opens
	"$RRSHIM" cat "$(recording)" 1 >body || fail "rrshim cat failed"
	not_empty body
	cmp -n "$(wc -c <body)" body log || fail "the recording is not what the client received"
}

test_helper_killed() { # timeout=120
	# All of rrshim at once: nobody is left to tell.
	start_server
	local after
	for after in 0 0.1 0.3 0.6; do
		recording_client
		sleep $after
		# shellcheck disable=SC2086 # several
		kill -9 $HELPERS
		wait "$LAUNCHER" || true
		client_finished
		recovers
	done
}

test_recorder_killed() {
	# The process that records, if it is another than the one that was started: the latter still
	# returns the program's status.
	start_server
	recording_client
	local recorder status=0
	recorder=$(for p in $HELPERS; do ((p == LAUNCHER)) || echo "$p"; done)
	[[ -n $recorder ]] || recorder=$LAUNCHER
	sleep 0.3
	kill -9 "$recorder"
	wait "$LAUNCHER" || status=$?
	[[ $recorder == "$LAUNCHER" ]] || {
		equal status 0 $status
		contains rec.err recover
	}
	client_finished
	recovers
}

test_launcher_killed() {
	start_server
	recording_client
	[[ $HELPERS != "$LAUNCHER" ]] || skip "the launcher is the recorder"
	kill -9 "$LAUNCHER"
	wait "$LAUNCHER" || true
	client_finished
	wait_until 20 is_complete || fail "the recording was not completed"
	opens
	"$RRSHIM" cat "$(recording)" 1 >body
	same_file log body
}

test_helper_killed_keeps_what_was_committed() {
	# What was in the rings when the helper died is recovered from the arena: the bytes received
	# before the kill are all there.
	start_server
	recording_client
	sleep 0.4
	kill -STOP "$CLIENT"
	sleep 0.3
	# shellcheck disable=SC2086
	kill -9 $HELPERS
	wait "$LAUNCHER" || true
	cp log before
	kill -CONT "$CLIENT"
	client_finished
	recovers
	cmp -n "$(wc -c <before)" before body || fail "bytes received before the kill are missing"
	(($(wc -c <body) >= $(wc -c <before))) || fail "bytes received before the kill are missing"
}

# helper_of FOLDER: the rrshimd that has files open or mapped below it, or was started with its name.
helper_of() {
	local process
	for process in /proc/[0-9]*; do
		[[ $(readlink "$process/exe") == */rrshimd ]] || continue
		if { cat "$process/cmdline" "$process/environ" "$process/maps"; ls -l "$process/fd"; } 2>/dev/null |
			tr '\0' '\n' | grep -aF "$1" >/dev/null; then
			echo "${process#/proc/}"
		fi
	done
}

test_helper_of_a_preload_killed() {
	start_server
	LD_PRELOAD=$SHIM "$PYTHON" "$CLIENTS/receive.py" HTTPS '/v1/chat/completions?chunks=50&delay=20' log \
		>rec.out 2>rec.err &
	local client=$! helper
	wait_until 20 test -s log || fail "the client received nothing"
	helper=$(helper_of "$RRSHIM_DIR")
	[[ -n $helper ]] || fail "no rrshimd was found"
	kill -9 "$helper"
	wait $client || fail "the client failed: $?"
	equal "what the client printed" 'done' "$(cat rec.out)"
	contains log '[DONE]'
	opens
	"$RRSHIM" recover "$(recording)" || fail "rrshim recover failed"
	opens
}

test_helper_killed_in_replay() {
	# Replay fails closed: without the helper nothing is answered, and nothing goes to the server.
	start_server
	record sh -c "$PYTHON $CLIENTS/receive.py HTTPS '/v1/chat/completions?chunks=50&delay=20' log; curl -sS $HTTPS/json"
	equal status 0 "$rec_status"
	local before helper client
	before=$(requests_seen)
	rm log
	cat >program <<-END
		$PYTHON $CLIENTS/receive.py HTTPS '/v1/chat/completions?chunks=50&delay=20' log
		curl -sS --max-time 10 $HTTPS/json
		echo "curl \$?" >after
	END
	"$RRSHIM" replay -- sh program >rep.out 2>rep.err &
	helper=$!
	wait_until 20 test -s log || fail "the client received nothing"
	client=$(descendants $helper dash)
	# shellcheck disable=SC2046
	kill -9 $(descendants $helper rrshim)
	wait "$helper" || true
	wait_until 40 gone "$client" || fail "the program hangs without the helper"
	not_empty after
	lacks after 'curl 0'
	equal "requests that reached the server" "$before" "$(requests_seen)"
}
