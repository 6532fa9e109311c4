"""A cluster that speaks TLS, as Dask's own configuration says: with the configuration that docs/cluster.md shows. Nothing is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.documents import code_blocks
from tests.kit.processes.crash import RUNS, Crashes, contents, result_of
from tests.kit.processes.dask_processes import free_port, mnist_tune, running, scheduler, worker

pytest.importorskip("distributed")
trustme = pytest.importorskip("trustme", reason="makes the certificates")

pytestmark = pytest.mark.slow


def make_certificates(folder: Path) -> None:
    """As the configuration names them. Dask asks whose authority signed them, not for which host."""
    folder.mkdir()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    for name in ("scheduler", "worker", "client"):
        made = authority.issue_cert(f"{name}.example.org")
        made.private_key_pem.write_to_path(folder / f"{name}.key")
        made.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")


def configured(folder: Path) -> dict[str, str]:
    """The environment of processes that have certificates of an authority of their own, under this folder."""
    make_certificates(folder / "certificates")
    (shown,) = [block for block in code_blocks("cluster.md", "yaml") if "require-encryption" in block]
    assert "/etc/dask/" in shown
    (folder / "security.yaml").write_text(shown.replace("/etc/dask/", f"{folder}/certificates/"))
    return {"DASK_CONFIG": str(folder)}


def without(folder: Path) -> dict[str, str]:
    """The environment of processes that have none."""
    folder.mkdir()
    return {"DASK_CONFIG": str(folder)}


def own_folder(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_a_search_over_tls_is_the_search_here(tmp_path: Path) -> None:
    environment = configured(own_folder(tmp_path / "dask"))
    address = f"tls://127.0.0.1:{free_port()}"
    cluster = running(scheduler(address), worker(address), worker(address), environment=environment)
    with Crashes(tmp_path / "logs", environment) as runs, cluster:
        here = runs.run(RUNS["hyperband"], tmp_path / "here")
        there = runs.run([*RUNS["hyperband"], "--scheduler", address], tmp_path / "there")
    assert (here.code, there.code) == (0, 0), there.output
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert result_of(tmp_path / "there") == result_of(tmp_path / "here")


def test_who_has_no_certificates_is_told_in_one_line(tmp_path: Path) -> None:
    environment = configured(own_folder(tmp_path / "dask"))
    stranger = configured(own_folder(tmp_path / "stranger"))
    address = f"tls://127.0.0.1:{free_port()}"
    plain = address.replace("tls", "tcp")
    cases = [
        (without(tmp_path / "none"), address, "Dask's configuration here names no certificates."),
        (stranger, address, "don't accept each other's certificates"),
        (environment, plain, "Dask's configuration here requires encryption"),
        ({"DASK_CONFIG": str(tmp_path / "none")}, plain, "No Dask scheduler answers at this address"),
    ]
    search = ["--space", "compact8k", "--data", "digits", "--out", str(tmp_path / "run")]
    with running(scheduler(address), worker(address), environment=environment):
        for given, asked, expected in cases:
            done = mnist_tune([*search, "--scheduler", asked], given)
            assert (done.returncode, done.stdout) == (2, ""), done.stderr
            (line,) = done.stderr.splitlines()
            assert expected in line
            assert f"--scheduler {asked}" in line
    assert not (tmp_path / "run").exists()
