"""The look of the page and the model card: Jinja templates, style sheets and scripts. The one place that knows Jinja.

Templates place texts that were made elsewhere: they do no arithmetic and format no number.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

_FOLDER = Path(__file__).parent
_ASSETS = _FOLDER / "assets"
_TEXT_IN_SCRIPT = re.compile(r'("(?:[^"\\]|\\.)*")')
_OTHER_TEXT_IN_SCRIPT = re.compile(r"[`']|(?<! )/|/(?! )")
"""Templates and patterns; a stroke between spaces is a division."""
_SIGN_IN_SCRIPT = re.compile(r" *(=>|&&|\|\||[=,;{}():?<>*/\[\]]) *")
"""A sign of JavaScript that needs no space beside it; + and - may."""
_STYLE_MARGIN = re.compile(r"/\*.*?\*/\n?|^ +", re.MULTILINE | re.DOTALL)
_MARKDOWN = re.compile(r"[\\`*_\[\]{}|~$#!]")
"""Characters with a meaning within a line of Markdown, or of what is made of it (formulas, other templates)."""


def render(name: str, context: Mapping[str, object]) -> str:
    """Render a template; a missing value is an error.

    Raises:
        jinja2.UndefinedError: where the template names something that the context lacks.
    """
    return environment().get_template(name).render(context)


@cache
def environment() -> Environment:
    """Return the environment of the HTML templates: everything is escaped, and an undefined name is an error."""
    jinja = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.policies["json.dumps_kwargs"] = {"sort_keys": True, "ensure_ascii": False, "separators": (",", ":")}
    jinja.globals["style"] = style
    jinja.globals["script"] = script
    jinja.globals["script_hash"] = script_hash
    return jinja


def render_markdown(name: str, context: Mapping[str, object]) -> str:
    """Render a Markdown template; each value becomes one line of plain text, unless it is `Verbatim`.

    Raises:
        jinja2.UndefinedError: where the template names something that the context lacks.
    """
    return markdown_environment().get_template(name).render(context)


def render_code(name: str, context: Mapping[str, object]) -> str:
    """Render a program's text; values are not escaped, so only our own may be given."""
    return _plain(None).get_template(name).render(context)


@cache
def markdown_environment() -> Environment:
    """Return the environment of the Markdown templates: values are escaped, and code goes through the filter `fenced`."""
    jinja = _plain(_as_markdown)
    jinja.filters["fenced"] = fenced_code
    return jinja


def _plain(finalize: Callable[[object], object] | None) -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=False,  # no HTML: values are escaped as Markdown, or are our own
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=finalize,
    )


class Verbatim(str):
    """Markdown that is not escaped, since it is our own."""

    __slots__ = ()


def _as_markdown(value: object) -> object:
    return value if isinstance(value, Verbatim) else markdown_text(str(value))


def markdown_text(words: str) -> str:
    """Return text that Markdown shows unchanged, in one line: in a paragraph, a list or a cell of a table."""
    line = one_line(words).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\g<0>", line)


def one_line(words: str) -> str:
    """Return words without line breaks and without characters that a terminal or an editor would obey."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in words).split())


def fenced_code(words: str, language: str = "") -> Verbatim:
    """Return code in lines of its own, under a fence that it can't close."""
    fence = "`" * max(3, _longest_run(words) + 1)
    return Verbatim(f"{fence}{language}\n{words.strip()}\n{fence}")


def _longest_run(words: str) -> int:
    return max((len(run) for run in re.findall("`+", words)), default=0)


def style(network: bool = False) -> Markup:
    """Return all style sheets in the order of their names, without their comments; with `network` also that of the section "Try it"."""
    return Markup(_STYLE_MARGIN.sub("", _asset("*.css", "try-it/*.css") if network else _asset("*.css")))


def colours() -> Markup:
    """Return the style sheet that a figure outside the page needs."""
    return Markup(_asset("colours.css"))


def script(network: bool = False) -> Markup:
    """Return all scripts in the order of their names; with `network` also those that compute it.

    Comments, indentation and spaces around signs are left out, which makes the page lighter by a quarter of its scripts.
    """
    return _squeezed_script(_asset("*.js", "try-it/*.js") if network else _asset("*.js"))


@cache
def _squeezed_script(text: str) -> Markup:
    return Markup("\n".join(filter(None, map(_squeezed_line, text.splitlines()))))


def _squeezed_line(line: str) -> str:
    """Return a line of a script without needless spaces; texts and patterns keep theirs. No text may have several lines."""
    code = line.strip()
    if code.startswith("//") or (code.startswith("/**") and code.endswith("*/")):
        return ""
    parts = _TEXT_IN_SCRIPT.split(code)
    if any(_OTHER_TEXT_IN_SCRIPT.search(part) for part in parts[::2]):
        return code
    parts[::2] = [_SIGN_IN_SCRIPT.sub(r"\1", part) for part in parts[::2]]
    return "".join(parts)


def script_hash(network: bool = False) -> str:
    """Return the hash by which a Content-Security-Policy allows the page's script, and no other."""
    digest = hashlib.sha256(script(network).encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")


@cache
def _asset(*patterns: str) -> str:
    paths = (path for pattern in patterns for path in sorted(_ASSETS.glob(pattern)))
    return "\n".join(path.read_text(encoding="utf-8").strip() for path in paths)
