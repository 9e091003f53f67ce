"""The Python client's types and calls as source text."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from keyword import iskeyword
from typing import Final

from devtools.client_code.document import CallShape, MemberShape, Node, ObjectShape, TypeShape, calls, objects

PRIMITIVES: Final = {
    "string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None", "any": "Json",
}  # fmt: skip
NOTE: Final = "Generated from docs/openapi.json by `python -m devtools.client_code`; do not edit."
TYPES_HEAD: Final = f'''"""What the API takes and answers. {NOTE}"""

from __future__ import annotations

from typing import Literal, NotRequired, TypeAlias, TypedDict

from kontor_client.json_values import Json

'''
CALLS_HEAD: Final = f'''"""The calls of the API, by resource. {NOTE}"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from kontor_client import types
from kontor_client.json_values import Json
from kontor_client.transport import Transport, path_of

'''
RESOURCE: Final = '''
class {cls}:
    """Calls about {words}."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
'''


def rendered(type_: TypeShape, prefix: str = "") -> str:
    """Return a type as an annotation; `prefix` stands before names of schemas."""
    match type_.kind:
        case "ref":
            return prefix + type_.names[0]
        case "literal":
            return f"Literal[{', '.join(type_.names)}]"
        case "array":
            return f"list[{rendered(type_.parts[0], prefix)}]"
        case "map":
            return f"dict[str, {rendered(type_.parts[0], prefix)}]"
        case "union":
            return " | ".join(rendered(part, prefix) for part in type_.parts)
        case kind:
            return PRIMITIVES[kind]


def types_source(document: Node) -> str:
    """Return the module of types."""
    return TYPES_HEAD + "\n".join(type_source(each) for each in objects(document))


def type_source(each: ObjectShape) -> str:
    """Return the definition of one schema."""
    if each.alias is not None:
        return f"{each.name}: TypeAlias = {quoted(rendered(each.alias))}\n"
    if any(iskeyword(member.name) for member in each.members):
        entries = [f'    "{member.name}": {quoted(annotation(member))},' for member in each.members]
        return "\n".join([f'{each.name} = TypedDict("{each.name}", {{', *entries, "})", ""])
    lines = [f"class {each.name}(TypedDict):", f'    """{docstring(each.text)}"""', ""]
    lines += [f"    {member.name}: {annotation(member)}" for member in each.members]
    return "\n".join([*lines, ""])


def quoted(text: str) -> str:
    """Return an annotation that is read once all names are defined."""
    return "'" + text.replace("'", '"') + "'"


def annotation(member: MemberShape) -> str:
    """Return the annotation of a member."""
    return rendered(member.type) if member.required else f"NotRequired[{rendered(member.type)}]"


def docstring(text: str) -> str:
    """Return text that may stand between three quotes."""
    return text.replace("\\", "\\\\").replace('"""', "'''").rstrip('"')


def calls_source(document: Node) -> str:
    """Return the module of calls."""
    by_resource = sorted(calls(document), key=lambda call: call.resource)
    grouped = {resource: list(group) for resource, group in groupby(by_resource, key=lambda call: call.resource)}
    classes = [resource_source(resource, group) for resource, group in grouped.items()]
    return CALLS_HEAD + "\n".join([*classes, facade_source(grouped)])


def class_name(resource: str) -> str:
    """Return the class of a resource."""
    return resource.title().replace("_", "") + "Calls"


def resource_source(resource: str, group: Sequence[CallShape]) -> str:
    """Return the class of a resource's calls."""
    head = RESOURCE.format(cls=class_name(resource), words=resource.replace("_", " "))
    return "\n".join([head, *(call_source(call) for call in group)])


def facade_source(resources: Iterable[str]) -> str:
    """Return the class that has all resources."""
    lines = [
        "",
        "class Resources:",
        '    """All calls."""',
        "",
        "    def __init__(self, transport: Transport) -> None:",
    ]
    lines += [f"        self.{resource} = {class_name(resource)}(transport)" for resource in resources]
    return "\n".join([*lines, ""])


def call_source(call: CallShape) -> str:
    """Return the method of a call."""
    answers = "bytes" if call.answer is None else rendered(call.answer, "types.")
    if call.item is not None:
        answers = f"Iterator[{rendered(call.item, 'types.')}]"
    lines = [
        f"    def {call.name}({', '.join(arguments(call))}) -> {answers}:",
        f'        """{docstring(call.text)}"""',
        f'        path = path_of("{call.path}"{"".join(f", {name}" for name in call.path_names)})',
    ]
    if call.query:
        pairs = ", ".join(f'"{each.name}": {argument(each.name)}' for each in call.query)
        lines.append(f"        query: dict[str, Json] = {{{pairs}}}")
    return "\n".join([*lines, *ending(call, answers), ""])


def argument(name: str) -> str:
    """Return the name of an argument: one that Python keeps for itself gets an underscore."""
    return f"{name}_" if iskeyword(name) else name


def arguments(call: CallShape) -> list[str]:
    """Return the arguments of a method."""
    listed = ["self", *(f"{name}: str" for name in call.path_names)]
    if call.body is not None:
        annotation_ = rendered(call.body.type, "types.")
        listed.append(f"body: {annotation_}" if call.body.required else f"body: {annotation_} | None = None")
    named = [
        f"{argument(each.name)}: {query_annotation(each)}{'' if each.required else ' | None = None'}"
        for each in call.query
    ]
    if call.method == "POST":
        named.append("idempotency_key: str | None = None")
    return [*listed, "*", *named] if named else listed


def query_annotation(each: MemberShape) -> str:
    """Return the annotation of a parameter."""
    return rendered(each.type, "types.").replace("list[", "Sequence[", 1)


def ending(call: CallShape, answers: str) -> list[str]:
    """Return the lines that make a call."""
    query = "query" if call.query else "None"
    if call.item is not None:
        return [f"        return self._transport.pages(path, {query})"]
    if call.answer is None:
        return [f"        return self._transport.download(path, {query})"]
    options = ["query=query"] if call.query else []
    options += ["body=body"] if call.body is not None else []
    options += ["idempotency_key=idempotency_key"] if call.method == "POST" else []
    request = ", ".join([f'"{call.method}"', "path", *options])
    return [f"        answer: {answers} = self._transport.request({request})", "        return answer"]
