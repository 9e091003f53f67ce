"""Deterministic Message-IDs: the same fact to the same address gives the same id."""

from hashlib import sha256


def message_id(template: str, fact_key: str, addressee: str, domain: str) -> str:
    """Return `<digest@domain>`; the digest depends on template, fact and addressee alone."""
    identity = "\x00".join((template, fact_key, addressee.strip().lower()))
    return f"<{sha256(identity.encode('utf-8', 'replace')).hexdigest()[:40]}@{domain}>"
