# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A gigabyte down and up, with a helper that does not grow.

BYTES=1073741824
ANON_KB_MAX=204800

# watched NAME CMD…: runs CMD and keeps in NAME.peak the most anonymous memory, in kB, its process
# (after the exec of unshare and its like: the one called rrshim) had.
watched() {
	local name=$1
	shift
	"$PYTHON" - "$name" "$@" <<-'END'
		import os, subprocess, sys, threading, time
		child = subprocess.Popen(sys.argv[2:])
		peak, done = 0, threading.Event()
		def descendants(pid):
		    yield pid
		    try:
		        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
		            for inner in f.read().split():
		                yield from descendants(int(inner))
		    except OSError:
		        pass
		def watch():
		    global peak
		    while not done.wait(0.05):
		        for pid in list(descendants(child.pid)):
		            try:
		                with open("/proc/%d/status" % pid) as f:
		                    status = dict(line.split(":\t", 1) for line in f)
		                if status["Name"].strip() == "rrshim":
		                    peak = max(peak, int(status["RssAnon"].split()[0]))
		            except (OSError, KeyError, ValueError):
		                pass
		thread = threading.Thread(target=watch)
		thread.start()
		code = child.wait()
		done.set()
		thread.join()
		with open(sys.argv[1] + ".peak", "w") as f:
		    f.write("%d\n" % peak)
		sys.exit(code if code >= 0 else 128 - code)
	END
}

bounded() { # NAME
	local peak
	peak=$(cat "$1.peak")
	((peak > 0)) || fail "nobody called rrshim was seen"
	((peak < ANON_KB_MAX)) || fail "$1: rrshim grew to $peak kB of anonymous memory"
}

test_download() { # timeout=300 serial sanitizers=none
	start_server
	local url="$HTTP/download?bytes=$BYTES&kind=text"
	mkfifo pipe
	sha256sum <pipe >record.sum &
	watched record "$RRSHIM" record -- curl -sS --max-time 240 -o pipe "$url" 2>rec.err || fail "status $?"
	wait $!
	bounded record
	stop_server
	sha256sum <pipe >replay.sum &
	local sum=$!
	watched replay "${UNSHARE_NET[@]}" sh -c 'ip link set lo up && exec "$@"' offline \
		"$RRSHIM" replay --timing none --report rep.json -- curl -sS --max-time 240 -o pipe "$url" \
		2>rep.err || fail "status $?"
	wait $sum
	bounded replay
	same_file record.sum replay.sum
	assert_zero_miss
}

test_download_tls() { # timeout=300 serial sanitizers=none
	start_server
	local url="$HTTPS/download?bytes=$((BYTES / 4))" # of random bytes, which do not compress
	watched record "$RRSHIM" record -- curl -sS --max-time 240 -o rec.body "$url" 2>rec.err || fail "status $?"
	bounded record
	stop_server
	replay_offline curl -sS --max-time 240 -o rep.body "$url"
	cmp rec.body rep.body || fail "the bodies differ"
	assert_zero_miss
	"$RRSHIM" cat "$(recording)" 1 | cmp - rec.body || fail "cat gives other bytes"
}

test_upload() { # timeout=300 serial sanitizers=none
	start_server
	truncate -s $BYTES body
	watched record "$RRSHIM" record -- curl -sS --max-time 240 -T body "$HTTP/echo" >rec.out 2>rec.err || fail "status $?"
	contains rec.out "\"length\": $BYTES"
	bounded record
	stop_server
	watched replay "${UNSHARE_NET[@]}" sh -c 'ip link set lo up && exec "$@"' offline \
		"$RRSHIM" replay --report rep.json -- curl -sS --max-time 240 -T body "$HTTP/echo" \
		>rep.out 2>rep.err || fail "status $?"
	bounded replay
	same_file rec.out rep.out
	assert_zero_miss
}

test_upload_that_differs_late() { # timeout=120 serial sanitizers=none
	# The last byte of a big body counts.
	start_server
	head -c 20000000 /dev/zero >body
	record curl -sS --max-time 60 -T body "$HTTP/echo"
	stop_server
	printf x | dd of=body bs=1 seek=19999999 conv=notrunc 2>/dev/null
	replay_offline curl -sS --max-time 60 -T body "$HTTP/echo"
	equal status 86 "$rep_status"
}

test_many_turns() { # timeout=240 serial sanitizers=none
	# 5,000 requests of one session.
	start_server
	cat >turns.py <<-'END'
		import http.client, os
		c = http.client.HTTPConnection("localhost", int(os.environ["HTTP_PORT"]))
		for i in range(5000):
		    c.request("POST", "/page?i=%d" % i, b'{"turn": %d}' % i)
		    print(c.getresponse().read())
	END
	record "$PYTHON" turns.py
	equal status 0 "$rec_status"
	stop_server
	REPLAY_OPTIONS=(--timing none)
	replay_offline "$PYTHON" turns.py
	same
	assert_zero_miss
	equal served 5000 "$(query rep.json 'd["served"]')"
}
