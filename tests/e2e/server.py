#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A test server for HTTP/1 over TCP and TLS whose answers are as awkward as the paths ask for.

    server.py DIR [--bind ADDRESS] [--cert FILE --key FILE]

Writes DIR/ports ("HTTP HTTPS\n") when it listens and one JSON line per request to DIR/log. Answers
hold random ids, so a replay that reached a server cannot look like the recording.
"""

import argparse
import gzip
import hashlib
import hmac
import json
import os
import random
import select
import socket
import ssl
import struct
import sys
import threading
import time
import traceback
import uuid
from urllib.parse import parse_qsl, urlsplit

ROUTES = {}
BLOCK = random.Random(42).randbytes(1 << 20)
TEXT = b"".join(
	b'data: {"id":"%d","choices":[{"delta":{"content":"word %d"}}]}\n\n' % (i * 7919, i)
	for i in range(20000))[:1 << 20]


def route(*paths):
	def add(function):
		for path in paths:
			ROUTES[path] = function
		return function
	return add


class Gone(Exception):
	"""The connection is over; nothing more is to be sent."""


class Server:
	def __init__(self, folder):
		self.folder = folder
		self.lock = threading.Lock()
		self.counts = {}
		self.requests = 0
		self.connections = 0
		self.log = open(os.path.join(folder, "log"), "a", buffering=1)

	def count(self, key):
		with self.lock:
			self.counts[key] = self.counts.get(key, 0) + 1
			return self.counts[key]

	def note(self, record):
		with self.lock:
			self.requests += 1
			record["n"] = self.requests
			self.log.write(json.dumps(record) + "\n")


class Connection:
	def __init__(self, server, sock, tls, number):
		self.server, self.sock, self.tls, self.number = server, sock, tls, number
		self.buffer = b""
		self.keep = True

	# ---- bytes in ----

	def fill(self):
		data = self.sock.recv(1 << 18)
		if not data:
			raise Gone
		self.buffer += data

	def line(self):
		while b"\n" not in self.buffer:
			if len(self.buffer) > 1 << 20:
				raise Gone
			self.fill()
		line, self.buffer = self.buffer.split(b"\n", 1)
		return line.rstrip(b"\r")

	def pieces(self, length):
		while length:
			if not self.buffer:
				self.fill()
			piece, self.buffer = self.buffer[:length], self.buffer[length:]
			length -= len(piece)
			yield piece

	def body_pieces(self):
		if self.headers.get("transfer-encoding", "").lower() == "chunked":
			while True:
				size = int(self.line().split(b";")[0], 16)
				if not size:
					while self.line():
						pass
					return
				yield from self.pieces(size)
				self.line()
		else:
			yield from self.pieces(int(self.headers.get("content-length", 0)))

	def read_body(self):
		"""Reads the body: bytes up to 1 MiB, its length and its SHA-256."""
		if self.headers.get("expect", "").lower() == "100-continue":
			if self.query.get("refuse"):
				self.keep = False
				return
			self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
		digest, kept = hashlib.sha256(), []
		for piece in self.body_pieces():
			digest.update(piece)
			if self.length < 1 << 20:
				kept.append(piece)
			self.length += len(piece)
		self.body, self.digest = b"".join(kept), digest.hexdigest()

	# ---- bytes out ----

	def send(self, data):
		self.sock.sendall(data)

	def head(self, status, headers, version="1.1"):
		lines = ["HTTP/%s %s" % (version, status)] + ["%s: %s" % h for h in headers]
		self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

	def answer(self, status, body, headers=()):
		headers = list(headers) + [("Content-Length", len(body)), ("X-Request-Id", uuid.uuid4())]
		if not self.keep:
			headers.append(("Connection", "close"))
		self.head(status, headers)
		if self.method != "HEAD":
			self.send(body)

	def json(self, value, status="200 OK", headers=()):
		self.answer(status, json.dumps(value).encode() + b"\n",
			[("Content-Type", "application/json")] + list(headers))

	def chunk(self, data, extension=b""):
		self.send(b"%x%s\r\n%s\r\n" % (len(data), extension, data))

	def reset(self):
		time.sleep(0.15)  # let what was sent arrive: a reset overtakes it otherwise
		self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
		self.sock.close()
		raise Gone

	def cut(self):
		"""FIN and, over TLS, no close_notify."""
		self.sock.shutdown(socket.SHUT_RDWR)
		raise Gone

	def end(self):
		"""An orderly end: close_notify over TLS, then FIN."""
		if self.tls:
			try:
				self.sock.settimeout(2)
				self.sock = self.sock.unwrap()
			except (OSError, ValueError):
				pass
		try:
			self.sock.shutdown(socket.SHUT_WR)
			self.sock.settimeout(2)
			while self.sock.recv(65536):
				pass
		except (OSError, ValueError):
			pass

	# ---- one request after the other ----

	def request(self):
		line = self.line()
		if not line:
			line = self.line()
		self.method, self.target, self.version = line.decode("latin-1").split(" ")
		pairs = []
		while True:
			line = self.line()
			if not line:
				break
			name, _, value = line.decode("latin-1").partition(":")
			pairs.append((name, value.strip()))
		self.headers = {name.lower(): value for name, value in pairs}
		parts = urlsplit(self.target)
		self.path, self.query = parts.path, dict(parse_qsl(parts.query))
		self.body, self.length, self.digest = b"", 0, ""
		self.keep = (self.headers.get("connection", "").lower() != "close"
			and self.version != "HTTP/1.0")
		self.read_body()
		self.server.note({"connection": self.number, "method": self.method,
			"target": self.target, "headers": pairs, "length": self.length,
			"sha256": self.digest, "body": self.body[:4096].decode("utf-8", "replace")})
		function = ROUTES.get(self.path)
		if function:
			function(self)
		else:
			self.json({"error": "no such path"}, "404 Not Found")

	def serve(self):
		try:
			while self.keep:
				self.request()
			self.end()
		except (Gone, ConnectionError, ssl.SSLError, socket.timeout, ValueError):
			pass
		except Exception:
			traceback.print_exc()
		finally:
			self.sock.close()

	def number_of(self, name, default):
		return float(self.query.get(name, default))


# ---- the answers ----

def word():
	return uuid.uuid4().hex[:8]


@route("/json")
def plain(c):
	c.json({"id": word(), "method": c.method, "path": c.target})


@route("/page")
def page(c):
	time.sleep(c.number_of("ms", 0) / 1000)
	c.json({"page": c.query.get("i"), "token": uuid.uuid4().hex})


@route("/echo")
def echo(c):
	c.json({"id": word(), "length": c.length, "sha256": c.digest})


SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def aws_signature(c, scope, names):
	"""AWS Signature Version 4 of a request with that scope and those signed headers."""
	canonical = "\n".join([c.method, c.path, urlsplit(c.target).query]
		+ ["%s:%s" % (name, c.headers.get(name, "")) for name in names] + ["", ";".join(names), c.digest])
	text = "\n".join(["AWS4-HMAC-SHA256", c.headers.get("x-amz-date", ""), "/".join(scope),
		hashlib.sha256(canonical.encode()).hexdigest()])
	key = ("AWS4" + SECRET).encode()
	for part in scope:
		key = hmac.digest(key, part.encode(), "sha256")
	return hmac.digest(key, text.encode(), "sha256").hex()


@route("/signed")
def signed(c):
	"""Refused unless Host, date and body are as they were when the request was signed."""
	fields = dict(field.strip().split("=", 1)
		for field in c.headers["authorization"].split(" ", 1)[1].split(","))
	scope, names = fields["Credential"].split("/")[1:], fields["SignedHeaders"].split(";")
	if "host" not in names or "x-amz-date" not in names:
		return c.json({"error": "host and date are not signed"}, "400 Bad Request")
	if aws_signature(c, scope, names) != fields["Signature"]:
		return c.json({"error": "the signature does not match"}, "403 Forbidden")
	c.json({"id": word(), "signed": names})


@route("/counter")
def counter(c):
	n = c.server.count("counter " + c.query.get("key", ""))
	time.sleep(c.number_of("ms", 0) / 1000)
	c.answer("200 OK", b"%d\n" % n)


@route("/flaky")
def flaky(c):
	"""`fail` answers of `status`, then one that works."""
	n = c.server.count("flaky " + c.query.get("key", ""))
	if n > c.number_of("fail", 2):
		return c.json({"attempt": n, "id": word()})
	if c.query.get("status") == "reset":
		c.head("200 OK", [("Content-Length", 1000)])
		c.send(b"x" * 10)
		c.reset()
	c.json({"error": {"attempt": n, "id": word()}},
		{"500": "500 Internal Server Error"}.get(c.query.get("status"), "429 Too Many Requests"),
		[("Retry-After", "0")])


def stream(c, events, delay, content_type="text/event-stream"):
	c.head("200 OK", [("Content-Type", content_type), ("Transfer-Encoding", "chunked"),
		("X-Request-Id", uuid.uuid4())])
	for event in events:
		c.chunk(event)
		time.sleep(delay)
	c.chunk(b"")


@route("/v1/chat/completions")
def chat(c):
	"""An answer streamed as an LLM does, every id and word random."""
	identity, n = "chatcmpl-" + uuid.uuid4().hex, int(c.number_of("chunks", 8))
	events = []
	for i in range(n):
		delta = {"id": identity, "object": "chat.completion.chunk", "choices": [
			{"index": 0, "delta": {"content": "%s " % word()}, "finish_reason": None}]}
		events.append(b"data: " + json.dumps(delta).encode() + b"\n\n")
	events.append(b"data: [DONE]\n\n")
	stream(c, events, c.number_of("delay", 10) / 1000)


@route("/v1/messages")
def messages(c):
	"""The same in Anthropic's form: named events around the words."""
	identity, events = "msg_" + uuid.uuid4().hex, []

	def event(kind, **fields):
		events.append(b"event: %s\ndata: %s\n\n" % (kind.encode(),
			json.dumps({"type": kind, **fields}).encode()))

	event("message_start", message={"id": identity, "type": "message", "role": "assistant",
		"model": "claude", "content": [], "stop_reason": None,
		"usage": {"input_tokens": 1, "output_tokens": 1}})
	event("content_block_start", index=0, content_block={"type": "text", "text": ""})
	for _ in range(int(c.number_of("chunks", 8))):
		event("content_block_delta", index=0,
			delta={"type": "text_delta", "text": "%s " % word()})
	event("content_block_stop", index=0)
	event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 8})
	event("message_stop")
	stream(c, events, c.number_of("delay", 10) / 1000)


