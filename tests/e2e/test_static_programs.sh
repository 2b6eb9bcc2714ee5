# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Programs that no preload reaches: static ones, and those of another libc. A seccomp listener
# stands in for the preload.

build_clients() {
	compile get "$TESTS/e2e/get.c"
	compile get-static "$TESTS/e2e/get.c" -static
	compile get-pie "$TESTS/e2e/get.c" -static-pie -fPIE
	compile run "$TESTS/e2e/run.c"
	compile run-static "$TESTS/e2e/run.c" -static
	command -v musl-gcc >/dev/null || return 0
	CC=musl-gcc compile get-musl "$TESTS/e2e/get.c"
	CC=musl-gcc compile get-musl-static "$TESTS/e2e/get.c" -static
}

# Every kind of client there is here.
clients() {
	local name
	for name in get get-static get-pie get-musl get-musl-static; do
		[[ ! -x $name ]] || echo "./$name"
	done
}

# replays_like_recorded CMD…: the same output and status, with nothing missed.
replays_like_recorded() {
	replay_offline "$@"
	same
	equal "missed calls" 0 "$(query rep.json 'd["missed"]')"
	equal "unused calls" 0 "$(query rep.json 'd["unused"]')"
}

test_replays_what_another_client_recorded() {
	build_clients
	start_server
	record ./get localhost "$HTTP_PORT" /json /page /204
	stop_server
	local client
	for client in $(clients); do
		replays_like_recorded "$client" localhost "$HTTP_PORT" /json /page /204
		replays_like_recorded "$client" n localhost "$HTTP_PORT" /json /page /204
	done
}

test_refused_port_in_replay() {
	build_clients
	local port client
	port=$(closed_port)
	record ./get 127.0.0.1 "$port" /x
	contains rec.out refused
	for client in $(clients); do
		replays_like_recorded "$client" 127.0.0.1 "$port" /x
		replays_like_recorded "$client" n 127.0.0.1 "$port" /x
	done
}

test_replay_reaches_nothing_else() {
	# The server is there, but it is not the recording's.
	build_clients
	start_server
	record ./get localhost "$HTTP_PORT" /json
	local before client
	before=$(requests_seen)
	for client in ./get-static ./get-musl; do
		[[ -x $client ]] || continue
		rep_status=0
		"$RRSHIM" replay -- "$client" localhost "$HTTPS_PORT" /json >rep.out 2>rep.err || rep_status=$?
		equal "exit status" 86 "$rep_status"
	done
	equal "requests at the server" "$before" "$(requests_seen)"
}

test_unknown_names_fail_at_once() {
	build_clients
	start_server
	record ./get localhost "$HTTP_PORT" /json
	stop_server
	local client
	for client in $(clients); do
		SECONDS=0
		replay_offline "$client" no-such-name.test 80 /x
		contains rep.out 'no-such-name.test is not known'
		((SECONDS < 4)) || fail "'$client' waited $SECONDS s for a name"
	done
}

test_recorded_names_resolve() {
	need_root "to give the recorded client a hosts file"
	build_clients
	start_server
	printf '127.0.0.1 localhost api.test\n' >hosts
	unshare -m sh -c 'mount --bind hosts /etc/hosts && exec "$@"' sh \
		"$RRSHIM" record -- ./get api.test "$HTTP_PORT" /json >rec.out 2>rec.err
	rec_status=0
	stop_server
	local client
	for client in $(clients); do
		replays_like_recorded "$client" api.test "$HTTP_PORT" /json
	done
}

test_generations() {
	# A static parent, a dynamic child, a static grandchild, and so on.
	build_clients
	start_server
	record ./run ./run ./get localhost "$HTTP_PORT" /json
	stop_server
	replays_like_recorded ./run ./run-static ./get localhost "$HTTP_PORT" /json
	replays_like_recorded ./run-static ./run ./get-static localhost "$HTTP_PORT" /json
	replays_like_recorded ./run-static ./run-static ./run ./get localhost "$HTTP_PORT" /json
	replays_like_recorded ./run exec ./run-static exec ./run fexec ./get-static localhost "$HTTP_PORT" /json
	replays_like_recorded sh -c "exec ./get-static localhost $HTTP_PORT /json"
}

