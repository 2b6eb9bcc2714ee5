#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# names_world.sh SERVER COMMAND…: runs a command, as root, in network and mount namespaces of its
# own, with loopback only, where /etc/resolv.conf names SERVER. With NAMES_LOG a DNS server
# (dns_server.py) answers there and writes that log; without, nobody does.
set -eu
if [[ ${NAMES_WORLD:-} != inside ]]; then
	NAMES_WORLD=inside exec unshare -n -m "$0" "$@"
fi
unset NAMES_WORLD
server=$1
shift
ip link set lo up
ip addr add 192.0.2.53/32 dev lo
printf 'nameserver %s\nsearch test\noptions timeout:2 attempts:2\n' "$server" >resolv.conf
mount --bind resolv.conf /etc/resolv.conf
if [[ -n ${NAMES_LOG:-} ]]; then
	/usr/bin/python3 "${0%/*}/dns_server.py" "$server" "$NAMES_LOG" &
	dns=$!
	trap 'kill $dns' EXIT
	for ((i = 0; i < 200; i++)); do
		grep -q ready "$NAMES_LOG" 2>/dev/null && break
		sleep 0.05
	done
fi
unset NAMES_LOG
status=0
"$@" || status=$?
exit $status
