# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the helper opens itself: programs whose TLS is in the executable (Go, bun, deno), and, with
# --bridge always, all others. A program meets the same hosts, and judges them the same, with and
# without.

CLIENTS_FOLDER=$("$TESTS/clients.sh" --where)
: "${BUN:=$CLIENTS_FOLDER/bin/bun}"
: "${DENO:=$CLIENTS_FOLDER/bin/deno}"

# certificate NAME SUBJECT ISSUER EXTENSIONS [OPTION…]: pki/NAME.pem and .key.
certificate() {
	local name=$1 subject=$2 issuer=$3
	printf "$4" >"pki/$name.ext"
	shift 4
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$subject" \
		-keyout "pki/$name.key" -out "pki/$name.csr"
	openssl x509 -req -in "pki/$name.csr" -CA "pki/$issuer.pem" -CAkey "pki/$issuer.key" \
		-CAcreateserial -extfile "pki/$name.ext" -out "pki/$name.pem" "$@"
}

expired_certificate() {
	mkdir -p pki/db
	: >pki/db/index
	echo 01 >pki/db/serial
	cat >pki/db/conf <<-'END'
		[ca]
		default_ca = x
		[x]
		database = pki/db/index
		serial = pki/db/serial
		new_certs_dir = pki/db
		default_md = sha256
		policy = names
		[names]
		commonName = supplied
	END
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost \
		-keyout pki/expired.key -out pki/expired.csr
	openssl ca -batch -config pki/db/conf -cert pki/ca.pem -keyfile pki/ca.key \
		-in pki/expired.csr -out pki/expired.pem -startdate 20240101000000Z \
		-enddate 20250101000000Z -extfile pki/good.ext -notext
}

make_certificates() {
	local eku='basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n'
	local named='subjectAltName=DNS:localhost,IP:127.0.0.1'
	make_pki
	{
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
			-subj '/CN=other authority' -keyout pki/other.key -out pki/other.pem
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
			-subj '/CN=narrow authority' -keyout pki/narrow.key -out pki/narrow.pem \
			-addext 'nameConstraints=critical,permitted;DNS:elsewhere.test'
		certificate good localhost ca "$eku$named" -days 2
		certificate client localhost ca "$eku$named" -days 2
		certificate wrong_host wrong.test ca "${eku}subjectAltName=DNS:wrong.test" -days 2
		certificate by_subject localhost ca "$eku" -days 2
		certificate for_clients localhost ca "extendedKeyUsage=clientAuth\n$named" -days 2
		certificate authority localhost ca "basicConstraints=critical,CA:TRUE\n$named" -days 2
		certificate constrained localhost narrow "$eku$named" -days 2
		certificate unknown_issuer localhost other "$eku$named" -days 2
		certificate sha1 localhost ca "$eku$named" -days 2 -sha1
		expired_certificate
	} >pki/log 2>&1 || {
		cat pki/log
		fail "openssl could not make the certificates"
	}
	cat pki/ca.pem pki/narrow.pem >pki/trusted.pem
}

CERTIFICATES=(good wrong_host by_subject for_clients authority constrained unknown_issuer sha1 expired)

start_hosts() { # NAME…
	"$PYTHON" "$TESTS/e2e/tls_hosts.py" "$@" >server.out 2>&1 &
	SERVER_PID=$!
	wait_until 10 test -s hosts || {
		cat server.out
		fail "the hosts did not start"
	}
}

host() { # NAME
	echo "https://localhost:$(awk -v name="$1" '$1 == name { print $2 }' hosts)"
}

trust_everywhere() { # FILE
	export SSL_CERT_FILE=$1 NODE_EXTRA_CA_CERTS=$1 DENO_CERT=$1 CURL_CA_BUNDLE=$1
}

FETCH='const [,, ...rest] = process.argv;
	fetch(rest.at(-1)).then(async (r) => console.log(r.status, await r.text()))
		.catch((e) => { console.log(e.code ?? e.cause?.code ?? e.message); process.exit(3); });'

# What differs from run to run.
settle() { # FILE
	sed -i -E 's/current time [^ ]+/now/; s/after [0-9]+ ms/after/' "$1"
}

