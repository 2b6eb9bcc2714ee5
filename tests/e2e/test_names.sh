# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Names, by resolvers of the programs' own and by libc's less known functions. Recorded with a DNS
# server whose answers no other server gives; replayed where there is none.

CLIENTS_FOLDER=$("$TESTS/clients.sh" --where)
: "${NODE:=$CLIENTS_FOLDER/bin/node}"
: "${BUN:=$CLIENTS_FOLDER/bin/bun}"

names_world() { # SERVER COMMAND…
	need_root "a network and mount namespace"
	"$TESTS/e2e/names_world.sh" "$@"
}

record_names() { # SERVER COMMAND…
	rec_status=0
	NAMES_LOG=$PWD/dns.log names_world "$1" "$RRSHIM" record -- "${@:2}" >rec.out 2>rec.err ||
		rec_status=$?
	no_sanitizer_report rec.err
	not_empty rec.out
}

replay_names() { # SERVER COMMAND…
	rep_status=0
	rm -f rep.json
	names_world "$1" "$RRSHIM" replay --report rep.json -- "${@:2}" >rep.out 2>rep.err ||
		rep_status=$?
	no_sanitizer_report rep.err
}

# names_round_trip SERVER COMMAND…: the same answers without the server, wherever resolv.conf says
# it is.
names_round_trip() {
	local asked
	record_names "$@"
	equal "recorded run's status" 0 "$rec_status"
	asked=$(wc -l <dns.log)
	replay_names "${REPLAY_SERVER:-192.0.2.53}" "${@:2}"
	same
	equal misses 0 "$(query rep.json 'd["missed"]')"
	equal "queries that left" "$asked" "$(wc -l <dns.log)"
	opens
}

test_libc_and_datagrams() {
	NAMES_LOG=$PWD/bare.log names_world 127.0.0.53 "$VICTIMS/resolver" 127.0.0.53 >bare.out
	names_round_trip 127.0.0.53 "$VICTIMS/resolver" 127.0.0.53
	same_file bare.out rec.out
}

test_node() { # timeout=120
	[[ -x $NODE ]] || fail "'$NODE' is not there: run tests/clients.sh"
	names_round_trip 127.0.0.53 "$NODE" "$CLIENTS/node_names.js"
	contains rec.out 'mx [{"exchange":"mail.test"'
	contains rec.out 'failure ESERVFAIL'
	"$RRSHIM" events "$(recording)" --json >events.json
	equal "answers with MX records" 1 "$(query events.json 'sum(o.get("call") == "dns" and
		o.get("protocol") == 15 and o.get("answer_bytes", 0) > 40 for o in walk(d))')"
}

test_datagrams_of_python() { # timeout=120
	names_round_trip 192.0.2.53 "$PYTHON" "$CLIENTS/names.py" 192.0.2.53
}

test_datagrams_over_ipv6() { # timeout=120
	grep -q ' lo$' /proc/net/if_inet6 2>/dev/null || skip "no IPv6 here"
	REPLAY_SERVER=::1
	names_round_trip ::1 "$PYTHON" "$CLIENTS/names.py" ::1
}

test_host() {
	type host >/dev/null 2>&1 || skip "host is not installed (bind9-host)"
	names_round_trip 127.0.0.53 host host
	contains rec.out 'mail is handled by 10 mail.test.'
}

test_dig() {
	type dig >/dev/null 2>&1 || skip "dig is not installed (bind9-dnsutils)"
	# Answers with EDNS and a cookie, which is another in each run.
	names_round_trip 127.0.0.53 dig +noall +answer host.test MX alias.test AAAA many.test TXT
}

test_tcp() {
	# Asked over TCP, and asked again over it since the answer over UDP is cut.
	type dig >/dev/null 2>&1 || skip "dig is not installed (bind9-dnsutils)"
	cat >asks.sh <<-'END'
		dig +tcp +short host.test MX
		dig +tcp +noall +answer many.test TXT nothing.test A host.test A
		dig +noedns +short cut.test TXT
		dig +noedns +short none-cut.test TXT
	END
	names_round_trip 127.0.0.53 bash asks.sh
	contains rec.out 'spare.test.'
	equal "texts" 24 "$(grep -c '^"' rec.out)"
}

