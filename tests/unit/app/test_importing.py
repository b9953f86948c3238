"""What `overread import` and `overread quarantine` say."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread

from overread.app.importing import collect_files, import_paths, list_quarantine
from overread.app.settings import read_settings
from overread.vocabulary.errors import NotFound


def test_what_was_refused_is_listed_a_line_a_file(
    test_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = read_settings({"OVERREAD_DATA_DIR": str(tmp_path / "data")})
    sent = tmp_path / "sent"
    sent.mkdir()
    (sent / "a\n[red]\x1b[31m.dcm").write_bytes(b"no image")
    good = test_data / "ct-head" / "01.dcm"
    stripped = test_data / "ct-abdomen" / "30000022120808113428000016586.dcm"
    assert import_paths(settings, [sent, good, stripped]) == 1
    assert import_paths(settings, [good]) == 0
    capsys.readouterr()
    assert list_quarantine(settings) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [(source, name) for _, source, name, _, _ in lines] == [
        ("import", stripped.name),
        ("import", "a\ufffd[red]\ufffd[31m.dcm"),
    ]
    assert "Study Instance UID (0020,000D)" in lines[0][3]
    assert "no DICOM Part 10 file" in lines[1][3]
    assert all(line[4] for line in lines)
    assert str(dcmread(good).PatientName) not in str(lines)


def test_files_are_collected_once_and_in_order(tmp_path: Path) -> None:
    for name in ("b", "a", "sub/c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = collect_files([tmp_path, tmp_path / "a"])
    assert [str(path.relative_to(tmp_path)) for path in found] == ["a", "b", "sub/c"]
    with pytest.raises(NotFound, match="does not exist"):
        collect_files([tmp_path / "absent"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match="no files"):
        collect_files([tmp_path / "empty"])