@route("/stamped")
def stamped(c):
	"""Each event says when it left, by the monotonic clock of this machine."""
	def events():
		for _ in range(int(c.number_of("chunks", 200))):
			yield b"data: %d\n\n" % time.monotonic_ns()
	stream(c, events(), c.number_of("delay", 10) / 1000)


@route("/sse")
def sse(c):
	eol = {"cr": b"\r", "lf": b"\n", "crlf": b"\r\n"}[c.query.get("eol", "lf")]
	events = [b": comment" + eol + eol]
	for i in range(4):
		events.append(b"event: e%d" % i + eol)
		events.append(b"id: " + word().encode() + eol + b"data: a" + eol + b"data: b" + eol)
		events.append(eol)
	stream(c, events, 0.005)


@route("/utf8")
def utf8(c):
	"""Characters of two, three and four bytes, split at every byte."""
	text = ("é€😀 " + word()).encode()
	stream(c, [text[i:i + 1] for i in range(len(text))], 0.005, "text/plain; charset=utf-8")


@route("/silent")
def silent(c):
	stream(c, [b"data: first %s\n\n" % word().encode(), b"data: last %s\n\n" % word().encode()],
		c.number_of("seconds", 2))


@route("/chunked")
def chunked(c):
	"""Lower-case header, extensions, a payload that looks like the end, trailers."""
	c.head("200 OK", [("content-type", "text/plain"), ("transfer-encoding", "chunked"),
		("Trailer", "X-Sum")])
	c.chunk(b"one " + word().encode(), b";name=value")
	time.sleep(0.01)
	c.chunk(b"two\r\n0\r\n\r\n", b' ; quoted="a;b"')
	c.chunk(b"three 0\r\n")
	c.send(b"000;last=1\r\nX-Sum: %s\r\nX-More: 1\r\n\r\n" % word().encode())


