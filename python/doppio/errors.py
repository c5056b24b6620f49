"""What doppio raises. Every class is a RuntimeError, which Caffe2's front end raised for everything."""

__all__ = [
    "Error", "InvalidArgumentError", "NotFoundError", "AlreadyExistsError",
    "FailedPreconditionError", "UnimplementedError", "ResourceExhaustedError", "DataLossError",
    "CancelledError", "DeadlineExceededError", "PermissionDeniedError",
]


class Error(RuntimeError):
    """Something went wrong; the message says where and why."""

    def __str__(self) -> str:  # KeyError, a base of NotFoundError, would quote the message
        return Exception.__str__(self)


class InvalidArgumentError(Error, ValueError):
    """A shape, type, argument or net that can not be right."""


class NotFoundError(Error, KeyError):
    """No blob, net, operator or file of that name."""


class AlreadyExistsError(Error):
    """Something of that name is there already."""


class FailedPreconditionError(Error):
    """Not in this state: a net that runs already, a workspace that was closed."""


class UnimplementedError(Error, NotImplementedError):
    """doppio has no such thing (yet)."""


class ResourceExhaustedError(Error, MemoryError):
    """More memory than there is, or more than a limit allows."""


class DataLossError(Error):
    """A file that is cut off or damaged."""


class CancelledError(Error):
    """A run that was ended before it was done."""


class DeadlineExceededError(Error, TimeoutError):
    """A run that was ended because its time was over: see `Cancellation`."""


class PermissionDeniedError(Error, PermissionError):
    """A file that a net or another file names, where it may not: see `Workspace.files`."""
