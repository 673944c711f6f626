"""What the site has beside docs/: results, the changelog, the command line's help, mathematics.

All of it is read or made while the site is built. A file that stands elsewhere in the repository
has the same path on the site, so that one rule turns the links of both.
"""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

import commandline

ROOT = Path(__file__).resolve().parents[1]
SHIM, SHIM_URL = "iframe-worker.js", "https://unpkg.com/iframe-worker/shim"
POLICIES = ROOT / "synthgen" / "reports" / "policies"
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]*)(#[^)\s]*)?\)")
FENCED = re.compile(r"(^```.*?^```$|`[^`\n]*`)", re.MULTILINE | re.DOTALL)
OPERATOR = re.compile(r"<mo(?![^>]*stretchy)")
MATH = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def elsewhere() -> list[str]:
    """Pages from outside docs/, by their path in the repository."""
    results = sorted((ROOT / "benchmarks" / "results").glob("*.md"))
    pages = [ROOT / "CHANGELOG.md", ROOT / "benchmarks" / "README.md", *results]
    return [page.relative_to(ROOT).as_posix() for page in pages]


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Give pages that the navigation does not name a place in it."""
    sections: dict[str, Any] = {name: part for entry in config.nav for name, part in entry.items()}
    named = set(_paths(config.nav))
    docs = Path(config.docs_dir)
    ours = sorted(page.relative_to(docs).as_posix() for page in docs.rglob("*.md"))
    sections["How-to guides"] += [page for page in ours if page not in named]
    sections["Benchmarks"] += [
        {Path(page).stem.replace("-", " ").capitalize(): page}
        for page in elsewhere()
        if page not in named
    ]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from elsewhere, the style sheet and the script that search needs."""
    added = {path: ROOT / path for path in elsewhere()}
    added |= {name: ROOT / "website" / name for name in ("site.css", SHIM)}
    for path, file in added.items():
        files.append(File.generated(config, path, abs_src_path=str(file)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in what is made at build time, and turn links that leave docs/."""
    for mark, made in MADE.items():
        if mark in markdown:
            markdown = markdown.replace(mark, made())
    source = page.file.src_uri
    here = posixpath.dirname(source if source in elsewhere() else f"docs/{source}")

    def turned(link: re.Match[str]) -> str:
        sign, text, target, anchor = link.groups(default="")
        if not target or ":" in target:
            return link[0]
        held = posixpath.normpath(posixpath.join(here, target))
        path = held.removeprefix("docs/")
        if files.get_file_from_path(path) is None:
            # a file of the repository that is no page, or a broken link, which the build reports
            return text if (ROOT / held).exists() else link[0]
        return f"{sign}[{text}]({posixpath.relpath(path, posixpath.dirname(source))}{anchor})"

    parts = FENCED.split(markdown)  # every other one is code
    return "".join(p if k % 2 else LINK.sub(turned, p) for k, p in enumerate(parts))


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Mathematics as MathML, which browsers show without a script."""
    return MATH.sub(_mathml, html)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """The theme would load a script from the network."""
    return output.replace(SHIM_URL, get_relative_url(SHIM, page.url))


def on_post_template(output: str, template_name: str, config: MkDocsConfig) -> str:
    """The same in pages that stand alone."""
    return output.replace(SHIM_URL, SHIM)


def _mathml(found: re.Match[str]) -> str:
    display = "block" if found[1] == "div" else "inline"
    made = str(convert(html.unescape(found[2]).strip(), display=display))
    # brackets with an exponent would not stretch as the ones that open them do
    return OPERATOR.sub('<mo stretchy="false"', made)


def _paths(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, dict):
        for part in nav.values():
            yield from _paths(part)
    else:
        for part in nav:
            yield from _paths(part)


def policies() -> str:
    """The shipped policies as they are."""
    files = sorted(POLICIES.glob("*.toml"))
    return "\n\n".join(f"## {f.stem}\n```toml\n{f.read_text('utf-8')}```" for f in files)


MADE: dict[str, Callable[[], str]] = {
    "<!-- made at build time: command line -->": commandline.reference,
    "<!-- made at build time: policies -->": policies,
}