@route("/ends-in-zero")
def ends_in_zero(c):
	body = word().encode() + b"\r\n0\r\n"
	if c.query.get("length"):
		return c.answer("200 OK", body)
	stream(c, [body], 0, "text/plain")


@route("/gzip")
def zipped(c):
	text = ("%s " % word() * 500).encode() + b"\n"
	c.answer("200 OK", gzip.compress(text),
		[("Content-Encoding", "gzip"), ("Content-Type", "text/plain")])


@route("/gzip-stream")
def zipped_stream(c):
	import zlib
	z = zlib.compressobj(wbits=31)
	c.head("200 OK", [("Content-Encoding", "gzip"), ("Content-Type", "text/event-stream"),
		("Transfer-Encoding", "chunked")])
	for _ in range(5):
		c.chunk(z.compress(b"data: %s\n\n" % word().encode()) + z.flush(zlib.Z_SYNC_FLUSH))
		time.sleep(0.01)
	c.chunk(z.flush())
	c.chunk(b"")


@route("/gzip-empty")
def zipped_empty(c):
	c.answer("200 OK", gzip.compress(b""), [("Content-Encoding", "gzip")])


@route("/gzip-zero")
def zipped_zero(c):
	"""Says gzip and sends no byte at all."""
	c.answer("200 OK", b"", [("Content-Encoding", "gzip")])


@route("/204")
def no_content(c):
	c.head("204 No Content", [("X-Request-Id", uuid.uuid4())])


@route("/304")
def not_modified(c):
	c.head("304 Not Modified", [("ETag", '"%s"' % word()), ("Content-Length", 1234)])


