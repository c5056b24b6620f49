"""What `tools/bench-peers install` does: gets what doppio is compared with, through the clients of the
package managers."""

import argparse
import glob
import os
import shutil
import subprocess

from peers import fail

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                     "doppio", "peers")
DEBIAN = {"numpy": "python3-numpy", "torch": "python3-torch", "torchvision": "python3-torchvision"}
ONNXRUNTIME = "onnxruntime-node"  # the package of npm that has the library inside


def run(command, folder=None):
    if not shutil.which(command[0]):
        fail(f"{command[0]} is not installed here")
    if subprocess.run(command, cwd=folder, check=False).returncode != 0:
        fail(f"{' '.join(command)} failed")


def onnxruntime(cache):
    folder = os.path.join(cache, "onnxruntime")
    os.makedirs(folder, exist_ok=True)
    run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder,
         ONNXRUNTIME])


def openblas(cache):
    """Unpacked beside the system's libraries, whose BLAS stays what it is."""
    folder = os.path.join(cache, "openblas")
    os.makedirs(folder, exist_ok=True)
    run(["apt-get", "download", "libopenblas0-pthread"], folder)
    for package in glob.glob(os.path.join(folder, "*.deb")):
        run(["dpkg", "-x", package, folder])


IN_CACHE = {"onnxruntime": (onnxruntime, "libonnxruntime.so.1"),
            "openblas": (openblas, "libopenblas.so.0")}


def find(peer, cache=CACHE):
    """The library of a peer that is in the cache."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(os.uname().machine, "")
    pattern = os.path.join(cache, peer, "**", IN_CACHE[peer][1])
    found = [path for path in glob.glob(pattern, recursive=True)
             if peer != "onnxruntime" or f"/linux/{machine}/" in path]
    if not found:
        fail(f"{peer} is not in {cache}, so there is nothing to compare with "
             f"(tools/bench-peers install {peer})")
    return found[0]


def main(arguments):
    parser = argparse.ArgumentParser(
        prog="bench-peers install", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Installs what doppio is compared with: packages of Debian (as root), and, in a "
                    "folder of their own,\nONNX Runtime out of its package for npm and OpenBLAS out of "
                    "Debian's.")
    parser.add_argument("peers", nargs="+", metavar="PEER", choices=[*IN_CACHE, *DEBIAN],
                        help=", ".join([*IN_CACHE, *DEBIAN]))
    parser.add_argument("--cache", default=CACHE, help=f"that folder; default {CACHE}")
    options = parser.parse_args(arguments)
    debian = [DEBIAN[peer] for peer in options.peers if peer in DEBIAN]
    if debian:
        run(["apt-get", "install", "--yes", *debian])
    for peer in options.peers:
        if peer in IN_CACHE:
            IN_CACHE[peer][0](options.cache)
            print(find(peer, options.cache))
