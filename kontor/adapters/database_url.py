"""The one reader of DATABASE_URL and DATABASE_DIRECT_URL: libpq's forms and SQLAlchemy's, for both drivers.

Every connection is opened from its result, so that no two processes read one setting differently.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import parse_qsl, quote, unquote

SCHEMES = frozenset({"postgres", "postgresql", "postgresql+psycopg"})
USAGE = "use postgresql://user:password@host:5432/database"
ENCODE = f"{USAGE}, and write %40 for @, %2F for / and %3A for : in a password"
HIGHEST_PORT = 65_535
# libpq itself ends a password at the first `/`; SQLAlchemy does not.
PASSWORD = re.compile(r"^([^:/@]*:)([^@]*)@")
BRACKETED = re.compile(r"^\[([^\]]+)\](?::(\d*))?$")
NAMED = re.compile(r"^([^:]*):(\d*)$")


def connection_parameters(url: str) -> dict[str, str]:
    """Return libpq's parameters of a URL. Raises ValueError with the remedy, never with the URL itself.

    Several hosts without `target_session_attrs` mean the one that accepts writes.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in SCHEMES:
        raise ValueError(USAGE)
    address, _, query = PASSWORD.sub(_encoded_password, rest, count=1).partition("?")
    listed = parse_qsl(query, keep_blank_values=True)
    hosts, ports = _hosts_of_query(listed)
    others = {name: value for name, value in listed if name not in {"host", "port"}}
    parameters = {**_parsed(address), **others}
    if "ssl" in parameters:
        parameters["sslmode"] = {"true": "require"}.get(parameters.pop("ssl"), "prefer")
    if hosts:
        parameters["host"] = ",".join(hosts)
    if ports:
        parameters["port"] = ",".join(ports)
    return _checked(parameters)


def _encoded_password(match: re.Match[str]) -> str:
    return f"{match[1]}{quote(unquote(match[2]), safe='')}@"


def _parsed(address: str) -> dict[str, str]:
    """Parse a URL without its query by libpq's own parser."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        parsed = conninfo_to_dict(f"postgresql://{address}")
    except psycopg.ProgrammingError:
        raise ValueError(ENCODE) from None
    return {name: str(value) for name, value in parsed.items() if value is not None}


def _hosts_of_query(listed: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Return the hosts and ports of a query: `host=a,b&port=1,2`, or `host=a:1&host=b:2`."""
    pairs = [_host_and_port(item) for name, value in listed if name == "host" for item in value.split(",")]
    ports = [port for name, value in listed if name == "port" for port in value.split(",")]
    if any(port for _, port in pairs):
        if ports:
            raise ValueError("give each port either in `host` or in `port`, not in both")
        ports = [port for _, port in pairs]
    return [host for host, _ in pairs], ports


def _host_and_port(item: str) -> tuple[str, str]:
    if item.startswith(("/", "@")):
        return item, ""
    match = BRACKETED.match(item) or NAMED.match(item)
    return (match[1], match[2] or "") if match else (item, "")


def _checked(parameters: dict[str, str]) -> dict[str, str]:
    """Check names and ports, give each host its port, choose the host that accepts writes."""
    from psycopg import pq

    names = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    for name in parameters:
        if name not in names:
            raise ValueError(f"there is no connection parameter {name!r}: see PostgreSQL's list of parameter key words")
    hosts = parameters.get("host", "").split(",")
    ports = parameters.get("port", "").split(",")
    if not any(ports):
        parameters.pop("port", None)
        ports = [""]
    for port in filter(None, ports):
        if not port.isdecimal() or not 1 <= int(port) <= HIGHEST_PORT:
            raise ValueError(f"a port is a number between 1 and {HIGHEST_PORT}; {ENCODE}")
    if len(ports) not in {1, len(hosts)}:
        raise ValueError(f"there are {len(hosts)} hosts and {len(ports)} ports: give one port, or one for each host")
    if len(hosts) > 1:
        parameters.setdefault("target_session_attrs", "read-write")
        if len(ports) == 1 and ports[0]:
            parameters["port"] = ",".join(ports * len(hosts))
    return parameters


def url_of(parameters: Mapping[str, str]) -> str:
    """Return the URL of libpq's parameters that SQLAlchemy and libpq read alike."""
    rest = dict(parameters)
    user, password, database = (rest.pop(name, "") for name in ("user", "password", "dbname"))
    credentials = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    address = ""
    if (host := rest.get("host", "")) and "," not in host and not host.startswith(("/", "@")):
        address = f"[{host}]" if ":" in host else host
        del rest["host"]
        if port := rest.pop("port", ""):
            address += f":{port}"
    query = "&".join(f"{name}={quote(value, safe='/,')}" for name, value in rest.items())
    before = f"{credentials}@" if credentials else ""
    path = f"/{quote(database, safe='')}" if database or query or not address else ""
    return f"postgresql+psycopg://{before}{address}{path}{f'?{query}' if query else ''}"


def each_host(parameters: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield the parameters of each host by itself, whatever it is."""
    lists = {name: parameters[name].split(",") for name in ("host", "hostaddr", "port") if parameters.get(name)}
    count = max((len(values) for values in lists.values()), default=1)
    for number in range(count):
        own = {name: values[number] if len(values) > 1 else values[0] for name, values in lists.items()}
        yield {**parameters, **{name: value for name, value in own.items() if value}, "target_session_attrs": "any"}


def address_of(parameters: Mapping[str, str]) -> str:
    """Return the hosts and ports for a message, without credentials."""
    hosts = parameters.get("host", "localhost").split(",")
    ports = parameters.get("port", "").split(",")
    shown = [f"{host}:{port}" if port else host for host, port in zip(hosts, ports * len(hosts), strict=False)]
    return ", ".join(shown)


def sqlalchemy_url(url: str) -> str:
    """Convert a PostgreSQL URL of any form to one that SQLAlchemy, with psycopg's driver, and libpq read alike."""
    return url_of(connection_parameters(url))


def libpq_url(url: str) -> str:
    """Convert a PostgreSQL URL of any form to libpq's."""
    return sqlalchemy_url(url).replace("+psycopg", "", 1)