test_unknown_name() { # timeout=120
	[[ -x $NODE ]] || fail "'$NODE' is not there: run tests/clients.sh"
	record_names 127.0.0.53 "$NODE" "$CLIENTS/node_names.js"
	replay_names 192.0.2.53 "$NODE" "$CLIENTS/node_names.js" new.test host.test
	contains rep.out 'new.test ENOTFOUND'
	contains rep.out 'host.test ["192.0.2.5","192.0.2.6"]'
	equal "names complained of, once each" "new.test" "$(query rep.json \
		'" ".join(m["request"]["name"] for m in d["misses"])')"
	equal misses 1 "$(query rep.json 'd["missed"]')"
	contains rep.err "the name 'new.test' was never looked up in the recording"
}

# Addresses are the same by whatever way a program learns them.
test_from_one_way_to_another() { # timeout=120
	cat >asks.py <<-'END'
		import socket, subprocess, sys
		if sys.argv[1] == "libc":
		    print(sorted({a[4][0] for a in socket.getaddrinfo("host.test", 80)}))
		else:
		    answer = lambda kind: subprocess.run(["dig", "+short", "host.test", kind],
		        capture_output=True, text=True).stdout.split()
		    print(sorted(answer("A") + answer("AAAA")))
		    print(answer("HTTPS"))
	END
	type dig >/dev/null 2>&1 || skip "dig is not installed (bind9-dnsutils)"
	record_names 127.0.0.53 "$PYTHON" asks.py libc
	cp rec.out expected
	echo "[]" >>expected
	replay_names 192.0.2.53 "$PYTHON" asks.py dns
	same_file expected rep.out
	equal misses 0 "$(query rep.json 'd["missed"]')"
	record_names 127.0.0.53 "$PYTHON" asks.py dns
	replay_names 192.0.2.53 "$PYTHON" asks.py libc
	same_file <(head -n 1 rec.out) rep.out
	equal misses 0 "$(query rep.json 'd["missed"]')"
}

test_without_loopback() { # timeout=120
	# Nobody to ask: that is said at once, not after a time-out.
	record_names 127.0.0.53 "$VICTIMS/resolver" 127.0.0.53
	"${UNSHARE_NET[@]}" timeout 60 "$RRSHIM" replay -- "$PYTHON" "$CLIENTS/names.py" 192.0.2.53 \
		>rep.out 2>rep.err || rep_status=$?
	equal status 1 "${rep_status:-0}"
	contains rep.err 'Network is unreachable'
}

test_bun() { # timeout=120
	[[ -x $BUN ]] || fail "'$BUN' is not there: run tests/clients.sh"
	cat >fetch.mjs <<-'END'
		import dns from 'node:dns/promises';
		import http from 'node:http';
		const port = Number(process.argv[2]);
		console.log(await (await fetch(`http://local.test:${port}/json`)).text());
		console.log(JSON.stringify(await dns.resolveMx('host.test')));
	END
	cat >served.sh <<-'END'
		cd served
		/usr/bin/python3 -m http.server 8053 --bind 127.0.0.1 >/dev/null 2>&1 &
		cd ..
		server=$!
		trap 'kill $server' EXIT
		until (: </dev/tcp/127.0.0.1/8053) 2>/dev/null; do sleep 0.05; done
		"$@"
	END
	mkdir served
	echo '{"served": true}' >served/json
	NAMES_LOG=$PWD/dns.log names_world 127.0.0.53 bash served.sh \
		"$RRSHIM" record -- "$BUN" fetch.mjs 8053 >rec.out 2>rec.err
	contains rec.out '{"served": true}'
	contains rec.out mail.test
	rec_status=0
	replay_names 192.0.2.53 "$BUN" fetch.mjs 8053
	same
	assert_zero_miss
}

test_no_answer() { # timeout=120
	# A server that says nothing: so it does in replay, and the name is not called unknown.
	cat >asks.py <<-'END'
		import socket, time
		query = b"\1\2\1\0\0\1\0\0\0\0\0\0\5quiet\4test\0\0\1\0\1"
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(1)
		for _ in range(2):
		    s.sendto(query, ("127.0.0.53", 53))
		    try:
		        print(s.recv(512))
		    except OSError as e:
		        print(type(e).__name__)
	END
	names_round_trip 127.0.0.53 "$PYTHON" asks.py
	equal output 'TimeoutError TimeoutError' "$(tr '\n' ' ' <rec.out | sed 's/ $//')"
	contains show.out quiet.test
}
