"""The variables that a process that trains is started with."""

from __future__ import annotations

import pytest

from tuner.processes import kernels
from tuner.run.run_document import describe_machine


def test_variables_that_choose_kernels_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in kernels.KERNEL_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert describe_machine().kernel_variables == {"TF_ENABLE_ONEDNN_OPTS": "1"}
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert describe_machine().kernel_variables == {"TF_ENABLE_ONEDNN_OPTS": "0"}


def test_a_training_process_gets_the_allocator_settings_that_the_user_has_not_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.top_pad=5:glibc.cpu.x86_ibt=on")
    (value,) = kernels.allocator_variables().values()
    assert value.startswith("glibc.malloc.top_pad=5:glibc.cpu.x86_ibt=on:glibc.malloc.arena_max=1:")
    assert value.count("top_pad") == 1
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    assert kernels.allocator_variables() == {}
    assert kernels.training_variables() == {"TF_ENABLE_ONEDNN_OPTS": "1"}


@pytest.mark.parametrize(
    ("variables", "features", "used"),
    [
        ({}, ["avx2"], False),
        ({}, ["avx2", "avx512_vnni"], True),
        ({"TF_ENABLE_ONEDNN_OPTS": "1"}, ["avx2"], True),
        ({"TF_ENABLE_ONEDNN_OPTS": "0"}, ["amx_tile"], False),
    ],
)
def test_onednn_is_used_where_the_variable_or_the_processor_says_so(
    variables: dict[str, str], features: list[str], used: bool
) -> None:
    assert kernels.uses_onednn(variables, features) == used
