# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# How programs are started and how they end: the preload alone, cleaned environments, daemons,
# images that cannot be traced.

preloaded() { # CMD…: like record, without the launcher
	rec_status=0
	LD_PRELOAD=$SHIM "$@" >rec.out 2>rec.err || rec_status=$?
}

test_preload_alone() { # sanitizers=asan,tsan
	start_server
	preloaded curl -sS --max-time 20 "$HTTPS/json"
	equal status 0 "$rec_status"
	# Right after: nothing waits for the helper here.
	equal state complete "$(state)"
	equal requests 1 "$(exchanges)"
	stop_server
	replay_offline curl -sS --max-time 20 "$HTTPS/json"
	same
	assert_zero_miss
}

test_preload_alone_default_folder() {
	start_server
	unset RRSHIM_DIR
	preloaded curl -sS --max-time 20 "$HTTP/json"
	equal status 0 "$rec_status"
	equal recordings 1 "$(find recordings -maxdepth 1 -name 'rec_*' | wc -l)"
}

test_preload_alone_many_processes() {
	# One session for the whole tree: bash, its curls, and what system() starts.
	start_server
	preloaded bash -c 'curl -sS "$HTTPS/json?a"; curl -sS "$HTTPS/json?b"; '"$PYTHON"' -c "
import os; os.system(\"curl -sS $HTTPS/json?c\")"'
	equal status 0 "$rec_status"
	equal recordings 1 "$(recordings_count)"
	equal state complete "$(state)"
	equal requests 3 "$(exchanges)"
	stop_server
	replay_offline bash -c 'curl -sS "$HTTPS/json?a"; curl -sS "$HTTPS/json?b"; '"$PYTHON"' -c "
import os; os.system(\"curl -sS $HTTPS/json?c\")"'
	same
	assert_zero_miss
}

test_preload_alone_leaves_nothing() {
	# No child to wait for, no descriptor held open, no message, the same exit status.
	start_server
	cat >program <<-'END'
		curl -sS --max-time 20 "$HTTP/json" >/dev/null
		wait
		exit 9
	END
	preloaded bash program
	equal status 9 "$rec_status"
	equal "standard error" '' "$(cat rec.err)"
	# A command substitution ends when every writer of its pipe is gone: the helper must not be one.
	local out
	out=$(LD_PRELOAD=$SHIM timeout 20 curl -sS "$HTTP/json") || fail "the pipe stayed open"
	[[ $out == *'"id"'* ]] || fail "no output: '$out'"
}

test_preload_alone_without_network() {
	# Nothing traced happened, and nothing is in the way.
	preloaded true
	equal status 0 "$rec_status"
	equal "standard error" '' "$(cat rec.err)"
}

test_users_preload_is_kept() {
	cat >counter.c <<-'END'
		#include <dlfcn.h>
		#include <stdlib.h>
		#include <string.h>
		#include <unistd.h>
		ssize_t write(int fd, const void *data, size_t len)
		{
		    ssize_t (*next)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
		    if (fd == 1)
		        next(2, "seen by the user's library\n", 27);
		    return next(fd, data, len);
		}
		__attribute__((constructor)) static void start(void)
		{
		    const char *preload = getenv("LD_PRELOAD");
		    const char *ours = preload ? strstr(preload, "librrshim") : NULL;
		    const char *users = preload ? strstr(preload, "users.so") : NULL;
		    (void)ours;
		    if (!users)
		        _exit(77);
		}
	END
	compile users.so counter.c -shared -fPIC
	start_server
	cat >program.c <<-'END'
		#include <unistd.h>
		int main(void) { return write(1, "hello\n", 6) != 6; }
	END
	compile program program.c
	rec_status=0
	LD_PRELOAD=$PWD/users.so "$RRSHIM" record -- ./program >rec.out 2>rec.err || rec_status=$?
	equal status 0 "$rec_status"
	equal output hello "$(cat rec.out)"
	contains rec.err "seen by the user's library"
	LD_PRELOAD="$PWD/users.so $SHIM" ./program >rec.out 2>rec.err || fail "status $? beside the user's library"
	contains rec.err "seen by the user's library"
	LD_PRELOAD=$PWD/users.so "$RRSHIM" record -- curl -sS "$HTTP/json" >rec.out
	equal requests 1 "$(exchanges)"
}

test_cleaned_environment() {
	start_server
	round_trip 0 bash -c "env -i CURL_CA_BUNDLE=$CURL_CA_BUNDLE curl -sS $HTTPS/json
		env -i /bin/sh -c 'curl -sS $HTTP/json; curl -sS $HTTP/json'
		exec -c curl -sS $HTTP/json"
	equal requests 4 "$(exchanges)"
	equal recordings 1 "$(recordings_count)"
}

test_cleaned_environment_in_python() {
	start_server
	cat >clean.py <<-'END'
		import os, subprocess, sys
		url = os.environ["HTTP"] + "/json"
		print(subprocess.run(["/usr/bin/curl", "-sS", url], env={}, stdout=subprocess.PIPE))
		reader, writer = os.pipe()
		pid = os.posix_spawn("/usr/bin/curl", ["curl", "-sS", url], {},
		    file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1)])
		os.close(writer)
		os.waitpid(pid, 0)
		print(os.read(reader, 4096))
		sys.stdout.flush()
		os.execve("/usr/bin/curl", ["curl", "-sS", url], {})
	END
	round_trip 0 "$PYTHON" clean.py
	equal requests 3 "$(exchanges)"
}