test_many_at_once() {
	build_clients
	start_server
	record sh -c "for i in 1 2 3 4 5 6 7 8; do ./get localhost $HTTP_PORT /json >out.\$i & done; wait; cat out.*"
	stop_server
	replay_offline sh -c "for i in 1 2 3 4 5 6 7 8; do ./get-static localhost $HTTP_PORT /json >out.\$i & done; wait; cat out.*"
	equal "missed calls" 0 "$(query rep.json 'd["missed"]')"
	sort rec.out >rec.sorted
	sort rep.out >rep.sorted
	same_file rec.sorted rep.sorted
}

test_a_filter_of_its_own() {
	build_clients
	start_server
	record ./run filter ./get localhost "$HTTP_PORT" /json
	contains rec.out 'own filter: Argument list too long'
	stop_server
	replays_like_recorded ./run-static filter ./get-static localhost "$HTTP_PORT" /json
}

test_a_listener_of_its_own() {
	# There can be one only: it is told so, and goes on.
	build_clients
	start_server
	record ./get localhost "$HTTP_PORT" /json
	stop_server
	replay_offline ./run-static listener ./get-static localhost "$HTTP_PORT" /json
	contains rep.out 'own listener: Device or resource busy'
	equal "missed calls" 0 "$(query rep.json 'd["missed"]')"
	# Under somebody else's listener we can have none: not started.
	replay_offline ./run listener ./get-static localhost "$HTTP_PORT" /json
	contains rep.out 'own listener: yes'
	contains rep.err 'no seccomp listener'
	lacks rep.out id
}

test_it_is_itself() {
	# The name, the folder, the process and its signals are what they would be.
	cat >self.c <<-'END'
		#include <limits.h>
		#include <signal.h>
		#include <stdio.h>
		#include <unistd.h>
		int main(int argc, char **argv)
		{
			char exe[PATH_MAX] = "", cwd[PATH_MAX] = "";
			struct sigaction usr2;
			sigset_t mask;
			readlink("/proc/self/exe", exe, sizeof(exe) - 1);
			getcwd(cwd, sizeof(cwd));
			sigprocmask(SIG_SETMASK, NULL, &mask);
			sigaction(SIGUSR2, NULL, &usr2);
			printf("%d %s %s %s %d %d %d\n", argc, argv[0], exe, cwd,
				sigismember(&mask, SIGUSR1), usr2.sa_handler == SIG_IGN, fcntl_count());
			return 0;
		}
	END
	cat >count.h <<-'END'
		#include <fcntl.h>
		static int fcntl_count(void)
		{
			int n = 0;
			for (int fd = 0; fd < 256; fd++)
				n += fcntl(fd, F_GETFD) >= 0;
			return n;
		}
	END
	cat >caller.py <<-'END'
		import os, signal, sys
		signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
		signal.signal(signal.SIGUSR2, signal.SIG_IGN)
		os.chdir("sub")
		os.execv("../self", ["another name", "x"])
	END
	mkdir -p sub
	compile self self.c -include count.h -static
	"$PYTHON" caller.py >expected
	build_clients
	start_server
	record ./get localhost "$HTTP_PORT" /json
	replay_offline "$PYTHON" caller.py
	same_file expected rep.out
}

test_the_helper_is_killed_in_replay() {
	build_clients
	start_server
	record ./get localhost "$HTTP_PORT" /json /json
	rep_status=0
	"$RRSHIM" replay -- ./get-static localhost "$HTTP_PORT" /json +ready -go /json >rep.out 2>rep.err &
	local front=$!
	wait_until 20 test -e ready || fail "the client did not start"
	kill -9 "$(pgrep -P "$front")"
	: >go
	wait "$front" || rep_status=$?
	contains rep.out 'connect: Network is unreachable'
}

test_records_and_replays() {
	build_clients
	local client
	for client in $(clients); do
		start_server
		round_trip 0 "$client" localhost "$HTTP_PORT" /json /page /204
		equal "exchanges of '$client'" 3 "$(exchanges)"
	done
}

test_is_listed_as_redirected() {
	build_clients
	start_server
	record sh -c "./get-static localhost $HTTP_PORT /json; ./get localhost $HTTP_PORT /json"
	equal get-static "['redirected by seccomp']" "$(capture_of get-static)"
	equal get "['tapped']" "$(capture_of /get)"
	equal exchanges 2 "$(exchanges)"
	lacks rec.err unrecorded
}

