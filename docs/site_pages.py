"""What mkdocs needs to know of pages that are written for GitHub, too: hooks of ``mkdocs.yml``.

Pages outside of ``docs/`` (the README, how to contribute, the examples) become pages of the site.
Links are rewritten from where a file is in the repository to where it is in the site. A link to
another kind of file leads to ``extra.repository``; where that is not set, the file is in the site.
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\]\\]|\\.)*)\]\((?P<target>[^)\s]+)\)")
_FENCED = re.compile(r"^( *)```.*?^\1```$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"<code>[^<]*</code>")


def beside() -> dict[str, str]:
    """Return the pages outside of ``docs/``: path in the repository to path in the site."""
    pages = {
        "README.md": "project/readme.md",
        "CONTRIBUTING.md": "project/contributing.md",
        "CODE_OF_CONDUCT.md": "project/code-of-conduct.md",
        "SECURITY.md": "project/security.md",
        "CHANGELOG.md": "project/changelog.md",
        "changelog.d/README.md": "project/changelog-fragments.md",
    }
    for file in sorted((ROOT / "examples").glob("**/README.md")):
        path = file.relative_to(ROOT).as_posix()
        folder = posixpath.dirname(path)
        if "workspace" not in folder.split("/"):
            pages[path] = "examples/index.md" if folder == "examples" else f"{folder}.md"
    return pages


def on_config(config: MkDocsConfig) -> None:
    """List the examples, whichever there are."""
    examples = [page for page in beside().values() if page.startswith("examples/")]
    for entry in config.nav or ():
        if isinstance(entry, dict) and "Examples" in entry:
            entry["Examples"] = sorted(examples, key=lambda page: (not _is_index(page), page))


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the pages that are outside of ``docs/``."""
    for path, page in beside().items():
        files.append(File.generated(config, page, abs_src_path=os.fspath(ROOT / path)))


def on_page_markdown(
    markdown: str, page: Page, config: MkDocsConfig, files: Files, **_: object
) -> str:
    """Rewrite a page's links, but for those in blocks of code."""
    sources = {site: path for path, site in beside().items()}
    here = page.file.src_uri
    source = sources.get(here, f"docs/{here}")
    repository = str(config.extra.get("repository", "")).rstrip("/")

    def rewritten(match: re.Match[str]) -> str:
        name, hash_, anchor = match["target"].partition("#")
        if not name or re.match(r"[a-z]+:", name):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), name))
        site = in_site(path)
        if site is None and repository:
            target = f"{repository}/blob/HEAD/{path}"
        elif site is None and not (ROOT / path).is_file():
            return match["text"]
        else:
            if site is None:
                site = f"files/{path}"
                if not files.get_file_from_path(site):
                    files.append(File.generated(config, site, abs_src_path=os.fspath(ROOT / path)))
            target = posixpath.relpath(site, posixpath.dirname(here) or ".")
        return f"{match['image']}[{match['text']}]({target}{hash_}{anchor})"

    parts = []
    end = 0
    for block in _FENCED.finditer(markdown):
        parts += [_LINK.sub(rewritten, markdown[end : block.start()]), block[0]]
        end = block.end()
    return "".join([*parts, _LINK.sub(rewritten, markdown[end:])])


def on_page_content(html: str, **_: object) -> str:
    """Show ``|`` in code in tables, which GitHub wants escaped."""
    return _CODE.sub(lambda match: match[0].replace("\\|", "|"), html)


def in_site(path: str) -> str | None:
    """Return where a file of the repository is in the site; None for one outside of it."""
    pages = beside()
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return pages.get(path) or pages.get(f"{path}/README.md")


def _is_index(page: str) -> bool:
    return posixpath.basename(page) == "index.md"
