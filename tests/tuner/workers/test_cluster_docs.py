"""What docs/cluster.md shows for SLURM, Kubernetes and Dask's configuration: as far as it can be checked without them."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
from typing import Any

import pytest

from mnist_tune.cli.search import make_command_parser
from tests.kit.documents import code_blocks

SHELL = code_blocks("cluster.md", "bash")
SBATCH = [block for block in SHELL if "#SBATCH" in block]
YAML = code_blocks("cluster.md", "yaml")


def commands(program: str) -> list[list[str]]:
    """What the document has a program do, as words after its name; Kubernetes's lists among them."""
    listed = [words for document in manifests() for words in container_commands(document)]
    lines = [shlex.split(line, comments=True) for block in SHELL for line in block.splitlines()]
    shown = [words[words.index(program) + 1 :] for words in [*lines, *listed] if program in words]
    return [[word for word in words if word != "&"] for words in shown]


def documents() -> list[Any]:
    yaml = pytest.importorskip("yaml")
    return [document for block in YAML for document in yaml.safe_load_all(block)]


def manifests() -> list[Any]:
    return [document for document in documents() if "kind" in document]


def container_commands(manifest: Any) -> list[list[str]]:
    pod = manifest["spec"].get("template", {}).get("spec", {"containers": []})
    return [container["command"] for container in pod["containers"]]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize("block", SHELL)
def test_shell_that_is_shown_can_be_read(block: str) -> None:
    done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("block", code_blocks("cluster.md", "python"))
def test_python_that_is_shown_can_be_read(block: str) -> None:
    ast.parse(block)


def test_a_slurm_job_asks_for_what_slurm_knows() -> None:
    """Its options stand before the first command: SLURM reads none after it."""
    (script,) = SBATCH
    head, _, body = script.partition("set -eu\n")
    assert script.startswith("#!/bin/bash\n#SBATCH ")
    assert "#SBATCH" not in body
    asked = dict(re.findall(r"^#SBATCH --([a-z-]+)=(\S+)$", head, re.MULTILINE))
    assert len(asked) == head.count("#SBATCH")
    assert set(asked) == {"job-name", "nodes", "ntasks-per-node", "cpus-per-task", "mem-per-cpu", "time"}
    assert re.fullmatch(r"\d\d:\d\d:\d\d", asked["time"])
    assert int(asked["cpus-per-task"]) == 1


def test_our_commands_take_the_options_that_are_shown() -> None:
    shown = commands("mnist-tune")
    assert len(shown) >= 3
    for words in shown:
        given = make_command_parser().parse_args(words)
        assert given.scheduler


def test_dask_s_commands_take_the_options_that_are_shown() -> None:
    pytest.importorskip("distributed")
    from distributed.cli import dask_scheduler, dask_worker

    known: dict[str, Any] = {"scheduler": dask_scheduler.main, "worker": dask_worker.main}
    shown = commands("dask")
    assert {words[0] for words in shown} == set(known)
    for name, *words in shown:
        known[name].make_context(name, words, resilient_parsing=False)


def test_manifests_fit_together() -> None:
    by_name = {(one["kind"], one["metadata"]["name"]): one for one in manifests()}
    assert set(by_name) == {
        ("Service", "mnist-tune-scheduler"),
        ("Deployment", "mnist-tune-scheduler"),
        ("Deployment", "mnist-tune-worker"),
    }
    for (kind, _), one in by_name.items():
        if kind == "Deployment":
            labels = one["spec"]["template"]["metadata"]["labels"]
            assert one["spec"]["selector"]["matchLabels"] == labels
    service = by_name["Service", "mnist-tune-scheduler"]["spec"]
    scheduler = by_name["Deployment", "mnist-tune-scheduler"]["spec"]["template"]
    assert service["selector"] == scheduler["metadata"]["labels"]
    (port,) = service["ports"]
    assert scheduler["spec"]["containers"][0]["ports"] == [{"containerPort": port["port"]}]
    (words,) = container_commands(by_name["Deployment", "mnist-tune-worker"])
    assert f"tcp://mnist-tune-scheduler:{port['port']}" in words


def test_manifests_are_what_kubernetes_expects() -> None:
    validate = pytest.importorskip("kubernetes_validate")
    for manifest in manifests():
        validate.validate(manifest, validate.latest_version(), strict=True)
    with pytest.raises(validate.ValidationError):
        validate.validate({**manifests()[-1], "spec": {"replicas": "many"}}, validate.latest_version(), strict=True)


def test_dask_s_configuration_has_the_keys_that_dask_knows() -> None:
    dask = pytest.importorskip("dask")
    pytest.importorskip("distributed")
    (shown,) = [document for document in documents() if "distributed" in document]
    tls = shown["distributed"]["comm"]["tls"]
    for key in ("require-encryption", "tls.ca-file", *(f"tls.{who}.{what}" for who in ("scheduler", "worker", "client") for what in ("cert", "key"))):  # fmt: skip
        dask.config.get(f"distributed.comm.{key}")
    assert set(tls) == {"ca-file", "scheduler", "worker", "client"}
