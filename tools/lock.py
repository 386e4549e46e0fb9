"""Write lock.txt and lock-pip.txt, versions and hashes of all packages: make lock.

Versions are those of the requirements files and constraints.txt, and of lock.txt for what only some
platforms need (CUDA's libraries, for example). uv, which is fetched for this alone, reads from the
package index what each package needs on each platform; nothing is installed. A package without a
file for one of the platforms is an error.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging import tags
from packaging.markers import Marker
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT = Path(__file__).parents[1]
UV = "uv==0.13.9"
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt", "requirements-cuda.txt")
#: First and last versions of Python: 3.11.5 is the first that mkdocs-material's dependencies allow.
FIRST_PYTHON = "3.11.5"
PYTHONS = ((3, 11), (3, 12), (3, 13))
#: For each platform: `sys_platform` and `platform_machine`, and the oldest glibc or macOS.
PLATFORMS = {
    "Linux x86-64": ("linux", "x86_64", (2, 28)),
    "Linux aarch64": ("linux", "aarch64", (2, 28)),
    "macOS arm64": ("darwin", "arm64", (14, 0)),
}
#: Packages that install the others.
INSTALLERS = ("pip", "setuptools", "wheel", "packaging")
#: Not on the index: PyTorch's own build without CUDA, for Python 3.11 and Linux x86-64.
ELSEWHERE = {"torch": ["sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"]}


def main() -> None:
    """Write both files, or say what is lacking."""
    packages = resolve(ROOT)
    lacking, built = without_wheels(packages)
    if lacking:
        sys.exit("no file on the package index:\n" + "\n".join(lacking))
    everything = "Versions and hashes of all packages, as constraints for pip."
    write(ROOT / "lock.txt", everything, packages)
    own = [package for package in packages if package["name"] in INSTALLERS]
    write(ROOT / "lock-pip.txt", "What installs the packages of lock.txt.", own)
    print(f"lock.txt: {len(packages)} packages. Without a wheel, so that pip builds them:")
    print("\n".join(built))


def resolve(project: Path) -> list[dict[str, Any]]:
    """All packages that any platform needs.

    Parameters
    ----------
    project : path
        Folder of the requirements files, of constraints.txt and of lock.txt, if there is one.

    Returns
    -------
    list of dict
        Entries of a `pylock.toml` (PEP 751): `name`, `version`, `marker`, `wheels`, `sdist`.

    Raises
    ------
    RuntimeError
        The package index cannot be reached, or there is no solution.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _run(sys.executable, "-m", "pip", "install", "--quiet", "--target", folder / "uv", UV)
        (folder / "pyproject.toml").write_text(f"[tool.uv]\nenvironments = {_environments()}\n")
        known = folder / "known.txt"
        known.write_text("\n".join(f"{k}=={v}" for k, v in pins(project / "lock.txt").items()))
        output = folder / "pylock.toml"
        _run(
            *(folder / "uv/bin/uv", "pip", "compile", "--universal", "--no-cache", "--quiet"),
            *("--python-version", FIRST_PYTHON, "--constraints", project / "constraints.txt"),
            *("--constraints", known, "--format", "pylock.toml", "--output-file", output),
            *(project / requirements for requirements in REQUIREMENTS),
            cwd=folder,
        )
        return tomllib.loads(output.read_text())["packages"]


def _run(*command: object, cwd: Path | None = None) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=cwd)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stderr[-3000:]}")


def _environments() -> list[str]:
    last = f"python_version <= '{'.'.join(map(str, PYTHONS[-1]))}'"
    return [
        f"sys_platform == '{system}' and platform_machine == '{machine}' and {last}"
        for system, machine, _ in PLATFORMS.values()
    ]


def pins(path: Path) -> dict[str, str]:
    """Versions of packages in a file of pins, by normalised name; none if there is no file."""
    text = path.read_text() if path.exists() else ""
    found = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)", text, re.M)
    return {canonicalize_name(name): version for name, version in found}


def hashes(path: Path) -> dict[str, set[str]]:
    """Hashes of packages in a lock, by normalised name."""
    found: dict[str, set[str]] = {}
    for block in re.split(r"^(?=\w)", path.read_text(), flags=re.M):
        if "==" in block.partition("\n")[0]:
            name = canonicalize_name(block.partition("==")[0])
            found[name] = set(re.findall(r"--hash=(sha256:[0-9a-f]{64})", block))
    return found


def targets() -> Iterator[tuple[str, dict[str, str], set[tags.Tag]]]:
    """Name, markers' environment and tags of wheels of each platform with each Python."""
    for name, (system, machine, version) in PLATFORMS.items():
        for python in PYTHONS:
            number = ".".join(map(str, python))
            environment = {
                "sys_platform": system,
                "platform_machine": machine,
                "platform_system": {"linux": "Linux", "darwin": "Darwin"}[system],
                "os_name": "posix",
                "python_version": number,
                "python_full_version": f"{number}.9",
                "implementation_name": "cpython",
                "platform_python_implementation": "CPython",
                "extra": "",
            }
            if system == "darwin":
                platforms = list(tags.mac_platforms(version, machine))
            else:
                minor = range(version[1], 4, -1)
                platforms = [f"manylinux_2_{n}_{machine}" for n in minor]
                platforms += [f"manylinux{n}_{machine}" for n in ("2014", "2010", "1")]
                platforms.append(f"linux_{machine}")
            supported = {
                *tags.cpython_tags(python, platforms=platforms),
                *tags.compatible_tags(python, f"cp{python[0]}{python[1]}", platforms),
            }
            yield f"{name}, Python {number}", environment, supported


def file_name(file: dict[str, Any]) -> str:
    """Name of a file of an entry of a `pylock.toml`."""
    return file.get("name") or file["url"].rpartition("/")[2]


def fits(wheel: dict[str, Any], supported: set[tags.Tag]) -> bool:
    """Whether a wheel can be installed where some tags are supported."""
    return not supported.isdisjoint(parse_wheel_filename(file_name(wheel))[-1])


def without_wheels(packages: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Packages that have no file for a platform that needs them, and those that pip builds there.

    Returns
    -------
    lacking, built : list of str
        A line for each package and platform.
    """
    lacking, built = [], []
    for where, environment, supported in targets():
        for package in packages:
            needed = "marker" not in package or Marker(package["marker"]).evaluate(environment)
            if needed and not any(fits(wheel, supported) for wheel in package.get("wheels", ())):
                line = f"{package['name']} {package['version']} ({where})"
                (built if "sdist" in package else lacking).append(line)
    return lacking, built


def write(path: Path, what: str, packages: list[dict[str, Any]]) -> None:
    """Write a lock: only names, versions and hashes of files that one of the platforms can use."""
    supported = set().union(*(found for *_, found in targets()))
    lines = [f"# {what} Written by `make lock`; not to be edited."]
    for package in sorted(packages, key=lambda package: package["name"]):
        files = [wheel for wheel in package.get("wheels", ()) if fits(wheel, supported)]
        files += [package["sdist"]] if "sdist" in package else []
        digests = {f"sha256:{file['hashes']['sha256']}" for file in files}
        digests.update(ELSEWHERE.get(package["name"], ()))
        lines.append(f"{package['name']}=={package['version']} \\")
        lines.append(" \\\n".join(f"    --hash={digest}" for digest in sorted(digests)))
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
