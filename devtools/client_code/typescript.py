"""The TypeScript client's types and calls as source text."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from devtools.client_code.document import CallShape, MemberShape, Node, ObjectShape, TypeShape, calls, objects

PRIMITIVES: Final = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
    "any": "unknown",
}
NOTE: Final = "Generated from docs/openapi.json by `python -m devtools.client_code`; do not edit."
TYPES_HEAD: Final = f"/** What the API takes and answers. {NOTE} */\n"
CALLS_HEAD: Final = f"""\
/** The calls of the API, by resource. {NOTE} */

import type {{ Transport }} from "./transport.js";
import type * as types from "./types.js";

interface PostOptions {{
  /** Made by itself; pass one to keep it over a restart of your program. */
  idempotencyKey?: string;
}}

const quoted = encodeURIComponent;
"""
RESOURCE: Final = """
export class {cls} {{
  readonly #transport: Transport;

  constructor(transport: Transport) {{
    this.#transport = transport;
  }}
"""


def rendered(type_: TypeShape, prefix: str = "") -> str:
    """Return a type; `prefix` stands before names of schemas."""
    match type_.kind:
        case "ref":
            return prefix + type_.names[0]
        case "literal":
            return " | ".join(type_.names)
        case "array":
            return f"Array<{rendered(type_.parts[0], prefix)}>"
        case "map":
            return f"Record<string, {rendered(type_.parts[0], prefix)}>"
        case "union":
            return " | ".join(rendered(part, prefix) for part in type_.parts)
        case kind:
            return PRIMITIVES[kind]


def types_source(document: Node) -> str:
    """Return the module of types."""
    return TYPES_HEAD + "".join(type_source(each) for each in objects(document))


def type_source(each: ObjectShape) -> str:
    """Return the definition of one schema."""
    text = f"\n/** {each.text} */\n" if each.text else "\n"
    if each.alias is not None:
        return f"{text}export type {each.name} = {rendered(each.alias)};\n"
    lines = [f"  {member_source(member)};" for member in each.members]
    return "\n".join([f"{text}export interface {each.name} {{", *lines, "}", ""])


def member_source(member: MemberShape, prefix: str = "") -> str:
    """Return a member of an interface."""
    return f"{quoted_name(member.name)}{'' if member.required else '?'}: {rendered(member.type, prefix)}"


def quoted_name(name: str) -> str:
    """Return the name of a member, quoted where it must be."""
    return name if name.isidentifier() else f'"{name}"'


def calls_source(document: Node) -> str:
    """Return the module of calls."""
    by_resource = sorted(calls(document), key=lambda call: call.resource)
    grouped = {resource: list(group) for resource, group in groupby(by_resource, key=lambda call: call.resource)}
    classes = [resource_source(resource, group) for resource, group in grouped.items()]
    return CALLS_HEAD + "".join([*classes, facade_source(grouped)])


def camel(name: str) -> str:
    """Return a name in the letters of the language: `place_order` is `placeOrder`."""
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def class_name(resource: str) -> str:
    """Return the class of a resource."""
    return resource.title().replace("_", "") + "Calls"


def resource_source(resource: str, group: Sequence[CallShape]) -> str:
    """Return the class of a resource's calls."""
    return RESOURCE.format(cls=class_name(resource)) + "".join(call_source(call) for call in group) + "}\n"


def facade_source(resources: Iterable[str]) -> str:
    """Return the class that has all resources."""
    listed = list(resources)
    lines = ["", "/** All calls. */", "export class Resources {"]
    lines += [f"  readonly {camel(resource)}: {class_name(resource)};" for resource in listed]
    lines += ["", "  constructor(transport: Transport) {"]
    lines += [f"    this.{camel(resource)} = new {class_name(resource)}(transport);" for resource in listed]
    return "\n".join([*lines, "  }", "}", ""])


def path_source(call: CallShape) -> str:
    """Return the path of a call as a template, its names quoted."""
    path = call.path
    for name in call.path_names:
        path = path.replace(f"{{{name}}}", f"${{quoted({camel(name)})}}")
    return f"`{path}`"


def answers_source(call: CallShape) -> str:
    """Return the type of a call's answer."""
    if call.item is not None:
        return f"AsyncGenerator<{rendered(call.item, 'types.')}, void, undefined>"
    return f"Promise<{'Uint8Array' if call.answer is None else rendered(call.answer, 'types.')}>"


def call_source(call: CallShape) -> str:
    """Return the method of a call."""
    signature = f"{camel(call.name)}({', '.join(arguments(call))}): {answers_source(call)}"
    ends = ending(call, path_source(call))
    return f"\n  /** {call.text} */\n  {signature} {{\n    return {ends};\n  }}\n"


def arguments(call: CallShape) -> list[str]:
    """Return the arguments of a method."""
    listed = [f"{camel(name)}: string" for name in call.path_names]
    if call.body is not None:
        listed.append(f"body{'' if call.body.required else '?'}: {rendered(call.body.type, 'types.')}")
    if call.query:
        members = "; ".join(member_source(each, "types.") for each in call.query)
        default = "" if any(each.required for each in call.query) else " = {}"
        listed.append(f"query: {{ {members} }}{default}")
    if call.method == "POST":
        listed.append("options: PostOptions = {}")
    return listed


def ending(call: CallShape, path: str) -> str:
    """Return the expression that makes a call."""
    query = ", query" if call.query else ""
    if call.item is not None:
        return f"this.#transport.pages({path}{query})"
    if call.answer is None:
        return f"this.#transport.download({path}{query})"
    options = ["...options"] if call.method == "POST" else []
    options += ["query"] if call.query else []
    options += ["body"] if call.body is not None else []
    passed = f", {{ {', '.join(options)} }}" if options else ""
    return f'this.#transport.request("{call.method}", {path}{passed})'
