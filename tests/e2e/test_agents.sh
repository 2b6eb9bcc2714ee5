# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Group: agents
# Needs: timeout=240 serial sanitizers=none
#
# The agents people use, as their vendors ship them: a prompt, a call of the shell tool, its result,
# an answer. They talk to the vendors' own host names by TLS, without a base URL or a proxy.

# shellcheck source=tests/e2e/agents.sh
source "$TESTS/e2e/agents.sh"

# agent_command NAME: sets COMMAND, and what the vendors do.
agent_command() {
	local codex=(codex exec --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox "$PROMPT")
	export VENDORS_OPTIONS=
	case $1 in
	claude) COMMAND=(claude -p "$PROMPT" --allowedTools Bash) ;;
	codex) # as against its vendor: a WebSocket
		VENDORS_OPTIONS=--websocket
		COMMAND=("${codex[@]}")
		;;
	codex_http) COMMAND=("${codex[@]}") ;; # that is refused: server-sent events over HTTP/2
	gemini) COMMAND=(gemini -p "$PROMPT" --yolo --skip-trust) ;;
	opencode) COMMAND=(opencode run -m anthropic/claude-sonnet-4-5 "$PROMPT") ;;
	pi) COMMAND=(pi -p --provider anthropic --model claude-sonnet-4-5 "$PROMPT") ;;
	sdk_*)
		VENDORS_OPTIONS=--busy
		COMMAND=(node "$CLIENTS/sdk_agent.mjs" "${1#sdk_}" "$PROMPT")
		;;
	esac
}

random_seed() {
	echo "seed-$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')"
}

# Recorded once, replayed by another user of another machine, in another directory and time zone, on
# another day; AGENT_RUNS says how often.
agent() { # NAME
	local seed run
	need_clients
	prepare_vendors
	agent_command "$1"
	start_result agents "$1"
	bare_agent "${COMMAND[@]}"
	seed=$(random_seed)
	record_agent "$seed" "${COMMAND[@]}"
	passed record
	mv "$RRSHIM_DIR" moved
	RRSHIM_DIR=$PWD/moved
	place elsewhere
	for ((run = 1; run <= ${AGENT_RUNS:-1}; run++)); do
		replay_agent "$seed" "${COMMAND[@]}"
	done
	passed replay
}

test_claude() {
	agent claude
}

test_claude_asked_something_else() {
	# Another result of the tool is another question, and the miss says where.
	need_clients
	prepare_vendors
	PROMPT=$PLAIN_PROMPT agent_command claude
	record_agent seed-0123456789ab "${COMMAND[@]}"
	fresh seed-ba9876543210
	rep_status=0
	in_world offline "$RRSHIM" replay --report "$PWD/rep.json" -- "${COMMAND[@]}" >rep.out 2>rep.err || rep_status=$?
	equal status 86 "$rep_status"
	lacks rep.out 'The tool said'
	equal "what differs" "[('seed-0123456789ab', 'seed-ba9876543210')]" "$(query rep.json \
		'sorted({(x["expected"], x["actual"]) for m in d["misses"] for x in m["differences"]})')"
	contains rep.err '$.messages['
}

test_codex() {
	agent codex
}

test_codex_http() {
	agent codex_http
}

test_gemini() {
	agent gemini
}

test_opencode() {
	agent opencode
}

test_pi() {
	agent pi
}

test_sdk_openai() {
	agent sdk_openai
}

test_sdk_anthropic() {
	agent sdk_anthropic
}

# What two runs teach is enough for a third. AGENTS names those it is tried with.
test_learned_rules() {
	local name seed here
	need_clients
	prepare_vendors
	for name in ${AGENTS:-sdk_anthropic}; do
		agent_command "$name"
		seed=$(random_seed)
		place here
		record_agent "$seed" "${COMMAND[@]}"
		cp rec.out first.out
		here=$(recording)
		place elsewhere
		record_agent "$seed" "${COMMAND[@]}"
		"$RRSHIM" learn -o "learned-$name.yaml" "$here" "$(recording)" >learn.out 2>&1 || {
			cat learn.out
			fail "learn exits with $?"
		}
		cp first.out rec.out
		REPLAY_OPTIONS=(--rules "$PWD/learned-$name.yaml" "$here")
		replay_agent "$seed" "${COMMAND[@]}"
		REPLAY_OPTIONS=()
	done
}
