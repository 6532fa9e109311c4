"""Workers that train trials of the same rung together, as one program in one process a GPU.

Which trials share a program is decided here, from their networks as data; the process trains them
(`tuner.training.stacked_trials`). What can't share one trains by ordinary workers: a user's own HyperModel, a trial whose model is
kept or quantised, evaluations, exports.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from search_spaces.families.family import Family
from search_spaces.families.registry import load_family
from search_spaces.hyperparameters.recipe import Recipe
from search_spaces.networks.costs import check_output
from search_spaces.stacked.grouping import CPU, GPU, OPTIMIZERS, DeviceCosts, Grouping, Network
from tuner.core.records import Json
from tuner.processes.tasks import PATIENCE, RESTORE_BEST, Event, SpaceRef, StackTask, Task, TrainTask
from tuner.workers.local import LocalWorkers, Workers

STACK_MODULE = "tuner.workers.stacked_worker"
_WINDOW = 4
"""Trials that wait to be grouped, as a multiple of a program's most: a rung has several batch sizes."""
_POLL_S = 0.05
_IMAGES = 54_000
"""MNIST's training images. The workers don't know the run's, and this many tell well enough whether compiling is worth its time."""


@dataclass
class StackedWorkers:
    """One process a GPU, or one a core where there is none, each training several trials at once; and ordinary workers.

    Args:
        most: the largest number of trials in a program.
        data_folder: the folder that `tuner.data.dataset.save_arrays` wrote.
        log_folder: the folder for the workers' output.
        gpus: the number of GPUs; 0 for the CPU.
        processes: the number of ordinary workers.
        learns: True where the next trial depends on the results of those before: fewer wait.
        make_others: makes the ordinary workers, when the first task needs them.
        costs: of the device; None: by `gpus`.
        module: the module that a process runs.
    """

    most: int
    data_folder: Path
    log_folder: Path
    gpus: int
    processes: int
    learns: bool
    make_others: Callable[[], Workers]
    costs: DeviceCosts | None = None
    module: str = STACK_MODULE
    _waiting: list[TrainTask] = field(default_factory=list)
    _running: dict[str, _Stack] = field(default_factory=dict)
    _events: list[Event] = field(default_factory=list)
    _others: Workers | None = None
    _programs: int = 0

    def __post_init__(self) -> None:
        self._stacks = LocalWorkers(
            size=self.gpus or self.processes,
            data_folder=self.data_folder,
            log_folder=self.log_folder / "stacked",
            gpus=self.gpus,
            module=self.module,
            backend="jax",
        )

    @property
    def size(self) -> int:
        """Return the number of trials that train or wait to be grouped."""
        return self.most if self.learns else self.most * _WINDOW

    def submit(self, task: Task) -> None:
        """Queue a task: with others for a common program, if it can have one."""
        if isinstance(task, TrainTask) and can_be_stacked(task):
            self._waiting.append(task)
            return
        if self._others is None:
            self._others = self.make_others()
        self._others.submit(task)

    def next_event(self, timeout_s: float) -> Event | None:
        """Return the next event of a trial or another task, or None after the timeout."""
        deadline = time.monotonic() + timeout_s
        while True:
            self._hand_out()
            if self._events:
                return self._events.pop(0)
            if self._others is not None and (event := self._others.next_event(0.0)) is not None:
                return event
            left = max(0.0, deadline - time.monotonic())
            received = self._stacks.next_event(min(_POLL_S, left) if self._others is not None else left)
            if received is not None:
                self._events += self._unpacked(received)
            elif time.monotonic() >= deadline:
                return None

    def drop(self) -> None:
        """Drop all tasks; end the running ones."""
        self._waiting, self._events, self._running = [], [], {}
        self._stacks.drop()
        if self._others is not None:
            self._others.drop()

    def close(self) -> None:
        """End every process."""
        self._stacks.close()
        if self._others is not None:
            self._others.close()

    def _hand_out(self) -> None:
        """Give each free process the program with the earliest of the waiting trials.

        Programs are chosen anew each time: meanwhile more trials may wait.
        """
        while self._waiting and self._stacks.free > 0:
            members = {task.id for task in self._next_program()}
            tasks = tuple(task for task in self._waiting if task.id in members)
            self._waiting = [task for task in self._waiting if task.id not in members]
            self._submit(tasks)

    def _next_program(self) -> Sequence[TrainTask]:
        together = defaultdict(list)
        for task in self._waiting:
            together[_common(task)].append(task)
        tasks = next(iter(together.values()))
        costs = self.costs or (GPU if self.gpus else CPU)
        family, batch_size = _family(tasks[0].space), _recipe(tasks[0]).batch_size
        steps = max(1, round(tasks[0].epochs * _IMAGES / batch_size))
        grouping = Grouping(family.problem.input_shape, batch_size, steps, self.most, costs)
        networks: list[Network] = [family.specs(task.configuration) for task in tasks]
        return [tasks[member] for member in grouping.programs(networks)[0].members]

    def _submit(self, tasks: tuple[TrainTask, ...]) -> None:
        self._programs += 1
        stack = StackTask(id=f"stack-{self._programs}", tasks=tasks)
        self._running[stack.id] = _Stack(stack, {task.id for task in tasks})
        self._stacks.submit(stack)

    def _unpacked(self, event: Event) -> Iterator[Event]:
        """Yield what an event of a program says about its trials."""
        stack = self._running[event.task]
        if event.kind == "epoch":
            # A program that is run again after its process was lost repeats trials that have ended.
            if event.body["id"] in stack.left:
                yield stack.take(event)
            return
        del self._running[event.task]
        yield from self._ended(stack, event)

    def _ended(self, stack: _Stack, event: Event) -> Iterator[Event]:
        """Train the trials that a failed program has left in two smaller ones; one that failed alone has failed."""
        left = tuple(task for task in stack.task.tasks if task.id in stack.left)
        if len(left) == 1 and len(stack.task.tasks) == 1:
            error = event.error or "its program ended without it"
            yield Event(
                kind="failed",
                task=left[0].id,
                worker=event.worker,
                error=error,
                duration_s=event.duration_s,
                no_space=event.no_space,
            )
            return
        half = (len(left) + 1) // 2
        for tasks in (left[:half], left[half:]):
            if tasks:
                self._submit(tasks)


