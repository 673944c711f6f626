"""`synthgen quality` on a table with hostile names, and its page in a real browser."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from .conftest import one_line, run

HOSTILE = "<script>alert(1)</script>"
LONG = "a very long name " * 20
KEYS = (
    "shape_error_pct", "trend_error_pct", "xgb_c2st", "xgb_c2st_holdout", "lr_c2st", "mle",
    "mle_real", "alpha_precision", "beta_recall", "dcr_share",
)  # fmt: skip


def chromium() -> str | None:
    """The browser's path, where there is one."""
    names = (os.environ.get("SYNTHGEN_CHROMIUM", ""), "chromium", "chromium-browser")
    return next((path for name in names if name and (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], str, str]:
    """Folder, JSON, and what was said, of one run of the command."""
    folder = tmp_path_factory.mktemp("quality")
    source = Path(__file__).parents[2] / "synthgen/data/adult_train.csv.gz"
    adult = pd.read_csv(source, dtype=str, keep_default_na=False, nrows=450)
    table = adult[["age", "education", "education-num", "sex", "income"]]
    table = table.rename(columns={"education": HOSTILE, "sex": LONG})
    table[HOSTILE] = table[HOSTILE].replace("HS-grad", HOSTILE)
    real, holdout = table[:300], table[300:]
    rng = np.random.default_rng(0)
    synthetic = pd.DataFrame({name: rng.choice(real[name], 300) for name in real})
    for name, frame in (("real", real), ("synthetic", synthetic), ("holdout", holdout)):
        frame.to_csv(folder / f"{name}.csv", index=False)
    ran = run(
        "quality", folder / "real.csv", folder / "synthetic.csv",
        "--holdout", folder / "holdout.csv", "--target", "income",
        "-o", folder / "quality.html", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.stderr
    return folder, json.loads(ran.stdout), ran.stdout, ran.stderr


def test_json_has_the_promised_keys(made) -> None:
    _, found, _, stderr = made
    for key in KEYS:
        assert {"value", "ci", "n", "reason"} <= found[key].keys()
    assert found["rows"] == {"real": 300, "synthetic": 300, "holdout": 150}
    reading = {c["column"]: c["reading"] for c in found["columns"]}
    assert reading["age"] == "number", "cells of a CSV file are text"
    assert reading[HOSTILE] == "category"
    assert "[1/" in stderr
    assert "quality.html" in stderr


def test_the_table_for_reading(made) -> None:
    folder = made[0]
    ran = run("quality", folder / "real.csv", folder / "synthetic.csv", "-q", "--seed", "1")
    assert (ran.code, ran.stderr) == (0, "")
    assert "XGB-C2ST" in ran.stdout
    assert "No holdout was given" in ran.stdout
    assert "Most telling columns:" in ran.stdout
    assert "\x1b" not in ran.stdout


def test_what_cannot_be_judged_is_one_line(made, folder, refused) -> None:
    source = made[0]
    real = str(source / "real.csv")
    other = folder / "other.csv"
    pd.read_csv(real, dtype=str).rename(columns={"age": "years"}).to_csv(other, index=False)
    empty = folder / "empty.csv"
    empty.write_text("age,income\n")
    for args, words in (
        ((real, "none.csv"), ("no such file",)),
        ((real, other), ("synthetic", "'age'", "'years'")),
        ((real, real, "--holdout", other), ("holdout", "'age'")),
        ((real, empty), ("empty.csv", "no rows")),
        ((real, real, "--target", "incom"), ("'incom'", "income")),
        ((real, real, "-o", "report.pdf"), ("report.pdf", ".html or .json")),
        ((real, real, "-o", "no/report.html"), ("no folder",)),
        (("-", "-"), ("standard input",)),
    ):
        refused("quality", *args, "-q", words=words)
    before = sorted(folder.rglob("*"))
    shutil.copy(real, folder / "same.json")
    ran = run("quality", real, real, "--holdout", folder / "same.json", "-o", "same.json")
    (folder / "same.json").unlink()
    assert ran.code == 4
    one_line(ran.stderr, ("--holdout itself",), before)


# In a browser -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = chromium()
    if path is None:
        pytest.skip("no chromium here: install Debian's chromium, or set SYNTHGEN_CHROMIUM")
    sync = pytest.importorskip("playwright.sync_api")
    with sync.sync_playwright() as playwright:
        # Chromium's own sandbox needs rights that not every account has; the page is ours.
        started = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"], timeout=120_000
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def opened(browser, made) -> Iterator[tuple[Any, list[str], list[str]]]:
    """The page, what it asked for, and what went wrong."""
    asked: list[str] = []
    wrong: list[str] = []
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(120_000)
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    page.goto((made[0] / "quality.html").as_uri(), wait_until="networkidle")
    yield page, asked, wrong
    page.close()


def test_no_errors_and_no_requests(opened, made) -> None:
    page, asked, wrong = opened
    assert asked == [(made[0] / "quality.html").as_uri()]
    assert wrong == []
    assert page.evaluate("performance.getEntriesByType('resource').length") == 0
    assert page.locator("script").count() == 0


def test_hostile_names_are_shown_as_text(opened) -> None:
    page, _, _ = opened
    assert page.get_by_role("heading", name=HOSTILE, exact=True).count() == 1
    assert page.locator("svg text", has_text=HOSTILE[:12]).count() >= 1


def test_landmarks_and_pictures_have_names(opened) -> None:
    page, _, _ = opened
    for role in ("banner", "main", "contentinfo"):
        assert page.get_by_role(role).count() == 1, role
    assert page.get_by_role("navigation", name="Sections").count() == 1
    assert page.get_by_role("img", name="Distribution of age").count() == 1
    assert page.get_by_role("table", name="Key figures").count() == 1


@pytest.mark.parametrize("width", [360, 1200])
def test_nothing_is_wider_than_the_window(opened, width) -> None:
    page, _, _ = opened
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_reaches_the_report(opened) -> None:
    page, _, _ = opened
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#summary"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


CONTRAST = """
() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  let worst = 99, where = "";
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!own || !e.getClientRects().length) continue;
    const style = getComputedStyle(e);
    const ink = light(parse(e.closest("svg") ? style.fill : style.color));
    const [a, b] = [ink, light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < worst) { worst = ratio; where = e.outerHTML.slice(0, 120); }
  }
  return [worst, where];
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_is_aa_and_pictures_differ_by_scheme(opened, scheme, tmp_path) -> None:
    page, _, _ = opened
    page.emulate_media(color_scheme=scheme)
    worst, where = page.evaluate(CONTRAST)
    assert worst >= 4.5, where
    shot = tmp_path / f"{scheme}.png"
    page.screenshot(path=shot, timeout=120_000)
    from PIL import Image

    mean = np.asarray(Image.open(shot).convert("L")).mean()
    assert (mean > 200) if scheme == "light" else (mean < 80)
    page.emulate_media(color_scheme="light")


def test_it_prints(opened, tmp_path) -> None:
    page, _, _ = opened
    page.pdf(path=tmp_path / "quality.pdf", prefer_css_page_size=True)
    document = (tmp_path / "quality.pdf").read_bytes()
    assert document.startswith(b"%PDF-")
    assert 2 <= document.count(b"/Type /Page\n") <= 20
