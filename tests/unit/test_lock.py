"""`make lock`: versions and hashes of all packages, for all platforms and versions of Python."""

import re

import pytest

from tests.rules import ROOT
from tools.lock import INSTALLERS, fits, hashes, pins, resolve, targets, without_wheels, write

ANY = "https://a.org/some_thing-1.0-py3-none-any.whl"


def package(*wheels, sdist=None, marker=None, name="some-thing"):
    entry = {"name": name, "version": "1.0"}
    files = [{"url": url, "hashes": {"sha256": f"{n}" * 64}} for n, url in enumerate(wheels)]
    if files:
        entry["wheels"] = files
    if sdist:
        entry["sdist"] = {"url": sdist, "hashes": {"sha256": "f" * 64}}
    return entry | ({"marker": marker} if marker else {})


@pytest.mark.parametrize(
    ("wheel", "where"),
    [
        ("py3-none-any", 9),
        ("py2.py3-none-any", 9),
        ("py2-none-any", 0),
        ("cp312-cp312-manylinux_2_28_x86_64", 1),
        ("cp312-cp312-manylinux_2_17_aarch64.manylinux2014_aarch64", 1),
        ("cp312-cp312-manylinux_2_39_x86_64", 0),  # for newer systems than ours
        ("cp39-abi3-manylinux_2_17_x86_64", 3),
        ("cp312-abi3-macosx_11_0_universal2", 2),
        ("cp313-cp313t-macosx_11_0_arm64", 0),
        ("cp311-cp311-macosx_11_0_x86_64", 0),
        ("cp311-cp311-macosx_26_0_arm64", 0),
        ("cp311-cp311-win_amd64", 0),
        ("cp314-cp314-manylinux_2_28_x86_64", 0),
    ],
)
def test_platforms_of_a_wheel(wheel, where):
    file = {"url": f"https://a.org/some_thing-1.0-{wheel}.whl"}
    assert sum(fits(file, supported) for *_, supported in targets()) == where


def test_what_no_platform_can_do_without_is_named():
    linux = "https://a.org/some_thing-1.0-py3-none-manylinux_2_28_x86_64.whl"
    everywhere = ["Linux x86-64", "Linux aarch64", "macOS arm64"]
    lacking, built = without_wheels([package(linux)])
    assert lacking == [
        f"some-thing 1.0 ({platform}, Python 3.{n})"
        for platform in everywhere[1:]
        for n in (11, 12, 13)
    ]
    assert built == []
    assert without_wheels([package(linux, sdist="https://a.org/x.tar.gz")]) == ([], lacking)
    there = "sys_platform == 'linux' and platform_machine == 'x86_64'"
    assert without_wheels([package(linux, marker=there)]) == ([], [])
    assert without_wheels([package(ANY)]) == ([], [])


def test_a_lock_has_only_names_versions_and_hashes_of_usable_files(tmp_path):
    windows = "https://user:TOKEN@a.org/some_thing-1.0-cp311-cp311-win_amd64.whl"
    entry = package(ANY, windows, sdist="https://a.org/some_thing-1.0.tar.gz")
    path = tmp_path / "lock.txt"
    write(path, "All.", [package(ANY, name="z"), entry])
    assert path.read_text().splitlines()[1:] == [
        "some-thing==1.0 \\",
        f"    --hash=sha256:{'0' * 64} \\",
        f"    --hash=sha256:{'f' * 64}",
        "z==1.0 \\",
        f"    --hash=sha256:{'0' * 64}",
    ]
    assert pins(path) == {"some-thing": "1.0", "z": "1.0"}
    assert hashes(path)["some-thing"] == {f"sha256:{'0' * 64}", f"sha256:{'f' * 64}"}


@pytest.mark.parametrize("name", ["lock.txt", "lock-pip.txt"])
def test_the_locks_of_the_project_name_no_place(name):
    _, *lines = (ROOT / name).read_text().splitlines()
    line = re.compile(r"[a-z0-9-]+==[\w.]+ \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert [text for text in lines if not line.fullmatch(text)] == []


def test_the_lock_has_all_pins():
    """After a change of a pin: `make lock`."""
    locked = pins(ROOT / "lock.txt")
    for name in ("requirements", "requirements-dev", "requirements-cuda", "constraints"):
        found = pins(ROOT / f"{name}.txt")
        assert found
        assert found.items() <= locked.items(), name
    assert all(hashes(ROOT / "lock.txt").values())
    installers = hashes(ROOT / "lock-pip.txt")
    assert installers.keys() == set(INSTALLERS)
    assert installers.items() <= hashes(ROOT / "lock.txt").items()


@pytest.mark.full
def test_the_pins_are_on_the_package_index_for_all_platforms():
    """Nothing is installed: the index is asked what the packages need, and for their files."""
    try:
        packages = resolve(ROOT)
    except RuntimeError as error:
        unreachable = (
            r"name resolution|dns error|Failed to fetch|[Cc]onnection|timed out|No matching"
        )
        if re.search(unreachable, str(error)):
            pytest.skip("the package index cannot be reached")
        raise
    assert {package["name"]: package["version"] for package in packages} == pins(ROOT / "lock.txt")
    lacking, _ = without_wheels(packages)
    assert lacking == []
    locked = hashes(ROOT / "lock.txt")
    for where, _, supported in targets():
        for entry in packages:
            files = [wheel for wheel in entry.get("wheels", ()) if fits(wheel, supported)]
            found = {f"sha256:{file['hashes']['sha256']}" for file in files}
            assert not found or found & locked[entry["name"]], (where, entry["name"])