# the_same_by [OPTION…] -- CMD…: bare and recorded, output and status.
the_same_by() {
	local options=() bare=0 recorded=0
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	shift
	"$@" >bare.out 2>&1 || bare=$?
	"$RRSHIM" record -q ${options[@]+"${options[@]}"} -- "$@" >recorded.out 2>&1 || recorded=$?
	settle bare.out
	settle recorded.out
	equal "status of $*" "$bare" "$recorded"
	same_file bare.out recorded.out
}

judges_alike() { # [OPTION…] -- CMD…: the URL is its last argument
	local name
	for name in "${CERTIFICATES[@]}"; do
		the_same_by "$@" "$(host "$name")/"
		[[ $name != good ]] || contains recorded.out hello
		[[ $name != unknown_issuer && $name != expired ]] || lacks recorded.out hello
	done
}

route() {
	"$RRSHIM" events "$(recording)" >events.out
	grep -oE 'route +[a-z]+' events.out | sed 's/.* //' | tr '\n' ' '
}

build_go() {
	command -v go >/dev/null || skip "Go is not installed"
	HOME=$PWD GOFLAGS=-mod=mod CGO_ENABLED=0 go build -o fetch "$CLIENTS/fetch.go" >go.out 2>&1 || {
		cat go.out
		fail "'fetch.go' does not build"
	}
}

test_certificates_by_curl() { # timeout=120
	make_certificates
	start_hosts "${CERTIFICATES[@]}"
	trust_everywhere "$PWD/pki/trusted.pem"
	judges_alike --bridge always -- curl -sS
}

test_certificates_by_go() { # timeout=180
	build_go
	make_certificates
	start_hosts "${CERTIFICATES[@]}"
	trust_everywhere "$PWD/pki/trusted.pem"
	judges_alike -- ./fetch
	the_same_by -- ./fetch "$(host good)/"
	equal route 'bridge ' "$(route)"
}

test_certificates_by_bun() { # timeout=180
	[[ -x $BUN ]] || fail "'$BUN' is not there: run tests/clients.sh"
	make_certificates
	start_hosts "${CERTIFICATES[@]}"
	trust_everywhere "$PWD/pki/trusted.pem"
	echo "$FETCH" >fetch.mjs
	judges_alike -- "$BUN" fetch.mjs
}

test_certificates_by_deno() { # timeout=180
	[[ -x $DENO ]] || fail "'$DENO' is not there: run tests/clients.sh"
	export DENO_DIR=$PWD/deno
	make_certificates
	start_hosts "${CERTIFICATES[@]}"
	trust_everywhere "$PWD/pki/trusted.pem"
	echo "$FETCH" >fetch.mjs
	judges_alike -- "$DENO" run -A -q fetch.mjs
}

test_variables_of_other_programs() { # timeout=120
	build_go
	make_certificates
	start_hosts good
	unset SSL_CERT_FILE CURL_CA_BUNDLE REQUESTS_CA_BUNDLE
	local name
	for name in CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS DENO_CERT REQUESTS_CA_BUNDLE; do
		the_same_by -- env "$name=$PWD/pki/ca.pem" ./fetch "$(host good)/"
		lacks recorded.out hello
	done
	the_same_by -- env "SSL_CERT_FILE=$PWD/pki/ca.pem" ./fetch "$(host good)/"
	contains recorded.out hello
}

test_verification_that_another_program_turned_off() { # timeout=120
	build_go
	make_certificates
	start_hosts good unknown_issuer
	trust_everywhere "$PWD/pki/ca.pem"
	export NODE_TLS_REJECT_UNAUTHORIZED=0
	the_same_by -- ./fetch "$(host good)/"
	"$RRSHIM" record -q -- ./fetch "$(host unknown_issuer)/" >recorded.out 2>&1
	contains recorded.out x509
	lacks recorded.out hello
}

test_authorities_of_the_programs_own() { # timeout=120
	make_certificates
	start_hosts good unknown_issuer
	trust_everywhere "$PWD/pki/ca.pem"
	unset CURL_CA_BUNDLE
	local name authority
	for name in good unknown_issuer; do
		for authority in ca other; do
			the_same_by --bridge always -- \
				curl -sS --cacert "pki/$authority.pem" "$(host "$name")/"
		done
	done
	"$RRSHIM" record -q --bridge always -- curl -sS --cacert pki/ca.pem "$(host good)/" >out
	equal route 'bridge ' "$(route)"
}