@dataclass
class _Stack:
    task: StackTask
    left: set[str]
    """The trials that have not ended."""

    def take(self, event: Event) -> Event:
        """Return the event of the trial that a program reports."""
        body: Json = event.body
        if body["event"] != "epoch":
            self.left.discard(body["id"])
        return Event(
            kind=body["event"],
            task=body["id"],
            worker=event.worker,
            body=body.get("body", {}),
            error=body.get("error"),
            duration_s=body["duration_s"],
        )


def can_be_stacked(task: TrainTask) -> bool:
    """Return whether a trial can share a program.

    It is of a built-in space, its model is not kept, programs have its optimizer, its network ends in one place.
    """
    if task.space.interface is not None or ":" in task.space.name or task.keep is not None:
        return False
    if task.objective == "int8":  # is quantised after training
        return False
    if task.diagnostics or task.refit or {PATIENCE, RESTORE_BEST} & task.configuration.keys():
        return False
    if _recipe(task).optimizer not in OPTIMIZERS:
        return False
    family = _family(task.space)
    try:
        check_output(family.specs(task.configuration), family.problem.input_shape)
    except ValueError:
        return False
    end = family.layers(task.configuration)[-1].shape
    return end in ((family.classes,), (1, 1, family.classes))


def _common(task: TrainTask) -> tuple[object, ...]:
    """Return what the tasks of a program share."""
    return task.space, task.epochs, task.seed, task.fold, task.objective, task.stop_early, _recipe(task).batch_size


def _recipe(task: TrainTask) -> Recipe:
    return _family(task.space).recipe(task.configuration)


@lru_cache(maxsize=4)
def _family(space: SpaceRef) -> Family:
    return load_family(space.name, **space.arguments)