test_environment_is_given_back() {
	# What a child was not given it does not see, but for the preload itself.
	record env -i A=1 env
	grep -v -e '^LD_PRELOAD=' rec.out >left || true
	grep -v -e '^RRSHIM' left >rest || true
	equal "child's environment" A=1 "$(cat rest)"
}

test_arguments_are_kept() {
	record printf '<%s>' '' 'a b' $'new\nline' -- -o --help
	equal output $'<><a b><new\nline><--><-o><--help>' "$(cat rec.out)"
}

test_spawning() {
	# vfork children: subprocess, posix_spawn, popen, all with redirections.
	start_server
	cat >spawn.py <<-'END'
		import os, subprocess, sys
		url = os.environ["HTTPS"] + "/page?i="
		for i in range(4):
		    print(subprocess.check_output(["curl", "-sS", url + str(i)], close_fds=bool(i % 2)))
		print(os.popen("curl -sS '%s4'" % url).read())
		children = [subprocess.Popen(["curl", "-sS", url + str(i)], stdout=subprocess.PIPE) for i in range(5, 13)]
		for child in children:
		    print(child.communicate(), child.returncode)
		try:
		    subprocess.run(["/no/such/program"])
		except OSError as e:
		    print(e)
		print(subprocess.run(["false"]).returncode)
	END
	round_trip 0 "$PYTHON" spawn.py
	equal requests 13 "$(exchanges)"
}

test_init_of_a_container() {
	# PID 1 leaves and the kernel kills everybody else in its namespace, at once.
	start_server
	local unshare=(unshare -pf --mount-proc)
	((UID == 0)) || unshare=(unshare -rpf --mount-proc)
	"${unshare[@]}" true 2>/dev/null || skip "no PID namespaces here"
	"${unshare[@]}" env LD_PRELOAD="$SHIM" sh -c 'exec curl -sS --max-time 20 "$HTTPS/json"' \
		>rec.out 2>rec.err || fail "status $?"
	not_empty rec.out
	opens
	equal state complete "$(state)"
	equal requests 1 "$(exchanges)"
	rm -r "$RRSHIM_DIR"
	"${unshare[@]}" "$RRSHIM" record -- curl -sS --max-time 20 "$HTTPS/json" >rec.out 2>rec.err || fail "status $?"
	equal state complete "$(state)"
	equal requests 1 "$(exchanges)"
}

