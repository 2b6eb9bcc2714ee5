# SPDX-License-Identifier: Apache-2.0
"""names.py SERVER: questions to a DNS server by sockets of every kind, and libc's functions."""

import asyncio
import os
import socket
import struct
import sys

SERVER = (sys.argv[1], 53)
FAMILY = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET


def query(name, kind):
    wire = b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"
    return os.urandom(2) + b"\1\0\0\1\0\0\0\0\0\0" + wire + struct.pack(">HH", kind, 1)


def unconnected():
    s = socket.socket(FAMILY, socket.SOCK_DGRAM)
    s.settimeout(10)
    for name, kind in (("host.test", 1), ("Host.test", 28), ("counted.test", 1),
                       ("counted.test", 1), ("nothing.test", 16), ("many.test", 16)):
        asked = query(name, kind)
        s.sendto(asked, SERVER)
        told, source = s.recvfrom(4096)
        print(name, kind, told[:2] == asked[:2], source[:2], told[2:].hex())
    s.close()


class Answer(asyncio.DatagramProtocol):
    def __init__(self):
        self.came = asyncio.get_running_loop().create_future()

    def datagram_received(self, data, source):
        self.came.set_result((data[2:].hex(), source[:2]))


async def asynchronous():
    loop = asyncio.get_running_loop()
    s = socket.socket(FAMILY, socket.SOCK_DGRAM)
    s.bind(("", 0))
    s.setblocking(False)
    s.connect(SERVER)
    print(s.getpeername()[:2])
    await loop.sock_sendall(s, query("host.test", 15))
    print((await loop.sock_recv(s, 4096))[2:].hex())
    s.close()
    for name, where in (("alias.test", {"remote_addr": SERVER}), ("counted.test", {"family": FAMILY})):
        transport, protocol = await loop.create_datagram_endpoint(Answer, **where)
        transport.sendto(query(name, 1), None if "remote_addr" in where else SERVER)
        print(name, await asyncio.wait_for(protocol.came, 10))
        transport.close()


unconnected()
asyncio.run(asynchronous())
print(socket.gethostbyname_ex("host.test"), socket.getfqdn("192.0.2.9"))