test_client_certificate() { # timeout=120
	make_certificates
	start_hosts client
	trust_everywhere "$PWD/pki/ca.pem"
	the_same_by --bridge always -- curl -sS --cert pki/for_clients.pem \
		--key pki/for_clients.key "$(host client)/"
	contains recorded.out hello
	equal route 'relay ' "$(route)"
	"$RRSHIM" events "$(recording)" --json >events.json
	lacks events.json io.read
}

test_through_a_proxy() { # timeout=120
	make_certificates
	start_hosts good unknown_issuer proxy
	trust_everywhere "$PWD/pki/ca.pem"
	local proxy
	proxy=$(host proxy)
	unset NO_PROXY
	export HTTPS_PROXY=http${proxy#https}
	the_same_by --bridge always -- curl -sS "$(host good)/"
	contains recorded.out hello
	equal "requests, with CONNECT" 2 "$(exchanges)"
	equal tunnels 2 "$(wc -l <tunnels)"
}

test_through_a_proxy_offline() { # timeout=120
	make_certificates
	start_hosts good proxy
	trust_everywhere "$PWD/pki/ca.pem"
	export REQUESTS_CA_BUNDLE=$PWD/pki/ca.pem
	local proxy url
	proxy=$(host proxy)
	url=$(host good)/
	unset NO_PROXY
	export HTTPS_PROXY=http${proxy#https}
	cat >everybody.sh <<-END
		curl -sS $url $url
		'$PYTHON' -c 'import requests; print(requests.get("$url").text)'
		'$BUN' fetch.mjs $url
		'$DENO' run -A -q fetch.mjs $url
	END
	echo "$FETCH" >fetch.mjs
	record sh everybody.sh
	equal "exit status" 0 "$rec_status"
	equal "hellos" 5 "$(grep -o hello rec.out | wc -l)"
	stop_server
	replay_offline sh everybody.sh
	same
	assert_zero_miss 9
}

test_half_close() { # timeout=60
	make_certificates
	start_hosts good
	trust_everywhere "$PWD/pki/ca.pem"
	cat >half.py <<-'END'
		import os, socket, ssl, sys
		context = ssl.create_default_context()
		plain = socket.create_connection(("localhost", int(sys.argv[1])))
		s = context.wrap_socket(plain, server_hostname="localhost")
		s.sendall(b"POST /count HTTP/1.1\r\n\r\n" + bytes(300000))
		socket.socket(fileno=os.dup(s.fileno())).shutdown(socket.SHUT_WR)
		got = b""
		while data := s.recv(4096):
		    got += data
		print(got)
	END
	the_same_by --bridge always -- "$PYTHON" half.py "$(host good | sed 's/.*://')"
	contains recorded.out 300000
}

test_half_a_gigabyte() { # timeout=300 serial sanitizers=none
	make_certificates
	start_hosts good
	trust_everywhere "$PWD/pki/ca.pem"
	# shellcheck disable=SC2016 # the inner shell's
	the_same_by --bridge always -- bash -c 'curl -sS "$1" | md5sum' - "$(host good)/md5?500000000"
}

test_recorder_killed() { # timeout=60
	make_certificates
	start_hosts good
	trust_everywhere "$PWD/pki/ca.pem"
	local status=0
	"$RRSHIM" record --bridge always -- bash -c '
		curl -sS "$1/"
		kill -9 $PPID
		curl -sS "$1/"
		exit 7' - "$(host good)" >out 2>err || status=$?
	equal status 7 "$status"
	equal output $'hello\nhello' "$(cat out)"
}

test_live_through_a_proxy() {
	# The tunnel nobody recorded is there, our own goes through the proxy, and the child has both.
	make_certificates
	start_hosts good proxy
	trust_everywhere "$PWD/pki/ca.pem"
	local proxy url
	proxy=$(host proxy)
	record true
	unset NO_PROXY
	export HTTPS_PROXY=http${proxy#https}
	url=$(host good)/
	"$RRSHIM" replay --mode hybrid --report rep.json -- curl -sS "$url" >live.out 2>live.err ||
		fail "status $?: $(cat live.err)"
	contains live.out hello
	equal tunnels 1 "$(wc -l <tunnels)"
	equal "live calls" 1 "$(query rep.json 'd["live"]')"
	REPLAY_OPTIONS=("$RRSHIM_DIR/$(query rep.json 'd["child"]')")
	stop_server
	replay_offline curl -sS "$url"
	equal status 0 "$rep_status"
	same_file live.out rep.out
	equal "missed calls" 0 "$(query rep.json 'd["missed"]')"
}