test_daemon() {
	# A child that leaves the session by double fork is recorded; rrshim does not wait for ever.
	start_server
	cat >daemon.sh <<-'END'
		setsid sh -c '(sleep 0.3; curl -sS "$HTTPS/json?late" >late.new && mv late.new late) </dev/null >/dev/null 2>&1 &' &
		curl -sS "$HTTPS/json?now"
	END
	record sh daemon.sh
	equal status 0 "$rec_status"
	wait_until 15 test -s late || fail "the daemon did not get its answer"
	wait_until 15 is_complete || fail "the recording was not completed"
	opens
	equal requests 2 "$(exchanges)"
}

test_daemon_of_a_preloaded_program() {
	start_server
	preloaded sh -c 'setsid sh -c "(sleep 0.3; curl -sS $HTTPS/json?late >late.new && mv late.new late) </dev/null >/dev/null 2>&1 &" &
		curl -sS "$HTTPS/json?now"'
	equal status 0 "$rec_status"
	wait_until 15 test -s late || fail "the daemon did not get its answer"
	wait_until 15 is_complete || fail "the recording was not completed"
	equal recordings 1 "$(recordings_count)"
	equal requests 2 "$(exchanges)"
}

test_ways_to_exit() {
	# Without destructors: _exit, exit_group, quick_exit, abort, signals. All of it is there.
	start_server
	local how expected
	for how in exit _exit exit_group quick_exit abort kill term thread; do
		expected=0
		"$VICTIMS/exit_kinds" "$HTTP_PORT" $how >bare.out 2>/dev/null || expected=$?
		rm -rf "$RRSHIM_DIR"
		preloaded "$VICTIMS/exit_kinds" "$HTTP_PORT" $how
		equal "status after $how" "$expected" "$rec_status"
		wait_until 10 is_complete || fail "$how: the recording was not completed"
		equal "requests before $how" 1 "$(exchanges)"
		"$RRSHIM" cat "$(recording)" 1 >body
		contains body '"page"'
	done
}

test_close_all_descriptors() {
	start_server
	cat >close.py <<-'END'
		import ctypes, os, urllib.request
		def get():
		    print(urllib.request.urlopen(os.environ["HTTPS"] + "/page?i=1", timeout=20).read())
		get()
		for fd in range(3, 65536):
		    try:
		        os.close(fd)
		    except OSError:
		        pass
		get()
		print("next", os.open("/dev/null", os.O_RDONLY))
		ctypes.CDLL(None).close_range(3, 0xffffffff, 0)
		get()
		print("next", os.open("/dev/null", os.O_RDONLY))
		os.closerange(3, 1000)
		get()
	END
	"$PYTHON" close.py >bare.out
	round_trip 0 "$PYTHON" close.py
	equal "descriptor numbers" "$(grep next bare.out)" "$(grep next rec.out)"
	equal requests 4 "$(exchanges)"
}

test_close_all_descriptors_in_bash() {
	start_server
	round_trip 0 bash -c 'for ((fd = 3; fd < 256; fd++)); do eval "exec $fd>&-"; done
		curl -sS "$HTTPS/json"
		exec 5<>"/dev/tcp/127.0.0.1/$HTTP_PORT"
		printf "GET /json HTTP/1.1\r\nHost: localhost:$HTTP_PORT\r\nConnection: close\r\n\r\n" | cat >&5
		cat <&5'
	equal requests 2 "$(exchanges)"
}

test_no_descriptor_added() {
	# A program sees the descriptors it would have without us.
	cat >fds.py <<-'END'
		import os
		print(sorted(os.listdir("/proc/self/fd"), key=int))
	END
	"$PYTHON" fds.py >bare.out
	record "$PYTHON" fds.py
	same_file bare.out rec.out
	start_server
	cat >fds.py <<-'END'
		import os, urllib.request
		urllib.request.urlopen(os.environ["HTTPS"] + "/json", timeout=20).read()
		print(sorted(os.listdir("/proc/self/fd"), key=int))
	END
	"$PYTHON" fds.py >bare.out
	record "$PYTHON" fds.py
	same_file bare.out rec.out
	preloaded "$PYTHON" fds.py
	same_file bare.out rec.out
}

