"""A name server on a local port: it answers from a table, or never."""

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
from dns.asyncresolver import Resolver


@dataclass
class NameServer:
    """`records`: addresses by name. `silent`: never answers. `asked`: the names of questions for A records."""

    records: Mapping[str, Sequence[str]] = field(default_factory=dict)
    silent: bool = False
    ttl: int = 60
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def resolver(self) -> Resolver:
        """A resolver that asks this server alone."""
        resolver = Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], self.port
        return resolver

    def serve(self, listener: socket.socket, ended: threading.Event) -> None:
        """Answer until `ended`."""
        while not ended.is_set():
            try:
                wire, peer = listener.recvfrom(4_096)
            except TimeoutError:
                continue
            reply = self.answer(wire)
            if reply is not None:
                listener.sendto(reply, peer)

    def answer(self, wire: bytes) -> bytes | None:
        """The reply to one question."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        if question.rdtype == dns.rdatatype.A:
            self.asked.append(name)
        if self.silent:
            return None
        reply = dns.message.make_response(query)
        addresses = self.records.get(name, ())
        if not addresses:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        elif question.rdtype == dns.rdatatype.A:
            reply.answer.append(dns.rrset.from_text(question.name, self.ttl, "IN", "A", *addresses))
        return reply.to_wire()


@contextmanager
def name_server(
    records: Mapping[str, Sequence[str]] | None = None, *, silent: bool = False, ttl: int = 60
) -> Iterator[NameServer]:
    """Serve while the block runs."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        server = NameServer(records or {}, silent, ttl, port=listener.getsockname()[1])
        listener.settimeout(0.2)
        ended = threading.Event()
        serving = threading.Thread(target=server.serve, args=(listener, ended), daemon=True)
        serving.start()
        try:
            yield server
        finally:
            ended.set()
            serving.join(5)
