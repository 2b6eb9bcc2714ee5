# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Group: agents
# Needs: timeout=240 serial sanitizers=none
#
# The agents people use, as their vendors ship them: a prompt, a call of the shell tool, its result,
# an answer. They talk to the vendors' own host names by TLS, without a base URL or a proxy.

# shellcheck source=tests/e2e/table.sh
source "$TESTS/e2e/table.sh"

VENDOR_HOSTS=(api.anthropic.com platform.claude.com claude.ai mcp-proxy.anthropic.com
	downloads.claude.ai api.openai.com chatgpt.com ab.chatgpt.com auth.openai.com
	generativelanguage.googleapis.com play.googleapis.com models.dev models.opencode.ai opencode.ai
	registry.npmjs.org api.github.com github.com raw.githubusercontent.com)
PROMPT='Run <run>cat seed.txt | tee -a ran.log</run> with your shell tool and tell me what it prints.'

prepare_vendors() {
	local host
	VENDORS=$PWD/vendors
	make_pki
	mkdir -p "$VENDORS/pki"
	{
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=vendors \
			-keyout "$VENDORS/pki/vendors.key" -out "$VENDORS/pki/vendors.csr"
		printf 'subjectAltName=%s\n' "$(printf 'DNS:%s,' "${VENDOR_HOSTS[@]}" | sed 's/,$//')" \
			>"$VENDORS/pki/ext"
		openssl x509 -req -in "$VENDORS/pki/vendors.csr" -CA pki/ca.pem -CAkey pki/ca.key \
			-CAcreateserial -days 2 -extfile "$VENDORS/pki/ext" -out "$VENDORS/pki/vendors.pem"
	} >vendors.log 2>&1 || {
		cat vendors.log
		fail "openssl could not make the vendors' certificate"
	}
	for host in localhost "${VENDOR_HOSTS[@]}"; do
		echo "127.0.0.1 $host"
	done >"$VENDORS/hosts"
	export NODE_EXTRA_CA_CERTS=$PWD/pki/ca.pem SSL_CERT_FILE=$PWD/pki/ca.pem GIT_SSL_CAINFO=$PWD/pki/ca.pem
	export ANTHROPIC_API_KEY=sk-ant-api03-not-a-key OPENAI_API_KEY=sk-not-a-key
	export CODEX_API_KEY=$OPENAI_API_KEY GEMINI_API_KEY=AIzaNotAKey
	export TERM=xterm-256color
}

# fresh SEED: the same home and folder as in every other run, as they were before the first.
fresh() {
	rm -rf home project
	mkdir home project
	echo "$1" >project/seed.txt
}

in_world() { # live|offline COMMAND…
	local mode=$1
	shift
	(
		cd project || exit
		unset XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME
		HOME=$(cd ../home && pwd) exec "$TESTS/e2e/vendors_world.sh" "$mode" "$VENDORS" "$@" </dev/null
	)
}

ran() { # SEED WHERE: the tool ran, once
	equal "what the tool left behind $2" "$1" "$(cat project/ran.log 2>&1)"
}

show_agent() { # RUN
	show_file "$1.out" 20
	show_file "$1.err" 40
	show_file vendors/vendors.out 10
}

came_to_its_end() { # RUN STATUS SEED
	if [[ $2 != 0 ]] || ! grep -q "The tool said $3" "$1.out"; then
		show_agent "$1"
		fail "the agent does not come to its end (status $2)"
	fi
}

bare_agent() {
	local status=0
	fresh seed-0123
	in_world live "$@" >bare.out 2>bare.err || status=$?
	came_to_its_end bare "$status" seed-0123
	ran seed-0123 'without rrshim'
}

record_agent() { # SEED COMMAND…
	local seed=$1
	shift
	fresh "$seed"
	rec_status=0
	in_world live "$RRSHIM" record -- "$@" >rec.out 2>rec.err || rec_status=$?
	no_sanitizer_report rec.err
	came_to_its_end rec "$rec_status" "$seed"
	ran "$seed" 'when recorded'
	query vendors/vendors/log 'sum(1 for r in d if r["http"] == "upgrade" or r["method"] == "POST"
		and any(word in r["target"] for word in ("/v1/messages", "/v1/responses", "enerateContent")))' >calls
	(($(exchanges) >= $(cat calls))) || fail "the vendors saw $(cat calls) calls, the recording has $(exchanges)"
}

replay_agent() { # SEED COMMAND…
	local seed=$1
	shift
	fresh "$seed"
	rep_status=0
	in_world offline "$RRSHIM" replay --report "$PWD/rep.json" -- "$@" >rep.out 2>rep.err || rep_status=$?
	no_sanitizer_report rep.err
	same
	ran "$seed" 'in replay'
	equal "missed calls" 0 "$(query rep.json 'd["missed"]')"
	equal "packets that left for the network in replay" 0 "$(cat vendors/leaked)"
}

agent() { # NAME COMMAND…
	local name=$1 seed
	shift
	need_clients
	prepare_vendors
	start_result agents "$name"
	bare_agent "$@"
	seed=seed-$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')
	record_agent "$seed" "$@"
	passed record
	replay_agent "$seed" "$@"
	passed replay
}

test_claude() {
	agent claude claude -p "$PROMPT" --allowedTools Bash
}

test_claude_asked_something_else() {
	# Another result of the tool is another question, and the miss says where.
	need_clients
	prepare_vendors
	record_agent seed-0123456789ab claude -p "$PROMPT" --allowedTools Bash
	fresh seed-ba9876543210
	rep_status=0
	in_world offline "$RRSHIM" replay --report "$PWD/rep.json" -- \
		claude -p "$PROMPT" --allowedTools Bash >rep.out 2>rep.err || rep_status=$?
	equal status 86 "$rep_status"
	lacks rep.out 'The tool said'
	equal "what differs" "[('seed-0123456789ab', 'seed-ba9876543210')]" "$(query rep.json \
		'sorted({(x["expected"], x["actual"]) for m in d["misses"] for x in m["differences"]})')"
	contains rep.err '$.messages['
}

test_codex() {
	# As against its vendor: a WebSocket.
	VENDORS_OPTIONS=--websocket agent codex \
		codex exec --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox "$PROMPT"
}

test_codex_http() {
	# The WebSocket is refused: server-sent events over HTTP/2.
	agent codex_http \
		codex exec --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox "$PROMPT"
}

test_gemini() {
	agent gemini gemini -p "$PROMPT" --yolo --skip-trust
}

test_opencode() {
	agent opencode opencode run -m anthropic/claude-sonnet-4-5 "$PROMPT"
}

test_pi() {
	agent pi pi -p --provider anthropic --model claude-sonnet-4-5 "$PROMPT"
}
