# SPDX-License-Identifier: Apache-2.0
"""TLS hosts on 127.0.0.1, one for each certificate pki/NAME.pem with pki/NAME.key given.

The file "hosts" gets a line "NAME PORT" for each, when all listen. Each answers one request:
/md5?N sends N bytes, /count the number of bytes that came until the client's end, anything else
"hello". "client" asks for a client certificate of pki/ca.pem. "proxy" is no TLS host, but opens
tunnels (CONNECT), and appends their targets to the file "tunnels".
"""
import os
import socket
import ssl
import sys
import threading


def head_of(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        got = connection.recv(4096)
        if not got:
            return None
        data += got
    return data


def answer(connection, body):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body))
    connection.sendall(body)


def send_much(connection, n):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % n)
    block = bytes(i * 7 & 255 for i in range(1 << 20))
    while n > 0:
        connection.sendall(block[:n])
        n -= len(block)


def count_rest(connection, head):
    n = len(head.split(b"\r\n\r\n", 1)[1])
    while got := connection.recv(65536):
        n += len(got)
    answer(connection, b"%d" % n)


def serve(plain, context):
    with plain:
        try:
            connection = context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=True)
            head = head_of(connection)
            if not head:
                return
            target = head.split(b" ")[1]
            if target.startswith(b"/md5?"):
                send_much(connection, int(target[5:]))
            elif target == b"/count":
                count_rest(connection, head)
            else:
                answer(connection, b"hello\n")
            connection.close()
        except OSError:
            pass


def copy(source, to):
    try:
        while data := source.recv(65536):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def tunnel(plain, _context):
    host, port = head_of(plain).split(b" ")[1].rsplit(b":", 1)
    with open("tunnels", "a") as log:
        log.write("%s\n" % host.decode())
    with plain, socket.create_connection((host, int(port))) as far:
        plain.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        back = threading.Thread(target=copy, args=(far, plain), daemon=True)
        back.start()
        copy(plain, far)
        back.join()


def context_of(name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(f"pki/{name}.pem", f"pki/{name}.key")
    if name == "client":
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations("pki/ca.pem")
    return context


def accept(listener, serve_one, context):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve_one, args=(connection, context), daemon=True).start()


def main():
    with open("hosts.new", "w") as hosts:
        for name in sys.argv[1:]:
            listener = socket.create_server(("127.0.0.1", 0), backlog=64)
            what = (tunnel, None) if name == "proxy" else (serve, context_of(name))
            threading.Thread(target=accept, args=(listener, *what), daemon=True).start()
            hosts.write("%s %d\n" % (name, listener.getsockname()[1]))
    os.rename("hosts.new", "hosts")
    threading.Event().wait()


main()
