"""What the tests of the Python package share. `tests/python/test_*.py` are run by ctest, or by

    PYTHONPATH=build/release/python /usr/bin/python3 -m pytest tests/python
"""

import os
import pathlib
import subprocess
import zlib

import numpy as np
import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def rng(request):
    """Random numbers, the same ones in every run of a test: seeded by its name, or by
    DOPPIO_TEST_SEED. The seed is printed, which pytest shows when the test fails."""
    seed = int(os.environ.get("DOPPIO_TEST_SEED") or zlib.crc32(request.node.nodeid.encode()))
    print(f"DOPPIO_TEST_SEED={seed}")
    return np.random.default_rng(seed)


@pytest.fixture(scope="session")
def source_dir():
    """The project's folder."""
    return SOURCE


@pytest.fixture(scope="session")
def build_dir():
    """The folder of the build under test."""
    given = os.environ.get("DOPPIO_BUILD_DIR")
    if given:
        return pathlib.Path(given)
    import doppio

    return pathlib.Path(doppio.__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def shared():
    """The folder of data that is not part of the project; tests that need it are skipped without."""
    path = pathlib.Path(os.environ.get("DOPPIO_SHARED") or SOURCE.parent / "shared")
    if not path.is_dir():
        pytest.skip(f"no folder {path} (DOPPIO_SHARED names another): data for this test is not here")
    return path.resolve()


@pytest.fixture(scope="session")
def doppio_command(build_dir):
    """Runs the doppio command of the build with these arguments, and returns what it prints."""
    command = build_dir / "bin" / "doppio"
    if not command.exists():
        pytest.skip(f"{command} was not built (target doppio_command)")
    return lambda *arguments: subprocess.run([command, *arguments], check=True,
                                             stdout=subprocess.PIPE).stdout.decode()


@pytest.fixture
def default_workspace():
    """The old front end's current workspace, empty; nothing is left of it afterwards."""
    from doppio import caffe2_state

    caffe2_state.switch_workspace("default", True)
    caffe2_state.reset_workspace()
    yield
    caffe2_state.on_module_exit()
