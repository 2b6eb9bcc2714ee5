# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Group: agents
# Needs: timeout=240 serial sanitizers=none
#
# The agents people use, as their vendors ship them: a prompt, a call of the shell tool, its result,
# an answer. They talk to the vendors' own host names by TLS, without a base URL or a proxy.

# shellcheck source=tests/e2e/agents.sh
source "$TESTS/e2e/agents.sh"

agent() { # NAME COMMAND…
	local name=$1 seed run
	shift
	need_clients
	prepare_vendors
	start_result agents "$name"
	bare_agent "$@"
	seed=seed-$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')
	record_agent "$seed" "$@"
	passed record
	place "${AGENT_PLACE:-later}"
	for ((run = 1; run <= ${AGENT_RUNS:-1}; run++)); do
		replay_agent "$seed" "$@"
	done
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
