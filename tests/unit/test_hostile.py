"""Each reader of files against each trick: the content as it was, or a clear error.

`make test` runs a sample of the readers, `make test-all` all.

Never other content, code that runs, another file's content, or memory without limits. What single
readers do is tested beside their modules; this is the matrix of all. With DEBLEND_RECORD, the
outcomes are written to `hostile/` in that folder, from which docs/reliability.md has its table.
"""

import gzip
import io
import os
import pickle
import tarfile
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from astropy.io import fits
from astropy.table import Table
from deblend.data.archives import extract_members
from deblend.data.image_files import read_array
from deblend.data.stamps import read_stamps, write_stamps
from deblend.data.table_files import open_table
from deblend.errors import DeblendError
from deblend.files import read_yaml
from deblend.hdf5 import new_file, open_file, write_array
from deblend.reiman2019.images import open_frames
from deblend.run.checksums import record_checksums, report, verify
from deblend.tables import read_ecsv, write_csv, write_ecsv
from deblend.training.vgg import read_array_pickle

from tests.conftest import make_stamps
from tests.reliability import recorded
from tests.unit import hostile_networks

#: Content of a file that is none of the reader's business.
TOKEN = "PLANTED-f1c9e2"
#: Most memory that a file of a few kilobytes may make a reader take, in bytes.
MEMORY = 300_000_000
VALUES = np.random.default_rng(0).normal(size=(4, 6, 5)).astype(np.float32)
TABLE = pd.DataFrame({"id": ["a", "b", "c"] * 9, "mag": np.linspace(20, 23, 27)})
#: Flipped bits that are tried for a reader.
N_FLIPS = 400 if os.environ.get("DEBLEND_RECORD") else 12


@dataclass(frozen=True)
class Reader:
    """A reader of files.

    Attributes
    ----------
    kind : str
        Format, which decides the tricks.
    suffix : str
    write : callable
        Writes a valid file.
    read : callable
        Returns the content as bytes, which can be compared.
    errors : tuple of type
        Clear errors.
    is_checked : bool
        Whether the file has checksums.
    """

    kind: str
    suffix: str
    write: Callable[[Path], object]
    read: Callable[[Path], bytes]
    errors: tuple[type[Exception], ...] = (DeblendError,)
    is_checked: bool = False


def values_of(array):
    return repr((array.dtype.kind, array.shape)).encode() + np.asarray(array, float).tobytes()


def rows_of(table):
    frame = table.to_pandas() if isinstance(table, Table) else table
    return "\n".join(",".join(map(str, row)) for row in frame.to_numpy().tolist()).encode()


def write_tar(path, members=(("a.npy", b"x" * 3000), ("b.csv", b"y" * 100)), **changes):
    mode = "w:gz" if path.suffix == ".gz" else "w"
    with tarfile.open(path, mode, format=tarfile.GNU_FORMAT) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in changes.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(content))


def read_tar(path):
    folder = path.parent / "extracted"
    found = extract_members(path, {"a": "a.npy"}, folder, 1_000_000)
    return found["a"].read_bytes()


def read_own(path):
    with open_file(path) as file:
        return values_of(file["values"][:])


def write_own(path):
    with new_file(path) as file:
        write_array(file, "values", VALUES)


def write_hdf5(path):
    with h5py.File(path, "w") as file:
        file["images"] = VALUES


def read_all_stamps(path):
    stamps = read_stamps(path)
    return values_of(stamps.images) + values_of(stamps.segmaps) + rows_of(stamps.galaxies)


def read_result(path):
    """A result in plain text, as `verify` reads it again."""
    report(verify(path.parent, path.parent / "benchmarks/checksums.csv"), path.parent)
    return path.read_bytes()


def write_result(path):
    write_csv(path, TABLE)
    (path.parent / "benchmarks").mkdir()
    record_checksums(path.parent, [path], path.parent / "benchmarks/checksums.csv")


