"""TXT look-ups for domain verification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dns.exception import DNSException
from dns.resolver import NXDOMAIN, NoAnswer, Resolver

from domain.proofs import DnsUnavailable


class DnsTxt:
    """Implements domain.ports.TxtResolver with the system's resolvers."""

    def __init__(self, timeout: float = 5.0) -> None:
        self._timeout = timeout

    def txt(self, name: str) -> Sequence[str]:
        """TXT strings of a name, empty when there are none. Raises DnsUnavailable."""
        try:
            resolver = Resolver()
            answer = resolver.resolve(name, "TXT", lifetime=self._timeout)
        except (NXDOMAIN, NoAnswer):
            return ()
        except DNSException as error:
            raise DnsUnavailable(name, str(error)) from error
        return tuple(b"".join(record.strings).decode("utf-8", "replace") for record in answer)


class FixedTxt:
    """A resolver with fixed records, for tests, demos and machines without DNS."""

    def __init__(self, records: Mapping[str, Sequence[str]]) -> None:
        self._records = {name.lower(): tuple(strings) for name, strings in records.items()}

    def txt(self, name: str) -> Sequence[str]:
        """TXT strings of a name; empty when the table has none."""
        return self._records.get(name.lower(), ())
