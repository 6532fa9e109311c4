"""README and docs/: short enough, linked, generated from the program where they say so, and a site that builds strictly."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

from docs import options as options_page
from mnist_tune.cli.entry import COMMANDS, load_command
from mnist_tune.cli.parser import given_options
from search_spaces.networks.notation import parse
from tests.kit.documents import DOCS
from tests.kit.paths import ROOT
from tuner.options.option import flag, options_of
from tuner.options.search_options import SearchOptions
from tuner.spaces.named_configurations import named_configuration

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in DOCS.rglob("*.md"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def prose(text: str) -> str:
    return FENCE.sub("", text)


def anchors(text: str) -> set[str]:
    """The anchors of a Markdown file's headings, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"[`*]|\]\([^)]*\)", "", heading).lower()).replace(" ", "-")
        for heading in headings
    }


def broken_links(path: Path) -> list[str]:
    """Links of a Markdown file that lead to no file here, or to no heading of it."""
    broken = []
    for link in LINK.findall(prose(path.read_text(encoding="utf-8"))):
        file, _, anchor = unquote(link).partition("#")
        target = path if not file else path.parent / file
        if link.startswith(("http://", "https://")):
            continue
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in anchors(target.read_text(encoding="utf-8"))
        ):
            broken.append(link)
    return broken


