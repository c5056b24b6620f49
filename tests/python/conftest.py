import os
import pathlib
import subprocess

import numpy as np
import pytest


@pytest.fixture
def rng(request):
    """A random generator; pytest shows its seed when the test fails."""
    seed = int(os.environ.get("DOPPIO_SEED", "20261122"))
    print(f"DOPPIO_SEED={seed}")
    return np.random.default_rng(seed)


@pytest.fixture
def doppio_command():
    """Runs the doppio command that was built beside the package."""
    command = pathlib.Path(os.environ["DOPPIO_BIN_DIR"]) / "doppio"
    return lambda *arguments: subprocess.run([command, *arguments], check=True,
                                             stdout=subprocess.PIPE).stdout.decode()
