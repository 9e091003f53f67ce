"""A programme: its model, its file, its stored document, and the diff of two versions."""

from domain.programme.difference import Change, ChangeKind, diff
from domain.programme.document import to_document
from domain.programme.model import Programme
from domain.programme.nodes import ProgrammeError
from domain.programme.read import BadProgramme, from_document, parse

__all__ = [
    "BadProgramme",
    "Change",
    "ChangeKind",
    "Programme",
    "ProgrammeError",
    "diff",
    "from_document",
    "parse",
    "to_document",
]
