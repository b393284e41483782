"""The exit codes of the command, and which error gives which. Nothing here may do I/O."""

from __future__ import annotations

__all__ = [
    "ANSWER_WRONG",
    "BUG",
    "FOUND",
    "INTERRUPTED",
    "NODE_ERROR",
    "NOT_REACHED",
    "NOT_WRITTEN",
    "OK",
    "OUTCOME_UNKNOWN",
    "PIPE_CLOSED",
    "REFUSED",
    "USAGE",
    "exit_code",
]

OK = 0
FOUND = 1  #: what was looked for was found: a doctor's or a check's error, a difference
USAGE = 2  #: the arguments, the settings or the data are wrong; nothing was sent
NOT_REACHED = 3  #: no whole answer came, and nothing can have happened
REFUSED = 4  #: the node answered 3xx or 4xx
NODE_ERROR = 5  #: the node answered 5xx
OUTCOME_UNKNOWN = 6  #: a write may have happened
ANSWER_WRONG = 7  #: the answer is not what was declared, or a watch gave up
BUG = 70  #: an error in ron or in the code that declares the resources (sysexits.h: EX_SOFTWARE)
NOT_WRITTEN = 74  #: the output could not be written (sysexits.h: EX_IOERR)
INTERRUPTED = 130  #: Ctrl-C: 128 and the number of SIGINT
PIPE_CLOSED = 141  #: the reader of the output has gone: 128 and the number of SIGPIPE


def exit_code(error: BaseException) -> int:
    """The code that an error ends the command with."""
    from .. import errors

    if isinstance(error, errors.RonConfigError):
        return USAGE
    if isinstance(error, errors.RonOutcomeUnknownError):
        return OUTCOME_UNKNOWN
    if isinstance(error, errors.RonNetworkError):
        return NOT_REACHED
    if isinstance(error, errors.RonProblemError):
        return NODE_ERROR if error.status_code >= 500 else REFUSED
    if isinstance(error, errors.RonError):
        return ANSWER_WRONG
    return NOT_WRITTEN if isinstance(error, OSError) else BUG
