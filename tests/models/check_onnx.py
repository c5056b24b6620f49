"""Writes a net as ONNX, in every opset that takes it, and lets ONNX's own checker and shape inference
(Debian's python3-onnx) look at the models."""

import argparse
import os
import subprocess
import sys
import tempfile

SKIPPED = 77


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("net")
    parser.add_argument("--init", required=True)
    parser.add_argument("--shape", required=True)
    parser.add_argument("--doppio", required=True)
    parser.add_argument("--first", type=int, default=7, help="the first opset that takes it")
    arguments = parser.parse_args()
    try:
        import onnx  # pylint: disable=import-outside-toplevel
    except ImportError:
        print("needs python3-onnx")
        return SKIPPED
    if not os.path.exists(arguments.net):
        print(f"needs {arguments.net}")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        for opset in range(7, 18):
            command = [arguments.doppio, "convert", arguments.net, "--init", arguments.init, path,
                       "--shape", arguments.shape, "--opset", str(opset)]
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            if (result.returncode == 0) != (opset >= arguments.first):
                print(f"opset {opset}: {result.stdout}{result.stderr}")
                return 1
            if result.returncode == 0:
                onnx.checker.check_model(path, full_check=True)
                print(f"opset {opset}: {os.path.getsize(path)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
