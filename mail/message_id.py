"""The name of a message, the same whenever it says the same to the same address."""

from hashlib import sha256


def message_id(template: str, fact_key: str, addressee: str, domain: str) -> str:
    """Return `<digest@domain>`; the digest depends on template, fact and addressee alone."""
    said = "\x00".join((template, fact_key, addressee.strip().lower()))
    return f"<{sha256(said.encode('utf-8', 'replace')).hexdigest()[:40]}@{domain}>"
