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
