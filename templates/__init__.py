"""How the page looks: Jinja templates, style sheets and scripts. The one place that knows Jinja.

Templates place texts that were made elsewhere: they do no arithmetic and format no number.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

_FOLDER = Path(__file__).parent
_ASSETS = _FOLDER / "assets"


def render(name: str, context: Mapping[str, object]) -> str:
    """A template with its values; a missing value is an error.

    Raises:
        jinja2.UndefinedError: where the template names something that the context lacks.
    """
    return environment().get_template(name).render(context)


@cache
def environment() -> Environment:
    """The templates of this folder: everything is escaped, and a name that is not given is an error."""
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


def style() -> Markup:
    """All style sheets, in the order of their names."""
    return _asset("*.css")


def colours() -> Markup:
    """The style sheet that a figure outside the page needs."""
    return _asset("colours.css")


def script() -> Markup:
    """All scripts, in the order of their names."""
    return _asset("*.js")


def script_hash() -> str:
    """What a Content-Security-Policy calls the page's script by, so that no other one runs."""
    digest = hashlib.sha256(script().encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")


@cache
def _asset(pattern: str) -> Markup:
    texts = [path.read_text(encoding="utf-8").strip() for path in sorted(_ASSETS.glob(pattern))]
    return Markup("\n".join(texts))
