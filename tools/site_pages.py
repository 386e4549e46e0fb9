"""Pages of the site that are outside `docs/`, for mkdocs (`hooks` in mkdocs.yml).

Pages and pictures of `evidence/`, and pages beside the folders that they describe, become part of
the site. Links to them are those of the repository: `../evidence/` in a page of `docs/`.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PAGES = ("config/README.md", "results/README.md", "CONTRIBUTING.md", "CHANGELOG.md")
#: A link in Markdown: its target without an anchor.
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")


def outside() -> list[str]:
    """Paths of these pages and pictures, relative to the project."""
    evidence = [*(ROOT / "evidence").rglob("*.md"), *(ROOT / "evidence").rglob("*.png")]
    return [*PAGES, *sorted(str(path.relative_to(ROOT)) for path in evidence)]


def on_files(files: Files, config: Any) -> Files:
    """Add the pages and pictures."""
    for name in outside():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Text of a page with links that fit the site.

    In the site, pages of `docs/` are in the same folder as `evidence/` and `config/`.
    """
    source = page.file.src_uri
    place = source if source in outside() else f"docs/{source}"

    def link(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(place), match[1]))
        target = target.removeprefix("docs/")
        return posixpath.relpath(target, posixpath.dirname(source) or ".")

    return LINK.sub(link, markdown)
