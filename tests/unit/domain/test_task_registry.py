"""The catalogue and the registry find every task by its family."""

import pkgutil
from collections import Counter
from importlib import import_module

import kontor
from kontor.adapters.fakes import ManualClock
from kontor.engine.catalogue import Payload
from kontor.engine.declared import DeclaredPayload
from tasks.catalogue import PAYLOADS
from tasks.registry import all_handlers
from tests.support.wiring import context_for, handler_deps, silent_jobs


def test_every_task_has_one_handler_when_a_worker_is_wired() -> None:
    handlers = all_handlers(handler_deps(context_for(silent_jobs(ManualClock()))))
    assert Counter(handler.payload for handler in handlers) == Counter([*PAYLOADS, DeclaredPayload])


def test_catalogue_has_every_payload_when_a_slice_defines_one() -> None:
    slices = [slice_.name for slice_ in pkgutil.iter_modules(kontor.__path__, "kontor.") if slice_.ispkg]
    modules = [
        import_module(module.name)
        for name in slices
        for module in pkgutil.iter_modules(import_module(name).__path__, f"{name}.")
        if module.name == f"{name}.payloads"
    ]
    defined = {
        member
        for module in modules
        for member in vars(module).values()
        if isinstance(member, type) and issubclass(member, Payload) and member.__module__ == module.__name__
    }
    assert defined == set(PAYLOADS)
