"""The wheel, installed where there is neither Node nor a checkout: the page opens and signs in."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import httpx
import pytest

from peers.browser import open_context, run_browser, sign_in
from peers.server import find_free_port

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 120

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the checkout as `make wheel` builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), ".")
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`overread` in an environment that holds its run-time requirements alone."""
    folder = tmp_path_factory.mktemp("user") / "venv"
    run(sys.executable, "-m", "venv", str(folder))
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    assert uv is not None, "uv is missing: `make setup` installs it"
    install = [uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python")]
    run(*install, "--require-hashes", "-r", str(ROOT / "requirements.txt"))
    run(*install, "--no-deps", str(wheel))
    return folder / "bin" / "overread"


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def bare_environment(home: Path) -> dict[str, str]:
    """No Node, no checkout, no settings: what a user's machine has."""
    return {"HOME": str(home), "PATH": str(home / "nothing"), "LANG": "C.UTF-8"}


def test_the_wheel_holds_what_it_needs_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "overread/api/web/index.html" in names
    assert "overread_phantom/data/head-template.npz" in names
    tops = {name.split("/", 1)[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "overread",
        "overread_models",
        "overread_phantom",
    }
    assert not [name for name in names if "node_modules" in name or name.endswith(".pyc")]


def test_its_demonstration_opens_in_a_browser(program: Path, tmp_path: Path) -> None:
    port = find_free_port()
    data_dir = tmp_path / "data"
    log_file = tmp_path / "log"
    command = [str(program), "demo", "--port", str(port), "--data-dir", str(data_dir)]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command, env=bare_environment(tmp_path), stdout=log, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(url, process, log_file)
        users = json.loads((data_dir / "demo-users.json").read_text(encoding="utf-8"))
        with run_browser() as browser, open_context(browser) as context:
            page = context.new_page()
            sign_in(page, url, "reader", users["reader"])
            row = page.locator("ov-worklist").get_by_text("SYNTHETIC").first
            row.wait_for(timeout=READY_SECONDS * 1000)
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    assert f"http://127.0.0.1:{port}" in log_file.read_text(errors="replace")


def test_the_command_line_needs_no_checkout(program: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(program), "models", "list"],
        env=bare_environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "head-ct-hyperdensity" in done.stdout


def wait_until_ready(url: str, process: subprocess.Popen[bytes], log_file: Path) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"{url}/healthz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    pytest.fail(f"The demonstration did not start:\n{log_file.read_text(errors='replace')[-4000:]}")
