"""The page: well-formed, accessible, escaped, and of bounded size."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

import pandas as pd
import pytest

from synthgen.reports.page import render
from synthgen.reports.tables import compared

HOSTILE = "<script>alert(1)</script>"
VOID = {"meta", "br", "img", "link", "hr", "input"}


class Outline(HTMLParser):
    """Tags with their attributes; fails where one is not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(report) -> Outline:
    return Outline(report.to_html())


def test_it_loads_and_runs_nothing(report, page) -> None:
    assert not {"script", "link", "iframe", "img", "object"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert not attributes.get("src")
        assert (attributes.get("href") or "#").startswith("#")
    style = re.search(r"<style>(.*?)</style>", report.to_html(), re.DOTALL)
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    assert "http" not in report.to_html()


def test_landmarks_headings_tables_and_pictures(page) -> None:
    tags = [tag for tag, _ in page.tags]
    for landmark in ("header", "nav", "main", "footer", "h1", "title"):
        assert tags.count(landmark) - (landmark == "title") * tags.count("svg") == 1, landmark
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert tags.count("table") == tags.count("caption")
    assert all(a.get("scope") for tag, a in page.tags if tag == "th")
    pictures = [a for tag, a in page.tags if tag == "svg"]
    assert pictures
    assert all(a["role"] == "img" and a["aria-label"] for a in pictures)
    ids = {a["id"] for _, a in page.tags if "id" in a}
    for tag, attributes in page.tags:
        if tag == "a":
            assert attributes["href"][1:] in ids
        if "aria-labelledby" in attributes:
            assert attributes["aria-labelledby"] in ids


def test_every_section_is_there(report) -> None:
    text = report.to_html()
    for words in (
        "Summary", "What gives the synthetic rows away", "Columns", "Pairs of columns",
        "train on synthetic, test on real", "Worst subgroups", "Rules that every real row keeps",
        "Training", "All figures", "How it was made", "prefers-color-scheme: dark", "@media print",
    ):  # fmt: skip
        assert words in text, words
    for name in ("age", "workclass", "capital-gain"):
        assert f"Distribution of {name}. Largest difference at" in text


def renamed(value, old: str, new: str):
    """``value`` with one column's name replaced wherever it stands."""
    if isinstance(value, dict):
        return {k: renamed(v, old, new) for k, v in value.items()}
    if isinstance(value, list):
        return [renamed(v, old, new) for v in value]
    return value.replace(old, new) if isinstance(value, str) else value


@pytest.mark.parametrize(
    "name", [HOSTILE, '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "n" * 400]
)
def test_names_and_values_are_escaped(report, name) -> None:
    found = renamed(renamed(report.to_dict(), "education", name), "Private", HOSTILE)
    text = render(found)
    outline = Outline(text)
    assert not {"script", "img"} & {tag for tag, _ in outline.tags}
    assert HOSTILE not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "49" not in text or name != "{{ 7*7 }}" or "{{ 7*7 }}" in text


def test_sixty_columns(report) -> None:
    found = report.to_dict()
    names = [f"column {i} " + "x" * 60 for i in range(60)]
    pictures = found["distributions"]
    found["distributions"] = [pictures[i % 6] | {"column": name} for i, name in enumerate(names)]
    found["columns"] = [found["columns"][0] | {"column": name} for name in names]
    found["associations"] = [
        {"one": a, "other": b, "measure": "correlation", "real": 0.5 if i < 40 else 0.0,
         "synthetic": 0.1, "holdout": 0.5}
        for i, a in enumerate(names) for b in names[i + 1 :]
    ]  # fmt: skip
    text = render(found)
    Outline(text)
    assert all(name in text for name in names)
    assert "30 are not" in text
    assert len(text) < 1_500_000


def test_identifiers_are_left_out_and_named(adult) -> None:
    table = adult[["age", "income"]][:300].assign(mail=[f"person{i}@mail.test" for i in range(300)])
    found = compared(table, table)
    assert list(found.real.columns) == ["age", "income"]
    assert [s["column"] for s in found.skipped] == ["mail"]
    only = compared(table[["mail"]], table[["mail"]])
    assert list(only.real.columns) == ["mail"], "something has to be compared"
    assert list(compared(table, table, target="mail").real.columns) == ["age", "income", "mail"]


def test_texts_of_numbers_and_times_are_read() -> None:
    real = pd.DataFrame(
        {"n": ["1,5", "2,5", ""] * 40, "d": ["2020-01-02", "2021-03-04", "2022-05-06"] * 40}
    ).assign(m=[f"{i}.25" for i in range(120)])
    synthetic = real.assign(m="what?")
    found = compared(real, synthetic)
    assert found.real["m"].tolist()[:2] == [0.25, 1.25]
    assert str(found.real["d"].dtype).startswith("datetime64")
    assert found.synthetic["m"].isna().all()
