"""For `make docs`: links of a page to files outside docs, or to folders, become text; the site has neither."""

import re
from pathlib import Path
from typing import Any

LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<target>[^)\s#]+)(?P<anchor>#[^)]*)?\)")
DOCS = Path(__file__).resolve().parent.parent / "docs"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return a page's text for the site."""
    folder = Path(page.file.abs_src_path).parent

    def kept(match: re.Match[str]) -> str:
        target = match["target"]
        path = (folder / target).resolve()
        if "://" in target or target.startswith("mailto:") or (path.is_file() and path.is_relative_to(DOCS)):
            return match[0]
        return match["text"]

    return LINK.sub(kept, markdown)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Return a page of the site that loads nothing from outside."""
    shim = "../" * page.url.count("/") + "assets/iframe-worker-shim.js"
    return output.replace("https://unpkg.com/iframe-worker/shim", shim)


def on_post_template(output_content: str, **_: Any) -> str:
    """Return a page that belongs to no file, as that for unknown addresses."""
    return output_content.replace("https://unpkg.com/iframe-worker/shim", "/assets/iframe-worker-shim.js")
