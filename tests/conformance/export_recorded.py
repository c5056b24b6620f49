"""Unpacks recorded runs of Caffe2's operators, which hold pickled arrays, for recorded_test.cc.

  export_recorded.py list FOLDER           prints "NAME TYPE" for each FOLDER/NAME.zip
  export_recorded.py unpack FOLDER TARGET  for each FOLDER/NAME.zip, writes op.pb, grad_N.pb,
                                           input_N.npy and output_N.npy into TARGET/NAME; an input
                                           that is no array becomes input_N.other

A recorded run is pickled: only unpack files that you trust. Exits with 3 where NumPy is missing.
"""

import io
import os
import sys
import zipfile


def varint(data, position):
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position


def operator_type(data):
    """The field `type` (4) of a serialized OperatorDef."""
    position = 0
    found = ""
    while position < len(data):
        key, position = varint(data, position)
        if key & 7 == 0:
            _, position = varint(data, position)
        elif key & 7 == 2:
            length, position = varint(data, position)
            if key >> 3 == 4:
                found = data[position:position + length].decode()
            position += length
        else:
            position += {1: 8, 5: 4}[key & 7]
    return found


def recorded(folder):
    """The name and the path of each recorded run."""
    for name in sorted(os.listdir(folder)):
        if name.endswith(".zip"):
            yield name[:-len(".zip")], os.path.join(folder, name)


def list_types(folder):
    for name, path in recorded(folder):
        with zipfile.ZipFile(path) as archive:
            print(name, operator_type(archive.read("op.pb")))


def save(path, value, np):
    """False where there is no .npy of such a value."""
    if not isinstance(value, (np.ndarray, np.generic)):
        return False
    np.save(path, np.asarray(value))
    return True


def unpack(path, target, np):
    os.makedirs(target)
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".pb"):
                with open(os.path.join(target, os.path.basename(name)), "wb") as out:
                    out.write(archive.read(name))
        arrays = np.load(io.BytesIO(archive.read("inout.npz")), allow_pickle=True, encoding="bytes")
        for kind in ("input", "output"):
            for i, value in enumerate(arrays[kind + "s"]):
                base = os.path.join(target, f"{kind}_{i}")
                if not save(base + ".npy", value, np):
                    open(base + ".other", "w").close()


def unpack_all(folder, target):
    try:
        import numpy as np
    except ImportError:
        sys.exit(3)
    for name, path in recorded(folder):
        unpack(path, os.path.join(target, name), np)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "list":
        list_types(sys.argv[2])
    elif len(sys.argv) == 4 and sys.argv[1] == "unpack":
        unpack_all(sys.argv[2], sys.argv[3])
    else:
        sys.exit(__doc__)
