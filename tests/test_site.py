"""The site builds without a warning, loads nothing, and leaves no page out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from synthgen import __all__ as public

pytest.importorskip("mkdocs", reason="needs the extra docs")
ROOT = Path(__file__).resolve().parents[1]
# what a browser loads by itself; links may lead anywhere
LOADED = re.compile(r'<(?:script|img|link|iframe|source)\b[^>]*\b(?:src|href)="([^"]+)"')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr[-4000:]
    return folder


def test_every_page_is_in_the_navigation(site: Path) -> None:
    pages = [page.relative_to(ROOT / "docs") for page in (ROOT / "docs").rglob("*.md")]
    pages += [page.relative_to(ROOT) for page in (ROOT / "benchmarks/results").glob("*.md")]
    # a page of a section names all of it
    named = {
        (page.parent / link).resolve()
        for page in site.rglob("*.html")
        for link in re.findall(r'href="([^"#:]+\.html)" class="md-nav__link', page.read_text())
    }
    assert pages
    for page in pages:
        made = site / page.with_suffix(".html")
        assert made.exists() and (made.resolve() in named or page.name == "index.md"), page


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        for loaded in LOADED.findall(page.read_text()):
            assert not loaded.startswith(("http:", "https:", "//")), (page.name, loaded)
            if page.name != "404.html":
                assert (page.parent / loaded.partition("?")[0]).exists(), (page.name, loaded)


def test_mathematics_needs_no_script(site: Path) -> None:
    text = (site / "ctgan.html").read_text()
    assert text.count("<math") > 30 and "arithmatex" not in text and r"\mathrm" not in text


def test_reference_is_complete(site: Path) -> None:
    python = (site / "reference/python.html").read_text()
    for name in (*public, "SynthGen.fit", "MolGen.fit"):
        assert name == "__version__" or re.search(rf'id="synthgen\.(\w+\.)*{name}"', python), name
    commands = (site / "reference/command-line.html").read_text()
    for name in ("demo", "fit", "sample", "gate", "molecules-evaluate"):
        assert f'id="synthgen-{name}"' in commands
    assert "--epsilon E" in commands