def site_config() -> dict[str, Any]:
    """mkdocs.yml without the tags that only MkDocs knows."""
    text = re.sub(r"!(ENV|!python/\S+) ", "", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    config: dict[str, Any] = yaml.safe_load(text)
    return config


def test_what_contributing_names_is_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    files = set(re.findall(r"`((?:\w+/)+\w+\.\w+)`", text))
    assert len(files) > 25
    assert [file for file in sorted(files) if not (ROOT / file).is_file()] == []
    names = re.findall(r"`(\w+)`(?: and its name in `(\w+)`)? of `([\w/]+\.py)`", text)
    assert len(names) > 7
    missing = [
        (name, file) for *both, file in names for name in filter(None, both) if name not in (ROOT / file).read_text()
    ]
    assert missing == []


def test_the_readme_is_short() -> None:
    assert len(prose(README).split()) <= 900


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", *PAGES])
def test_links_lead_somewhere(page: str) -> None:
    assert broken_links(ROOT / page) == []


@pytest.mark.parametrize(
    ("link", "is_broken"),
    [
        ("b.md", False),
        ("b.md#two-words", False),
        ("#one", False),
        ("c.md", True),
        ("b.md#three", True),
        ("#none", True),
    ],
)
def test_a_broken_link_is_noticed(tmp_path: Path, link: str, is_broken: bool) -> None:
    (tmp_path / "b.md").write_text("# Two words\n")
    (tmp_path / "a.md").write_text(f"# One\n\n[text]({link})\n\n```\n# None\n```\n")
    assert broken_links(tmp_path / "a.md") == [link] * is_broken


def commands_of_the_readme() -> list[str]:
    return re.findall(r"^\| [^|]+ \| `mnist-tune ([^`]*)` \|$", README, re.MULTILINE)


@pytest.mark.parametrize("line", commands_of_the_readme())
def test_the_readme_s_commands_are_accepted(line: str) -> None:
    words = [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', line)]
    command, rest = (words[0], words[1:]) if words[0] in COMMANDS else ("search", words)
    given = load_command(command).make_command_parser().parse_words(rest)
    if command == "search" and "resume" not in given:
        assert SearchOptions(**given_options(given)).kind == "search"


def test_the_readme_has_commands_for_what_people_want() -> None:
    assert len(commands_of_the_readme()) >= 12


def test_the_options_are_those_of_the_program() -> None:
    text = options_page.PAGE.read_text(encoding="utf-8")
    assert options_page.generate(text) == text, "run: python -m docs.options"
    assert set(re.findall(r"<!-- table: (\w+) -->", text)) == set(options_page.commands())


@pytest.mark.parametrize("field", dataclasses.fields(SearchOptions), ids=lambda field: field.name)
def test_the_options_page_has_every_option_of_a_search_with_its_default(field: dataclasses.Field[Any]) -> None:
    metavar = options_of(SearchOptions)[field.name].metavar
    spelled = flag(field.name) + (f" {metavar}" if metavar else "")
    (line,) = re.findall(rf"^\| `{re.escape(spelled)}` \|(.*)\|$", options_page.format_table("search"), re.MULTILINE)
    if isinstance(field.default, str | int | float) and not isinstance(field.default, bool):
        assert f"`{field.default}`" in line


def test_a_changed_option_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "options.md"
    text = options_page.PAGE.read_text(encoding="utf-8")
    page.write_text(text.replace("| `--max-epochs N` | `15` |", "| `--max-epochs N` | `16` |"), encoding="utf-8")
    monkeypatch.setattr(options_page, "PAGE", page)
    assert options_page.main(["--check"]) == 1
    assert options_page.main([]) == 0
    assert page.read_text(encoding="utf-8") == text
    assert options_page.main(["--check"]) == 0


def test_what_is_special_in_a_table_is_escaped() -> None:
    row = options_page.Row(("--a",), "A|B", "runs/<x>", "a < b | c*")
    assert row.format() == "| <code>--a A&#124;B</code> | <code>runs/&lt;x></code> | a &lt; b &#124; c\\* |"


def test_every_word_of_the_notation_is_one() -> None:
    page = (DOCS / "notation.md").read_text(encoding="utf-8")
    cells = re.findall(
        r"^\| (`.*?) \|", page[page.index("## Words") : page.index("Convolutions and dense layers")], re.MULTILINE
    )
    words = [word for cell in cells for word in re.findall(r"`([^`]+)`", cell)]
    assert len(words) > 15
    for word in words:
        assert parse(f"{word} 1x1:10", dropout=0.1)


def test_the_counted_network_of_the_notation_has_these_numbers() -> None:
    from search_spaces.families.registry import load_family

    page = (DOCS / "notation.md").read_text(encoding="utf-8")
    configuration = named_configuration("C8s S16 P GAP 1x1:10").configuration
    parameters, multiply_adds = load_family("compact8k").costs(configuration)
    assert f"{parameters:,} trainable parameters and {multiply_adds:,} multiply-adds" in page
    for layer in load_family("compact8k").layers(configuration):
        if layer.kind in ("conv", "separable_conv"):
            assert re.search(
                rf"\| {'×'.join(map(str, layer.shape))} \| {layer.parameters}(, and \d+ of BatchNorm)? \| {layer.multiply_adds:,} \|",
                page,
            )


def test_a_thousand_words_are_a_thousand() -> None:
    words = len((DOCS / "in-1000-words.md").read_text(encoding="utf-8").split())
    assert 900 <= words <= 1010


@pytest.mark.parametrize("name", ["accuracy", "benchmarks"])
def test_a_record_opens_with_its_answers(name: str) -> None:
    head = (DOCS / f"{name}.md").read_text(encoding="utf-8").split("\n## ")[0]
    assert "**The answers**" in head or "**The answers.**" in head
    assert 3 <= len(re.findall(r"^\d+\. ", head, re.MULTILINE)) <= 10


def test_the_site_has_four_drawers_with_every_page() -> None:
    drawers = {title: entries for drawer in site_config()["nav"] for title, entries in drawer.items()}
    assert list(drawers) == ["Start", "Guides", "Concepts", "Reference"]
    pages = [page for entries in drawers.values() for entry in entries for page in entry.values()]
    assert len(pages) == len(set(pages))
    expected = {page.removeprefix("docs/") for page in PAGES} - {"sample_report/model_card.md"}
    assert set(pages) == expected


def test_the_site_builds_strictly(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "properdocs",
        "build",
        "--strict",
        "-f",
        str(ROOT / "mkdocs.yml"),
        "-d",
        str(tmp_path / "site"),
    ]
    built = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": ""}, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    page = (tmp_path / "site" / "options" / "index.html").read_text(encoding="utf-8")
    assert "<code>--max-epochs N</code>" in page
    # Nothing is loaded from elsewhere, and no script of ours is published.
    assert not re.findall(
        r"<(?:script|link|img)[^>]+(?:src|href)=\"?https?://(?!www\.w3\.org)[^>]*(?:\.js|\.css|fonts)", page
    )
    assert not list((tmp_path / "site").rglob("*.py"))


def test_the_site_s_packages_are_those_of_the_extra() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(extras["docs"]) <= set(extras["dev"])
    workflow = (ROOT / ".github" / "workflows" / "site.yml").read_text(encoding="utf-8")
    assert all(f'"{package}"' in workflow for package in extras["docs"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_pins_its_actions_and_needs_no_secret(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    uses = re.findall(r"uses: (\S+)", text)
    assert uses
    assert [action for action in uses if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", action)] == []
    assert "secrets." not in text
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}


def test_the_workflow_runs_the_readme_s_test_command() -> None:
    (command,) = re.findall(r"<!-- the test command -->\n```bash\n(.*)\n```", README)
    assert f"run: {command}\n" in (ROOT / ".github" / "workflows" / "checks.yml").read_text(encoding="utf-8")
