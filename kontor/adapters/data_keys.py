"""Data keys in the database: made once, sealed by the newest key of SECRET_KEY, sealed again by a rotation."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken
from psycopg import Connection, sql

from kontor.adapters.secret_keys import fingerprint, other_key
from kontor.adapters.secrets import SEALED, DataKeyBox, DerivedKeys, FernetSecretBox, derive_key
from kontor.adapters.settings import SettingsError
from kontor.kernel.data_keys import DATA_KEY_BYTES, DecryptionError, KeyPurpose

LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('kontor data keys', 0))"
STORED: Final = "SELECT purpose, sealed, sealed_with FROM data_keys"
ADD: Final = "INSERT INTO data_keys (purpose, sealed, sealed_with, created_at) VALUES (%s, %s, %s, clock_timestamp())"
SEAL_AGAIN: Final = "UPDATE data_keys SET sealed = %s, sealed_with = %s WHERE purpose = %s"
HOLDERS: Final = {"instances": "account_id", "webhook_endpoints": "id"}
"""Tables with sealed secrets, and their primary keys."""

EARLIER: Final = sql.SQL("{0}.secret_sealed LIKE {1} OR {0}.old_secret_sealed LIKE {1}")
BATCH: Final = 500
NOT_OPENED: Final = (
    "SECRET_KEY is not the key that sealed the secrets of this database. Set the former SECRET_KEY, or list it after"
    " the new one (SECRET_KEY=new,former)"
)


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """Implements kontor.kernel.data_keys.DataKeys with the keys of the database, opened."""

    keys: Mapping[KeyPurpose, bytes]

    def key(self, purpose: KeyPurpose) -> bytes:
        """Return the key of a purpose."""
        return self.keys[purpose]


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation sealed again: data keys with `fingerprint`'s key, secrets with the data key."""

    data_keys: int
    secrets: int
    fingerprint: str


def stored_keys(connection: Connection[Any], secret_keys: Sequence[str]) -> StoredKeys:
    """Return the data keys; missing ones are made. Raises SettingsError if their key is not listed."""
    keys = _opened(connection, secret_keys)
    if len(keys) < len(KeyPurpose):
        with connection.transaction():
            connection.execute(LOCK)
            keys = _opened(connection, secret_keys)
            keys |= _made(connection, secret_keys, [purpose for purpose in KeyPurpose if purpose not in keys])
    return StoredKeys(keys)


def rotate(connection: Connection[Any], secret_keys: Sequence[str]) -> Rotation:
    """Seal everything again, data keys with the newest listed key. Safe to repeat. Raises SettingsError.

    `connection` is in autocommit mode: secrets are sealed in short transactions of their own.
    """
    box = DataKeyBox(stored_keys(connection, secret_keys), secret_keys)
    resealed = sum(_reseal(connection, box, holder) for holder in HOLDERS)
    with connection.transaction():
        connection.execute(LOCK)
        keys = _opened(connection, secret_keys)
        newest = fingerprint(secret_keys[0])
        for purpose, key in keys.items():
            connection.execute(SEAL_AGAIN, (_sealed(secret_keys[0], key), newest, purpose))
    return Rotation(len(keys), resealed, newest)


def sealed_by_earlier_releases(connection: Connection[Any]) -> int:
    """Return how many rows hold a secret that SECRET_KEY itself sealed."""
    total = 0
    for holder in HOLDERS:
        count = sql.SQL("SELECT count(*) FROM {table} WHERE {earlier}")
        row = connection.execute(count.format(table=sql.Identifier(holder), earlier=_earlier(holder))).fetchone()
        total += row[0] if row else 0
    return total


