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


def test_faults_are_found_in_a_report() -> None:
    report = {
        "dependencies": [
            {"name": "sound", "version": "1.0", "vulns": []},
            {"name": "skipped", "skip_reason": "not on the index"},
            {"name": "faulty", "version": "0.1", "vulns": [{"id": "PYSEC-1"}, {"id": "PYSEC-2"}]},
        ]
    }
    assert vulnerable(json.dumps(report)) == ["faulty 0.1: PYSEC-1, PYSEC-2"]
