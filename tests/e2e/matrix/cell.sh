# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# One client with or without TLS: `cell CLIENT SCHEME`. It runs bare, recorded, and replayed where
# there is neither the server nor a network; the clients are in tests/e2e/matrix/clients.

# shellcheck source=tests/e2e/table.sh
source "$TESTS/e2e/table.sh"
MATRIX=$TESTS/e2e/matrix

# ---- servers ----

SERVER_PIDS=()
start_matrix_server() {
	local name port
	rm -rf server
	"$CLIENTS_FOLDER/bin/node" "$MATRIX/server.mjs" server pki/server.pem pki/server.key "$PWD/repositories" \
		>server.out 2>&1 &
	SERVER_PIDS+=($!)
	await_ports "the server of the matrix"
	while read -r name port; do
		declare -g "PORT_$name=$port"
	done <server/ports
}

start_redis() {
	REDIS_PORT=$(closed_port)
	local port=("--port" "$REDIS_PORT")
	[[ $SCHEME == https ]] && port=(--port 0 --tls-port "$REDIS_PORT" --tls-auth-clients no
		--tls-cert-file pki/server.pem --tls-key-file pki/server.key --tls-ca-cert-file pki/ca.pem)
	redis-server --bind 127.0.0.1 "${port[@]}" --save '' --appendonly no >server.out 2>&1 &
	SERVER_PIDS+=($!)
	wait_until 10 listening "$REDIS_PORT" || fail "redis-server did not start"
	export REDIS_PORT
}

start_postgres() {
	local bin as=()
	bin=$(find /usr/lib/postgresql -name initdb -printf '%h\n' | sort -V | tail -n 1)
	mkdir database
	cp pki/server.pem pki/server.key database/
	chmod 600 database/server.key
	((UID == 0)) && { # which it refuses to run as
		chown -R nobody database
		as=(setpriv --reuid nobody --clear-groups)
	}
	PG_PORT=$(closed_port)
	"${as[@]}" "$bin/initdb" -D database/data -U test -A trust -N >server.out 2>&1 || {
		cat server.out
		fail "initdb failed"
	}
	"${as[@]}" "$bin/postgres" -D database/data -k '' -h localhost -p "$PG_PORT" -c fsync=off -c ssl=on \
		-c "ssl_cert_file=$PWD/database/server.pem" -c "ssl_key_file=$PWD/database/server.key" >>server.out 2>&1 &
	SERVER_PIDS+=($!)
	wait_until 20 listening "$PG_PORT" || {
		cat server.out
		fail "postgres did not start"
	}
	export PG_PORT
}

listening() { # PORT
	: 2>/dev/null <"/dev/tcp/127.0.0.1/$1"
}

make_repository() {
	git init -q --bare repositories/project.git
	git init -q -b main seed
	seq 1 2000 >seed/numbers
	head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >seed/file
	git -C seed add .
	git -C seed -c user.name=Test -c user.email=test@localhost commit -qm 'A commit'
	git -C seed push -q ../repositories/project.git main:main
	git -C repositories/project.git symbolic-ref HEAD refs/heads/main
}

stop_servers() {
	local pid
	for pid in "${SERVER_PIDS[@]}"; do
		kill "$pid"
		wait "$pid" || true
	done
	SERVER_PIDS=()
}

# ---- clients ----

base() { # HTTP-PORT [HTTPS-PORT]
	if [[ $SCHEME == https ]]; then
		export BASE=https://localhost:${2:-$PORT_https}
	else
		export BASE=http://localhost:$1
	fi
}

port_of() { # VARIABLE PORT TLS-PORT
	[[ $SCHEME == https ]] && set -- "$1" "$3"
	export "$1=$2"
}

