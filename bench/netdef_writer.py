"""Writes NetDefs in the wire format of protocol buffers, with NumPy arrays as weights: as much of the
format as an exporter needs, without the protobuf package."""

import struct

import numpy


def _varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _bytes(field, payload):
    return _varint(field << 3 | 2) + _varint(len(payload)) + payload


def _text(field, text):
    return _bytes(field, text.encode())


def _floats(field, values):
    """A repeated float that is not packed: every element behind a tag."""
    tag = field << 3 | 5
    out = numpy.empty((values.size, 5), numpy.uint8)
    out[:, 0] = tag
    out[:, 1:] = numpy.ascontiguousarray(values, "<f4").view(numpy.uint8).reshape(-1, 4)
    return out.tobytes()


def argument(name, value):
    out = _text(1, name)
    if isinstance(value, float):
        out += _varint(2 << 3 | 5) + struct.pack("<f", value)
    elif isinstance(value, int):
        out += _varint(3 << 3) + _varint(value)
    elif isinstance(value, str):
        out += _text(4, value)
    elif isinstance(value, numpy.ndarray):
        out += _floats(5, value)
    else:  # whole numbers
        out += b"".join(_varint(6 << 3) + _varint(v) for v in value)
    return out


def operator(kind, inputs, outputs, **arguments):
    out = b"".join(_text(1, blob) for blob in inputs)
    out += b"".join(_text(2, blob) for blob in outputs)
    out += _text(4, kind)
    return out + b"".join(_bytes(5, argument(name, value)) for name, value in arguments.items())


def fill(blob, values):
    """The operator that makes a blob of these values."""
    return operator("GivenTensorFill", [], [blob], shape=list(values.shape),
                    values=values.reshape(-1))


def net(name, operators, inputs=(), outputs=()):
    out = _text(1, name) + b"".join(_bytes(2, op) for op in operators)
    out += b"".join(_text(7, blob) for blob in inputs)
    return out + b"".join(_text(8, blob) for blob in outputs)
