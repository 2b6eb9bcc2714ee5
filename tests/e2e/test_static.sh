# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Group: static
#
# What librrshim.so looks like to the loader.

exported() {
	nm -D --defined-only "$SHIM" | awk '{print $NF}' | sort -u
}

imported() {
	nm -D --undefined-only "$SHIM" | awk '{print $NF}' | sed 's/@.*//' | sort -u
}

test_needs_libc_alone() {
	equal NEEDED libc.so.6 "$(readelf -d "$SHIM" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')"
}

test_loader_flags() {
	readelf -d "$SHIM" >dynamic
	local flag
	for flag in INITFIRST NODELETE NOW; do
		grep -qE "FLAGS(_1)?\).*$flag" dynamic || {
			show_file dynamic 60
			fail "no $flag"
		}
	done
	lacks dynamic TEXTREL
	lacks dynamic RPATH
	lacks dynamic RUNPATH
}

test_no_dynamic_tls() {
	readelf -Ws --dyn-syms "$SHIM" >symbols
	lacks symbols __tls_get_addr
	readelf -Wr "$SHIM" >relocations
	lacks relocations DTPMOD
	lacks relocations TLSDESC
}

test_tls_is_small() {
	local size
	size=$(readelf -Wl "$SHIM" | awk '$1 == "TLS" {print $6}')
	((${size:-0} <= 64)) || fail "$size bytes of thread-local storage"
}

test_no_version_nodes() {
	readelf -WV "$SHIM" >versions
	lacks versions 'Version definition section'
	if readelf -W --dyn-syms "$SHIM" | awk '$7 != "UND" {print $8}' | grep -q @; then
		fail "an export has a version"
	fi
}

# hook_names: every name the table says is exported.
hook_names() {
	"$PYTHON" - "$ROOT/shim/hooks.def" <<-'END'
		import re, sys
		text = re.sub(r"/\*.*?\*/", "", open(sys.argv[1]).read(), flags=re.S)
		names = set()
		for line in re.finditer(r"^\s*(HOOK\w*|ALIAS)\s*\(([^()]*)", text, re.M):
		    fields = [f.strip() for f in line.group(2).split(",")]
		    names.add(fields[1 if line.group(1).startswith(("ALIAS", "HOOK_ASM")) else 2])
		print("\n".join(sorted(names)))
	END
}

test_exports_exactly_the_hooks() {
	hook_names >hooks
	exported | grep -vx rrs_checkpoint >exports # shim/mark.h
	(($(wc -l <hooks) > 100)) || fail "only $(wc -l <hooks) hooks in the table"
	comm -23 hooks exports >missing
	comm -13 hooks exports >extra
	[[ ! -s missing && ! -s extra ]] || fail "not exported: $(tr '\n' ' ' <missing); exported beyond the table: $(tr '\n' ' ' <extra)"
	grep -qx vfork exports || fail "vfork is not exported"
}

test_hooks_exist_in_libc() {
	# A hook of libc's that libc does not have would never be called.
	hook_names | grep -vE '^(SSL|BIO|X509|gnutls|curl)_' >hooks
	local libc
	libc=$(ldconfig -p | sed -n 's/.*libc\.so\.6 .*x86-64.* => //p' | head -n 1)
	[[ -n $libc ]] || libc=$(ldconfig -p | sed -n 's/.*libc\.so\.6 .* => //p' | head -n 1)
	nm -D --defined-only "$libc" | awk '{print $NF}' | sed 's/@.*//' | sort -u >provided
	comm -23 hooks provided | grep -vxE 'closefrom|_Fork|arc4random.*|epoll_pwait2|SSL_.*' >unknown || true
	[[ ! -s unknown ]] || fail "libc has no $(tr '\n' ' ' <unknown)"
}

test_imports_and_exports_are_disjoint() {
	exported >exports
	imported >imports
	comm -12 exports imports >both
	[[ ! -s both ]] || fail "it would call its own hooks: $(tr '\n' ' ' <both)"
}

test_imports_are_few() {
	# The last line is for answers of the resolver, which belong to the program and are freed by it.
	tr ' ' '\n' >allowed <<-'END'
		__cxa_finalize __errno_location __gmon_start__ __h_errno_location _ITM_deregisterTMCloneTable
		_ITM_registerTMCloneTable _dl_find_object clone dl_iterate_phdr dladdr dladdr1 dlopen dlsym dlvsym
		environ __environ fileno getauxval inet_aton inet_ntop inet_pton memchr memcmp memcpy memmem memmove
		memset secure_getenv strchr strcmp strcpy strcspn strlen strncmp strncpy strnlen strrchr strstr
		calloc free freeaddrinfo strdup
	END
	imported >imports
	sort -u allowed >allowed.sorted
	comm -23 imports allowed.sorted >others
	[[ ! -s others ]] || fail "imports that are not on the list: $(tr '\n' ' ' <others)"
}

test_no_executable_stack() {
	readelf -Wl "$SHIM" | grep GNU_STACK >stack
	lacks stack RWE
}

test_loads_by_itself() {
	LD_PRELOAD=$SHIM LD_WARN=1 ldd -r /bin/true >out 2>&1 || true
	lacks out undefined
	LD_BIND_NOW=1 LD_PRELOAD=$SHIM true || fail "it does not load"
}

test_installed_tree_works() {
	cmake --install "$BUILD" --prefix "$PWD/prefix" >install.log 2>&1 || {
		show_file install.log
		fail "cmake --install failed"
	}
	start_server
	prefix/bin/rrshim record -- curl -sS "$HTTPS/json" >rec.out 2>rec.err || fail "the installed rrshim does not record: $(cat rec.err)"
	equal requests 1 "$(exchanges)"
	local library
	library=$(find prefix -name librrshim.so | head -n 1)
	[[ -n $library ]] || fail "librrshim.so is not installed"
	LD_PRELOAD=$PWD/$library curl -sS "$HTTPS/json" >rec.out 2>rec.err || fail "the installed library does not work"
	equal recordings 2 "$(recordings_count)"
}
