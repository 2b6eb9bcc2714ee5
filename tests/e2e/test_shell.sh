# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Scripts: many processes, one recording.

test_sequence() { # sanitizers=asan,tsan
	start_server
	round_trip 0 bash -c 'set -e
		for i in 1 2 3 4; do curl -sS "$HTTPS/page?i=$i"; done
		id=$(curl -sS "$HTTP/json" | cut -c 9-16)
		curl -sS "$HTTPS/page?i=last" -H "X-Was: $id"'
	equal requests 6 "$(exchanges)"
	equal recordings 1 "$(recordings_count)"
}

test_parallel() { # sanitizers=asan,tsan
	start_server
	round_trip 0 bash -c '
		for i in 1 2 3 4 5 6 7 8; do curl -sS "$HTTPS/page?i=$i&ms=50" >part$i & done
		wait
		cat part?'
	equal answers 8 "$(grep -c token rec.out)"
}

test_pipeline() {
	start_server
	round_trip 0 bash -c 'set -o pipefail
		curl -sSN "$HTTPS/v1/chat/completions" -d "{}" | grep -o "\"content\": \"[^\"]*" |
		while IFS= read -r line; do printf "%s\n" "${line#*: }"; done | tee copy | wc -l
		cat copy'
	equal "words" 8 "$(head -n 1 rec.out | tr -d ' ')"
}

test_two_clients() {
	# An agent's tool is another program: all are one session.
	start_server
	round_trip 0 bash -c 'curl -sS "$HTTPS/json"; '"$PYTHON"' -c "
import os, subprocess, urllib.request
print(urllib.request.urlopen(os.environ[\"HTTPS\"] + \"/json\").read())
print(subprocess.check_output([\"curl\", \"-sS\", os.environ[\"HTTPS\"] + \"/json\"]))"'
	equal requests 3 "$(exchanges)"
}

test_background_and_exit() {
	# The script leaves before its child is done.
	start_server
	record bash -c '(sleep 0.5; curl -sS "$HTTPS/json" >late) & echo started'
	equal status 0 "$rec_status"
	wait_until 15 test -s late || fail "the background child did not get its answer"
	stop_server
	opens
}

test_exit_status() {
	record sh -c 'echo out; echo err >&2; exit 3'
	equal status 3 "$rec_status"
	equal output out "$(cat rec.out)"
	contains rec.err err
	replay_offline sh -c 'echo out; echo err >&2; exit 3'
	equal "status in replay" 3 "$rep_status"
	equal output out "$(cat rep.out)"
}

test_exit_status_255() {
	record sh -c 'exit 255'
	equal status 255 "$rec_status"
}

test_death_by_signal() {
	local signal
	for signal in TERM KILL INT SEGV; do
		"$PYTHON" - "$RRSHIM" $signal <<-'END' || fail "death by SIG$signal did not come through"
			import signal, subprocess, sys
			p = subprocess.run([sys.argv[1], "record", "--", "sh", "-c", "kill -%s $$" % sys.argv[2]],
			    stderr=subprocess.PIPE)
			number = getattr(signal, "SIG" + sys.argv[2])
			if p.returncode not in (-number, 128 + number):
			    sys.exit("%s: %d %s" % (sys.argv[2], p.returncode, p.stderr))
			if p.returncode > 0:
			    sys.exit("died by SIG%s, but rrshim only exits with %d" % (sys.argv[2], p.returncode))
		END
		opens
		equal state complete "$(state)"
	done
}

test_command_not_found() {
	record ./no-such-program
	equal status 127 "$rec_status"
	contains rec.err no-such-program
	touch not-executable
	record ./not-executable
	equal status 126 "$rec_status"
}

test_interrupt_reaches_the_program_once() {
	# Ctrl-C on a terminal goes to the whole foreground group: the program must not get it twice,
	# and the recording is finished in spite of it.
	cat >count.py <<-'END'
		import signal, sys, time
		seen = 0
		def on_interrupt(*_):
		    global seen
		    seen += 1
		signal.signal(signal.SIGINT, on_interrupt)
		print("ready", flush=True)
		deadline = time.monotonic() + 30
		while not seen and time.monotonic() < deadline:
		    time.sleep(0.05)
		time.sleep(0.7)
		print("interrupts:", seen, flush=True)
		sys.exit(5)
	END
	"$PYTHON" - "$RRSHIM" "$PYTHON" >terminal <<-'END'
		import os, pty, sys
		pid, terminal = pty.fork()
		if not pid:
		    os.execv(sys.argv[1], [sys.argv[1], "record", "--", sys.argv[2], "count.py"])
		seen = b""
		while True:
		    try:
		        data = os.read(terminal, 4096)
		    except OSError:
		        break
		    if not data:
		        break
		    if b"ready" in data:
		        os.write(terminal, b"\x03")
		    seen += data
		print(seen.decode())
		print("status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
	contains terminal 'interrupts: 1'
	contains terminal 'status 5'
	opens
	equal state complete "$(state)"
}

test_interrupt_kills_the_program() {
	# A program that dies of Ctrl-C: so does rrshim, after finishing the recording.
	start_server
	"$PYTHON" - "$RRSHIM" "$HTTPS/v1/chat/completions?delay=200&chunks=100" >terminal <<-'END'
		import os, pty, sys
		pid, terminal = pty.fork()
		if not pid:
		    os.execv(sys.argv[1], [sys.argv[1], "record", "--", "curl", "-sSN", sys.argv[2], "-d", "{}"])
		sent = False
		while True:
		    try:
		        data = os.read(terminal, 4096)
		    except OSError:
		        break
		    if b"data:" in data and not sent:
		        sent = True
		        os.write(terminal, b"\x03")
		    if not data:
		        break
		print("status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
	contains terminal 'status -2'
	opens
	equal state complete "$(state)"
	equal requests 1 "$(exchanges)"
}

test_terminal_stays_a_terminal() {
	"$PYTHON" - "$RRSHIM" >terminal <<-'END'
		import os, pty, sys
		pid, terminal = pty.fork()
		if not pid:
		    os.execv(sys.argv[1], [sys.argv[1], "record", "--", "sh", "-c",
		        "test -t 0 && test -t 1 && test -t 2 && echo all-terminals; stty size >/dev/null && echo sized"])
		seen = b""
		while True:
		    try:
		        data = os.read(terminal, 4096)
		    except OSError:
		        break
		    if not data:
		        break
		    seen += data
		print(seen.decode())
	END
	contains terminal all-terminals
	contains terminal sized
}

test_standard_input() {
	seq 1 20000 >input
	record wc -l <input
	equal lines 20000 "$(tr -d ' ' <rec.out)"
	head -c 3000000 /dev/zero | "$RRSHIM" record -- wc -c >piped
	equal bytes 3000000 "$(tr -d ' ' <piped)"
}

test_output_folder() {
	"$RRSHIM" record -o elsewhere -- true || fail "record -o failed"
	equal recordings 1 "$(find elsewhere -maxdepth 1 -name 'rec_*' | wc -l)"
	equal "recordings in RRSHIM_DIR" 0 "$(recordings_count)"
	(
		unset RRSHIM_DIR
		"$RRSHIM" record -- true
	)
	equal "recordings in ./recordings" 1 "$(find recordings -maxdepth 1 -name 'rec_*' | wc -l)"
}
