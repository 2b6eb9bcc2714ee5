# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# git over HTTPS: libcurl with GnuTLS (as Debian has it) or OpenSSL, binary bodies, several
# processes, packs that the client sends.

# What a commit's name depends on is fixed, and packs are made by one thread.
git_settings() {
	export GIT_CONFIG_NOSYSTEM=1 HOME=$PWD/home GIT_TERMINAL_PROMPT=0
	export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@test GIT_AUTHOR_DATE='2024-01-01T00:00:00Z'
	export GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c@test GIT_COMMITTER_DATE='2024-01-01T00:00:00Z'
	mkdir -p home
	git config --global pack.threads 1
	git config --global init.defaultBranch main
	git config --global advice.detachedHead false
	export GIT_SSL_CAINFO=$PWD/pki/ca.pem
}

add_commit() { # REPOSITORY NAME
	printf '%s\n' "$2" >>"$1/$2"
	git -C "$1" add "$2"
	git -C "$1" commit -qm "add $2"
}

# A repository of a few hundred objects at repos/r.git, and its server.
start_git_server() {
	command -v git >/dev/null || skip "git is not installed"
	[[ -x $(git --exec-path)/git-http-backend ]] || skip "git http-backend is not installed"
	make_pki
	git_settings
	git init -q work
	local i
	mkdir work/folder
	for i in {1..200}; do
		printf 'file %s\n%s\n' "$i" "$(seq "$i" "$((i * 3))")" >"work/folder/$i"
	done
	head -c 300000 /dev/urandom >work/binary
	git -C work add .
	git -C work commit -qm 'first'
	for i in one two three; do add_commit work "$i"; done
	git clone -q --bare work repos/r.git
	git -C repos/r.git config http.receivepack true
	rm -f server/ports
	"$PYTHON" "$TESTS/e2e/git_server.py" server --root "$PWD/repos" --cert pki/server.pem \
		--key pki/server.key >server.out 2>&1 &
	SERVER_PID=$!
	wait_until 10 test -s server/ports || {
		cat server.out
		fail "the git server did not start"
	}
	local unused
	read -r unused HTTPS_PORT <server/ports
	URL=https://localhost:$HTTPS_PORT/r.git
	export URL
}

# What a folder's checkout and history are: the same lines for the same repository.
tree_of() { # REPOSITORY
	git -C "$1" log --format='%H %s' --all
	git -C "$1" ls-tree -r HEAD
	(cd "$1" && find . -path ./.git -prune -o -type f -print | sort | xargs -r sha256sum)
}

# git_round_trip SCRIPT: run in a shell, recorded and then offline; the folder `here` is made by it
# and has the same content both times.
git_round_trip() {
	rm -rf here
	record sh -ec "$1"
	[[ $rec_status == 0 ]] || {
		show_file rec.err
		fail "git failed when recorded: $rec_status"
	}
	tree_of here >rec.tree
	stop_server
	rm -rf here
	replay_offline sh -ec "$1"
	[[ $rep_status == 0 ]] || {
		show_file rep.err 40
		fail "git failed in replay: $rep_status"
	}
	tree_of here >rep.tree
	same_file rec.tree rep.tree
	assert_zero_miss
}

test_clone() { # timeout=120
	start_git_server
	git_round_trip 'git clone -q "$URL" here'
	equal "files" "$(git -C work ls-tree -r HEAD | wc -l)" "$(git -C here ls-tree -r HEAD | wc -l)"
	opens
	contains show.out "$URL/info/refs?service=git-upload-pack"
	contains show.out "$URL/git-upload-pack"
}

test_clone_old_protocol() { # timeout=120
	start_git_server
	git_round_trip 'git -c protocol.version=0 clone -q "$URL" here'
}

test_shallow_clone() { # timeout=120
	start_git_server
	git_round_trip 'git clone -q --depth 1 "$URL" here'
	equal commits 1 "$(git -C here rev-list --count HEAD)"
}

test_fetch() { # timeout=120
	start_git_server
	git clone -q "$URL" before
	add_commit work later
	git -C work push -q "$PWD/repos/r.git" HEAD:main
	git_round_trip 'cp -r before here; cd here; git pull -q --ff-only origin main'
	contains rep.tree 'add later'
}

test_push() { # timeout=120
	start_git_server
	git clone -q "$URL" before
	add_commit before pushed
	git_round_trip 'cp -r before here; cd here; git push -q origin HEAD:other'
	equal "the pushed branch" "$(git -C before rev-parse HEAD)" "$(git -C repos/r.git rev-parse other)"
}

test_no_such_repository() { # timeout=60
	start_git_server
	record git clone "${URL%/*}/missing.git" here
	equal status 128 "$rec_status"
	stop_server
	replay_offline git clone "${URL%/*}/missing.git" here
	same
	contains rep.err 'not found'
}
