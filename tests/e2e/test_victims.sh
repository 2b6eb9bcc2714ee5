# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Group: victims
#
# Programs of tests/victims print what they saw. Bare, recorded and preloaded they see the same.

# unchanged NAME ARGUMENTS…
unchanged() {
	local bare_status=0 preload_status=0 program=$VICTIMS/$1
	shift
	[[ -x $program ]] || fail "'$program' has not been built"
	"$program" "$@" >bare.out 2>bare.err || bare_status=$?
	((bare_status == 0)) || {
		show_file bare.out
		show_file bare.err
		fail "the victim itself fails: status $bare_status"
	}
	not_empty bare.out
	record "$program" "$@"
	equal "status under record" $bare_status "$rec_status"
	same_file bare.out rec.out
	LD_PRELOAD=$SHIM "$program" "$@" >pre.out 2>pre.err || preload_status=$?
	equal "status under the preload" $bare_status $preload_status
	same_file bare.out pre.out
	same_file bare.err pre.err
	opens
}

# also_in_replay NAME ARGUMENTS…: victims that talk to nobody but themselves run in replay as well.
also_in_replay() {
	unchanged "$@"
	replay_offline "$VICTIMS/$1" "${@:2}"
	equal "status in replay" "$rec_status" "$rep_status"
	same_file bare.out rep.out
}

test_errno_of_io() {
	also_in_replay errno_io
}

test_errno_of_sockets() {
	also_in_replay errno_sockets
}

test_draws() {
	also_in_replay draws
}

test_socket_io() {
	also_in_replay socket_io
}

test_fortified() {
	also_in_replay fortified
}

test_descriptors() {
	also_in_replay descriptors
}

test_high_descriptors() {
	raise_descriptor_limit || skip "the descriptor limit is $(ulimit -Hn)"
	also_in_replay high_descriptors
}

test_descriptors_up_to_the_limit() {
	also_in_replay high_descriptors
}

test_passed_descriptors() {
	also_in_replay passed_descriptors
}

test_closed_standard_descriptors() {
	also_in_replay closed_std "$PWD/result"
}

test_close_range() {
	also_in_replay close_ranges
}

test_vfork() {
	also_in_replay vfork_child
}

test_exec_family() {
	also_in_replay exec_family
}

test_exec_family_recorded() {
	# Every way of starting a program, with an empty environment: each child's request is recorded.
	start_server
	local bare_status=0
	"$VICTIMS/exec_family" "$HTTP_PORT" >bare.out || bare_status=$?
	record "$VICTIMS/exec_family" "$HTTP_PORT"
	equal status $bare_status "$rec_status"
	local ways
	ways=$(grep -c '"page"' bare.out)
	((ways >= 12)) || fail "only $ways ways"
	equal requests "$ways" "$(exchanges)"
	stop_server
	replay_offline "$VICTIMS/exec_family" "$HTTP_PORT"
	same
	assert_zero_miss
}

test_fork_kinds() {
	start_server
	local ways
	record "$VICTIMS/fork_kinds" "$HTTP_PORT"
	equal status 0 "$rec_status"
	ways=$(grep -c '"page"' rec.out)
	equal requests "$ways" "$(exchanges)"
	stop_server
	replay_offline "$VICTIMS/fork_kinds" "$HTTP_PORT"
	same
	assert_zero_miss
}

test_filter_that_kills() {
	unchanged own_filter
}

test_signal_handler_that_writes() {
	also_in_replay signal_write
}

test_cancelled_receive() {
	also_in_replay cancel_recv
}

test_fork_and_thread_storm() { # timeout=120
	also_in_replay storm
}

test_refused_nonblocking_connect() {
	local closed
	closed=$(closed_port)
	unchanged connect_refused "$closed"
	replay_offline "$VICTIMS/connect_refused" "$closed"
	same
}

test_raw_system_calls() {
	also_in_replay raw_syscalls
}

test_raw_system_calls_recorded() {
	start_server
	record "$VICTIMS/raw_syscalls" "$HTTP_PORT"
	equal status 0 "$rec_status"
	equal requests 1 "$(exchanges)"
	stop_server
	replay_offline "$VICTIMS/raw_syscalls" "$HTTP_PORT"
	same
	assert_zero_miss
}

test_every_way_to_send_and_receive() {
	# read, readv, recv, recvfrom, recvmsg, recvmmsg against write, writev, send, …: one request each.
	start_server
	record "$VICTIMS/send_receive" "$HTTP_PORT"
	equal status 0 "$rec_status"
	local ways
	ways=$(grep -c '^way' rec.out)
	((ways >= 9)) || fail "only $ways ways"
	equal requests "$ways" "$(exchanges)"
	local i
	for ((i = 1; i <= ways; i++)); do
		"$RRSHIM" cat "$(recording)" $i >body
		contains body '"page"'
	done
	stop_server
	replay_offline "$VICTIMS/send_receive" "$HTTP_PORT"
	same
	assert_zero_miss
}

test_ways_that_hooks_do_not_see() {
	# stdio on a socket and splice: they work, and the recording says that bytes are missing.
	start_server
	record "$VICTIMS/send_receive" "$HTTP_PORT" unseen
	equal status 0 "$rec_status"
	equal answers 2 "$(grep -c '^way' rec.out)"
	opens
	equal "connections with a gap" 2 "$(query events.json '
		len({e["channel"] for e in d if e["type"] == "recording.gap"})')"
}

test_inherited_socket() {
	# Connected by the parent, used by the child; duplicated before the first byte.
	start_server
	record "$VICTIMS/inherited_socket" "$HTTP_PORT"
	equal status 0 "$rec_status"
	equal requests 3 "$(exchanges)"
	stop_server
	replay_offline "$VICTIMS/inherited_socket" "$HTTP_PORT"
	same
	assert_zero_miss
}

test_names() {
	unchanged names
	replay_offline "$VICTIMS/names"
	same
}

test_daemon() {
	unchanged daemonize "$PWD/result"
}

test_exit_status_and_stdio() {
	also_in_replay stdio
}

test_tls_of_no_library() {
	# A hello over sockets that are duplicated, in epoll instances and waited for; recorded, the
	# program cannot tell whether the helper stands between.
	start_server
	unchanged late_tls "$HTTPS_PORT"
}

test_less_common_connections() {
	# Fast open, zero copy, sendfile, splice, a shared port.
	also_in_replay tcp_extras
}

test_what_is_refused() {
	# Datagrams to port 443, TLS in the kernel, io_uring: in both modes, and nothing else.
	record "$VICTIMS/refusals"
	equal status 0 "$rec_status"
	equal "refused datagrams" 5 "$(sed -n '/^port 443/,/^port 40443/p' rec.out | grep -c ENETUNREACH)"
	sed -n '/^port 40443/,$p' rec.out >others
	lacks others ENETUNREACH
	equal "kernel TLS refused" 2 "$(grep -c 'TCP_ULP.*ENOENT' rec.out)"
	contains rec.out 'SYS_io_uring_setup, 4, ring) = -1 ENOSYS'
	LD_PRELOAD=$SHIM "$VICTIMS/refusals" >pre.out
	same_file rec.out pre.out
	replay_offline "$VICTIMS/refusals"
	same
}
