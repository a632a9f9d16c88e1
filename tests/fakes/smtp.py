"""A mail server on the loopback address that refuses as often as it is told, then accepts."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, field


@dataclass
class FakeMailServer:
    """Answers one connection after the other; keeps what it accepted. Use as a context manager."""

    refusals: int = 0
    accepted: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def __enter__(self) -> FakeMailServer:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as stream:
                self.connections += 1
                self._talk(stream)

    def _talk(self, stream: object) -> None:
        def say(line: str) -> None:
            stream.write(f"{line}\r\n".encode())  # type: ignore[attr-defined]
            stream.flush()  # type: ignore[attr-defined]

        say("220 fake")
        while line := stream.readline().decode().strip():  # type: ignore[attr-defined]
            verb = line.split(" ")[0].upper()
            if verb == "DATA":
                say("354 go on")
                self._take(stream, say)
            elif verb == "MAIL" and self.refusals:
                self.refusals -= 1
                say("451 try again later")
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")

    def _take(self, stream: object, say: object) -> None:
        lines = []
        while (line := stream.readline().decode().rstrip("\r\n")) != ".":  # type: ignore[attr-defined]
            lines.append(line)
        self.accepted.append("\n".join(lines))
        say("250 taken")  # type: ignore[operator]
