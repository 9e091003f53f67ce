"""The files under deploy: each is checked by the tool that knows its format. `make deploy-check` installs the tools."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from devtools.source import ROOT
from kontor.adapters.settings import Environment

DEPLOY = ROOT / "deploy"
TOOLS = ROOT / ".deploy-tools" / "bin"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
MANIFESTS = sorted(path for path in (DEPLOY / "kubernetes").glob("*.yaml") if path.name != "kustomization.yaml")
ROLES = {"web", "worker", "relay", "scheduler"}
SETTINGS = {str(field.alias) for field in Environment.model_fields.values()}


def run(*argv: object) -> str:
    """Run a tool; skip without it, fail with its output."""
    name, *arguments = (str(part) for part in argv)
    program = shutil.which(name, path=f"{TOOLS}:/usr/sbin:{os.environ['PATH']}")
    if program is None:
        pytest.skip(f"{name} is missing: run `make deploy-check`")
    done = subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_dockerfile_passes_hadolint() -> None:
    assert run("hadolint", DEPLOY / "Dockerfile") == ""


def test_compose_file_is_valid_by_its_schema() -> None:
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.name)
def test_manifest_is_valid_by_the_schemas_of_kubernetes(manifest: Path) -> None:
    run("kubernetes-validate", "--strict", "--kubernetes-version", "1.34", manifest)


def test_caddyfile_is_valid() -> None:
    run("caddy", "validate", "--adapter", "caddyfile", "--config", DEPLOY / "Caddyfile")


def test_nginx_configuration_is_valid(tmp_path: Path) -> None:
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=t",
        "-keyout", tmp_path / "kontor.key", "-out", tmp_path / "kontor.pem")  # fmt: skip
    site = (DEPLOY / "nginx.conf").read_text().replace("/etc/ssl/kontor", str(tmp_path))
    paths = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = tmp_path / "nginx.conf"
    main.write_text(f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; {paths} {site} }}")
    run("nginx", "-t", "-q", "-c", main, "-p", tmp_path)


def test_proxies_speak_tls_1_2_and_1_3_alone_and_lead_from_http_to_https() -> None:
    nginx = (DEPLOY / "nginx.conf").read_text()
    assert re.findall(r"ssl_protocols\s+([^;]+);", nginx) == ["TLSv1.2 TLSv1.3"]
    assert re.search(r"listen 80\b[^}]*return 301 https://\$host\$request_uri;", nginx)
    caddy = (DEPLOY / "Caddyfile").read_text()
    assert not re.search(r"protocols|auto_https", caddy), "Caddy's own default: TLS 1.2 and later, and HTTPS alone"


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_unit_is_valid_and_hardened(unit: Path, tmp_path: Path) -> None:
    copy = tmp_path / unit.name
    copy.write_text(re.sub(r"/opt/kontor/current/bin/kontor", "/usr/bin/env", unit.read_text()))
    assert run("systemd-analyze", "verify", "--man=no", copy) == ""
    shown = run("systemd-analyze", "security", "--offline=yes", "--threshold=20", unit)
    assert "OK" in shown.splitlines()[-1]


def test_every_role_runs_in_units_compose_file_and_manifests() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    kinds = [document for path in MANIFESTS for document in yaml.safe_load_all(path.read_text())]
    started = {document["spec"]["template"]["spec"]["containers"][0]["args"][0]
               for document in kinds if document["kind"] in {"Deployment", "Job"}}  # fmt: skip
    assert {name for name, service in services.items() if service.get("command") == [name]} == {*ROLES, "migrate"}
    assert started == {*ROLES, "migrate"}
    commands = {name for unit in UNITS for name in re.findall(r"^ExecStart=\S+ (\w+)", unit.read_text(), re.MULTILINE)}
    assert commands == {*ROLES, "migrate"}


def test_every_variable_that_the_files_set_is_a_setting() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    named = {name for role in (*ROLES, "migrate") for name in services[role]["environment"]}
    named |= set(yaml.safe_load((DEPLOY / "kubernetes" / "settings.yaml").read_text())["data"])
    named |= {name for unit in UNITS for name in re.findall(r"^Environment=(\w+)=", unit.read_text(), re.MULTILINE)}
    assert named <= SETTINGS


def test_manifests_name_the_version_of_this_release() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    images = {image for path in MANIFESTS for image in re.findall(r"image: (\S+)", path.read_text())}
    assert images == {f"kontor:{version}"}


def test_nothing_that_is_secret_reaches_the_build_of_an_image() -> None:
    kept = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert kept == ["*", "!deploy/requirements.lock", "!dist/kontor-*.whl"]