def _opened(connection: Connection[Any], secret_keys: Sequence[str]) -> dict[KeyPurpose, bytes]:
    """Open the stored keys. Raises SettingsError."""
    by_fingerprint = {fingerprint(key): key for key in secret_keys}
    opened = {}
    for purpose, sealed, sealed_with in connection.execute(STORED).fetchall():
        if purpose not in set(KeyPurpose):
            continue
        try:
            opened[KeyPurpose(purpose)] = _cipher(by_fingerprint[sealed_with]).decrypt(sealed.encode())
        except (KeyError, InvalidToken):
            raise SettingsError(other_key(sealed_with, secret_keys)) from None
    return opened


def _made(
    connection: Connection[Any], secret_keys: Sequence[str], purposes: Sequence[KeyPurpose]
) -> dict[KeyPurpose, bytes]:
    """Make keys: those that an earlier release derived from SECRET_KEY as it did, so that its chains verify."""
    if not purposes:
        return {}
    row = connection.execute("SELECT sealed_with FROM data_keys LIMIT 1").fetchone()
    sealing = next((key for key in secret_keys if row is not None and fingerprint(key) == row[0]), None)
    earlier = DerivedKeys(_earlier_key(connection, secret_keys))
    sealing = sealing or earlier.secret_key
    made = {}
    for purpose in purposes:
        derived = purpose in {KeyPurpose.OFFERS, KeyPurpose.REQUESTS}
        made[purpose] = earlier.key(purpose) if derived else secrets.token_bytes(DATA_KEY_BYTES)
        connection.execute(ADD, (purpose, _sealed(sealing, made[purpose]), fingerprint(sealing)))
    return made


def _earlier_key(connection: Connection[Any], secret_keys: Sequence[str]) -> str:
    """Return the key that an earlier release used: the one that opens a secret of it, else the oldest listed.

    Raises SettingsError if none opens it.
    """
    for holder in HOLDERS:
        query = sql.SQL("SELECT secret_sealed FROM {table} WHERE secret_sealed LIKE {form} LIMIT 1")
        row = connection.execute(query.format(table=sql.Identifier(holder), form=SEALED + "%")).fetchone()
        if row is not None:
            return _opener(row[0], secret_keys)
    return secret_keys[-1]


def _opener(sealed: str, secret_keys: Sequence[str]) -> str:
    for key in secret_keys:
        try:
            FernetSecretBox(key).open(sealed)
        except DecryptionError:
            continue
        return key
    raise SettingsError(NOT_OPENED)


def _reseal(connection: Connection[Any], box: DataKeyBox, holder: str) -> int:
    """Seal one table's secrets of earlier releases with the data key; return how many rows."""
    names = {"table": sql.Identifier(holder), "id": sql.Identifier(HOLDERS[holder])}
    select = sql.SQL(
        "SELECT {id}, secret_sealed, old_secret_sealed FROM {table} WHERE {earlier} LIMIT {batch} FOR UPDATE"
    ).format(**names, earlier=_earlier(holder), batch=BATCH)
    update = sql.SQL("UPDATE {table} SET secret_sealed = %s, old_secret_sealed = %s WHERE {id} = %s").format(**names)
    total = 0
    while True:
        with connection.transaction():
            rows = connection.execute(select).fetchall()
            for row_id, *sealed in rows:
                connection.execute(update, (*(_fresh(box, text) for text in sealed), row_id))
        total += len(rows)
        if len(rows) < BATCH:
            return total


def _fresh(box: DataKeyBox, sealed: str | None) -> str | None:
    """Seal a secret of an earlier release again. Raises SettingsError if no listed key opens it."""
    if sealed is None or not sealed.startswith(SEALED):
        return sealed
    try:
        return box.seal(box.open(sealed))
    except DecryptionError:
        raise SettingsError(NOT_OPENED) from None


def _earlier(holder: str) -> sql.Composed:
    return EARLIER.format(sql.Identifier(holder), SEALED + "%")


def _cipher(secret_key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(derive_key(secret_key, "data keys")))


def _sealed(secret_key: str, key: bytes) -> str:
    return _cipher(secret_key).encrypt(key).decode("ascii")