@route("/early")
def early(c):
	c.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
	time.sleep(0.02)
	c.json({"id": word()})


@route("/redirect")
def redirect(c):
	n = int(c.query.get("n", 3))
	c.answer("302 Found", b"moved " + word().encode() + b"\n",
		[("Location", "/redirect?n=%d" % (n - 1) if n > 1 else "/json?after=redirect")])


@route("/redirect-post")
def redirect_post(c):
	c.answer("307 Temporary Redirect", b"", [("Location", "/echo")])


@route("/reset")
def reset(c):
	c.head("200 OK", [("Content-Length", 100000), ("X-Request-Id", uuid.uuid4())])
	c.send((word() * 100000).encode()[:int(c.number_of("after", 5000))])
	c.reset()


@route("/reset-at-once")
def reset_at_once(c):
	c.reset()


@route("/cut")
def cut(c):
	"""FIN in the middle of a body whose length was announced."""
	c.head("200 OK", [("Content-Length", 100000), ("X-Request-Id", uuid.uuid4())])
	c.send((word() * 100000).encode()[:int(c.number_of("after", 5000))])
	c.keep = False
	c.end()
	raise Gone


@route("/cut-chunked")
def cut_chunked(c):
	c.head("200 OK", [("Transfer-Encoding", "chunked")])
	c.chunk(b"data: %s\n\n" % word().encode())
	c.send(b"20\r\ndata: hal")
	c.cut()


@route("/until-close")
def until_close(c):
	"""A body that ends with the connection, as HTTP/1.0 has it."""
	c.head("200 OK", [("Content-Type", "text/plain"), ("X-Request-Id", uuid.uuid4())],
		"1.0" if c.query.get("old") else "1.1")
	for _ in range(5):
		c.send(b"line %s\n" % word().encode())
		time.sleep(0.005)
	c.keep = False
	if c.query.get("rude"):
		c.cut()


@route("/binary")
def binary(c):
	c.answer("200 OK", bytes(range(256)) * 16 + b"\0\0\xff\xfe\xc3\x28" + uuid.uuid4().bytes,
		[("Content-Type", "application/octet-stream")])


@route("/download")
def download(c):
	left = int(c.number_of("bytes", 1000))
	block = memoryview(TEXT if c.query.get("kind") == "text" else BLOCK)
	c.head("200 OK", [("Content-Length", left), ("Content-Type", "application/octet-stream")])
	while left:
		piece = block[:left]
		c.send(piece)
		left -= len(piece)


@route("/cookie")
def cookie(c):
	"""Sets a cookie to `value` backwards: it is in the answer and was not in the request."""
	c.json({"id": word(), "cookie": "cookie" in c.headers}, headers=[
		("Set-Cookie", "session=%s; Path=/; HttpOnly" % c.query.get("value", "none")[::-1])])


@route("/hang")
def hang(c):
	"""Never answers; holds the connection until the client leaves."""
	while True:
		c.fill()


# ---- listening ----

def accept(server, sock, context, address):
	with server.lock:
		server.connections += 1
		number = server.connections
	sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
	if context:
		try:
			sock.settimeout(20)
			sock = context.wrap_socket(sock, server_side=True)
			sock.settimeout(None)
		except (OSError, ssl.SSLError):
			sock.close()
			return
	Connection(server, sock, bool(context), number).serve()


def main():
	parser = argparse.ArgumentParser()
	parser.add_argument("folder")
	parser.add_argument("--bind", default="127.0.0.1")
	parser.add_argument("--cert")
	parser.add_argument("--key")
	options = parser.parse_args()
	os.makedirs(options.folder, exist_ok=True)
	server = Server(options.folder)
	threading.stack_size(512 << 10)
	listeners = {}
	for tls in (False, True):
		context = None
		if tls:
			if not options.cert:
				continue
			context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
			context.load_cert_chain(options.cert, options.key)
		family = socket.AF_INET6 if ":" in options.bind else socket.AF_INET
		listener = socket.socket(family)
		listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		listener.bind((options.bind, 0))
		listener.listen(512)
		listeners[listener] = context
	ports = [str(l.getsockname()[1]) for l in listeners] + ["0"]
	temporary = os.path.join(options.folder, "ports.new")
	with open(temporary, "w") as f:
		f.write(" ".join(ports[:2]) + "\n")
	os.rename(temporary, os.path.join(options.folder, "ports"))
	while True:
		for listener in select.select(list(listeners), [], [])[0]:
			sock, address = listener.accept()
			threading.Thread(target=accept, daemon=True,
				args=(server, sock, listeners[listener], address)).start()


if __name__ == "__main__":
	sys.exit(main())