READERS = {
    "stamps (HDF5)": Reader(
        "own hdf5",
        ".h5",
        lambda path: write_stamps(path, make_stamps(VALUES)),
        read_all_stamps,
        is_checked=True,
    ),
    "arrays and weights (HDF5)": Reader("own arrays", ".h5", write_own, read_own, is_checked=True),
    "frames (.npy)": Reader(
        "frames",
        ".npy",
        lambda path: np.save(path, np.arange(300).astype(np.uint8).reshape(4, 5, 5, 3)),
        lambda path: values_of(open_frames(path)),
    ),
    "catalogues (ECSV)": Reader(
        "ecsv", ".ecsv", lambda path: write_ecsv(path, TABLE), lambda p: rows_of(read_ecsv(p))
    ),
    "results (CSV, `verify`)": Reader("result", ".csv", write_result, read_result, is_checked=True),
    "tar.gz archives": Reader("tar", ".tar.gz", write_tar, read_tar, is_checked=True),
    "tar archives": Reader("tar", ".tar", write_tar, read_tar),
    "images (.npy)": Reader(
        "npy", ".npy", lambda path: np.save(path, VALUES), lambda p: values_of(read_array(p, None))
    ),
    "images (.npz)": Reader(
        "npz",
        ".npz",
        lambda path: np.savez(path, images=VALUES),
        lambda path: values_of(read_array(path, None)),
    ),
    "images (HDF5)": Reader(
        "hdf5", ".h5", write_hdf5, lambda path: values_of(read_array(path, "images"))
    ),
    "images (FITS)": Reader(
        "fits",
        ".fits",
        lambda path: fits.PrimaryHDU(VALUES).writeto(path),
        lambda path: values_of(read_array(path, None)),
    ),
    "tables (FITS)": Reader(
        "fits table",
        ".fits",
        lambda path: Table.from_pandas(TABLE).write(path),
        lambda path: rows_of(open_table(path)),
    ),
    "images (.fits.gz)": Reader(
        "fits.gz",
        ".fits.gz",
        lambda path: fits.PrimaryHDU(VALUES).writeto(path),
        lambda path: values_of(read_array(path, None)),
        is_checked=True,
    ),
    "tables (.fits.gz)": Reader(
        "fits.gz",
        ".fits.gz",
        lambda path: Table.from_pandas(TABLE).write(path),
        lambda path: rows_of(open_table(path)),
        is_checked=True,
    ),
    "tables (.csv.gz)": Reader(
        "csv.gz",
        ".csv.gz",
        lambda path: write_csv(path, TABLE),
        lambda path: rows_of(open_table(path)),
        is_checked=True,
    ),
    "tables (VOTable)": Reader(
        "votable",
        ".xml",
        lambda path: Table.from_pandas(TABLE).write(path, format="votable"),
        lambda path: rows_of(open_table(path)),
    ),
    "tables (ECSV)": Reader(
        "ecsv", ".ecsv", lambda path: write_ecsv(path, TABLE), lambda p: rows_of(open_table(p))
    ),
    "tables (CSV)": Reader(
        "csv", ".csv", lambda path: write_csv(path, TABLE), lambda path: rows_of(open_table(path))
    ),
    "configuration (YAML)": Reader(
        "yaml",
        ".yaml",
        lambda path: path.write_text("a: 1\nb: [x, y]\n"),
        lambda path: repr(read_yaml(path)).encode(),
        (yaml.YAMLError, UnicodeDecodeError),
    ),
    "VGG's weights (pickle)": Reader(
        "pickle",
        ".ckpt",
        lambda path: path.write_bytes(pickle.dumps({"VGG16_0": {}})),
        lambda path: repr(read_array_pickle(path.read_bytes(), str(path))).encode(),
    ),
} | {name: Reader(**values) for name, values in hostile_networks.READERS.items()}


# Tricks --------------------------------------------------------------------------------


@dataclass
class Plot:
    """What a trick has to work with.

    Attributes
    ----------
    folder : Path
        Where its file is.
    secret : Path
        A file with the token, in another folder.
    canary : Path
        A file that is there once code of the file has run.
    """

    folder: Path
    secret: Path
    canary: Path
    outside: list[Path] = field(default_factory=list)


class Runs:
    """An object whose unpickling makes a file."""

    def __init__(self, canary):
        self.canary = str(canary)

    def __reduce__(self):
        return (open, (self.canary, "w"))


class Reduced:
    """An object that is pickled as any call, with any state."""

    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


def no_content(path, plot):
    yield path.write_bytes(b"")