test_65536_descriptors() {
	raise_descriptor_limit || skip "the descriptor limit is $(ulimit -Hn)"
	many_descriptors 65536
}

test_descriptors_up_to_the_limit() {
	ulimit -n "$(ulimit -Hn)"
	local limit
	limit=$(ulimit -n)
	[[ $limit != unlimited ]] && ((limit < 65636)) || limit=65636
	many_descriptors $((limit - 100))
}

many_descriptors() {
	start_server
	cat >many.py <<-'END'
		import os, socket, sys
		null = os.open("/dev/null", os.O_RDONLY)
		for i in range(int(sys.argv[1])):
		    last = os.dup(null)
		print("last", last)
		port = int(os.environ["HTTP_PORT"])
		s = socket.create_connection(("127.0.0.1", port))
		print("socket", s.fileno())
		s.sendall(b"GET /json HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n\r\n" % port)
		print(s.makefile("rb").read())
	END
	round_trip 0 "$PYTHON" many.py "$1"
	equal requests 1 "$(exchanges)"
}

test_second_libssl() {
	# Two copies of OpenSSL in one process, each in a scope of its own, as Python's wheels do.
	start_server
	local libssl libcrypto
	libssl=$(ldconfig -p | sed -n 's/.*libssl\.so\.3 .*x86-64.* => //p' | head -n 1)
	[[ -n $libssl ]] || libssl=$(ldconfig -p | sed -n 's/.*libssl\.so\.3 .* => //p' | head -n 1)
	libcrypto=${libssl/libssl/libcrypto}
	mkdir copy
	sed 's/libssl\.so\.3/libssl.so.9/g; s/libcrypto\.so\.3/libcrypto.so.9/g' "$libssl" >copy/libssl.so.9
	sed 's/libcrypto\.so\.3/libcrypto.so.9/g' "$libcrypto" >copy/libcrypto.so.9
	compile first.so "$TESTS/e2e/plugin.c" -shared -fPIC "$libssl" "$libcrypto"
	compile second.so "$TESTS/e2e/plugin.c" -shared -fPIC -Wl,--no-as-needed copy/libssl.so.9 copy/libcrypto.so.9 \
		-Wl,-rpath,"$PWD/copy"
	round_trip 0 "$VICTIMS/plugins" "$HTTPS_PORT" "$PWD/first.so" "$PWD/second.so" "$PWD/first.so"
	equal requests 3 "$(exchanges)"
	equal answers 3 "$(grep -c '"id"' rec.out)"
	# And one that only LD_LIBRARY_PATH finds.
	mkdir path
	cp "$libssl" path/libssl.so.3
	cp "$libcrypto" path/libcrypto.so.3
	start_server
	LD_LIBRARY_PATH=$PWD/path round_trip 0 "$VICTIMS/plugins" "$HTTPS_PORT" "$PWD/first.so"
}

test_constructor_of_another_library() {
	# Its constructor runs before ours would, if ours were not first, and uses the network.
	start_server
	compile early.so "$TESTS/e2e/early.c" -shared -fPIC -I"$TESTS/victims"
	round_trip 0 env LD_PRELOAD="$PWD/early.so" EARLY_PORT="$HTTP_PORT" true
	contains rec.out '"page"'
	equal requests 1 "$(exchanges)"
}

# untraced NAME REASON: the newest recording says so of an image.
untraced() {
	local found
	found=$(capture_of "$1")
	[[ $found == *untraced*"$2"* ]] || fail "'$1' should be listed as untraced because of '$2'; it is: $found"
}

hello() {
	cat >hello.c <<-'END'
		#include <stdio.h>
		int main(void) { puts("hello"); return 4; }
	END
}