go_program() {
	local program=$BUILD/matrix-bin/calls
	mkdir -p "$BUILD/matrix-bin"
	(
		flock 7
		[[ $program -nt $MATRIX/calls.go ]] ||
			CGO_ENABLED=0 GOFLAGS=-mod=mod GO111MODULE=off go build -o "$program" "$MATRIX/calls.go"
	) 7>"$BUILD/matrix-bin/lock" >go.out 2>&1 || {
		cat go.out
		fail "the Go client does not build"
	}
	echo "$program"
}

# Java has a store of its own: the test authority is in it, as an administrator would have put it.
java_world() {
	local store=/etc/ssl/certs/java/cacerts
	javac -d classes "$MATRIX/Calls.java" || fail "the Java client does not build"
	cp "$store" cacerts
	keytool -importcert -noprompt -keystore cacerts -storepass changeit -alias test -file pki/ca.pem \
		>keytool.out 2>&1 || {
		cat keytool.out
		fail "keytool failed"
	}
	local options=(-m)
	((UID == 0)) || options+=(-r)
	# shellcheck disable=SC2016
	WORLD=(unshare "${options[@]}" sh -c 'mount --bind cacerts "$0" && exec "$@"' "$store")
}

# Sets COMMAND, and WORLD where rrshim is to run in another one than this.
choose_client() { # NAME
	WORLD=()
	SERVED=1 # at least; what is not HTTP is not counted as calls
	base "$PORT_http"
	port_of LINES_PORT "$PORT_lines" "$PORT_liness"
	port_of GRPC_PORT "$PORT_grpc" "$PORT_grpcs"
	case $1 in
	curl) COMMAND=("$MATRIX/curl.sh" --http1.1) ;;
	curl_http2)
		base "$PORT_h2c"
		COMMAND=("$MATRIX/curl.sh" --http2)
		[[ $SCHEME == https ]] || COMMAND=("$MATRIX/curl_h2c.sh")
		;;
	wget) COMMAND=("$MATRIX/wget.sh") ;;
	git)
		make_repository
		COMMAND=("$MATRIX/git.sh")
		;;
	nghttp)
		base "$PORT_h2c"
		COMMAND=("$MATRIX/nghttp.sh")
		;;
	python_socket)
		SERVED=0
		COMMAND=("$PYTHON" "$MATRIX/lines.py")
		;;
	python_websocket)
		base "$PORT_ws"
		COMMAND=("$PYTHON" "$MATRIX/websocket_calls.py")
		;;
	python_*) COMMAND=("$PYTHON" "$MATRIX/calls.py" "${1#python_}") ;;
	node_fetch) COMMAND=(node "$MATRIX/fetch.mjs") ;;
	node_http) COMMAND=(node "$MATRIX/node_http.mjs") ;;
	node_http2)
		base "$PORT_h2c"
		COMMAND=(node "$MATRIX/node_http2.mjs")
		;;
	undici | axios | openai | anthropic) COMMAND=(node "$MATRIX/$1.mjs") ;;
	bun_fetch) COMMAND=(bun run "$MATRIX/fetch.mjs") ;;
	deno_fetch) COMMAND=(deno run -A -q "$MATRIX/fetch.mjs") ;;
	java_http1 | java_http2)
		java_world
		COMMAND=(java -Xshare:auto -cp classes Calls "$([[ $1 == java_http1 ]] && echo HTTP_1_1 || echo HTTP_2)")
		;;
	go_http1) COMMAND=("$(go_program)" http1) ;;
	go_http2) COMMAND=("$(go_program)") ;;
	ws | bun_websocket | deno_websocket)
		base "$PORT_ws"
		case $1 in
		ws) COMMAND=(node "$MATRIX/websocket.mjs") ;;
		bun_websocket) COMMAND=(bun run "$MATRIX/websocket.mjs" --own) ;;
		deno_websocket) COMMAND=(deno run -A -q "$MATRIX/websocket.mjs" --own) ;;
		esac
		;;
	grpc_js) COMMAND=(node "$MATRIX/grpc.mjs") ;;
	grpc_python) COMMAND=("$PYTHON" "$MATRIX/grpc_calls.py") ;;
	redis_cli)
		start_redis
		SERVED=0
		COMMAND=("$MATRIX/redis.sh")
		;;
	psql)
		start_postgres
		SERVED=0
		COMMAND=("$MATRIX/psql.sh")
		;;
	netcat | s_client)
		SERVED=0
		COMMAND=("$MATRIX/s_client.sh")
		;;
	node_socket)
		SERVED=0
		COMMAND=(node "$MATRIX/node_tls.mjs")
		;;
	*) fail "no such client: $1" ;;
	esac
}