test_refused_port_in_record() {
	build_clients
	local port client
	port=$(closed_port)
	for client in $(clients); do
		record "$client" 127.0.0.1 "$port" /x
		equal output 'connect: Connection refused' "$(cat rec.out)"
		replays_like_recorded "$client" 127.0.0.1 "$port" /x
		record "$client" n 127.0.0.1 "$port" /x
		equal output 'connect: Connection refused' "$(cat rec.out)"
	done
}

test_generations_in_record() {
	build_clients
	start_server
	record ./run-static ./run ./get-static localhost "$HTTP_PORT" /json
	equal "exchanges of a static grandchild" 1 "$(exchanges)"
	replays_like_recorded ./run-static ./run ./get-static localhost "$HTTP_PORT" /json
	record ./run-static ./get localhost "$HTTP_PORT" /json
	equal "exchanges of a dynamic child" 1 "$(exchanges)"
	equal "the dynamic child" "['tapped']" "$(capture_of /get)"
	record ./run exec ./run-static exec ./run fexec ./get-static localhost "$HTTP_PORT" /json
	equal "exchanges of one process" 1 "$(exchanges)"
}

test_own_server_stays_live() {
	# A static client and a server of the same session.
	build_clients
	make_pki
	cat >session.sh <<-'END'
		"$1" "$2" server --cert pki/server.pem --key pki/server.key >/dev/null 2>&1 &
		server=$!
		while [ ! -s server/ports ]; do sleep .05; done
		read -r port rest <server/ports
		./get-static localhost "$port" /json >answer
		kill $server
		grep -c id answer
	END
	record sh session.sh "$PYTHON" "$TESTS/e2e/server.py"
	equal output 1 "$(cat rec.out)"
	rm -r server
	replay_offline sh session.sh "$PYTHON" "$TESTS/e2e/server.py"
	same
}

test_the_helper_is_killed_in_record() {
	# The program goes on, unrecorded, and so does what it starts.
	build_clients
	start_server
	rec_status=0
	"$RRSHIM" record -- ./run-static ./get-static localhost "$HTTP_PORT" /json +ready -go /json \
		>rec.out 2>rec.err &
	local front=$!
	wait_until 20 test -e ready || fail "the client did not start"
	kill -9 "$(pgrep -P "$front")"
	: >go
	wait "$front" || rec_status=$?
	equal "exit status" 0 "$rec_status"
	equal answers 2 "$(grep -c id rec.out)"
}

