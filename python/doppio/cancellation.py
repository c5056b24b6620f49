"""Ending what takes too long."""

from __future__ import annotations

from types import TracebackType

from doppio import _core

__all__ = ["Cancellation"]


class Cancellation(_core.Cancellation):
    """Ends what doppio does in a `with` block when a time is over, or when another thread says so.

    >>> ws = doppio.Workspace()
    >>> ws["yes"] = True
    >>> endless = doppio.Net("endless")
    >>> _ = endless.add("While", "yes", [], loop_net=doppio.Net("nothing"))
    >>> with doppio.Cancellation(timeout=0.01):
    ...     ws.run(endless)
    Traceback (most recent call last):
    doppio.errors.DeadlineExceededError: net "endless", op 0 While(yes): net "nothing": not run: \
the deadline has passed

    `timeout` is in seconds, counted from when the object is made. `cancel()` may be called from any
    thread, and for good: what is under way in a block of this cancellation, or begins there, raises
    CancelledError. Nets, plans, predictors, trainings, waits for queues and loading end before the
    next operator, turn of a loop or record; a workspace is as usable afterwards as after any error.

    Blocks hold for their own thread (and asyncio task); many may be in blocks of one cancellation.
    """

    def __init__(self, timeout: float | None = None):
        super().__init__(timeout)

    def cancel(self) -> None:
        """Ends whatever is in a block of this cancellation."""
        super().cancel()

    def __enter__(self) -> Cancellation:
        self.enter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.leave()

    def __repr__(self) -> str:
        return "<doppio.Cancellation>"
