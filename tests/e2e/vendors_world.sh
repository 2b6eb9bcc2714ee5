#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# vendors_world.sh live|offline FOLDER COMMAND…: runs a command in a network and mount namespace of
# its own, FOLDER holding pki/ and hosts.
#
# live: the vendors' names lead to tests/e2e/vendors.mjs, on loopback.
# offline: nobody listens and no name is known, but there is a way out, a network card and a default
# route; FOLDER/leaked gets the number of packets that took it.
set -eu

world() {
	local mode=$1 folder=$2
	shift 2
	ip link set lo up
	mount --make-rprivate /
	echo 'nameserver 198.51.100.53' >"$folder/resolv.conf"
	mount --bind "$folder/resolv.conf" /etc/resolv.conf
	[[ -z ${PLACE-} ]] || enter_place
	"world_$mode" "$folder" "$@"
}

# On another machine, as far as a program can tell, PLACE/home and PLACE/project being somewhere
# below PLACE_ROOT, which hides what this machine has there.
enter_place() {
	hostname "$PLACE_HOST"
	mount --bind "$PLACE/root" "$PLACE_ROOT"
	mkdir -p "$PLACE_ROOT/scratch" "$PLACE_HOME"
	mount --bind "$PLACE/home" "$PLACE_HOME"
	mkdir -p "$PLACE_PROJECT"
	mount --bind "$PLACE/project" "$PLACE_PROJECT"
	sed "s|^root:.*|$PLACE_USER:x:0:0:$PLACE_USER:$PLACE_HOME:/bin/sh|" /etc/passwd >"$PLACE/passwd"
	mount --bind "$PLACE/passwd" /etc/passwd
	cksum <<<"$PLACE_HOST" | md5sum | cut -c -32 >"$PLACE/machine-id"
	[[ ! -e /etc/machine-id ]] || mount --bind "$PLACE/machine-id" /etc/machine-id
}

world_live() {
	local folder=$1 server status=0 i
	shift
	mount --bind "$folder/hosts" /etc/hosts
	rm -rf "$folder/vendors"
	# shellcheck disable=SC2086 # options
	LD_PRELOAD='' "$CLIENTS_FOLDER/bin/node" "$(dirname "$0")/vendors.mjs" "$folder/vendors" \
		"$folder/pki/vendors.pem" "$folder/pki/vendors.key" ${VENDORS_OPTIONS-} >"$folder/vendors.out" 2>&1 &
	server=$!
	for ((i = 0; i < 200; i++)); do
		[[ -e $folder/vendors/ready ]] && break
		sleep 0.05
	done
	"$@" || status=$?
	kill "$server"
	exit "$status"
}

packets_out() {
	cat /sys/class/net/out0/statistics/tx_packets
}

world_offline() {
	local folder=$1 status=0 before after
	shift
	echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6 # it would announce itself
	ip link add out0 type veth peer name out1
	ip addr add 192.0.2.1/24 dev out0
	ip link set out1 up
	ip link set out0 up
	ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev out0
	ip route add default via 192.0.2.2
	mount -t sysfs sysfs /sys
	before=$(packets_out)
	"$@" || status=$?
	after=$(packets_out)
	echo $((after - before)) >"$folder/leaked"
	# The counter counts: a packet sent on purpose is seen.
	echo query >/dev/udp/198.51.100.53/53
	(($(packets_out) > after)) || echo 'packets are not counted' >"$folder/leaked"
	exit "$status"
}

if [[ ${VENDORS_WORLD-} != "$$" ]]; then
	export VENDORS_WORLD=$$
	options=(-n -m -u)
	((UID == 0)) || options+=(-r)
	exec unshare "${options[@]}" "$0" "$@"
fi
unset VENDORS_WORLD
world "$@"
