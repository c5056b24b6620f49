"""The package as people get it: by pip, by CMake, and how long importing it takes."""

import os
import pathlib
import subprocess
import sys
import tarfile
import zipfile

import pytest

import doppio

# Importing must find what was installed, and nothing else; a sanitizer's LD_PRELOAD stays.
CLEAN = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
# Tools are run without it: they are no part of what is tested.
TOOLS = {key: value for key, value in CLEAN.items() if not key.startswith("LD_PRELOAD")}

PROGRAM = """
import sys
import numpy as np
import doppio
net = doppio.Net("demo")
net.SumElements(net.Expand("X", "shape", name="Y"), name="loss")
ws = doppio.Workspace()
ws["X"] = np.float32([[1], [2]])
ws["shape"] = [2, 3]
ws.run(net)
import doppio.net_pb2
assert doppio.net_pb2.NetDef.FromString(net.to_bytes()).op[0].type == "Expand"
print(doppio.__file__, doppio.__version__, float(ws["loss"]))
"""


def python(*arguments, **options):
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False,
                          **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def runs_from(site, folder):
    """Runs a net with the package in `site` alone, from an empty folder."""
    folder.mkdir()
    said = python("-B", "-c", PROGRAM, cwd=folder, env={**CLEAN, "PYTHONPATH": str(site)})
    file, version, loss = said.split()
    assert pathlib.Path(file).is_relative_to(site) and loss == "9.0"
    assert list(folder.iterdir()) == []
    return version


@pytest.fixture(scope="module")
def is_shared(build_dir):
    return "BUILD_SHARED_LIBS:BOOL=ON" in (build_dir / "CMakeCache.txt").read_text()


def test_pip_installs_it(tmp_path, source_dir, build_dir, is_shared):
    if is_shared:
        pytest.skip("a wheel carries no shared libdoppio")
    before = set(source_dir.iterdir())
    python("-m", "pip", "install", str(source_dir), "--no-deps", "--no-index", "--no-warn-script-location",
           "--disable-pip-version-check", "--target", str(tmp_path / "site"),
           "--config-settings", f"build-dir={build_dir}", cwd=tmp_path, env=TOOLS)
    version = runs_from(tmp_path / "site", tmp_path / "empty")
    about = tmp_path / "site" / f"doppio-{version}.dist-info" / "METADATA"
    assert "Requires-Dist: numpy" in about.read_text()
    names = {path.name for path in (tmp_path / "site" / "doppio").iterdir()}
    assert names >= {"py.typed", "_operators.pyi", "_core.pyi", "net_pb2.py", "net_pb2.pyi", "net.py"}
    assert set(source_dir.iterdir()) == before


def test_cmake_installs_it(tmp_path, build_dir, is_shared):
    def install(*arguments):
        subprocess.run(["cmake", "--install", build_dir, "--prefix", tmp_path / "prefix", *arguments],
                       check=True, capture_output=True, env=TOOLS)

    install("--component", "python")
    assert not list(tmp_path.rglob("*.h")) and not list(tmp_path.rglob("libdoppio*"))
    if is_shared:
        install("--component", "Unspecified")
    site = next((tmp_path / "prefix").rglob("doppio/__init__.py")).parent.parent
    runs_from(site, tmp_path / "empty")


@pytest.fixture
def backend(source_dir, monkeypatch):
    monkeypatch.syspath_prepend(str(source_dir / "python" / "packaging"))
    import build_backend

    return build_backend


@pytest.mark.parametrize("has_git", [True, False])
def test_the_source_archive_has_all_that_a_build_needs(tmp_path, backend, monkeypatch, has_git):
    if not has_git:
        monkeypatch.setenv("PATH", "/nowhere")
    name = backend.build_sdist(tmp_path)
    with tarfile.open(tmp_path / name) as archive:
        names = {path.partition("/")[2] for path in archive.getnames()}
    assert names >= {"PKG-INFO", "pyproject.toml", "CMakeLists.txt", "README.md", "src/base/shape.cc",
                     "python/packaging/build_backend.py", "python/doppio/__init__.py",
                     "proto/doppio/net.proto"}
    assert not any(name.startswith(("build/", ".git/")) for name in names)


def test_an_editable_wheel_points_to_the_build(tmp_path, backend, build_dir, monkeypatch):
    monkeypatch.setattr(backend, "build", lambda settings: build_dir)
    with zipfile.ZipFile(tmp_path / backend.build_editable(tmp_path)) as wheel:
        assert wheel.read("doppio.pth").decode().strip() == str(build_dir.resolve() / "python")


@pytest.mark.parametrize("settings, message", [
    ({"build-dir": "nowhere"}, "build-dir=nowhere is no folder in which doppio was configured"),
    ({}, "there is no `cmake`"),
])
def test_what_a_build_lacks_is_said(backend, monkeypatch, settings, message):
    if not settings:
        monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SystemExit) as error:
        backend.build_wheel("/nowhere", settings)
    assert message in str(error.value) and "tools/setup" in str(error.value)


def test_stubs_are_made_where_numpy_is_not_installed(tmp_path, source_dir, build_dir):
    module = doppio._core.__file__
    python("-S", "-B", str(source_dir / "python" / "packaging" / "stubs.py"), module, str(tmp_path))
    for name in ("_core.pyi", "_operators.pyi"):
        made = build_dir / "python" / "doppio" / name
        assert (tmp_path / name).read_text() == made.read_text()


def test_a_numpy_that_the_binding_does_not_know_is_refused(tmp_path):
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "__init__.py").write_text("__version__ = '2.1.0'\n")
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import doppio"
    with pytest.raises(AssertionError, match="doppio needs NumPy 1.24 or a later 1.x, not 2.1.0"):
        python("-c", program)


def test_importing_leaves_others_out():
    program = "import sys, doppio; print(*sys.modules)"
    loaded = set(python("-c", program).split())
    unwanted = {name for name in loaded
                if name.startswith(("google", "doppio.net_pb2", "torch", "caffe2", "onnx",
                                    "doppio.notebook"))}
    assert not unwanted
