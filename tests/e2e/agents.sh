# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# How tests run agents: against tests/e2e/vendors.mjs, in a place on some machine.
#
# A place is a folder of the test with home/ and project/. The program sees them where PLACE_HOME and
# PLACE_PROJECT say, in namespaces of its own.

# shellcheck source=tests/e2e/table.sh
source "$TESTS/e2e/table.sh"

VENDOR_HOSTS=(api.anthropic.com platform.claude.com claude.ai mcp-proxy.anthropic.com
	downloads.claude.ai api.openai.com chatgpt.com ab.chatgpt.com auth.openai.com
	generativelanguage.googleapis.com play.googleapis.com models.dev models.opencode.ai opencode.ai
	registry.npmjs.org api.github.com github.com raw.githubusercontent.com)
PROMPT='Run <run>tee -a ran.log <seed.txt && sh src/volatile.sh</run> with your shell tool and tell me what it prints.'
PLAIN_PROMPT=${PROMPT/ && sh src\/volatile.sh/}

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
			-CAcreateserial -days 400 -extfile "$VENDORS/pki/ext" -out "$VENDORS/pki/vendors.pem"
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
	place here
	compile shift_clock "$TESTS/e2e/shift_clock.c"
}

# place here|elsewhere: where agents run from now on. elsewhere is another machine, user, directory
# and time zone, and another day.
place() {
	PLACE=$PWD/$1
	PLACE_ROOT=/srv PLACE_HOME=/srv/casey PLACE_PROJECT=/srv/casey/src/shop PLACE_USER=casey PLACE_HOST=copper
	PLACE_ENVIRONMENT=(TZ=UTC COLUMNS=80)
	CLOCK_SHIFT=0
	if [[ $1 == elsewhere ]]; then
		PLACE_ROOT=/media PLACE_HOME=/media/users/m.rowan PLACE_PROJECT=/media/ci/jobs/17/check-out
		PLACE_USER=mrowan PLACE_HOST=build-7.example.org
		PLACE_ENVIRONMENT=(TZ=Asia/Tokyo COLUMNS=133 LINES=50 TMPDIR=/media/scratch)
		CLOCK_SHIFT=$((40 * 86400 + 7201))
	fi
	export PLACE PLACE_ROOT PLACE_HOME PLACE_PROJECT PLACE_USER PLACE_HOST
	PLACE_ENVIRONMENT+=(PWD="$PLACE_PROJECT" HOME="$PLACE_HOME" USER="$PLACE_USER" LOGNAME="$PLACE_USER")
}

# fresh SEED: the same home and clone as in every other run, as they were before the first.
fresh() {
	rm -rf "$PLACE"
	mkdir -p "$PLACE/root" "$PLACE/home" "$PLACE/project/src"
	echo "$1" >"$PLACE/project/seed.txt"
	echo 'A shop.' >"$PLACE/project/README.md"
	printf '%s\n' ran.log seed.txt >"$PLACE/project/.gitignore"
	cp "$TESTS/e2e/volatile.sh" "$PLACE/project/src/"
	(
		cd "$PLACE/project" || exit
		export GIT_AUTHOR_DATE=2026-03-01T10:00:00Z GIT_COMMITTER_DATE=2026-03-01T10:00:00Z
		export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
		git init -q -b main . && git add . &&
			git -c user.name=Shop -c user.email=shop@example.org commit -q -m 'Open the shop'
	)
}

in_world() { # live|offline COMMAND…
	local mode=$1 clock=()
	shift
	((CLOCK_SHIFT == 0)) || clock=(./shift_clock "$CLOCK_SHIFT")
	(
		unset XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME TMPDIR
		exec "$TESTS/e2e/vendors_world.sh" "$mode" "$VENDORS" \
			${clock[@]+"${clock[@]}"} env -C "$PLACE_PROJECT" "${PLACE_ENVIRONMENT[@]}" "$@" </dev/null
	)
}

ran() { # SEED WHERE: the tool ran, once
	equal "what the tool left behind $2" "$1" "$(cat "$PLACE/project/ran.log" 2>&1)"
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
	in_world offline "$RRSHIM" replay --report "$PWD/rep.json" \
		${REPLAY_OPTIONS[@]+"${REPLAY_OPTIONS[@]}"} -- "$@" >rep.out 2>rep.err || rep_status=$?
	no_sanitizer_report rep.err
	same
	ran "$seed" 'in replay'
	equal "missed calls" 0 "$(query rep.json 'd["missed"]')"
	equal "packets that left for the network in replay" 0 "$(cat vendors/leaked)"
}

