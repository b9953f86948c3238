from __future__ import annotations

from pathlib import Path

import pytest

from overread.app.settings import SETTINGS, read_settings
from overread.vocabulary.errors import Rejected


def test_defaults_stand_alone(tmp_path: Path) -> None:
    settings = read_settings({"OVERREAD_DATA_DIR": str(tmp_path)})
    assert settings.archive == "embedded"
    assert settings.policy_file == tmp_path / "policy.toml"
    assert settings.scratch_dir == tmp_path / "scratch"
    assert settings.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "eighty"),
        ("port", "70000"),
        ("quiet_seconds", "-1"),
        ("archive", "ftp://pacs"),
        ("secure_cookies", "maybe"),
        ("log_level", "loud"),
        ("heavy_jobs", "0"),
        ("archive_token_file", "/nonexistent/token"),
    ],
)
def test_a_wrong_value_names_its_variable(name: str, value: str) -> None:
    variable = f"OVERREAD_{name.upper()}"
    with pytest.raises(Rejected, match=variable):
        read_settings({variable: value})


def test_a_misspelt_setting_is_not_passed_over() -> None:
    with pytest.raises(Rejected, match="OVERREAD_PROT"):
        read_settings({"OVERREAD_PROT": "80"})


def test_secrets_come_from_files(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("s3cret\n")
    settings = read_settings({"OVERREAD_ARCHIVE_TOKEN_FILE": str(secret)})
    assert settings.archive_token == "s3cret"
    assert not any("token" in s.name and not s.name.endswith("_file") for s in SETTINGS)
