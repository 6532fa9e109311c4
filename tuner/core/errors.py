"""The errors that end the program, each with its exit code.

A message is one line: what was wrong, what was expected, what was received, what to do.
Anything that is not a `MnistTuneError` is a bug and keeps its traceback.
"""


class MnistTuneError(Exception):
    """The root of all errors that are reported in one line. Exit code 1."""

    exit_code = 1


class UsageError(MnistTuneError):
    """A user's mistake in an option, an argument or a file that was given. Exit code 2."""

    exit_code = 2


class DataError(UsageError):
    """A data set that can't be used: missing, truncated, of the wrong shape, type or labels."""


class JournalError(MnistTuneError):
    """A journal or another file of a run's folder that is damaged."""


class RunFailed(MnistTuneError):
    """A run that can't continue: no trial completed, or the first ones all failed alike."""


class NoSpace(RunFailed):
    """A disk or quota that is full. Finished trials are kept; the run can be resumed once there is space."""


class Interrupted(MnistTuneError):
    """A run that was stopped by Ctrl-C, SIGTERM or SIGHUP; finished trials are kept. Exit code 130."""

    exit_code = 130


def fault(what: str, *, expected: str, received: object, do: str) -> DataError:
    """Return an error whose message is one line: what was wrong, expected, received, and what to do."""
    line = f"{what}. Expected {expected}. Received: {received}. {do[:1].upper()}{do[1:]}."
    return DataError(" ".join(line.split()))
