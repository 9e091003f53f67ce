"""Where the mail server of the fresh Debian relays to: keeps each mail as a file. Usage: production_sink.py FOLDER."""

import socketserver
import sys
import uuid
from pathlib import Path

PORT = 1025


class Sink(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.answer("220 sink")
        while line := self.rfile.readline():
            verb = line.strip().upper()
            if verb == b"DATA":
                self.answer("354 go on")
                self.keep()
            elif verb == b"QUIT":
                self.answer("221 bye")
                return
            self.answer("250 ok")

    def keep(self) -> None:
        lines = iter(self.rfile.readline, b".\r\n")
        (Path(sys.argv[1]) / uuid.uuid4().hex).write_bytes(b"".join(lines))

    def answer(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


if __name__ == "__main__":
    socketserver.ThreadingTCPServer(("127.0.0.1", PORT), Sink).serve_forever()
