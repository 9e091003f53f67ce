"""SECRET_KEY belongs to a database, and a new one takes over while everything runs."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

import scheduler
from kontor.adapters import data_keys
from kontor.adapters.fakes import ManualClock
from kontor.adapters.secret_keys import fingerprint
from kontor.adapters.secrets import DataKeyBox, DerivedKeys, FernetSecretBox
from kontor.adapters.settings import Settings, SettingsError
from kontor.context import Secrets
from kontor.http.stored_responses import fingerprint as request_fingerprint
from kontor.kernel.data_keys import DecryptionError, KeyPurpose
from kontor.kernel.tokens import Tokens
from kontor.offers import queries as offers_queries
from kontor.offers.transitions import audit_trail_intact
from kontor.webhooks.signing import replace_secret
from models.accounts import Instance
from models.offers import Offer
from tests.conftest import libpq
from tests.support.offers import START, OfferScenario
from tests.support.wiring import SECRET
from workers import relay, web
from workers.connections import DatabaseKeys, require_key
from workers.doctor import check_secret_key
from workers.worker import Worker

NEW = "a new secret that only tests use and that is long enough"


@contextmanager
def connected(settings: Settings) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with closing(psycopg.connect(libpq(settings.database_url), autocommit=True)) as connection:
        yield connection


def rotated(settings: Settings, keys: tuple[str, ...] = (NEW, SECRET)) -> data_keys.Rotation:
    with connected(settings) as connection:
        return data_keys.rotate(connection, keys)


@pytest.fixture
def first(settings: Settings) -> Settings:
    """Settings of a database that took SECRET as its key."""
    require_key(settings)
    return settings


def test_each_process_refuses_to_start_when_the_key_is_another(first: Settings) -> None:
    other = replace(first, secret_key=NEW)
    starts: list[Callable[[], object]] = [
        lambda: relay.run(other),
        lambda: scheduler.run(other),
        lambda: Worker(other),
        lambda: web.web_deps(other).__enter__(),
    ]
    for start in starts:
        with pytest.raises(SettingsError, match="kontor secrets rotate") as refused:
            start()
        assert fingerprint(SECRET) in str(refused.value)
        assert SECRET not in str(refused.value)


def test_doctor_names_the_remedy_when_the_key_is_another(first: Settings) -> None:
    with connected(first) as connection:
        assert check_secret_key(first, connection).state == "ok"
        check = check_secret_key(replace(first, secret_key=NEW), connection)
        assert (check.state, "kontor secrets rotate" in (check.remedy or "")) == ("problem", True)
        assert check_secret_key(replace(first, secret_key=f"{NEW},{SECRET}"), connection).state == "warning"


def test_former_key_alone_is_refused_after_the_rotation(first: Settings) -> None:
    before = {purpose: DatabaseKeys(first).key(purpose) for purpose in KeyPurpose}
    rotation = rotated(first)
    assert (rotation.data_keys, rotation.fingerprint) == (len(KeyPurpose), fingerprint(NEW))
    alone = replace(first, secret_key=NEW)
    require_key(alone)
    assert {purpose: DatabaseKeys(alone).key(purpose) for purpose in KeyPurpose} == before
    with pytest.raises(SettingsError):
        require_key(replace(first, secret_key=SECRET, port=8001))


def test_rotation_is_refused_when_the_former_key_is_not_listed(first: Settings) -> None:
    with pytest.raises(SettingsError, match="SECRET_KEY=new,former"):
        rotated(first, (NEW,))


def test_keys_that_sealed_nothing_before_are_random(first: Settings) -> None:
    keys, derived = DatabaseKeys(first), DerivedKeys(SECRET)
    assert keys.key(KeyPurpose.OFFERS) == derived.key(KeyPurpose.OFFERS)
    assert keys.key(KeyPurpose.REQUESTS) == derived.key(KeyPurpose.REQUESTS)
    assert keys.key(KeyPurpose.SECRETS) != derived.key(KeyPurpose.SECRETS)
    assert keys.key(KeyPurpose.AUDIT) != derived.key(KeyPurpose.AUDIT)


@pytest.fixture
def world(engine: Engine) -> OfferScenario:
    """A client whose instance has a secret that an earlier release sealed with SECRET_KEY itself."""
    return OfferScenario(engine, ManualClock(START)).set_up()


def sealed_secret(engine: Engine, client: UUID) -> str:
    with Session(engine) as session:
        return session.get_one(Instance, client).secret_sealed


def test_wrong_key_is_refused_at_the_first_start_when_secrets_of_an_earlier_release_are_there(
    settings: Settings, world: OfferScenario
) -> None:
    with pytest.raises(SettingsError, match="sealed the secrets"):
        require_key(replace(settings, secret_key=NEW))
    require_key(replace(settings, secret_key=f"{NEW},{SECRET}"))


def test_secret_of_an_earlier_release_is_sealed_by_the_data_key_after_a_rotation(
    first: Settings, world: OfferScenario, engine: Engine
) -> None:
    before = world.secret_box.open(sealed_secret(engine, world.client))
    listed = replace(first, secret_key=f"{NEW},{SECRET}")
    assert rotated(first).secrets == 1
    assert rotated(first).secrets == 0
    after = sealed_secret(engine, world.client)
    alone = replace(first, secret_key=NEW)
    assert DataKeyBox(DatabaseKeys(alone), alone.secret_keys).open(after) == before
    with connected(listed) as connection:
        assert check_secret_key(listed, connection).state == "ok"


def test_secret_that_no_key_opens_can_be_replaced(world: OfferScenario, engine: Engine) -> None:
    with Session(engine) as session:
        instance = session.get_one(Instance, world.client)
        box = FernetSecretBox("another key")
        replace_secret(box, instance, "whsec_new", world.clock.now())
        assert (box.open(instance.secret_sealed), instance.old_secret_sealed) == ("whsec_new", None)


def test_everything_holds_when_the_key_is_rotated_under_load(
    first: Settings, world: OfferScenario, engine: Engine
) -> None:
    """Links, webhook secrets, offers' chains and request fingerprints are used by processes with either list."""
    offer_id = world.delivered()
    link = Tokens(SECRET).make("offer", {"offer": str(offer_id)}, world.clock.now() + timedelta(days=30))
    secret = world.secret_box.open(sealed_secret(engine, world.client))
    was = request_fingerprint(DatabaseKeys(first).key(KeyPurpose.REQUESTS), "POST", "/v1/jobs", b"{}")
    running, stop, failed = replace(first, secret_key=f"{NEW},{SECRET}"), threading.Event(), list[str]()
    rounds = threading.Semaphore(0)

    def use(settings: Settings) -> None:
        newest, *former = settings.secret_keys
        while not stop.is_set():
            with connected(settings) as connection:
                keys = data_keys.stored_keys(connection, settings.secret_keys)
            ctx = replace(world.ctx, secrets=Secrets(keys))
            try:
                Tokens(newest, tuple(former)).read("offer", link, world.clock.now())
                opened = DataKeyBox(keys, settings.secret_keys).open(sealed_secret(engine, world.client))
                with Session(engine) as session:
                    events = offers_queries.events(session, [offer_id])[offer_id]
                    intact = audit_trail_intact(ctx, session.get_one(Offer, offer_id), events)
                same = request_fingerprint(keys.key(KeyPurpose.REQUESTS), "POST", "/v1/jobs", b"{}") == was
                if not (intact and same and opened == secret):
                    failed.append(f"intact {intact}, same {same}, opened {opened == secret}")
            except (DecryptionError, SettingsError) as error:
                failed.append(str(error))
            rounds.release()

    threads = [threading.Thread(target=use, args=(running,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for newest, former in ((NEW, SECRET), (SECRET, NEW), (NEW, SECRET)):
        for _ in range(6):
            assert rounds.acquire(timeout=20)
        rotated(first, (newest, former))
    for _ in range(6):
        assert rounds.acquire(timeout=20)
    stop.set()
    for thread in threads:
        thread.join()
    assert not failed