# As a user says it to each: this authority is to be trusted.
trust_test_authority() {
	CA=$PWD/pki/ca.pem
	unset GIT_SSL_CAINFO
	export CA SSL_CERT_FILE=$CA NODE_EXTRA_CA_CERTS=$CA CURL_CA_BUNDLE=$CA REQUESTS_CA_BUNDLE=$CA
}

# ---- one cell ----

# What the server made up is told by its length, the seconds of redis by their place.
masked() { # FILE
	sed -E -e 's/[0-9a-f]{16,}/ID/g' -e 's/^[0-9]{5,}$/NUMBER/' "$1"
}

# What the server was asked since the last time, in an order of its own: the same with rrshim and
# without, to the last header and its place.
asked() { # FILE
	[[ -s server/log ]] || return 0
	sed -E -e 's/"sec-websocket-key":"[^"]*"/"sec-websocket-key":"KEY"/' \
		-e 's/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/UUID/g' server/log | sort >"$1"
	: >server/log
}

# The first of the server's own words that the client printed stands in the recording.
holds_the_answer() {
	local word
	word=$(grep -aoE '[0-9a-f]{16,}' rec.out | head -n 1)
	[[ -n $word ]] || fail "the client printed none of the server's words"
	"$RRSHIM" events "$(recording)" --json >events.json || fail "rrshim events failed"
	"$PYTHON" - "$word" <<-'END' || fail "the recording does not hold what the client received"
		import base64, json, sys
		word = sys.argv[1].encode()
		for line in open("events.json", encoding="utf-8", errors="surrogateescape"):
		    event = json.loads(line)
		    data = event.get("text", "").encode("utf-8", "surrogateescape") or base64.b64decode(event.get("base64", ""))
		    if event.get("direction") != "sent" and word in data:
		        sys.exit(0)
		sys.exit(1)
	END
}

cell() { # CLIENT SCHEME
	SCHEME=$2
	export SCHEME HOME=$PWD/home DENO_DIR=$PWD/deno GIT_CONFIG_GLOBAL=/dev/null PSQLRC=/dev/null
	mkdir home
	need_clients
	start_result matrix "$1_$2"
	make_pki
	start_matrix_server
	trust_test_authority
	choose_client "$1"

	local status=0
	"${WORLD[@]}" "${COMMAND[@]}" >bare.out 2>bare.err || status=$?
	[[ $status == 0 ]] || {
		show_file bare.out 20
		show_file bare.err 20
		fail "without rrshim the client exits with $status"
	}
	asked bare.asked
	rec_status=0
	"${WORLD[@]}" "$RRSHIM" record -- "${COMMAND[@]}" >rec.out 2>rec.err || rec_status=$?
	equal "exit status when recorded" 0 "$rec_status"
	masked bare.out >bare.masked
	masked rec.out >rec.masked
	same_file bare.masked rec.masked
	asked rec.asked
	[[ ! -f bare.asked ]] || same_file bare.asked rec.asked
	holds_the_answer
	passed record
	stop_servers

	rep_status=0
	"${WORLD[@]}" "${UNSHARE_NET[@]}" sh -c 'ip link set lo up && exec "$@"' offline \
		"$RRSHIM" replay --report rep.json -- "${COMMAND[@]}" >rep.out 2>rep.err || rep_status=$?
	same
	assert_zero_miss "$SERVED"
	passed replay
}
