# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Programs with GnuTLS: wget, and one of our own for the calls that wget does not make.

WGET=(wget -nv --tries=1 --timeout=20 -O -)

need_wget() {
	command -v wget >/dev/null || skip "wget is not installed"
	[[ $(ldd "$(command -v wget)") == *libgnutls* ]] || skip "this wget has another TLS library"
}

# wget knows no variable for its authorities, and takes a file by option.
wget_trusting() {
	need_wget
	start_server
	WGET+=(--ca-certificate="$PWD/pki/ca.pem")
}

test_wget() { # sanitizers=asan,tsan
	wget_trusting
	round_trip 0 "${WGET[@]}" "$HTTPS/json"
	contains rec.out '"method"'
	opens
	contains show.out "$HTTPS/json"
}

test_wget_checks_names() {
	# In replay the session's authority is trusted; whose certificate it is remains to be right.
	wget_trusting
	record "${WGET[@]}" "https://127.0.0.1:$HTTPS_PORT/json"
	equal status 0 "$rec_status"
	record wget -nv --tries=1 -O - "$HTTPS/json"
	equal "status without the authority" 5 "$rec_status"
	contains rec.err "doesn't have a known issuer"
}

test_wget_downloads() {
	wget_trusting
	round_trip 0 "${WGET[@]}" "$HTTPS/download?bytes=3000000" "$HTTPS/redirect?n=3"
	equal requests 5 "$(exchanges)"
}

test_wget_posts() {
	wget_trusting
	round_trip 0 "${WGET[@]}" --post-data "$(printf 'x%.0s' {1..60000})" "$HTTPS/echo"
	contains rec.out '"length": 60000'
}

test_wget_until_close() {
	wget_trusting
	round_trip 0 "${WGET[@]}" "$HTTPS/until-close"
}

test_wget_no_close_notify() {
	wget_trusting
	record "${WGET[@]}" "$HTTPS/until-close?rude=1"
	stop_server
	replay_offline "${WGET[@]}" "$HTTPS/until-close?rude=1"
	same
	assert_zero_miss
}

have_gnutls_headers() {
	echo '#include <gnutls/gnutls.h>' | "${CC:-cc}" -E - >/dev/null 2>&1 ||
		skip "GnuTLS's headers are not installed"
}

# gnutls_ways WAY…: one request each, by one program.
gnutls_ways() {
	start_server
	have_gnutls_headers
	compile gnutls_client "$TESTS/e2e/gnutls_client.c" -lgnutls
	round_trip 0 ./gnutls_client "$HTTPS_PORT" "$@"
	equal requests $# "$(exchanges)"
	equal answers $# "$(grep -c '"token"' rec.out)"
}

test_ways_to_send() { # sanitizers=asan,tsan
	gnutls_ways plain send2 range cork file file-at
}

test_ways_to_receive() {
	gnutls_ways packet seq
}

test_trust_by_a_list() {
	gnutls_ways list
}

test_memory_transport() {
	gnutls_ways memory
}

test_loaded_privately() {
	# As a plugin's dependency, where RTLD_NEXT finds nothing.
	start_server
	have_gnutls_headers
	sed 's/^int main(/int plugin_main(/' "$TESTS/e2e/gnutls_client.c" >plugin.c
	compile plugin.so plugin.c -shared -fPIC -lgnutls
	cat >main.c <<-'END'
		#include <dlfcn.h>
		int main(int argc, char **argv)
		{
			void *library = dlopen("./plugin.so", RTLD_NOW | RTLD_LOCAL);
			int (*plugin)(int, char **) = (int (*)(int, char **))dlsym(library, "plugin_main");
			return plugin(argc, argv);
		}
	END
	compile main main.c -ldl
	round_trip 0 ./main "$HTTPS_PORT" plain send2 cork file packet memory
	equal requests 6 "$(exchanges)"
}

test_blocked_send() {
	gnutls_ways again again-empty
}

test_server_side_is_not_the_world() {
	have_gnutls_headers
	make_pki
	compile gnutls_client "$TESTS/e2e/gnutls_client.c" -lgnutls
	export SSL_CERT_FILE=$PWD/pki/ca.pem
	record ./gnutls_client 0 server pki/server.pem pki/server.key
	equal status 0 "$rec_status"
	contains rec.out 'server: from the server'
	equal requests 0 "$(exchanges)"
	"$RRSHIM" events "$(recording)" >events
	equal "what the client read" 1 "$(grep -c 'in  15 B *from the server' events)"
	lacks events 'out  15 B'
}

# early_data [refuse]: what the client said on two connections is in the recording, once.
early_data() {
	have_gnutls_headers
	make_pki
	compile gnutls_early "$TESTS/e2e/gnutls_early.c" -lgnutls
	record ./gnutls_early pki/server.pem pki/server.key "$@"
	equal status 0 "$rec_status"
	"$RRSHIM" events "$(recording)" >events
	equal "what the client said" 'first;written earlywritten late;' \
		"$(sed -n 's/.*io.network.data *out .* B  //p' events | sort | tr '\n' ';')"
}

test_early_data() {
	early_data
	contains rec.out 'early: written early'
}

test_early_data_refused() {
	early_data refuse
	contains rec.out 'late: written early'
}
