# SPDX-License-Identifier: Apache-2.0
"""A DNS server with answers no other server gives: every one to a type it counts is another.

dns_server.py ADDRESS LOG: serves UDP and TCP on port 53 until killed; LOG gets a line per query.
"""

import socket
import struct
import sys
import threading

count = 0


def name(text):
    return b"".join(bytes([len(p)]) + p.encode() for p in text.split(".") if p) + b"\0"


def record(owner, kind, data, ttl=300):
    return owner + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


def read_name(message, at):
    labels = []
    while message[at]:
        labels.append(message[at + 1 : at + 1 + message[at]].decode())
        at += 1 + message[at]
    return ".".join(labels), at + 1


A, CNAME, PTR, MX, TXT, AAAA, SRV = 1, 5, 12, 15, 16, 28, 33


def answers(asked, kind):
    """rcode and records of one answer."""
    global count
    own = b"\xc0\x0c"
    host = asked.lower()
    if host.startswith("counted."):
        count += 1
        return 0, [record(own, A, bytes([192, 0, 2, count % 250]))] if kind == A else []
    if host.startswith("alias."):
        to = name("target.test")
        if kind in (A, AAAA):
            data = bytes([192, 0, 2, 77]) if kind == A else bytes([0x20, 1, 0xD, 0xB8] + [0] * 11 + [7])
            return 0, [record(own, CNAME, to), record(to, kind, data)]
        return 0, [record(own, CNAME, to)] if kind == CNAME else []
    if host.startswith(("many.", "cut.", "none-cut.")):
        return 0, [record(own, TXT, b"\x40" + b"%064d" % i) for i in range(12)] if kind == TXT else []
    if host.startswith("broken."):
        return 2, []
    if host.endswith(".in-addr.arpa"):
        return 0, [record(own, PTR, name("pointed.test"))] if kind == PTR else []
    if not host.startswith(("host.", "local.")):
        return 3, []
    if kind == A:
        return 0, [record(own, A, bytes([127, 0, 0, 1] if host[0] == "l" else [192, 0, 2, 5])),
                   record(own, A, bytes([127, 0, 0, 1] if host[0] == "l" else [192, 0, 2, 6]))]
    if kind == AAAA and host.startswith("host."):
        return 0, [record(own, AAAA, bytes([0x20, 1, 0xD, 0xB8] + [0] * 11 + [5]))]
    if kind == MX:
        return 0, [record(own, MX, struct.pack(">H", p) + name(n)) for p, n in
                   ((10, "mail.test"), (20, "spare.test"))]
    if kind == TXT:
        return 0, [record(own, TXT, b"\x05hello\x05world")]
    if kind == SRV:
        return 0, [record(own, SRV, struct.pack(">HHH", 1, 2, 8080) + name("srv.test"))]
    return 0, []


def reply(query, log, tcp=False):
    asked, end = read_name(query, 12)
    kind, klass = struct.unpack(">HH", query[end : end + 4])
    log.write(f"{asked} {kind}\n")
    log.flush()
    rcode, records = answers(asked, kind)
    cut = not tcp and "cut." in asked
    if cut:
        records = records[: 0 if asked.startswith("none") else 2]
    # RD as asked, RA; a cookie comes back as BIND would send it.
    flags = 0x8080 | 0x0200 * cut | rcode | (query[2] << 8 & 0x0100)
    extra = query[end + 4 :] if struct.unpack(">H", query[10:12])[0] else b""
    return (query[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 1 if extra else 0) +
            query[12 : end + 4] + b"".join(records) + extra)


def serve_tcp(listener, log):
    while True:
        connection, _ = listener.accept()
        with connection:
            size = connection.recv(2)
            if len(size) == 2:
                answer = reply(connection.recv(int.from_bytes(size, "big")), log, True)
                connection.sendall(len(answer).to_bytes(2, "big") + answer)


def main():
    address, log = sys.argv[1], open(sys.argv[2], "a")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    udp = socket.socket(family, socket.SOCK_DGRAM)
    tcp = socket.socket(family, socket.SOCK_STREAM)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    udp.bind((address, 53))
    tcp.bind((address, 53))
    tcp.listen()
    threading.Thread(target=serve_tcp, args=(tcp, log), daemon=True).start()
    log.write("ready\n")
    log.flush()
    while True:
        query, peer = udp.recvfrom(65536)
        answer = reply(query, log)
        if b"\5quiet" not in query:
            udp.sendto(answer, peer)


main()
