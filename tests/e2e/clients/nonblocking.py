#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A bare non-blocking socket under selectors: connect, refusal, peeking, half-close, pipelining."""
import errno
import os
import selectors
import socket
import sys

port, closed = int(os.environ["HTTP_PORT"]), int(sys.argv[1])


def connect(port):
	s = socket.socket()
	s.setblocking(False)
	s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
	selector = selectors.DefaultSelector()
	selector.register(s, selectors.EVENT_WRITE)
	code = s.connect_ex(("127.0.0.1", port))
	print("connect", errno.errorcode.get(code, code))
	if code == errno.EINPROGRESS:
		selector.select(20)
	print("SO_ERROR", errno.errorcode.get(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 0))
	return s, selector


s, selector = connect(closed)
s.close()
s, selector = connect(port)
print("peer", s.getpeername() == ("127.0.0.1", port),
	"nodelay", s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0,
	"family", s.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN) == socket.AF_INET)
request = b"GET /page?i=%d HTTP/1.1\r\nHost: localhost:%d\r\n%s\r\n"
s.sendall(request % (1, port, b"") + request % (2, port, b"")
	+ request % (3, port, b"Connection: close\r\n"))
s.shutdown(socket.SHUT_WR)
selector.modify(s, selectors.EVENT_READ)
received, peeked = b"", False
while selector.select(20):
	if not peeked:
		peeked = s.recv(20, socket.MSG_PEEK)
	data = s.recv(4096)
	if not data:
		break
	received += data
print(peeked, received.startswith(peeked))
print(received)
