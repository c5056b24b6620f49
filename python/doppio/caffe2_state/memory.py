"""Blobs of a net that may be one (what Caffe2 calls memonger): a blob takes the place of others that
nobody reads any more."""

from typing import Any, Collection, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set
from typing import Union

from doppio import _core, errors
from doppio.caffe2_state.protos import caffe2_pb2, parse

__all__ = ["memonger_compute_blob_recycling_for_dag", "memonger_optimize_inference_net"]

_Text = Union[str, bytes]


def _names(names: Iterable[_Text]) -> List[str]:
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def _checked(net_def: bytes) -> Any:
    net = parse(caffe2_pb2.NetDef, net_def)
    for op in net.op:
        problems = _core.schema_problems(op.SerializeToString())
        if problems:
            raise errors.InvalidArgumentError(
                f"{op.type} does not pass the checks of its schema: {problems[0]}")
    return net


class _Place(NamedTuple):
    """Where blobs live, one after the other. Sets of operators are numbers, a bit for each."""

    blobs: List[str]
    users: List[int]  # of each blob
    device: bytes
    size: int


def _in_nets(op: Any) -> Set[str]:
    """Blobs that cannot get other names, since nets in the operator or its arguments know them."""
    if not any(arg.HasField("n") or arg.nets for arg in op.arg):
        return set()
    return set(op.input) | set(op.output)


def _before(ops: Sequence[Any]) -> List[int]:
    """For each operator all that must have run when it runs, in whatever order the others do."""
    before: List[int] = []
    writers: Dict[str, int] = {}
    readers: Dict[str, int] = {}
    for k, op in enumerate(ops):
        direct = 0
        for blob in op.input:
            direct |= writers.get(blob, 0)
        for blob in op.output:
            direct |= writers.get(blob, 0) | readers.get(blob, 0)
        whole = direct
        for j in range(k):
            if direct >> j & 1:
                whole |= before[j]
        before.append(whole)
        for blob in op.input:
            readers[blob] = readers.get(blob, 0) | 1 << k
        for blob in op.output:
            writers[blob] = writers.get(blob, 0) | 1 << k
    return before


def _size(blob: str, shapes: Mapping[str, Sequence[int]]) -> int:
    size = 1
    for length in shapes.get(blob, (0,)):
        size *= length
    return size


def _best(places: List[_Place], done: int, device: bytes, size: int) -> Optional[_Place]:
    """One whose users are all done: the smallest that is large enough, else the largest."""
    free = [place for place in places if place.device == device
            and all(users & ~done == 0 for users in place.users)]
    large = [place for place in free if place.size >= size]
    if large:
        return min(large, key=lambda place: (place.size, -len(place.blobs)))
    return max(free, key=lambda place: place.size, default=None)


def _share(net: Any, candidates: Set[str], before: Sequence[int], scope: str,
           shapes: Mapping[str, Sequence[int]]) -> None:
    users: Dict[str, int] = {}
    unread = set(candidates)
    for k, op in enumerate(net.op):
        for blob in list(op.input) + list(op.output):
            users[blob] = users.get(blob, 0) | 1 << k
        unread -= set(op.input)
    places: List[_Place] = []
    seen: Set[str] = set()
    for k, op in enumerate(net.op):
        for blob in op.output:
            if blob in seen or blob not in candidates:
                continue
            seen.add(blob)
            device = op.device_option.SerializeToString()
            size = _size(blob, shapes)
            place = _best(places, before[k], device, size)
            if place is None:
                place = _Place([], [], device, size)
            else:
                places.remove(place)
                place = place._replace(size=max(place.size, size))
            place.blobs.append(blob)
            # What nobody reads in the net may be read behind it.
            place.users.append(-1 if blob in unread else users[blob])
            places.append(place)
    taken = set(users) | set(net.external_input) | set(net.external_output)
    renamed: Dict[str, str] = {}
    number = 0
    for place in sorted(places, key=lambda place: place.blobs):
        if len(place.blobs) < 2:
            continue
        while f"{scope}__m{number}_shared" in taken:
            number += 1
        taken.add(f"{scope}__m{number}_shared")
        renamed.update((blob, f"{scope}__m{number}_shared") for blob in place.blobs)
    for op in net.op:
        for names in (op.input, op.output):
            names[:] = [renamed.get(name, name) for name in names]


def _candidates(net: Any, ops: Collection[int], keep: Set[str]) -> Set[str]:
    """Blobs that only these operators use, that one of them makes and that may get other names."""
    found: Set[str] = set()
    out = set(keep) | set(net.external_input) | set(net.external_output)
    for k, op in enumerate(net.op):
        out |= _in_nets(op)
        if k not in ops:
            out |= set(op.input) | set(op.output)
        out |= {blob for blob in op.input if blob not in found}  # was there before
        found |= set(op.output)
    return found - out


def memonger_compute_blob_recycling_for_dag(
        net_def: bytes, heads: Sequence[_Text], op_indices: Sequence[int],
        shareable: Collection[_Text], namescope: _Text, dont_share: Collection[_Text],
        blob_shapes: Mapping[_Text, Sequence[int]]) -> bytes:
    """The net (bytes) with fewer blobs: those of `shareable` that only the operators of `op_indices`
    use are one where each is read before the next is made, in whatever order a DAG runs them.
    `heads`, where Caffe2 begins to look, are not needed."""
    del heads
    net = _checked(net_def)
    keep = set(_names(dont_share))
    candidates = _candidates(net, set(op_indices), keep) & set(_names(shareable))
    shapes = dict(zip(_names(blob_shapes), blob_shapes.values()))
    _share(net, candidates, _before(net.op), _names([namescope])[0], shapes)
    return net.SerializeToString()


def memonger_optimize_inference_net(net_def: bytes, static_blobs: Sequence[_Text]) -> bytes:
    """The same for a net whose operators run in order; `static_blobs` stay. Others stay as they
    are."""
    net = _checked(net_def)
    if net.type in ("", "simple"):
        candidates = _candidates(net, range(len(net.op)), set(_names(static_blobs)))
        _share(net, candidates, [(1 << k) - 1 for k in range(len(net.op))], "", {})
    return net.SerializeToString()
