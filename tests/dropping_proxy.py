"""A TCP proxy that drops some of the connections: at once, or after some of the bytes."""

import random
import socket
import threading
from contextlib import contextmanager, suppress


class DroppingProxy:
    """Between a client and a server: of `every` connections one ends after at most 3,000 bytes; `dropped` counts."""

    def __init__(self, target, every):
        self.connections = self.dropped = 0
        self._target, self._every, self._random = target, every, random.Random(0)
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listening.accept()
                self.connections += 1
                bytes_left = None if self.connections % self._every else self._random.randrange(3000)
                server = socket.create_connection(self._target)
                for ways in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=(*ways, bytes_left), daemon=True).start()

    def _pass_on(self, source, target, bytes_left):
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if bytes_left is not None:
                    data, bytes_left = data[:bytes_left], bytes_left - len(data)
                target.sendall(data)
                if bytes_left is not None and bytes_left <= 0:
                    self.dropped += 1
                    break
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def close(self):
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@contextmanager
def dropping_proxy(address, every):
    """Yield a proxy before the server at an address, host:port."""
    host, port = address.split(":")
    proxy = DroppingProxy((host, int(port)), every)
    try:
        yield proxy
    finally:
        proxy.close()
