"""What pip calls to build the package (PEP 517): CMake and Ninja build and install it into a folder,
which becomes a wheel. Needs only Python's own library.

    pip install .                                            # build/pip keeps what was compiled
    pip install . --config-settings build-dir=build/release  # takes over a build that is there
"""

import base64
import hashlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import tomllib
import zipfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
TAG = "-".join(["cp{0}{1}-cp{0}{1}".format(*sys.version_info),
                re.sub(r"[-.]", "_", sysconfig.get_platform())])
# Time stamps of archives, so that the same files give the same archive: 1980, the first of zip.
EPOCH = 315532800


def project():
    return tomllib.loads((SOURCE / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def version():
    text = (SOURCE / "CMakeLists.txt").read_text(encoding="utf-8")
    return re.search(r"^project\(doppio VERSION ([0-9.]+)", text, re.MULTILINE).group(1)


def full_name():
    return f"{project()['name']}-{version()}"


def metadata():
    fields = project()
    lines = ["Metadata-Version: 2.1", f"Name: {fields['name']}", f"Version: {version()}",
             f"Summary: {fields['description']}", f"Requires-Python: {fields['requires-python']}"]
    lines += [f"Requires-Dist: {needed}" for needed in fields["dependencies"]]
    for extra, needs in fields["optional-dependencies"].items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f'Requires-Dist: {needed}; extra == "{extra}"' for needed in needs]
    lines += ["Description-Content-Type: text/markdown", ""]
    return "\n".join(lines) + "\n" + (SOURCE / fields["readme"]).read_text(encoding="utf-8")


# ---- building ----

def fail(message):
    sys.exit(f"doppio can not be built: {message}\n"
             f"On Debian, {SOURCE / 'tools' / 'setup'} installs all that is needed; elsewhere "
             "`tools/setup --list` names the packages (docs/building.md).")


def run(*command):
    print("+", *command, flush=True)
    # pip hides installed packages from what it builds by PYTHONPATH; tools written in Python, as a
    # cmake from pip is, would be hidden from themselves.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if subprocess.run(command, env=environment, check=False).returncode != 0:
        fail(f"`{command[0]} {command[1]}` failed; what it said stands above.")


def build(settings):
    """Builds, and returns the folder of the build."""
    settings = settings or {}
    for tool, package in (("cmake", "cmake"), ("ninja", "ninja-build")):
        if shutil.which(tool) is None:
            fail(f"there is no `{tool}` (package {package}).")
    folder = pathlib.Path(settings.get("build-dir") or SOURCE / "build" / "pip")
    cache = folder / "CMakeCache.txt"
    if "build-dir" not in settings:
        off = [f"-DDOPPIO_BUILD_{part}=OFF" for part in ("TOOLS", "TESTS", "EXAMPLES", "BENCH")]
        run("cmake", "--preset", "release", "-S", str(SOURCE), "-B", str(folder), "-DDOPPIO_WERROR=OFF",
            "-DDOPPIO_PYTHON_INSTALL_DIR=.", f"-DPython3_EXECUTABLE={sys.executable}", *off)
    elif not cache.is_file():
        fail(f"build-dir={folder} is no folder in which doppio was configured by CMake.")
    elif "BUILD_SHARED_LIBS:BOOL=ON" in cache.read_text(encoding="utf-8"):
        fail(f"build-dir={folder} has a shared libdoppio, which a wheel does not carry.")
    run("cmake", "--build", str(folder), "--target", "doppio_python", "doppio_python_files")
    return folder


def package_files(settings):
    """{path in the wheel: content} of the package."""
    folder = build(settings)
    with tempfile.TemporaryDirectory() as stage:
        run("cmake", "--install", str(folder), "--component", "python", "--prefix", stage)
        suffix = sysconfig.get_config_var("EXT_SUFFIX")
        modules = list(pathlib.Path(stage).rglob(f"doppio/_core{suffix}"))
        if len(modules) != 1:
            fail(f"{folder} is a build for another Python than {sys.executable}.")
        site = modules[0].parent.parent
        return {str(path.relative_to(site)): (path.read_bytes(), path.stat().st_mode)
                for path in sorted(site.rglob("*")) if path.is_file()}


# ---- archives ----

def wheel_text():
    return f"Wheel-Version: 1.0\nGenerator: doppio\nRoot-Is-Purelib: false\nTag: {TAG}\n"


def write_wheel(directory, files):
    info = f"{full_name()}.dist-info"
    files = {**files, f"{info}/METADATA": (metadata().encode(), 0o644),
             f"{info}/WHEEL": (wheel_text().encode(), 0o644)}
    record = []
    name = f"{full_name()}-{TAG}.whl"
    with zipfile.ZipFile(pathlib.Path(directory) / name, "w", zipfile.ZIP_DEFLATED) as archive:
        def add(path, content, mode):
            entry = zipfile.ZipInfo(path)
            entry.external_attr = (mode | 0o100000) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)

        for path, (content, mode) in files.items():
            add(path, content, mode)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            record.append(f"{path},sha256={digest.decode()},{len(content)}\n")
        record.append(f"{info}/RECORD,,\n")
        add(f"{info}/RECORD", "".join(record), 0o644)
    return name


def source_files():
    """What git keeps; where there is no git, all files but what builds leave behind."""
    if (SOURCE / ".git").exists() and shutil.which("git") is not None:
        listed = subprocess.run(["git", "-C", str(SOURCE), "ls-files", "-z"], capture_output=True,
                                check=False)
        if listed.returncode == 0:
            return [name for name in listed.stdout.decode().split("\0") if (SOURCE / name).is_file()]
    return sorted(str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*") if path.is_file() and
                  not {"build", ".git", "__pycache__"} & set(path.relative_to(SOURCE).parts[:-1]))


# ---- the hooks ----

def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    info = pathlib.Path(metadata_directory) / f"{full_name()}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(metadata(), encoding="utf-8")
    (info / "WHEEL").write_text(wheel_text(), encoding="utf-8")
    return info.name


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return write_wheel(wheel_directory, package_files(config_settings))


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """For `pip install -e .`: what is imported is the package in the build's folder."""
    path = build(config_settings).resolve() / "python"
    return write_wheel(wheel_directory, {"doppio.pth": (f"{path}\n".encode(), 0o644)})


def build_sdist(sdist_directory, config_settings=None):
    name = f"{full_name()}.tar.gz"
    with tarfile.open(pathlib.Path(sdist_directory) / name, "w:gz") as archive:
        about = tarfile.TarInfo(f"{full_name()}/PKG-INFO")
        content = metadata().encode()
        about.size, about.mtime = len(content), EPOCH
        archive.addfile(about, io.BytesIO(content))
        for path in source_files():
            archive.add(SOURCE / path, f"{full_name()}/{path}")
    return name
