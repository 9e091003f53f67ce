"""A programme: its model, its file, its stored document, and the diff of two versions."""

from kontor.programme.diff import ChangeKind, ProgrammeChange, diff, to_document
from kontor.programme.model import Programme
from kontor.programme.parse import InvalidProgramme, from_document, parse
from kontor.programme.yaml_nodes import ProgrammeError

__all__ = [
    "ChangeKind",
    "InvalidProgramme",
    "Programme",
    "ProgrammeChange",
    "ProgrammeError",
    "diff",
    "from_document",
    "parse",
    "to_document",
]
