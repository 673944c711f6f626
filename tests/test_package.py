"""The wheel, installed away from the checkout, is the package and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "synthgen", "connectors")


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command without this checkout's Python path; fail with what it printed."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Built from a copy, so that no build folder of the checkout can leak into it.
    source = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, source / name, ignore=ignore)
        else:
            shutil.copy(ROOT / name, source / name)
    run(sys.executable, "-m", "build", "--wheel", "--outdir", source / "dist", cwd=source)
    (built,) = (source / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel, and borrows the dependencies of this one."""
    home = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", "--without-pip", home, cwd=home)
    python = home / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=home)
    # A path added by a .pth file runs no .pth file of its own: the editable checkout stays out.
    site = Path(
        run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home)
    )
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home


def test_wheel_holds_exactly_two_import_packages(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "synthgen",
        "synthgen_connectors",
    }
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert "synthgen/py.typed" in names


def test_wheel_holds_every_source_and_data_file(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        path.relative_to(base).as_posix()
        for base in (ROOT, ROOT / "connectors")
        for package in ("synthgen", "synthgen_connectors")
        for path in (base / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert expected <= names, sorted(expected - names)


def test_installed_away_from_the_checkout(clean: Path) -> None:
    code = (
        "import synthgen, synthgen_connectors, synthgen.schema; "
        "print(synthgen.__file__); print(list(synthgen_connectors.__path__)[0])"
    )
    for origin in run(clean / "bin" / "python", "-c", code, cwd=clean).splitlines():
        assert Path(origin).is_relative_to(clean)


def test_connectors_are_found_by_entry_point(clean: Path) -> None:
    code = (
        "from synthgen.connectors import find; print(type(find('t.csv')), type(find('parquet:t')))"
    )
    assert run(clean / "bin" / "python", "-c", code, cwd=clean).count("synthgen_connectors") == 2


def test_console_script(clean: Path) -> None:
    assert version("synthgen") in run(clean / "bin" / "synthgen", "--version", cwd=clean)


def test_one_version() -> None:
    import synthgen

    assert synthgen.__version__ == version("synthgen")


@pytest.mark.parametrize("heavy", ["torch", "pandas", "sklearn", "rdkit", "numpy", "pydantic"])
def test_importing_synthgen_imports_nothing_heavy(heavy: str) -> None:
    code = f"import synthgen, sys; dir(synthgen); assert {heavy!r} not in sys.modules"
    run(sys.executable, "-c", code, cwd=ROOT)


def test_public_names_exist_and_unknown_ones_do_not() -> None:
    import synthgen

    for name in synthgen.__all__:
        assert getattr(synthgen, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Synthgen'"):
        _ = synthgen.Synthgen


def test_every_package_folder_is_a_package() -> None:
    # Without an __init__ the import rules and the type checker would not see the folder.
    folders = {path.parent for path in (ROOT / "synthgen").rglob("*.py")}
    assert not [str(folder) for folder in folders if not (folder / "__init__.py").exists()]
