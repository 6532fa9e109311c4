"""Known faults of the packages that are installed: pip-audit asks the index's advisories, where it is there and can be reached."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import pytest

UNREACHABLE = (
    "ConnectionError",
    "Connection",
    "Max retries",
    "ServiceError",
    "timed out",
    "Timeout",
    "resolve",
    "Proxy",
    "HTTPError",
    "VulnerabilityServiceException",
)
"""Words of pip-audit where its service does not answer."""
WAIT_S = 300


def audit() -> subprocess.CompletedProcess[str]:
    """All packages of this environment; nothing is installed or changed."""
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--format",
        "json",
        "--progress-spinner",
        "off",
        "--skip-editable",
        "--timeout",
        "20",
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=WAIT_S)


def vulnerable(report: str) -> list[str]:
    """Packages with known faults: "name version: identifiers"."""
    found = json.loads(report)["dependencies"]
    return [
        f"{item['name']} {item['version']}: {', '.join(fault['id'] for fault in item['vulns'])}"
        for item in found
        if item.get("vulns")
    ]


def unknown(report: str) -> str | None:
    """Why a report says nothing: most packages were not looked up. A mirror without advisories answers so, and "no known faults" with it."""
    found = json.loads(report)["dependencies"]
    skipped = [item["skip_reason"] for item in found if "skip_reason" in item]
    return (
        f"{len(skipped)} of {len(found)} packages were not looked up: {skipped[0][:120]}"
        if len(skipped) > len(found) / 2
        else None
    )


@pytest.mark.slow
def test_no_installed_package_has_a_known_fault() -> None:
    if importlib.util.find_spec("pip_audit") is None:
        pytest.skip("pip-audit is not installed: pip install -e '.[dev]'")
    try:
        done = audit()
    except subprocess.TimeoutExpired:
        pytest.skip(f"the index's advisories did not answer within {WAIT_S} s")
    if not done.stdout.lstrip().startswith("{"):
        if any(word in done.stderr for word in UNREACHABLE):
            pytest.skip(f"the index's advisories can't be reached: {done.stderr.strip().splitlines()[-1][:200]}")
        pytest.fail(done.stderr[-2000:])
    assert vulnerable(done.stdout) == []
    reason = unknown(done.stdout)
    if reason is not None:
        pytest.skip(f"the index has no advisories: {reason}")


def test_faults_are_found_in_a_report() -> None:
    report = {
        "dependencies": [
            {"name": "sound", "version": "1.0", "vulns": []},
            {"name": "skipped", "skip_reason": "not on the index"},
            {"name": "faulty", "version": "0.1", "vulns": [{"id": "PYSEC-1"}, {"id": "PYSEC-2"}]},
        ]
    }
    assert vulnerable(json.dumps(report)) == ["faulty 0.1: PYSEC-1, PYSEC-2"]
    assert unknown(json.dumps(report)) is None


def test_a_report_of_an_index_without_advisories_says_nothing() -> None:
    report = {
        "dependencies": [
            {"name": "a", "skip_reason": "not found on PyPI"},
            {"name": "b", "skip_reason": "not found on PyPI"},
        ]
    }
    assert unknown(json.dumps(report)) == "2 of 2 packages were not looked up: not found on PyPI"
