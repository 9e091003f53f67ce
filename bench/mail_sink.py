"""A minimal SMTP receiver that discards mails, so that the sender is measured."""

import asyncio
import sys

ANSWERS = {
    b"EHLO": b"250-sink\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n",
    b"HELO": b"250 sink\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 bye\r\n",
}
DONE = b"250 OK\r\n"
END = b"\r\n.\r\n"


class Sink(asyncio.Protocol):
    """One connection. Counts messages in `total`, shared by all."""

    total = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._buffer = bytearray()
        self._in_data = False
        transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer every command and every end of a message."""
        self._buffer += data
        while self._message() if self._in_data else self._command():
            pass

    def _message(self) -> bool:
        end = self._buffer.find(END)
        if end < 0:
            return False
        del self._buffer[: end + len(END)]
        self._in_data = False
        Sink.total += 1
        self._transport.write(DONE)
        return True

    def _command(self) -> bool:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return False
        word = bytes(self._buffer[:4]).upper()
        del self._buffer[: end + 2]
        self._in_data = word == b"DATA"
        self._transport.write(ANSWERS.get(word, DONE))
        return True


async def serve() -> None:
    """Listen on a port the system picks and print it."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
