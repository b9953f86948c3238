"""Every setting, in one list: name, default, unit in the name, and what it is for.

Each is read from the environment variable of its name in capitals behind `OVERREAD_`; those that
end in `_file` name a file that holds the value, so that no secret stands in the environment.
docs/settings.md has a heading for each (a test holds it).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from overread.vocabulary.errors import Rejected


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    default: str
    help: str

    @property
    def variable(self) -> str:
        return f"OVERREAD_{self.name.upper()}"


SETTINGS: tuple[Setting, ...] = (
    Setting("data_dir", "~/.local/share/overread", "Folder of everything Overread keeps."),
    Setting("host", "127.0.0.1", "Address to listen on."),
    Setting("port", "8080", "Port to listen on."),
    Setting(
        "archive",
        "embedded",
        "Where images are kept: `embedded`, or the DICOMweb address of a PACS.",
    ),
    Setting("archive_token_file", "", "File with the bearer token for the PACS."),
    Setting(
        "policy_file",
        "",
        "The site's policy (TOML); `policy.toml` in the data folder where this is empty.",
    ),
    Setting("cards_dir", "", "Folder of further model cards (TOML); `cards` in the data folder."),
    Setting("models_dir", "", "Folder of installed weights; `models` in the data folder."),
    Setting(
        "quiet_seconds",
        "1.0",
        "A study counts as arrived when nothing of it came for this long.",
    ),
    Setting("max_upload_bytes", "4294967296", "Largest body of one STOW-RS request."),
    Setting("max_instance_bytes", "2147483648", "Largest single instance."),
    Setting("quarantine_max_bytes", "1073741824", "Largest size of the quarantine."),
    Setting("heavy_jobs", "1", "How many models run at once on this machine."),
    Setting(
        "secure_cookies",
        "no",
        "`yes` where the server is reached by HTTPS: cookies are then sent over it alone.",
    ),
    Setting("log_level", "info", "debug, info, warning or error."),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The values in force."""

    data_dir: Path
    host: str
    port: int
    archive: str
    archive_token: str | None
    policy_file: Path
    cards_dir: Path
    models_dir: Path
    quiet_seconds: float
    max_upload_bytes: int
    max_instance_bytes: int
    quarantine_max_bytes: int
    heavy_jobs: int
    secure_cookies: bool
    log_level: str

    @property
    def scratch_dir(self) -> Path:
        return self.data_dir / "scratch"

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self.data_dir / 'overread.sqlite'}"


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read all settings.

    Raises:
        Rejected: a value that can't be used, naming the variable and what it must be.
    """
    given = os.environ if environment is None else environment
    known = {setting.variable for setting in SETTINGS}
    text = {s.name: given.get(s.variable, "") or s.default for s in SETTINGS}
    unknown = sorted(
        name
        for name in given
        if name.startswith("OVERREAD_") and name not in known and name not in _ELSEWHERE
    )
    if unknown:
        raise Rejected(f"Unknown settings {', '.join(unknown)}: see docs/settings.md.")
    data_dir = Path(text["data_dir"]).expanduser().resolve()
    return Settings(
        data_dir=data_dir,
        host=text["host"],
        port=_read_int(text, "port", 0, 65535),
        archive=_read_archive(text["archive"]),
        archive_token=_read_secret(text["archive_token_file"]),
        policy_file=_read_path(text["policy_file"], data_dir / "policy.toml"),
        cards_dir=_read_path(text["cards_dir"], data_dir / "cards"),
        models_dir=_read_path(text["models_dir"], data_dir / "models"),
        quiet_seconds=_read_float(text, "quiet_seconds", 0.05, 3600),
        max_upload_bytes=_read_int(text, "max_upload_bytes", 1, 2**50),
        max_instance_bytes=_read_int(text, "max_instance_bytes", 1, 2**40),
        quarantine_max_bytes=_read_int(text, "quarantine_max_bytes", 0, 2**50),
        heavy_jobs=_read_int(text, "heavy_jobs", 1, 64),
        secure_cookies=_read_choice(text, "secure_cookies", ("yes", "no")) == "yes",
        log_level=_read_choice(text, "log_level", ("debug", "info", "warning", "error")),
    )


_ELSEWHERE = frozenset({"OVERREAD_TEST_DATA"})
"""Read by the tests, not by the product."""


def _read_int(text: Mapping[str, str], name: str, least: int, most: int) -> int:
    try:
        value = int(text[name])
    except ValueError as error:
        raise Rejected(f"OVERREAD_{name.upper()} must be a whole number.") from error
    if not least <= value <= most:
        raise Rejected(f"OVERREAD_{name.upper()} is {value}; allowed is {least} to {most}.")
    return value


def _read_float(text: Mapping[str, str], name: str, least: float, most: float) -> float:
    try:
        value = float(text[name])
    except ValueError as error:
        raise Rejected(f"OVERREAD_{name.upper()} must be a number.") from error
    if not least <= value <= most:
        raise Rejected(f"OVERREAD_{name.upper()} is {value}; allowed is {least} to {most}.")
    return value


def _read_choice(text: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = text[name].lower()
    if value not in allowed:
        raise Rejected(f"OVERREAD_{name.upper()} must be one of {', '.join(allowed)}.")
    return value


def _read_path(value: str, default: Path) -> Path:
    return Path(value).expanduser().resolve() if value else default


def _read_archive(value: str) -> str:
    if value == "embedded" or value.startswith(("http://", "https://")):
        return value.rstrip("/")
    raise Rejected(
        "OVERREAD_ARCHIVE must be `embedded` or the DICOMweb address of a PACS, for example "
        "https://pacs.example/dicom-web."
    )


def _read_secret(path: str) -> str | None:
    if not path:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Rejected(f"OVERREAD_ARCHIVE_TOKEN_FILE can't be read: {error.strerror}.") from error
