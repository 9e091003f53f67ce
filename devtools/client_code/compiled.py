"""What tsc makes of the generated TypeScript, written here, so that a change of the API needs no compiler."""

import re
from collections.abc import Sequence
from itertools import groupby

from devtools.client_code import typescript
from devtools.client_code.document import CallShape, Node, calls
from devtools.client_code.typescript import NOTE, camel, class_name, member_source

SCRIPT_CLASS = """\
export class {cls} {{
    #transport;
    constructor(transport) {{
        this.#transport = transport;
    }}
"""
DECLARED_CLASS = """\
export declare class {cls} {{
    #private;
    constructor(transport: Transport);
"""


def types_script() -> str:
    """Return lib/types.js, which has no code."""
    return f"{typescript.TYPES_HEAD}export {{}};\n"


def types_declared(document: Node) -> str:
    """Return lib/types.d.ts."""
    return _laid_out(typescript.types_source(document))


def calls_script(document: Node) -> str:
    """Return lib/resources.js."""
    grouped = _grouped(document)
    fields = [f"    {camel(resource)};" for resource in grouped]
    made = [f"        this.{camel(resource)} = new {class_name(resource)}(transport);" for resource in grouped]
    facade = [
        "/** All calls. */",
        "export class Resources {",
        *fields,
        "    constructor(transport) {",
        *made,
        "    }",
        "}",
    ]
    head = f"/** The calls of the API, by resource. {NOTE} */\nconst quoted = encodeURIComponent;\n"
    classes = [
        SCRIPT_CLASS.format(cls=class_name(resource)) + "".join(_method(call) for call in group) + "}\n"
        for resource, group in grouped.items()
    ]
    return "".join([head, *classes, "\n".join(facade), "\n"])


def calls_declared(document: Node) -> str:
    """Return lib/resources.d.ts."""
    grouped = _grouped(document)
    head = _laid_out(typescript.CALLS_HEAD.partition("const quoted")[0])
    classes = [
        DECLARED_CLASS.format(cls=class_name(resource)) + "".join(_declared_method(call) for call in group) + "}\n"
        for resource, group in grouped.items()
    ]
    fields = "".join(f"    readonly {camel(resource)}: {class_name(resource)};\n" for resource in grouped)
    facade = (
        f"/** All calls. */\nexport declare class Resources {{\n{fields}    constructor(transport: Transport);\n}}\n"
    )
    return "".join([head, *classes, facade, "export {};\n"])


def _grouped(document: Node) -> dict[str, Sequence[CallShape]]:
    """Return the calls by resource."""
    by_resource = sorted(calls(document), key=lambda call: call.resource)
    return {resource: list(group) for resource, group in groupby(by_resource, key=lambda call: call.resource)}


def _laid_out(text: str) -> str:
    """Return source text as tsc lays it out: four spaces, no empty lines."""
    return re.sub(r"^ +", lambda spaces: spaces[0] * 2, re.sub(r"\n\n+", "\n", text), flags=re.MULTILINE)


def _method(call: CallShape) -> str:
    """Return the method of a call."""
    named = [argument.partition(":")[0].rstrip("?") for argument in typescript.arguments(call)]
    defaults = [" = {}" if argument.endswith(" = {}") else "" for argument in typescript.arguments(call)]
    listed = ", ".join(f"{name}{default}" for name, default in zip(named, defaults, strict=True))
    ending = typescript.ending(call, typescript.path_source(call))
    return f"    /** {call.text} */\n    {camel(call.name)}({listed}) {{\n        return {ending};\n    }}\n"


def _declared_method(call: CallShape) -> str:
    """Return the signature of a call."""
    listed = [_declared(argument, call) for argument in typescript.arguments(call)]
    return f"    /** {call.text} */\n    {camel(call.name)}({', '.join(listed)}): {typescript.answers_source(call)};\n"


def _declared(argument: str, call: CallShape) -> str:
    """Return an argument without its default."""
    name, _, annotation = argument.removesuffix(" = {}").partition(": ")
    optional = "?" if argument.endswith(" = {}") else ""
    if name == "query":
        members = "".join(f"        {member_source(each, 'types.')};\n" for each in call.query)
        annotation = f"{{\n{members}    }}"
    return f"{name}{optional}: {annotation}"
