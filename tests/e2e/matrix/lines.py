#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The protocol of lines over TCP or TLS."""

import os
import socket
import ssl

sock = socket.create_connection(("localhost", int(os.environ["LINES_PORT"])))
if os.environ["SCHEME"] == "https":
	sock = ssl.create_default_context().wrap_socket(sock, server_hostname="localhost")
stream = sock.makefile("rw")
print(stream.readline(), end="")
for word in ("one", "two", "three", "quit"):
	stream.write(word + "\n")
	stream.flush()
	print(stream.readline(), end="")
print("rest:", repr(stream.read()))
