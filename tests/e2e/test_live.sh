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

test_hybrid() { # sanitizers=asan
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
	equal "requests known again" '2 2' "$(query "$(child)/manifest.json" \
		'"%d %d" % (d["self_check"]["requests"], d["self_check"]["matched"])')"
	contains server/log open-sesame-42
	"$PYTHON" "$TESTS/e2e/on_disk.py" "$(child)" open-sesame-42 || fail "a secret is on disk"
	replay_child "$@"
	equal served 2 "$(query rep.json 'd["served"]')"
}

test_streams_go_on_as_they_come() { # sanitizers=none
	# The second event is sent only when the client has said, aside, that it has the first.
	start_server
	record curl -sS "$HTTPS/json"
	replay_live --mode hybrid -- "$PYTHON" "$CLIENTS/requests_stream.py" "$HTTPS"
	equal status 0 "$rep_status"
	replay_child "$PYTHON" "$CLIENTS/requests_stream.py" "$HTTPS"
}

test_kinds_of_answers() { # sanitizers=asan
	# Framings, codings, statuses, bodies; what was cut is cut.
	start_server
	record curl -sS "$HTTPS/json"
	set -- sh -c 'curl -sS "$HTTPS/chunked" "$HTTPS/until-close" "$HTTPS/gzip-stream" --output -
		curl -sSI "$HTTPS/json?head"
		curl -sS -o /dev/null -w "%{http_code}\n" "$HTTPS/204" "$HTTPS/304" "$HTTPS/early"
		curl -sS -0 "$HTTPS/chunked?old"
		curl -sS --http2 "$HTTP/json?upgrade"
		head -c 300000 /dev/zero | curl -sS -T - "$HTTPS/echo?chunked"
		curl -sS -H "Expect: 100-continue" -d @"$0" "$HTTPS/echo?expect" | tail -c 100
		curl -sS "$HTTPS/cut"; echo "cut $?"; curl -sS "$HTTPS/reset-at-once"; echo "reset $?"' \
		"$TESTS/e2e/lib.sh"
	replay_live --mode hybrid -- "$@"
	contains rep.out 'cut 18'
	contains rep.out 'reset 56'
	contains rep.err 'live call failed: GET'
	replay_child "$@"
}

test_selectors() { # sanitizers=none
	# By path live, the last word recorded; what no selector is about stays strict.
	start_server
	record curl -sS "$HTTPS/json?a" "$HTTPS/counter"
	local first
	first=$(recording)
	replay_live --live 'path=/json' "$first" -- curl -sS "$HTTPS/json?a" "$HTTPS/counter"
	equal status 0 "$rep_status"
	equal totals '1 exact, 0 normalised, 1 live, 0 missed, 1 unused' "$(totals)"
	if cmp -s rec.out rep.out; then fail "nothing was live"; fi
	replay_live --live localhost --recorded method=GET "$first" -- curl -sS "$HTTPS/json?a" "$HTTPS/counter"
	equal totals '2 exact, 0 normalised, 0 live, 0 missed, 0 unused' "$(totals)"
	same_file rec.out rep.out
	replay_live --live kind=llm "$first" -- curl -sS "$HTTPS/json?other"
	equal status 86 "$rep_status"
	equal totals '0 exact, 0 normalised, 0 live, 1 missed, 2 unused' "$(totals)"
}

test_set() {
	# Another model, a header more: the server sees it, the recording has what the program said.
	start_server
	set -- curl -sS "$HTTPS/v1/messages" -H 'Content-Type: application/json' \
		-d '{"model":"small", "max_tokens":1.50, "stream":true, "messages":[{"role":"user","content":"hi"}]}'
	record "$@"
	replay_live --live kind=llm --set llm.model=large --set header.X-Team=red \
		--set 'json.$.messages[0].content=ho' -- "$@"
	equal status 0 "$rep_status"
	equal "what the server saw" \
		'{"model":"large", "max_tokens":1.50, "stream":true, "messages":[{"role":"user","content":"ho"}]}' \
		"$(tail -n 1 server/log | query /dev/stdin 'd["body"]')"
	contains server/log '["X-Team", "red"]'
	equal "said of it" "['llm.model=large', 'header.X-Team', 'json.\$.messages[0].content=ho']" \
		"$(query "$(child)/manifest.json" 'd["set"]')"
	# The old answer, then the new one beside it.
	REPLAY_OPTIONS=("$(child)")
	stop_server
	cp rep.out live.out
	replay_offline sh -c '"$@"; "$@"' sh "$@"
	cat rec.out live.out | cmp -s - rep.out || fail "the child has not both answers"
}

