import os
from pathlib import Path

import pytest

from kontor.adapters import data_directory
from kontor.adapters.data_directory import NoDataDirectory
from kontor.adapters.settings import Environment, SettingsError, load, settings_for
from kontor.cli.main import without_locations


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Stand in an empty folder, without variables of Kontor."""
    for field in Environment.model_fields.values():
        monkeypatch.setenv(str(field.alias), "")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def deployment(tmp_path: Path) -> Path:
    """The folder of a deployment with settings and a data directory."""
    folder = tmp_path / "deployment"
    data_directory.begin(folder / ".kontor")
    (folder / ".env").write_text("PORT=9000\n")
    return folder


def test_command_begins_nothing_and_names_both_places_when_run_in_a_wrong_directory(elsewhere: Path) -> None:
    with pytest.raises(NoDataDirectory) as refused, settings_for(load()):
        pytest.fail("servers were started")
    message = str(refused.value)
    assert f"the data directory {elsewhere}/.kontor does not exist" in message
    assert f"neither the environment nor {elsewhere}/.env sets DATABASE_URL and REDIS_URL" in message
    assert "--data-dir" in message
    assert "`kontor up`" in message
    assert "\n" not in message
    assert list(elsewhere.iterdir()) == []


def test_only_the_missing_server_is_named_when_the_other_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1/0")
    with pytest.raises(NoDataDirectory, match=r"\.env sets DATABASE_URL: "), settings_for(load()):
        pytest.fail("servers were started")


def test_folder_of_others_is_no_data_directory_when_it_has_no_marker(elsewhere: Path) -> None:
    (elsewhere / "thesis.odt").touch()
    with pytest.raises(NoDataDirectory, match="has no data of Kontor"):
        data_directory.require(elsewhere, Path(".env"), "DATABASE_URL")
    with pytest.raises(NoDataDirectory, match=r"files that are not Kontor's \(thesis\.odt\)"):
        data_directory.begin(elsewhere)
    assert [path.name for path in elsewhere.iterdir()] == ["thesis.odt"]


@pytest.mark.parametrize("left", ["postgres", "valkey", "secret_key"])
def test_data_directory_of_an_earlier_release_is_accepted_and_marked_when_it_is_used(
    elsewhere: Path, left: str
) -> None:
    (elsewhere / left).mkdir()
    data_directory.require(elsewhere, Path(".env"), "DATABASE_URL")
    data_directory.begin(elsewhere)
    assert (elsewhere / "kontor-data").read_text().startswith("A data directory of Kontor")


def test_new_data_directory_is_private_when_it_begins(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    data_directory.begin(folder)
    data_directory.require(folder, Path(".env"), "DATABASE_URL")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_empty_disk_becomes_a_data_directory_when_up_begins_there(elsewhere: Path) -> None:
    (elsewhere / "lost+found").mkdir()
    data_directory.begin(elsewhere)
    assert data_directory.is_data_directory(elsewhere)


def test_settings_come_from_beside_the_data_directory_when_it_is_named(
    monkeypatch: pytest.MonkeyPatch, deployment: Path, elsewhere: Path
) -> None:
    (elsewhere / ".env").write_text("PORT=1111\n")
    monkeypatch.setenv("KONTOR_DATA_DIR", str(deployment / ".kontor"))
    environment = load()
    assert environment.port == 9000
    assert environment.data_dir == deployment / ".kontor"


def test_data_directory_is_beside_the_settings_when_their_file_is_named(
    monkeypatch: pytest.MonkeyPatch, deployment: Path
) -> None:
    monkeypatch.setenv("KONTOR_ENV_FILE", str(deployment / ".env"))
    assert load().data_dir == deployment / ".kontor"
    (deployment / ".env").write_text("KONTOR_DATA_DIR=data\n")
    assert load().data_dir == deployment / "data"
    (deployment / ".env").write_text("KONTOR_DATA_DIR=/srv/data\n")
    assert load().data_dir == Path("/srv/data")
    monkeypatch.setenv("KONTOR_DATA_DIR", "own")
    assert load().data_dir == Path("own")


def test_missing_settings_file_is_refused_when_it_was_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KONTOR_ENV_FILE", str(tmp_path / "none"))
    with pytest.raises(NoDataDirectory, match=f"KONTOR_ENV_FILE names {tmp_path}/none, which is not a file"):
        load()


def test_settings_file_that_names_another_is_refused(elsewhere: Path) -> None:
    (elsewhere / ".env").write_text("KONTOR_ENV_FILE=/etc/kontor.env\n")
    with pytest.raises(SettingsError, match="KONTOR_ENV_FILE cannot stand in"):
        load()


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        (["--data-dir", "data", "keys", "list", "--json"], ["keys", "list", "--json"]),
        (["keys", "list", "--data-dir=data"], ["keys", "list"]),
        (["keys", "list"], ["keys", "list"]),
        (["keys", "list", "--data-dir"], ["keys", "list", "--data-dir"]),
        (["bench", "--", "--data-dir", "data"], ["bench", "--", "--data-dir", "data"]),
    ],
)
def test_option_sets_the_absolute_folder_when_it_stands_before_or_after_the_command(
    elsewhere: Path, typed: list[str], left: list[str]
) -> None:
    assert without_locations(typed) == left
    taken = len(left) < len(typed)
    assert os.environ["KONTOR_DATA_DIR"] == (str(elsewhere / "data") if taken else "")
