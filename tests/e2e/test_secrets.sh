# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Secrets do not reach the disk, and what was recorded without them still matches.

test_headers_and_parameters() { # sanitizers=asan,tsan
	start_server
	local call=(curl -sS -i "$HTTPS/page?api_key=SECRETq1w2e3r4&i=1"
		-H 'Authorization: Bearer SECRETaaaabbbbcccc' -H 'x-api-key: SECRETddddeeeeffff'
		-H 'Cookie: session=SECRETgggghhhhiiii; theme=dark'
		-H 'Proxy-Authorization: Basic SECRETjjjjkkkkllll'
		-H 'x-goog-api-key: SECRETmmmmnnnnoooo' -H 'api-key: SECRETppppqqqqrrrr'
		"$HTTPS/cookie?value=uuuuttttssssTERCES" "$HTTP/page?key=SECRETvvvvwwwwxxxx&access_token=SECRETyyyyzzzz0000"
		--netrc-file netrc)
	echo 'machine localhost login user password SECRETpassword1' >netrc
	record "${call[@]}"
	equal status 0 "$rec_status"
	"$TESTS/e2e/on_disk.py" "$RRSHIM_DIR" SECRET U0VDUkVU 1NFQ1JFV TRUNSRV >found || {
		cat found
		fail "a secret is on disk"
	}
	opens
	lacks events.json SECRET
	lacks show.out SECRET
	lacks "$(recording)/manifest.json" SECRET
	"$RRSHIM" cat "$(recording)" 1 --request >/dev/null
	grep -q 'rr-redacted-' events.json || fail "no placeholder in the events"
	stop_server
	replay_offline "${call[@]}"
	assert_zero_miss
	equal status 0 "$rep_status"
}

test_bodies_are_kept() {
	# Redaction leaves everything else alone, byte for byte.
	start_server
	round_trip 0 curl -sS "$HTTPS/binary" -H 'Authorization: Bearer SECRETaaaabbbbcccc'
	"$RRSHIM" cat "$(recording)" 1 >body
	same_file rec.out body
}

test_request_body_is_kept() {
	start_server
	printf '{"n":1,"z":"\303\251\\u00e9","raw":"0\\r\\n"}' >request
	record curl -sS "$HTTPS/echo" -H 'Content-Type: application/json' --data-binary @request
	"$RRSHIM" cat "$(recording)" 1 --request >body
	same_file request body
}

test_files_are_private() {
	umask 022
	record true
	equal "folder mode" 700 "$(stat -c %a "$(recording)")"
	equal "other modes than 600 and 700" '' "$(find "$(recording)" ! -perm 600 ! -perm 700)"
}

test_tls_server_in_the_same_process() {
	# It shares the client's random; what it reads and writes is not the program's to the world.
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 1 \
		-subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
	cat >both.py <<-'END'
		import socket, ssl, threading
		context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		context.load_cert_chain("cert.pem", "key.pem")
		listener = socket.create_server(("127.0.0.1", 0))
		def serve():
		    s = context.wrap_socket(listener.accept()[0], server_side=True)
		    s.recv(4096)
		    s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=SERVERSECRET123456\r\n\r\nhi")
		    s.close()
		threading.Thread(target=serve).start()
		client = ssl.create_default_context(cafile="cert.pem").wrap_socket(
		    socket.create_connection(listener.getsockname()), server_hostname="localhost")
		client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-TOPSECRET1234567890\r\n\r\n")
		print(client.recv(4096))
	END
	record "$PYTHON" both.py
	equal status 0 "$rec_status"
	equal requests 1 "$(exchanges)"
	"$RRSHIM" events --json >events.txt
	! grep -qE 'TOPSECRET|SERVERSECRET' events.txt || fail "a secret is in the recording"
}
