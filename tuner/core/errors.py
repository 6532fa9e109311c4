"""The errors that end the program, each with its exit code.

A message is one line: what was wrong, what was expected, what was received, what to do.
Anything that is not a `MnistTuneError` is a bug and keeps its traceback.
"""


class MnistTuneError(Exception):
    """The root of all errors that are told in one line. Exit code 1."""

    exit_code = 1


class UsageError(MnistTuneError):
    """A user's mistake in an option, an argument or a file that was given. Exit code 2."""

    exit_code = 2


class DataError(UsageError):
    """A data set that can't be used: missing, truncated, of the wrong shape, type or labels."""


class JournalError(MnistTuneError):
    """A journal or another file of a run's folder that is damaged."""


class RunFailed(MnistTuneError):
    """A run that can't go on: no trial completed, or the first ones all failed alike."""


class NoSpace(RunFailed):
    """A disk or quota that is full. What finished is kept; once there is space the run can go on."""


class Interrupted(MnistTuneError):
    """A run that was stopped by Ctrl-C, SIGTERM or SIGHUP; what finished is kept. Exit code 130."""

    exit_code = 130
