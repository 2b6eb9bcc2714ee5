#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""git's smart HTTP over TLS: `git http-backend` behind as much of a CGI server as it needs.

    git_server.py DIR --root REPOSITORIES --cert FILE --key FILE

Writes DIR/ports ("0 PORT\n") when it listens and one line per request to DIR/log.
"""

import argparse
import http.server
import os
import ssl
import subprocess
import sys
import zlib


class Handler(http.server.BaseHTTPRequestHandler):
	protocol_version = "HTTP/1.1"
	options = None
	log = None

	def log_message(self, *_):
		pass

	def body(self):
		if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
			data = b""
			while True:
				size = int(self.rfile.readline().split(b";")[0], 16)
				data += self.rfile.read(size)
				self.rfile.readline()
				if not size:
					break
		else:
			data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
		if self.headers.get("Content-Encoding") == "gzip":
			data = zlib.decompress(data, wbits=31)
		return data

	def backend(self, data):
		path, _, query = self.path.partition("?")
		environment = {**os.environ, "GIT_PROJECT_ROOT": self.options.root,
			"GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
			"REQUEST_METHOD": self.command, "REMOTE_USER": "tester", "REMOTE_ADDR": "127.0.0.1",
			"CONTENT_TYPE": self.headers.get("Content-Type", ""),
			"CONTENT_LENGTH": str(len(data)),
			"GIT_PROTOCOL": self.headers.get("Git-Protocol", "")}
		return subprocess.run(["git", "http-backend"], input=data, env=environment,
			stdout=subprocess.PIPE, check=False).stdout

	def serve(self):
		data = self.body()
		head, _, body = self.backend(data).partition(b"\r\n\r\n")
		status = "200 OK"
		headers = []
		for line in head.decode("latin-1").splitlines():
			name, _, value = line.partition(":")
			if name == "Status":
				status = value.strip()
			else:
				headers.append((name, value.strip()))
		self.log.write("%s %s %d\n" % (self.command, self.path, len(data)))
		self.send_response(int(status.split()[0]), status.partition(" ")[2])
		for name, value in headers:
			self.send_header(name, value)
		self.send_header("Content-Length", str(len(body)))
		self.end_headers()
		self.wfile.write(body)

	do_GET = do_POST = serve


def main():
	parser = argparse.ArgumentParser()
	parser.add_argument("folder")
	parser.add_argument("--root", required=True)
	parser.add_argument("--cert", required=True)
	parser.add_argument("--key", required=True)
	Handler.options = parser.parse_args()
	folder = Handler.options.folder
	os.makedirs(folder, exist_ok=True)
	Handler.log = open(os.path.join(folder, "log"), "a", buffering=1)
	server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
	server.daemon_threads = True
	context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
	context.load_cert_chain(Handler.options.cert, Handler.options.key)
	server.socket = context.wrap_socket(server.socket, server_side=True,
		do_handshake_on_connect=False)
	temporary = os.path.join(folder, "ports.new")
	with open(temporary, "w") as f:
		f.write("0 %d\n" % server.server_address[1])
	os.rename(temporary, os.path.join(folder, "ports"))
	server.serve_forever()


if __name__ == "__main__":
	sys.exit(main())