test_static_child() {
	hello
	compile hello-static hello.c -static
	record sh -c './hello-static; echo $?'
	equal output $'hello\n4' "$(cat rec.out)"
	equal "standard error" '' "$(grep -v '^rrshim' rec.err || true)"
	equal hello-static "['redirected by seccomp']" "$(capture_of hello-static)"
	# As the program itself:
	record ./hello-static
	equal status 4 "$rec_status"
	equal hello-static "['redirected by seccomp']" "$(capture_of hello-static)"
}

test_static_child_in_replay() {
	# No preload reaches it: a seccomp listener keeps it off the network.
	hello
	compile hello-static hello.c -static
	record sh -c './hello-static; echo $?'
	replay_offline sh -c './hello-static; echo $?'
	same
	replay_offline ./hello-static
	equal status 4 "$rep_status"
	equal output hello "$(cat rep.out)"
}

test_static_pie_child() {
	hello
	compile hello-static-pie hello.c -static-pie -fPIE
	record sh -c './hello-static-pie; echo $?'
	equal output $'hello\n4' "$(cat rec.out)"
	replay_offline sh -c './hello-static-pie; echo $?'
	same
}

test_musl_child() {
	command -v musl-gcc >/dev/null || skip "no musl-gcc"
	hello
	CC=musl-gcc compile hello-musl hello.c
	record sh -c './hello-musl; echo $?'
	equal output $'hello\n4' "$(cat rec.out)"
	equal "standard error" '' "$(grep -v '^rrshim' rec.err || true)"
	replay_offline sh -c './hello-musl; echo $?'
	same
}

test_32_bit_child() {
	hello
	cc -m32 -o hello-32 hello.c 2>/dev/null || skip "no 32-bit libraries to link with"
	./hello-32 >/dev/null || (($? == 4)) || skip "this kernel does not run 32-bit programs"
	record sh -c './hello-32; echo $?'
	equal output $'hello\n4' "$(cat rec.out)"
	equal "standard error" '' "$(grep -v '^rrshim' rec.err || true)"
	untraced hello-32 'word size'
	replay_offline sh -c './hello-32; echo $?'
	lacks rep.out hello
}

test_setuid_child() {
	need_root "to make a set-user-id program"
	cat >id.c <<-'END'
		#include <stdio.h>
		#include <unistd.h>
		int main(void) { printf("%d %d\n", (int)getuid(), (int)geteuid()); return 0; }
	END
	compile suid id.c
	chmod 4755 suid
	mkdir theirs
	chown nobody theirs
	chmod 755 . ..
	local user
	user=$(id -u nobody)
	RRSHIM_DIR=$PWD/theirs/recordings setpriv --reuid nobody --regid nogroup --clear-groups \
		"$RRSHIM" record -- sh -c ./suid >rec.out 2>rec.err || {
		show_file rec.err
		fail "status $?"
	}
	equal "real and effective user" "$user 0" "$(cat rec.out)"
	equal "standard error" '' "$(grep -v '^rrshim' rec.err || true)"
	RRSHIM_DIR=$PWD/theirs/recordings untraced suid set-user-id
}

test_every_image_is_listed() {
	hello
	compile hello-static hello.c -static
	compile hello hello.c
	record sh -c './hello; ./hello-static; ./hello; true'
	equal sh "['tapped']" "$(capture_of sh)"
	equal hello "['tapped']" "$(capture_of /hello)"
	equal hello-static "['redirected by seccomp']" "$(capture_of hello-static)"
}

test_doctor() {
	hello
	compile hello-static hello.c -static
	"$RRSHIM" doctor -- curl https://localhost/ >doctor.out 2>&1 || {
		show_file doctor.out
		fail "doctor finds fault with curl"
	}
	"$RRSHIM" doctor -- ./hello-static >doctor.out 2>&1 || {
		show_file doctor.out
		fail "doctor finds fault with a static program"
	}
	contains doctor.out 'seccomp listener'
	"$RRSHIM" doctor -- ./no-such-program >doctor.out 2>&1 && fail "doctor finds no fault with a missing program"
	contains doctor.out no-such-program
}