test_what_it_leaves_behind_goes_on() {
	# The helper is killed, the program ends, its daemon has not.
	build_clients
	start_server
	rec_status=0
	"$RRSHIM" record -- ./run sh -c "./get-static localhost $HTTP_PORT /json +ready -go /json >late & wait_for() {
		while [ ! -e \"\$1\" ]; do sleep .02; done; }; wait_for ready; wait_for gone" \
		>rec.out 2>rec.err &
	local front=$!
	wait_until 20 test -e ready || fail "the client did not start"
	kill -9 "$(pgrep -P "$front")"
	: >gone
	wait "$front" || rec_status=$?
	: >go
	wait_until 20 grep -qs -c id late || true
	wait_until 20 sh -c '[ "$(grep -c id late)" = 2 ]' || {
		show_file late
		fail "the daemon lost its network"
	}
}

child_of() { # PID FILE: which gets the child's
	pgrep -P "$1" >"$2"
}

test_a_call_in_hand_when_the_helper_is_killed() {
	# A connect that the helper was just trying must not wait for ever.
	build_clients
	cat >full.py <<-'END'
		import socket, time
		server = socket.socket()
		server.bind(("127.0.0.1", 0))
		server.listen(0)
		held = []
		for _ in range(4):
		    held.append(socket.socket())
		    held[-1].setblocking(False)
		    held[-1].connect_ex(server.getsockname())
		print(server.getsockname()[1], flush=True)
		time.sleep(60)
	END
	"$PYTHON" full.py >port &
	local server=$! front helper program
	wait_until 20 test -s port || fail "no port"
	"$RRSHIM" record -- ./get-static 127.0.0.1 "$(cat port)" /x >rec.out 2>rec.err &
	front=$!
	wait_until 20 child_of "$front" helper || fail "no helper: $(cat rec.out rec.err)"
	helper=$(cat helper)
	wait_until 20 child_of "$helper" program || fail "no program: $(cat rec.out rec.err)"
	program=$(cat program)
	wait_until 20 grep -q user_notification "/proc/$program/wchan" || fail "it does not wait for the helper"
	kill -9 "$helper"
	wait_until 20 sh -c "! grep -q user_notification /proc/$program/wchan" || fail "it waits for ever"
	# Whoever listens there is gone, and the kernel says so.
	kill "$server"
	wait "$front" || true
	equal output 'connect: Connection refused' "$(cat rec.out)"
}

test_without_the_launcher() {
	# The first process starts the helper, which is nobody's parent.
	[[ $(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo 0) == 0 || $UID == 0 ]] ||
		skip "Yama lets only parents look into a process"
	build_clients
	start_server
	LD_PRELOAD=$SHIM sh -c "./get-static localhost $HTTP_PORT /json; ./get localhost $HTTP_PORT /json" \
		>rec.out 2>rec.err
	wait_until 20 is_complete || fail "the recording is not completed"
	equal get-static "['redirected by seccomp']" "$(capture_of get-static)"
	equal exchanges 2 "$(exchanges)"
	# What outlives the session keeps its network.
	LD_PRELOAD=$SHIM sh -c "./get-static localhost $HTTP_PORT /json +ready -go /json >late & \
		while [ ! -e ready ]; do sleep .02; done; ./get localhost $HTTP_PORT /json" >rec.out 2>rec.err
	wait_until 20 is_complete || fail "the recording is not completed"
	sleep 1
	: >go
	wait_until 20 sh -c '[ "$(grep -c id late)" = 2 ]' || {
		show_file late
		fail "the daemon lost its network"
	}
}

test_as_another_user() {
	# Without privileges the filter costs set-user-id programs theirs: that is all it costs.
	need_root "to become somebody else"
	build_clients
	chmod 755 . ..
	mkdir theirs
	chown nobody theirs
	start_server
	local status=0
	RRSHIM_DIR=$PWD/theirs/recordings setpriv --reuid nobody --regid nogroup --clear-groups \
		"$RRSHIM" record -- ./run ./get-static localhost "$HTTP_PORT" /json >rec.out 2>rec.err || status=$?
	[[ $status == 0 ]] || {
		show_file rec.err
		fail "status $status"
	}
	RRSHIM_DIR=$PWD/theirs/recordings
	equal exchanges 1 "$(exchanges)"
	stop_server
	RRSHIM_DIR=$PWD/theirs/recordings setpriv --reuid nobody --regid nogroup --clear-groups \
		"$RRSHIM" replay -- ./run ./get-static localhost "$HTTP_PORT" /json >rep.out 2>rep.err || status=$?
	same_file rec.out rep.out
}

# A Go program has no libc at all, and TLS of its own.
test_go() { # timeout=180 sanitizers=none
	command -v go >/dev/null || skip "no Go"
	export GOCACHE=$PWD/gocache GO111MODULE=off GOFLAGS=
	CGO_ENABLED=0 go build -o fetch "$CLIENTS/fetch.go" >go.log 2>&1 || {
		show_file go.log
		fail "it does not compile"
	}
	start_server
	local closed
	closed=$(closed_port)
	round_trip 0 ./fetch "$HTTP/json" "$HTTPS/json" "$HTTPS/page" "$HTTPS/chunked" "$HTTP/gzip" \
		"http://127.0.0.1:$closed/refused"
	equal exchanges 5 "$(exchanges)"
	contains rec.out 'connection refused'
	replay_offline ./fetch http://no-such-name.test/
	contains rep.out 'no-such-name.test'
}

test_a_static_parent_of_another_libc() {
	# Its loader would not start it with the preload, and no shim is there to take that out.
	command -v musl-gcc >/dev/null || skip "no musl-gcc"
	build_clients
	start_server
	record ./run-static ./get-musl localhost "$HTTP_PORT" /json
	equal status 0 "$rec_status"
	equal "standard error" '' "$(grep -v '^rrshim' rec.err || true)"
	equal exchanges 1 "$(exchanges)"
	stop_server
	replays_like_recorded ./run-static ./get-musl localhost "$HTTP_PORT" /json
	replays_like_recorded ./run-static exec ./get-musl localhost "$HTTP_PORT" /json
}
