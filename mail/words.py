"""Translates templates at compile time: every `_("…")` becomes the text of the environment's language."""

import re
from collections.abc import Callable, Mapping
from gettext import NullTranslations
from typing import Any

from jinja2 import Environment, TemplateAssertionError, nodes, pass_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context
from markupsafe import escape

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


class TranslatingGenerator(CodeGenerator):
    """Compiles translations into the template, so that no look-up is required per mail."""

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:  # noqa: N802  # Jinja's name
        """Compile `_("text", hole=value)` into text, value, text; other calls unchanged."""
        if not (isinstance(node.node, nodes.Name) and node.node.name == "_"):
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        if len(node.args) != 1 or not isinstance(node.args[0], nodes.Const):
            raise TemplateAssertionError("only literals can be translated", node.lineno, self.name, self.filename)
        assert isinstance(self.environment, TranslatedEnvironment)
        text = self.environment.words.gettext(node.args[0].value)
        values = {pair.key: pair.value for pair in node.kwargs}
        parts = list(_parts(text, values, bool(frame.eval_ctx.autoescape)))
        self.visit(parts[0] if len(parts) == 1 else nodes.Concat(parts, lineno=node.lineno), frame)


class TranslatedEnvironment(Environment):
    """A Jinja environment for one language. `ngettext` is looked up per mail because it depends on a number."""

    code_generator_class = TranslatingGenerator

    def __init__(self, words: NullTranslations, **options: Any) -> None:
        super().__init__(**options)
        self.words = words
        self.globals["ngettext"] = _make_ngettext(words)


def _parts(text: str, values: Mapping[str, nodes.Expr], escaped: bool) -> list[nodes.Expr]:
    parts: list[nodes.Expr] = []
    for position, piece in enumerate(_PLACEHOLDER.split(text)):
        if position % 2:
            parts.append(values[piece])
        elif piece:
            parts.append(nodes.TemplateData(str(escape(piece)) if escaped else piece))
    return parts


def _make_ngettext(words: NullTranslations) -> Callable[..., str]:
    @pass_context
    def ngettext(context: Context, single: str, plural: str, num: int, /, **values: Any) -> str:
        text = words.ngettext(single, plural, num)
        return (escape(text) if context.eval_ctx.autoescape else text) % values

    return ngettext