def cut(path, plot):
    content = path.read_bytes()
    for n in (1, len(content) // 3, len(content) // 2, len(content) - 1):
        yield path.write_bytes(content[:n])


def flipped(path, plot):
    content, rng = path.read_bytes(), np.random.default_rng(1)
    for place in rng.integers(0, len(content), N_FLIPS):
        broken = bytearray(content)
        broken[place] ^= 1 << int(rng.integers(8))
        yield path.write_bytes(broken)


def another_file(path, plot):
    yield path.write_text("<!DOCTYPE html><html><body>sign in</body></html>")
    yield path.write_bytes(np.random.default_rng(2).bytes(5000))
    yield path.write_bytes(pickle.dumps({"a": Runs(plot.canary)}))
    yield path.write_bytes(b"\x7fELF" + bytes(500))


def pickled(path, plot):
    evil = np.array([Runs(plot.canary)], dtype=object)
    if path.suffix == ".npy":
        yield np.save(path, evil, allow_pickle=True)
    elif path.suffix == ".npz":
        yield np.savez(path, images=evil)
    else:
        yield path.write_bytes(pickle.dumps({"VGG16_0": {"Conv_0": Runs(plot.canary)}}))
        # Numbers that NumPy takes for addresses of objects; arrays of gigabytes in some bytes.
        state = (3, "|", None, None, None, -1, -1, 0x3D)
        kind = Reduced(np.dtype, ("O8", False, True), state)
        make = np.zeros(1).__reduce__()[0]
        array = Reduced(make, (np.ndarray, (0,), b"b"), (1, (2,), kind, False, b"ABCDEFGH" * 2))
        yield path.write_bytes(pickle.dumps({"VGG16_0": {"Conv_0": {"kernel": array}}}))
        large = [Reduced(np.ndarray, ((200, 1000, 1000),)) for _ in range(2)]
        yield path.write_bytes(pickle.dumps({"VGG16_0": {"Conv_0": tuple(large)}}))


def lies_in_npy(path, plot, n=10**12):
    for shape in ((n,), (n, 5, 5, 3), (-4, 6, 5), (2**31, 2**31, 8)):
        with path.open("wb") as file:
            header = {"descr": "<f4", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            file.write(bytes(100))
        yield


def lies_in_npz(path, plot):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        head = io.BytesIO()
        header = {"descr": "<f4", "fortran_order": False, "shape": (10**12,)}
        np.lib.format.write_array_header_1_0(head, header)
        archive.writestr("images.npy", head.getvalue() + bytes(10**6))
    yield


def lies_in_fits(path, plot):
    content = path.read_bytes()
    for key in (b"NAXIS1  =", b"NAXIS2  ="):
        at = content.index(key)
        card = key + b"        9999999999999"
        yield path.write_bytes(content[:at] + card.ljust(80) + content[at + 80 :])


def lies_in_hdf5(path, plot):
    for shape in ((10**7, 500, 500), (2**40,)):
        with h5py.File(path, "w") as file:
            for name in ("images", "values", "segmaps"):
                file.create_dataset(name, shape, "f4", chunks=tuple(min(n, 64) for n in shape))
        yield


def lies_in_tar(path, plot):
    for size in (10**12, 10**6 + 1):
        info = tarfile.TarInfo("a.npy")
        info.size = size
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "wb") as file:
            file.write(info.tobuf(tarfile.GNU_FORMAT) + bytes(2000))
        yield


def bomb_in_tar(path, plot):
    yield write_tar(path, [("a.npy", bytes(50_000_000))])
    yield write_tar(path, [(f"d{i}/b", bytes(100)) for i in range(3000)])
    yield write_tar(path, [("n" * 900_000, b"")] * 360)


def bomb_in_gz(path, plot):
    """Rows or pixels that are far larger than the file."""
    text, n = gzip.decompress(path.read_bytes()), 250 if ".fits" in path.name else 150
    # Members of a gzip file can follow one another.
    block = gzip.compress(b"a,20.0\n" * 142_857)
    yield path.write_bytes(gzip.compress(text) + block * n)


def encoded(path, plot):
    """The same text in encodings that parsers of XML find out, with data at an address."""
    address = next(iter(_elsewhere(path.read_text(), (f"file://{plot.secret}",))))
    for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"):
        for declared in ("utf-8", "utf-16", name):
            text = address.replace('encoding="utf-8"', f'encoding="{declared}"')
            yield path.write_bytes(text.encode(name))


def outside_of_tar(path, plot):
    """Members that are to be written elsewhere: the content is that of the archive at most."""
    target = plot.folder.parent / "outside" / "a.npy"
    plot.outside.append(target)
    for name in ("../outside/a.npy", str(target), "x/../../outside/a.npy"):
        yield write_tar(path, [(name, b"x" * 3000), ("b.csv", b"y")])


def links_in_tar(path, plot):
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        for target in (str(plot.secret), "../secret/secret"):
            yield write_tar(path, [("a.npy", b"")], type=kind, linkname=target)
    for kind in (tarfile.CHRTYPE, tarfile.FIFOTYPE):
        yield write_tar(path, [("a.npy", b"")], type=kind, devmajor=1, devminor=5)


def links_in_hdf5(path, plot):
    other = plot.secret.with_suffix(".h5")
    with h5py.File(other, "w") as file:
        file["images"] = np.frombuffer(TOKEN.encode(), np.uint8)
    names = ("images", "values", "segmaps")
    with h5py.File(path, "w") as file:
        for name in names:
            file[name] = h5py.ExternalLink(str(other), "images")
    yield
    with h5py.File(path, "w") as file:
        for name in names:
            where = [(str(plot.secret), 0, len(TOKEN))]
            file.create_dataset(name, (len(TOKEN),), "u1", external=where)
    yield
    layout = h5py.VirtualLayout((len(TOKEN),), "u1")
    layout[:] = h5py.VirtualSource(str(other), "images", shape=(len(TOKEN),))
    with h5py.File(path, "w") as file:
        for name in names:
            file.create_virtual_dataset(name, layout)
    yield


def tags_in_yaml(path, plot):
    tag = f"!!python/object/apply:builtins.open ['{plot.canary}', 'w']"
    yield path.write_text(f"a: {tag}\n")
    yield path.write_text("a: !!python/name:os.system\n")
    yield path.write_text("a: !!python/module:antigravity\n")


def tags_in_ecsv(path, plot):
    text = path.read_text()
    tag = f"!!python/object/apply:builtins.open ['{plot.canary}', 'w']"
    assert "# ---" in text
    yield path.write_text(text.replace("# ---\n", f"# ---\n# meta: {tag}\n", 1))
    yield path.write_text(text.replace("name: id", f"name: {tag}", 1))


def entities(path, plot):
    text = path.read_text()
    head, _, rest = text.partition("<VOTABLE")
    for entity in (
        f'<!ENTITY x SYSTEM "file://{plot.secret}">',
        '<!ENTITY x0 "lol">'
        + "".join(f'<!ENTITY x{i} "{f"&x{i - 1};" * 10}">' for i in range(1, 12))
        + '<!ENTITY x "&x11;">',
    ):
        body = f"<VOTABLE{rest}".replace("<TD>a</TD>", "<TD>&x;</TD>", 1)
        assert "&x;" in body
        yield path.write_text(f"{head}<!DOCTYPE VOTABLE [{entity}]>\n{body}")


def _elsewhere(text, addresses):
    """The text of a VOTable, with its data at each of the addresses."""
    start, end = text.index("<TABLEDATA>"), text.index("</TABLEDATA>") + len("</TABLEDATA>")
    for address in addresses:
        yield f'{text[:start]}<BINARY><STREAM href="{address}"/></BINARY>{text[end:]}'


def addresses(path, plot):
    places = (f"file://{plot.secret}", "http://127.0.0.1:9/secret")
    for text in _elsewhere(path.read_text(), places):
        yield path.write_text(text)


#: For each trick: what it does to a file, and the formats that it exists for; all without any.
TRICKS = {
    "empty": (no_content, ()),
    "cut": (cut, ()),
    "another file's content": (another_file, ()),
    "one bit": (flipped, ()),
    "pickled object": (pickled, ("npy", "npz", "frames", "pickle")),
    "sizes that lie": (lies_in_npy, ("npy", "frames")),
    "sizes that lie, zipped": (lies_in_npz, ("npz",)),
    "sizes that lie, FITS": (lies_in_fits, ("fits", "fits table")),
    "sizes that lie, HDF5": (lies_in_hdf5, ("hdf5", "own hdf5")),
    "sizes that lie, tar": (lies_in_tar, ("tar",)),
    "bomb": (bomb_in_tar, ("tar",)),
    "bomb, gzip": (bomb_in_gz, ("fits.gz", "csv.gz")),
    "paths outside": (outside_of_tar, ("tar",)),
    "links": (links_in_tar, ("tar",)),
    "links and arrays elsewhere": (links_in_hdf5, ("hdf5", "own hdf5", "own arrays")),
    "YAML tags": (tags_in_yaml, ("yaml",)),
    "YAML tags, ECSV": (tags_in_ecsv, ("ecsv",)),
    "XML entities": (entities, ("votable",)),
    "data at an address": (addresses, ("votable",)),
    "data at an address, encoded": (encoded, ("votable",)),
} | hostile_networks.TRICKS
#: Formats of plain values without checksums: readers cannot see a changed or missing digit. Files
#: between jobs have digests (`deblend.run.digests`), which jobs compare before they read them.
UNCHECKED = (
    "frames",
    "ecsv",
    "csv",
    "npy",
    "npz",
    "hdf5",
    "fits",
    "fits table",
    "votable",
    "yaml",
    "tar",
    *hostile_networks.UNCHECKED,
)
#: Readers that `make test` tries too.
SAMPLE = (
    "arrays and weights (HDF5)",
    "catalogues (ECSV)",
    "tar.gz archives",
    "JSON of jobs",
    "descriptions of networks (PyTorch)",
    "JPEGs (zip)",
    "pictures (JPEG)",
)
CASES = [
    pytest.param(reader, trick, marks=() if reader in SAMPLE else pytest.mark.full)
    for reader in READERS
    for trick, (_, kinds) in TRICKS.items()
    if (not kinds or READERS[reader].kind in kinds)
    and (trick != "one bit" or READERS[reader].is_checked)
]


@pytest.fixture(scope="module")
def record():
    """Outcomes of all cases: for a reader and a trick, how often each."""
    outcomes: dict[tuple[str, str], Counter] = {}
    yield outcomes
    recorded("hostile", ("reader", "trick"), outcomes)


@pytest.mark.parametrize(("reader", "trick"), CASES)
def test_a_trick_changes_nothing(reader, trick, tmp_path, record, caplog, capfd):
    name, reader = reader, READERS[reader]
    folder, secret = tmp_path / "files", tmp_path / "secret" / "secret"
    folder.mkdir()
    secret.parent.mkdir()
    secret.write_text(TOKEN)
    plot = Plot(folder, secret, tmp_path / "canary")
    path = folder / f"a{reader.suffix}"
    reader.write(path)
    try:
        expected = reader.read(path)
    except DeblendError:
        expected = None  # weights of VGG have half a gigabyte: there is no valid file here
    found = Counter()
    play, _ = TRICKS[trick]
    for _ in play(path, plot):
        tracemalloc.start()
        try:
            content = reader.read(path)
        except reader.errors as error:
            content, message = None, str(error)
            assert message.strip(), "an error without words"
            if reader.errors == (DeblendError,):
                assert path.name in message or str(folder) in message, message
            assert TOKEN not in message
            outcome = "error"
        else:
            outcome = "same" if content == expected else "other"
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < MEMORY, f"{peak} bytes of memory"
        assert not plot.canary.exists(), "code has been run"
        assert not any(other.exists() for other in plot.outside), "written elsewhere"
        assert TOKEN.encode() not in (content or b"")
        assert values_of(np.frombuffer(TOKEN.encode(), np.uint8)) != content
        found[outcome] += 1
    shown = capfd.readouterr()
    assert TOKEN not in caplog.text + shown.out + shown.err
    allowed = ("cut", "empty", "another file's content")
    if not (trick in allowed and reader.kind in UNCHECKED):
        assert found["other"] == 0, "the content is another one, without an error"
    record[name, trick] = found


@pytest.mark.full
def test_checkpoints_resume_the_same_training_or_none(tmp_path, record):
    import torch
    from deblend.training.torch_checkpoint import Checkpoint

    class Trainee:
        def __init__(self):
            torch.manual_seed(0)
            self.network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
            self.optimizers, self.panels = {}, []

        def networks(self):
            return {"net": self.network}

        def state(self):
            return {}

        def restore(self, state):
            pass

    path = tmp_path / "net.pt"
    checkpoint, saved = Checkpoint(path, {}), Trainee()
    with torch.no_grad():
        saved.network[0].weight += 1
    checkpoint.save(saved, {"done": 1})
    whole = path.read_bytes()
    plot = Plot(tmp_path, tmp_path / "secret", tmp_path / "canary")
    for trick in ("empty", "cut", "another file's content", "one bit"):
        path.write_bytes(whole)
        found = Counter()
        for _ in TRICKS[trick][0](path, plot):
            restored = Trainee()
            if not checkpoint.load(restored):
                found["error"] += 1
                continue
            pairs = zip(
                restored.network.state_dict().values(),
                saved.network.state_dict().values(),
                strict=True,
            )
            found["same" if all(torch.equal(a, b) for a, b in pairs) else "other"] += 1
        assert found["other"] == 0
        assert not plot.canary.exists()
        record["checkpoints (PyTorch)", trick] = found
