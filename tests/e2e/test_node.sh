# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# node, whose OpenSSL is in the executable: recorded from inside, no certificate of ours shown to
# it, and replayed whatever authorities it was told to trust.

CLIENTS_FOLDER=$("$TESTS/clients.sh" --where)
: "${NODE:=$CLIENTS_FOLDER/bin/node}"
export NODE_PATH=${NODE_PATH:-$CLIENTS_FOLDER/node_modules}

need_node() {
	[[ -x $NODE ]] || fail "'$NODE' is not there: run tests/clients.sh"
	nm -D --defined-only "$NODE" >node.symbols
	grep -q ' SSL_read$' node.symbols ||
		skip "'$NODE' does not export its OpenSSL"
}

node_trusting() {
	need_node
	start_server
	export NODE_EXTRA_CA_CERTS=$PWD/pki/ca.pem
}

need_package() { # NAME
	"$NODE" -e "require.resolve('$1')" || fail "the package $1 is not in '$NODE_PATH'"
}

test_https_and_fetch() { # timeout=120 sanitizers=asan,tsan
	node_trusting
	round_trip 0 "$NODE" "$CLIENTS/node_https.js"
	lacks rec.err Error
	equal requests 6 "$(exchanges)"
	equal "streams to the end" 2 "$(grep -c DONE rec.out)"
	opens
	contains show.out "$HTTPS/v1/chat/completions?where=worker"
}

test_authority_by_option_alone() { # timeout=120
	# No variable: the program's own `ca` is all it trusts, and the replay is not refused.
	need_node
	start_server
	unset NODE_EXTRA_CA_CERTS
	export RUN=first
	round_trip 0 "$NODE" "$CLIENTS/node_both.js"
}

test_no_authority() { # timeout=120
	# Recording trusts nothing for the program: node refuses, as it would.
	need_node
	start_server
	unset NODE_EXTRA_CA_CERTS
	record "$NODE" -e 'fetch(process.env.HTTPS + "/json").catch((e) => console.log(e.cause.code))'
	equal status 0 "$rec_status"
	contains rec.out UNABLE_TO_VERIFY_LEAF_SIGNATURE
}

test_server_in_the_program() { # timeout=120
	# The server's side of its own connections is not what it says to the world.
	need_node
	start_server
	RUN=first record "$NODE" "$CLIENTS/node_both.js"
	equal status 0 "$rec_status"
	equal "answer from inside" 'live first /inside' "$(cat inside)"
	equal requests 2 "$(exchanges)"
	stop_server
	RUN=second replay_offline "$NODE" "$CLIENTS/node_both.js"
	same
	equal "answer from inside" 'live second /inside' "$(cat inside)"
}

test_http2() { # timeout=120
	need_node
	make_pki
	mkdir h2
	"$NODE" "$CLIENTS/node_http2.js" server h2 >server.out 2>&1 &
	SERVER_PID=$!
	wait_until 10 test -s h2/port || fail "the HTTP/2 server did not start"
	record "$NODE" "$CLIENTS/node_http2.js" "$(cat h2/port)"
	stop_server
	equal status 0 "$rec_status"
	equal answers 3 "$(grep -c '^/[abc] ' rec.out)"
	opens
}

test_preloaded_without_the_launcher() { # timeout=120
	node_trusting
	LD_PRELOAD=$SHIM "$NODE" "$CLIENTS/node_https.js" >pre.out 2>pre.err || fail "node failed: $(cat pre.err)"
	wait_until 10 is_complete || fail "the recording was not completed"
	equal requests 6 "$(exchanges)"
}

test_axios() { # timeout=120
	node_trusting
	need_package axios
	round_trip 0 "$NODE" "$CLIENTS/node_packages.js" axios
	equal requests 2 "$(exchanges)"
}

test_openai_stream() { # timeout=120
	node_trusting
	need_package openai
	round_trip 0 "$NODE" "$CLIENTS/node_packages.js" openai
	equal words 8 "$(grep -c . rec.out)"
}

test_anthropic_stream() { # timeout=120
	node_trusting
	need_package @anthropic-ai/sdk
	round_trip 0 "$NODE" "$CLIENTS/node_packages.js" anthropic
	contains rec.out msg_
}

test_retries_of_sdks() { # timeout=120
	node_trusting
	round_trip 0 "$NODE" "$CLIENTS/node_retries.js"
	equal "answered at the third attempt" 4 "$(grep -c '"attempt":3' rep.out)"
	equal "calls, failures among them" 12 "$(query rep.json 'd["served"]')"
}

test_sdks_raise_a_miss_at_once() { # timeout=120
	# As errors of their provider, with our sentence, and without asking again.
	node_trusting
	need_package openai
	need_package @anthropic-ai/sdk
	record "$NODE" "$CLIENTS/node_miss.js" hello
	equal status 0 "$rec_status"
	stop_server
	replay_offline "$NODE" "$CLIENTS/node_miss.js" goodbye
	equal status 86 "$rep_status"
	grep -qE '^openai BadRequestError 400 rrshim_replay_mismatch .*rrshim replay: .*messages\[0\]' rep.out ||
		fail "the openai SDK said: $(cat rep.out)"
	grep -qE '^anthropic BadRequestError 400 invalid_request_error .*rrshim replay: .*messages\[0\]' rep.out ||
		fail "the anthropic SDK said: $(cat rep.out)"
	equal "requests, none of them again" 2 "$(query rep.json 'd["missed"]')"
}
