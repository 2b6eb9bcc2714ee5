# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What end-to-end tests are written with. A test is a function test_NAME in a tests/e2e/test_*.sh
# file; tests/run calls it in an empty directory of its own with RRSHIM_DIR set below that. The
# line of its opening brace carries its needs as a comment:
#
#     test_name() { # timeout=120 serial sanitizers=none
#
# serial: not beside other tests. sanitizers: which sanitized builds run it too: none, asan (the
# default), or asan,tsan. A line "# Needs: …" of the file holds for all its tests.

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
ROOT=$(dirname "$TESTS")
: "${RRSHIM_BUILD:=build}"
case $RRSHIM_BUILD in
/*) BUILD=$RRSHIM_BUILD ;;
*) BUILD=$ROOT/$RRSHIM_BUILD ;;
esac
RRSHIM=$BUILD/rrshim
SHIM=$BUILD/librrshim.so
VICTIMS=$BUILD/tests/victims
CLIENTS=$TESTS/e2e/clients
PYTHON=/usr/bin/python3 # Debian's, which has requests, httpx and aiohttp
export PYTHONDONTWRITEBYTECODE=1 NO_PROXY='*' LC_ALL=C.UTF-8
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY LD_PRELOAD

# ---- saying what is wrong ----

fail() {
	echo "FAILED: $*"
	exit 1
}

skip() {
	echo "$*" >skip-reason
	exit 77
}

show_file() { # NAME [LINES]
	[[ -s $1 ]] || return 0
	echo "--- $1:"
	head -c 20000 "$1" | tr -d '\000' | tail -n "${2:-15}"
}

equal() { # WHAT EXPECTED ACTUAL
	[[ $2 == "$3" ]] || fail "$1: expected '$2', got '$3'"
}

contains() { # FILE TEXT: as a fixed string
	grep -aqF -- "$2" "$1" || {
		show_file "$1" 40
		fail "'$1' does not contain '$2'"
	}
}

lacks() { # FILE TEXT
	if grep -aqF -- "$2" "$1"; then
		show_file "$1" 40
		fail "'$1' contains '$2'"
	fi
}

not_empty() { # FILE
	[[ -s $1 ]] || fail "'$1' is empty"
}

same_file() { # FILE FILE
	cmp -s "$1" "$2" || {
		cmp "$1" "$2" || true
		diff -a <(head -c 100000 "$1") <(head -c 100000 "$2") | head -n 20 || true
		fail "'$1' and '$2' differ"
	}
}

# query FILE EXPRESSION: evaluates a Python expression over `d`, the JSON of a file (a list if it
# holds one value per line), and prints it. `walk(d)` gives every object in it.
query() {
	"$PYTHON" "$TESTS/e2e/query.py" "$1" "$2"
}

# ---- the server ----

make_pki() {
	[[ -s pki/server.pem ]] && return
	mkdir -p pki
	{
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 400 \
			-subj '/CN=test authority' -keyout pki/ca.key -out pki/ca.pem \
			-addext basicConstraints=critical,CA:TRUE
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
			-subj /CN=localhost -keyout pki/server.key -out pki/server.csr
		printf 'subjectAltName=DNS:localhost,DNS:api.test,IP:127.0.0.1,IP:::1\n' >pki/ext
		openssl x509 -req -in pki/server.csr -CA pki/ca.pem -CAkey pki/ca.key \
			-CAcreateserial -days 400 -extfile pki/ext -out pki/server.pem
	} >pki/log 2>&1 || {
		cat pki/log
		fail "openssl could not make the certificates"
	}
}

# await_ports WHAT: until the server that was just started has written server/ports.
await_ports() {
	local i
	for ((i = 0; i < 200; i++)); do
		[[ -s server/ports ]] && return
		sleep 0.05
	done
	cat server.out
	fail "$1 did not start"
}

# start_server [OPTION…]: sets HTTP and HTTPS, base URLs on localhost, and HTTP_PORT, HTTPS_PORT.
SERVER_PID=
start_server() {
	make_pki
	rm -f server/ports
	"$PYTHON" "$TESTS/e2e/server.py" server --cert pki/server.pem --key pki/server.key "$@" \
		>server.out 2>&1 &
	SERVER_PID=$!
	await_ports "the test server"
	read -r HTTP_PORT HTTPS_PORT <server/ports
	HTTP=http://localhost:$HTTP_PORT
	HTTPS=https://localhost:$HTTPS_PORT
	export HTTP_PORT HTTPS_PORT HTTP HTTPS
	export SSL_CERT_FILE=$PWD/pki/ca.pem
	export CURL_CA_BUNDLE=$SSL_CERT_FILE REQUESTS_CA_BUNDLE=$SSL_CERT_FILE
}

stop_server() {
	[[ -n $SERVER_PID ]] || return 0
	kill "$SERVER_PID"
	wait "$SERVER_PID" || true
	SERVER_PID=
}

requests_seen() {
	wc -l <server/log
}

# ---- record and replay ----

# Each sets rec_status or rep_status; output is in rec.out, rec.err, rep.out, rep.err.
record() {
	rec_status=0
	"$RRSHIM" record -- "$@" >rec.out 2>rec.err || rec_status=$?
	no_sanitizer_report rec.err
	lacks rec.err 'own answer in replay'
}

# A network namespace that has only loopback.
UNSHARE_NET=(unshare -n)
((UID == 0)) || UNSHARE_NET=(unshare -rn)
offline() {
	"${UNSHARE_NET[@]}" sh -c 'ip link set lo up && exec "$@"' offline "$@"
}

REPLAY_OPTIONS=() # for example (--timing none) or (path/of/recording)
replay_offline() {
	rep_status=0
	rm -f rep.json
	offline "$RRSHIM" replay --report rep.json ${REPLAY_OPTIONS[@]+"${REPLAY_OPTIONS[@]}"} -- "$@" \
		>rep.out 2>rep.err || rep_status=$?
	no_sanitizer_report rep.err
}

# The same output and exit status in replay as when recorded.
same() {
	[[ $rec_status == "$rep_status" ]] || {
		show_file rec.err
		show_file rep.err 40
		fail "exit status $rec_status when recorded, $rep_status in replay"
	}
	cmp -s rec.out rep.out || show_file rep.err 40
	same_file rec.out rep.out
}

# Everything recorded was served, once, and nothing else was asked for.
assert_zero_miss() {
	[[ -s rep.json ]] || {
		show_file rep.err 40
		fail "replay wrote no report"
	}
	equal "missed calls" 0 "$(query rep.json 'd["missed"]')"
	equal "unused calls" 0 "$(query rep.json 'd["unused"]')"
	equal "unused dialogues" '[]' "$(query rep.json 'd["unused_dialogues"]')"
	[[ $(query rep.json 'd["served"] + d["dialogues"]') -ge ${1:-1} ]] || {
		cat rep.json
		fail "fewer than ${1:-1} calls were served from the recording"
	}
	grep -aqE '^rrshim: replayed .*[0-9]+ served,[a-z0-9, ]* 0 missed, 0 unused' rep.err || {
		show_file rep.err 40
		fail "no summary line on stderr"
	}
}

# round_trip STATUS CMD…: records, stops the server, replays offline; everything must be the same.
round_trip() {
	local expected=$1
	shift
	record "$@"
	[[ $rec_status == "$expected" ]] || {
		show_file rec.err 40
		show_file server.out
		fail "recorded run: exit status $rec_status, expected $expected"
	}
	stop_server
	replay_offline "$@"
	same
	assert_zero_miss
}

no_sanitizer_report() { # FILE…
	if grep -aqE 'ERROR: (Address|Leak)Sanitizer|runtime error:|WARNING: ThreadSanitizer' "$@"; then
		cat "$@" | head -c 20000
		fail "a sanitizer reported"
	fi
}

# recording: the path of the newest recording. The one a test has just made, mostly.
recording() {
	local found
	found=$(find "$RRSHIM_DIR" -maxdepth 1 -name 'rec_*' -type d -printf '%T@ %p\n' 2>/dev/null |
		sort -n | tail -n 1)
	[[ -n $found ]] || fail "there is no recording in '$RRSHIM_DIR'"
	echo "${found#* }"
}

recordings_count() {
	{ find "$RRSHIM_DIR" -maxdepth 1 -name 'rec_*' -type d 2>/dev/null || true; } | wc -l
}

# opens [REC]: show, ls and events read the recording without complaint.
opens() {
	local rec=${1:-$(recording)}
	"$RRSHIM" show "$rec" >show.out 2>show.err || {
		show_file show.err
		fail "rrshim show '$rec' failed"
	}
	"$RRSHIM" events "$rec" --json >events.json 2>events.err || {
		show_file events.err
		fail "rrshim events '$rec' failed"
	}
	no_sanitizer_report show.err events.err
}

state() { # [REC]
	local rec
	rec=${1:-$(recording)} || exit 1
	query "$rec/manifest.json" 'd["state"]'
}

is_complete() { # for wait_until
	[[ $(state 2>&1) == complete ]]
}

# exchanges [REC]: how many requests the recording answers.
exchanges() {
	"$RRSHIM" show "${1:-$(recording)}" --json >exchanges.json || fail "rrshim show --json failed"
	query exchanges.json 'len(d["exchanges"])'
}

# capture_of NAME [REC]: how the image whose path ends in NAME was captured.
capture_of() {
	"$RRSHIM" events "${2:-$(recording)}" --json >events.json || fail "rrshim events failed"
	query events.json "sorted({o['capture'] for o in walk(d)
		if 'capture' in o and str(o.get('exe', '')).endswith('$1')})"
}

# ---- waiting, which every test must bound ----

wait_until() { # SECONDS COMMAND…
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < deadline)) || return 1
		sleep 0.05
	done
}

gone() { # PID
	[[ ! -e /proc/$1 ]] || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

# need_root WHY
need_root() {
	((UID == 0)) || skip "needs root: $1"
}

compile() { # OUTPUT SOURCE [FLAGS…]
	local output=$1 source=$2
	shift 2
	"${CC:-cc}" -D_GNU_SOURCE -O1 -o "$output" "$source" "$@" 2>cc.err || {
		cat cc.err
		fail "'$source' does not compile"
	}
}

# For descriptors past 65,535.
raise_descriptor_limit() {
	{ ulimit -Hn 80000 || true; } 2>/dev/null
	[[ $(ulimit -Hn) == unlimited ]] || (($(ulimit -Hn) >= 80000)) || return 1
	ulimit -n 80000
}

# A port of 127.0.0.1 nobody listens on.
closed_port() {
	# Outside the range that the kernel gives to others in the meantime.
	"$PYTHON" - <<-'END'
		import random, socket
		while True:
		    port = random.randrange(10000, 32000)
		    try:
		        with socket.socket() as s:
		            s.bind(("127.0.0.1", port))
		    except OSError:
		        continue
		    print(port)
		    break
	END
}