test_shim_without_helper() {
	# The library alone, its helper missing: it says so once, and the program runs.
	start_server
	mkdir alone
	cp "$SHIM" alone/
	LD_PRELOAD=$PWD/alone/librrshim.so curl -sS --max-time 20 "$HTTPS/json" >rec.out 2>rec.err || fail "status $?"
	contains rec.out '"id"'
	equal "lines on standard error" 1 "$(wc -l <rec.err)"
	contains rec.err rrshim
	local status=0
	LD_PRELOAD=$PWD/alone/librrshim.so sh -c 'true; exit 6' 2>/dev/null || status=$?
	equal status 6 $status
}

test_standard_descriptors_closed_at_the_launcher() {
	# None of ours takes their place, and the program finds them closed.
	start_server
	"$RRSHIM" record -- "$PYTHON" -c '
import os, sys
open_fds = sorted(int(f) for f in os.listdir("/proc/self/fd"))
os.write(2, b"open %d\n" % sum(f in (0, 1) for f in open_fds[:2]))
' <&- >&- 2>rec.err || fail "status $?"
	contains rec.err 'recorded'
	opens
}

test_signal_state_is_kept() {
	local state='import signal; print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
		[s for s in (1, 2, 13, 15, 25) if signal.getsignal(s) == signal.SIG_IGN])'
	local blocked="import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
os.execvp(sys.argv[1], sys.argv[1:])"
	"$PYTHON" -c "$blocked" "$PYTHON" -c "$state" >bare.out
	"$PYTHON" -c "$blocked" "$RRSHIM" record -- "$PYTHON" -c "$state" >rec.out 2>rec.err
	same_file bare.out rec.out
}

test_threads_of_a_forked_child() {
	# They make their first calls together, while one of them joins the session for all.
	start_server
	cat >together.py <<-'END'
		import os, threading, urllib.request
		url = os.environ["HTTP"] + "/json?i=%d-%d"
		def child(i):
		    gate = threading.Barrier(4)
		    def ask(k):
		        gate.wait()
		        urllib.request.urlopen(url % (i, k)).read()
		    threads = [threading.Thread(target=ask, args=(k,)) for k in range(4)]
		    [t.start() for t in threads]
		    [t.join() for t in threads]
		for i in range(15):
		    pid = os.fork()
		    if pid == 0:
		        child(i)
		        os._exit(0)
		    os.waitpid(pid, 0)
	END
	record "$PYTHON" together.py
	equal status 0 "$rec_status"
	equal requests 60 "$(exchanges)"
}

test_unreachable_session() {
	# Another user cannot open the library: the loader would complain on the program's stderr.
	((UID == 0)) || skip "needs root to become another user"
	record setpriv --reuid=65534 sh -c 'echo other user'
	equal status 0 "$rec_status"
	contains rec.out 'other user'
	! grep -q 'ld.so' rec.err || fail "the loader complained"
	contains <("$RRSHIM" show) 'out of its reach'
	local status=0
	"$RRSHIM" replay -- setpriv --reuid=65534 sh -c 'echo other user' >rep.out 2>rep.err || status=$?
	((status != 0)) || fail "replay let it run"
	contains rep.err 'cannot reach the session'
	! grep -q 'other user' rep.out || fail "it ran untraced"
}

test_system_without_the_preload_in_replay() {
	# The shell would run untraced, and could reach the network.
	record true
	local status=0
	"$RRSHIM" replay -- "$PYTHON" -c '
import os
os.unsetenv("LD_PRELOAD")
os.system("echo it ran")' >rep.out 2>rep.err || status=$?
	equal status 86 $status
	! grep -q 'it ran' rep.out || fail "it ran untraced"
}