test_names_never_recorded() {
	# Asked of libc and of DNS servers; they mean what they mean where the helper looks them up.
	need_root "a hosts file of its own"
	start_server
	record curl -sS "$HTTPS/json"
	printf '127.0.0.1 localhost api.test\n' >hosts
	first=$(recording)
	set -- curl -sS "https://api.test:$HTTPS_PORT/json?new"
	replay_in_world() {
		rep_status=0
		unshare -m sh -c 'mount --bind hosts /etc/hosts && exec "$@"' sh \
			"$RRSHIM" replay --report rep.json "$@" >rep.out 2>rep.err || rep_status=$?
	}
	replay_in_world --mode hybrid -- "$@"
	equal status 0 "$rep_status"
	equal totals '0 exact, 0 normalised, 1 live, 0 missed, 1 unused' "$(totals)"
	replay_child "$@"
	start_server
	replay_in_world --mode hybrid --recorded api.test "$first" -- "$@"
	((rep_status != 0)) || fail "a name resolved that is to be recorded"
	contains rep.err api.test
	equal live 0 "$(query rep.json 'd["live"]')"
}

test_failures() {
	# Nobody there, a host that the program would not trust: it sees a connection that breaks.
	start_server
	record curl -sS "$HTTPS/json"
	local port
	port=$(closed_port)
	replay_live --mode hybrid -- curl -sS "http://127.0.0.1:$port/"
	equal status 56 "$rep_status"
	contains rep.err "live call failed: GET http://127.0.0.1:$port/: "
	rm -r pki/*
	before=$(requests_seen)
	env -u SSL_CERT_FILE -u CURL_CA_BUNDLE "$RRSHIM" replay --mode hybrid -- \
		curl -sS "$HTTPS/echo" >rep.out 2>rep.err && fail "an unknown authority was trusted"
	contains rep.err certificate
	equal "requests that reached the server" "$before" "$(requests_seen)"
}

test_client_leaves() {
	# The server is told: its connection ends, too.
	start_server
	record curl -sS "$HTTPS/json"
	replay_live --mode hybrid -- sh -c 'curl -sS --max-time 1 "$HTTPS/hang"; curl -sS "$HTTPS/json"'
	contains rep.err 'timed out'
	equal served 1 "$(query rep.json 'd["served"]')"
	replay_child sh -c 'curl -sS --max-time 1 "$HTTPS/hang"; curl -sS "$HTTPS/json"'
}

test_strict_has_no_way_out() { # sanitizers=none
	# Without a live call there is no child, and without a selector no call.
	start_server
	record curl -sS "$HTTPS/json"
	local before
	before=$(requests_seen)
	for options in '--mode strict' '--mode warn' '--mode hybrid --on-mismatch fail --on-missing fail'; do
		# shellcheck disable=SC2086
		replay_live $options -- curl -sS "$HTTPS/nothing" "http://127.0.0.1:$HTTP_PORT/"
		equal live 0 "$(query rep.json 'd["live"]')"
	done
	equal "requests that reached the server" "$before" "$(requests_seen)"
	equal recordings 1 "$(recordings_count)"
	replay_live --mode hybrid -- curl -sS "$HTTPS/json"
	equal recordings 1 "$(recordings_count)"
}

test_recordings_folder_is_full() {
	# The program goes on; that is said once.
	need_root "a full file system"
	start_server
	record curl -sS "$HTTPS/json"
	mkdir full
	unshare -m sh -c 'mount -t tmpfs -o size=16k tmpfs full && head -c 1M /dev/zero >full/x
		"$@"; status=$?; ls full >left; exit $status' sh "$RRSHIM" replay --mode hybrid -o full "$(recording)" -- \
		curl -sS "$HTTPS/page" "$HTTPS/echo" >rep.out 2>rep.err || fail "it failed"
	equal "requests that reached the server" 3 "$(requests_seen)"
	equal warnings 1 "$(grep -c 'live calls are not recorded' rep.err)"
	equal "left behind" x "$(cat left)"
}

test_misuse() { # sanitizers=none
	for option in '--mode=lax' '--on-missing=nearest' '--on-mismatch=x' '--live=kind=file' \
		'--live=planet=mars' '--set=color=red' '--set=json.x=1'; do
		"$RRSHIM" replay "$option" -- true 2>err && fail "'$option' was taken"
		contains err replay
	done
}

test_warn() { # sanitizers=none
	# What is near is served, and said so; what is not fails; the status is the program's.
	start_server
	record curl -sS "$HTTPS/json?page=1"
	before=$(requests_seen)
	replay_live --mode warn -- curl -sS "$HTTPS/json?page=2"
	equal status 0 "$rep_status"
	same_file rec.out rep.out
	equal "nearest and live" '1 0' "$(query rep.json '"%d %d" % (d["nearest"], d["live"])')"
	contains rep.err 'warning: the nearest answer was served: GET'
	contains rep.err 'at query page'
	replay_live --mode warn -- sh -c 'curl -sS -w "%{http_code}\n" "$HTTPS/other" -o /dev/null; exit 3'
	equal status 3 "$rep_status"
	equal output 400 "$(cat rep.out)"
	contains rep.err '1 missed'
	equal "requests that reached the server" "$before" "$(requests_seen)"
}

test_http2() { # timeout=60
	# The program's protocol, kept on both sides; many streams of one connection.
	CLIENTS_FOLDER=$("$TESTS/clients.sh" --where)
	export CLIENTS_FOLDER
	[[ -x $CLIENTS_FOLDER/bin/node ]] || fail "'$CLIENTS_FOLDER' is not there: run tests/clients.sh"
	make_pki
	"$CLIENTS_FOLDER/bin/node" "$TESTS/e2e/matrix/server.mjs" server pki/server.pem pki/server.key \
		>server.out 2>&1 &
	SERVER_PID=$!
	await_ports "the server of the matrix"
	BASE=https://localhost:$(awk '$1 == "https" { print $2 }' server/ports)
	export BASE CURL_CA_BUNDLE=$PWD/pki/ca.pem SSL_CERT_FILE=$PWD/pki/ca.pem
	record true
	set -- "$TESTS/e2e/matrix/curl.sh" --http2
	replay_live --mode hybrid -- "$@"
	equal status 0 "$rep_status"
	equal "requests by HTTP/2" "$(query rep.json 'd["live"]')" "$(grep -c '"http":"2.0"' server/log)"
	replay_child "$@"
	contains rep.out '2 200 application/json'
}

test_live_after_a_checkpoint() { # sanitizers=none
	# What was recorded after it is not to be had: the same request is made, and answered anew.
	start_server
	set -- sh -c 'curl -sS "$HTTPS/counter"; "$0" checkpoint half; curl -sS "$HTTPS/counter"' "$RRSHIM"
	record "$@"
	equal output $'1\n2' "$(cat rec.out)"
	replay_live --until half --on-missing live -- "$@"
	equal output $'1\n3' "$(cat rep.out)"
	equal totals '1 exact, 0 normalised, 1 live, 0 missed, 0 unused' "$(totals)"
}

test_settings_in_a_file_of_rules() { # sanitizers=none
	# What is given weighs more.
	start_server
	record curl -sS "$HTTPS/json"
	printf 'replay:\n  mode: hybrid\n  recorded: "path=/page"\n' >rules.yaml
	replay_live --rules rules.yaml -- curl -sS "$HTTPS/echo" "$HTTPS/page"
	equal status 86 "$rep_status"
	equal totals '0 exact, 0 normalised, 1 live, 1 missed, 1 unused' "$(totals)"
	replay_live --rules rules.yaml --live path=/page -- curl -sS "$HTTPS/page"
	equal live 1 "$(query rep.json 'd["live"]')"
	replay_live --rules rules.yaml --mode strict -- curl -sS "$HTTPS/sse"
	equal live 0 "$(query rep.json 'd["live"]')"
	printf 'replay:\n  mode: strict\n  live: "planet=mars"\n' >rules.yaml
	if "$RRSHIM" replay --rules rules.yaml -- true 2>err; then fail "it was taken"; fi
	contains err 'rules.yaml:3'
}

test_settings_of_a_folder_do_not_count() { # sanitizers=none
	# Whoever clones a repository has not asked for live calls.
	start_server
	record curl -sS "$HTTPS/json"
	printf 'replay:\n  mode: hybrid\n' >rrshim.yaml
	local before
	before=$(requests_seen)
	replay_live -q -- curl -sS "$HTTPS/echo"
	equal status 86 "$rep_status"
	equal 'requests the server saw' "$before" "$(requests_seen)"
	contains rep.err "'--rules rrshim.yaml'"
	replay_live --rules rrshim.yaml -- curl -sS "$HTTPS/echo"
	equal live 1 "$(query rep.json 'd["live"]')"
}

test_what_is_never_live() {
	# What is no HTTP is refused, and that is said; the server hears nothing.
	start_server
	record curl -sS "$HTTPS/json"
	local before
	before=$(requests_seen)
	replay_live --mode hybrid -- curl -sS -o /dev/null -w '%{http_code}\n' "$HTTPS/chat" \
		-H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
		-H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
	equal output 400 "$(cat rep.out)"
	contains rep.err 'another protocol than HTTP is never live'
	replay_live --mode hybrid -- "$PYTHON" -c 'import os, socket
s = socket.create_connection(("127.0.0.1", int(os.environ["HTTP_PORT"])))
s.sendall(b"\0\1\2 no HTTP\n")
try: print(s.recv(100))
except OSError as e: print(e.strerror)'
	equal output 'Connection reset by peer' "$(cat rep.out)"
	contains rep.err 'what is no HTTP is never live'
	equal "requests that reached the server" "$before" "$(requests_seen)"
}

test_what_a_live_run_drew() {
	# The child knows it as a recording does: another run's draws are no difference.
	start_server
	record true
	cat >draw.py <<-'END'
		import json, os, tempfile, urllib.request
		drawn = int.from_bytes(os.urandom(8), "little")
		body = json.dumps({"n": "run %d" % drawn, "at": tempfile.mkdtemp()}).encode()
		with urllib.request.urlopen(os.environ["HTTP"] + "/json", body) as answer:
		    print(answer.read().decode())
	END
	replay_live --mode hybrid -- "$PYTHON" draw.py
	equal status 0 "$rep_status"
	replay_child "$PYTHON" draw.py
	equal served 1 "$(query rep.json 'd["served"]')"
}
