"""Each kind of rule against each fault: afterwards the same bytes, or a clear error.

A tiny run is made once. For each case, the outputs of a rule are taken away, the workflow runs with
the fault, and then again without it. `test_killed.py` has the sample that `make test` runs. With
DEBLEND_RECORD, the outcomes are written to `faults/` in that folder.
"""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import h5py
import psutil
import pytest
import yaml
from deblend.data.checksums import record_digest
from deblend.run.checksums import result_files, sha256_of

from tests.conftest import ROOT
from tests.reliability import recorded
from tests.run import SMALLEST, command_of
from tests.server import serving
from tests.workflow.conftest import TINY
from tools.unlock import living_runs

pytestmark = pytest.mark.full

#: Password of a user, which no output may have.
TOKEN = "PLANTED-f1c9e2"
ENV = {
    **os.environ,
    "KAGGLE_USERNAME": "me",
    "KAGGLE_KEY": TOKEN,
    "HTTPS_PROXY": f"http://me:{TOKEN}@127.0.0.1:9",
}
SET = "datasets/simulated"
STAMPS = f"{SET}/stamps.h5"


@dataclass(frozen=True)
class Kind:
    """A kind of rule.

    Attributes
    ----------
    target : str
        What the run is asked for, in the folder of results.
    again : tuple of str
        Patterns of the files that are taken away, and made again.
    script : str
        The rule's script, without suffix.
    input : str or None
        The input that is damaged; None: it has none.
    papers : bool
        Whether it is a rule of the other papers, which have a configuration of their own.
    downloads : bool
        Whether it makes a download, or unpacks one. They are in the folder of results here.
    """

    target: str
    again: tuple[str, ...]
    script: str
    input: str | None = STAMPS
    papers: bool = False
    downloads: bool = False

    @property
    def base(self):
        """Name of the folder of the tiny run that it is a part of."""
        return "papers" if self.papers else "downloads" if self.downloads else "base"


#: A download from the server here, and an archive that was one.
DOWNLOAD = "resources/boucaud2020_published/output_catalog.csv"
ARCHIVE = "resources/boucaud2020_candels/archive.tar.gz"
MEMBER = "table.csv"
KINDS = {
    "simulation": Kind(STAMPS, (STAMPS, f"{SET}/galaxies.ecsv", f"{SET}/*.csv"), "simulate", None),
    "catalogue": Kind(
        f"{SET}/blends_test.ecsv",
        (f"{SET}/blends_test.ecsv",),
        "draw_blends",
        f"{SET}/galaxies.ecsv",
    ),
    "photometry": Kind("predictions/sep/simulated.csv", ("predictions/sep/**/*",), "sep"),
    "training": Kind("networks/blend2flux/history.csv", ("networks/*/*",), "train"),
    "prediction": Kind(
        "predictions/blend2flux/simulated.csv", ("predictions/blend2flux/*",), "predict"
    ),
    "training (GAN)": Kind(
        "networks/deblender_gan/history.csv",
        ("networks/deblender_gan/*",),
        "train",
        "datasets/galaxyzoo/frames.npy",
        papers=True,
    ),
    "training (head)": Kind(
        "networks/blendhunter/sigma15_0/history.csv",
        ("networks/blendhunter/*/*", "predictions/blendhunter/*"),
        "train",
        "farrens2022/parametric/train.h5",
        papers=True,
    ),
    "detection": Kind(
        "hemmati2022/simulated_bands/detections.csv",
        ("hemmati2022/simulated_bands/*",),
        "detect",
        "networks/sr/network.h5",
        papers=True,
    ),
    "table": Kind(
        "reiman2019/claims.csv",
        ("reiman2019/claims.csv",),
        "results",
        "reiman2019/galaxyzoo/scores.csv",
        papers=True,
    ),
    "download": Kind(DOWNLOAD, (DOWNLOAD,), "download_table", None, downloads=True),
    "unpacking": Kind(
        f"{Path(ARCHIVE).parent}/tables/{MEMBER}",
        (f"{Path(ARCHIVE).parent}/tables/*",),
        "unpack_table",
        ARCHIVE,
        downloads=True,
    ),
    "figures": Kind(
        "report/boucaud2020/training.pdf",
        ("report/boucaud2020/training.*",),
        "training",
        "networks/blend2flux/history.csv",
    ),
    "summary": Kind(
        "tables/claims.csv",
        ("report/circumstances.json", "benchmarks/*_time.*")
        + tuple(f"tables/{n}.*" for n in ("reproduction", "claims", "findings", "highlights")),
        "summary",
        "boucaud2020/claims.csv",
    ),
}
#: What a message says of a damaged input.
BROKEN = "(is not a complete|has other bytes|has changed since)"
FULL = re.compile("no space for|disk is full|No space left on device")


def configurations(folder, kind, address):
    """Configuration files of the tiny run; the address is that of the server here."""
    papers = kind.papers
    config = json.loads(json.dumps(SMALLEST if papers else TINY))
    if kind.downloads:
        config["pathvars"]["resources"] = "results/resources"
        config["boucaud2020"]["published_catalogue"] = f"{address}/output_catalog.csv"
    elif papers:
        config["pathvars"] = {"results": "results"}
        config["reiman2019"]["network"] |= {"iterations": 60, "checkpoint_interval": 6}
    else:
        config["networks"]["blend2flux"] |= {"epochs": 6, "n_train_blends": 256}
        config["datasets"]["simulated"] |= {"n_galaxies": 120}
        config["boucaud2020"]["compared"] = []
    path = folder / "overlay.yaml"
    path.write_text(yaml.safe_dump(config))
    return [ROOT / "config/toy.yaml", path] if papers else [path]


class Place:
    """A folder of the tiny run, in which one kind of rule has to run again."""

    def __init__(self, folder, kind, address):
        self.folder, self.kind = folder, KINDS[kind]
        self.results = folder / "results"
        self.configurations = configurations(folder, self.kind, address)

    def take_away(self):
        """Remove the outputs, so that the rule has to run."""
        for pattern in self.kind.again:
            for path in self.results.glob(pattern):
                if path.is_file():
                    path.unlink()

    def start(self, *options):
        """Start Snakemake in a process, whose output goes to a file."""
        target = f"results/{self.kind.target}"
        arguments = ["--cores", 2, target, "--configfile", *self.configurations]
        command = command_of([*arguments, *options], self.folder, ROOT)
        self.output = self.folder / f"run{time.monotonic_ns()}.txt"
        with self.output.open("w") as file:
            return subprocess.Popen(command, stdout=file, stderr=file, cwd=self.folder, env=ENV)

    def run(self, *options):
        """Run Snakemake; its exit status and output."""
        run = self.start(*options)
        status = run.wait(timeout=900)
        return status, self.output.read_text()

    def job(self, run, timeout_s=300):
        """Process of the rule's script once it is at work; None if the run ended before."""
        deadline = time.monotonic() + timeout_s
        while run.poll() is None and time.monotonic() < deadline:
            for process in living_runs(self.folder):
                with contextlib.suppress(Exception):
                    if any(word.endswith(f".{self.kind.script}.py") for word in process.cmdline()):
                        # Some moment of its work, or of its start.
                        time.sleep(random.Random(time.monotonic_ns()).uniform(0, 2))
                        return process
            time.sleep(0.02)
        return None

    def digests(self):
        files = {p.relative_to(self.results).as_posix(): p for p in result_files(self.results)}
        return {name: sha256_of(path) for name, path in files.items()}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Address of a server on this machine, which has a catalogue."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "output_catalog.csv").write_text(numbers(1))
    with serving(folder) as server:
        yield server.url


def numbers(seed, n=50_000):
    """A table of random numbers as text."""
    rng = random.Random(seed)
    return "id,flux\n" + "".join(f"{i},{rng.random()}\n" for i in range(n))


def add_archive(results):
    """Put an archive where downloads are, with its record."""
    archive, table = results / ARCHIVE, results / MEMBER
    archive.parent.mkdir(parents=True)
    table.write_text(numbers(2))
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(table, arcname=f"data/{MEMBER}")
    table.unlink()
    folder = archive.parents[1]
    record_digest(folder, archive, archive, address="https://example.org/a", is_known=True)


@pytest.fixture(scope="module")
def base(tmp_path_factory, address):
    """Function that returns the folder of the tiny run with the results of a kind of rule."""
    made = set()

    def make(kind):
        # As deep as the copies: with other relative paths of the project all would run again.
        folder = tmp_path_factory.getbasetemp() / KINDS[kind].base / "a run"
        if kind not in made:
            folder.mkdir(parents=True, exist_ok=True)
            if KINDS[kind].downloads and not (folder / "results" / ARCHIVE).exists():
                add_archive(folder / "results")
            status, text = Place(folder, kind, address).run()
            assert status == 0, text[-3000:]
            made.add(kind)
        return folder

    return make


@pytest.fixture
def place(base, kind, tmp_path, address):
    folder = tmp_path / "a run"
    shutil.copytree(base(kind), folder, symlinks=True)
    place = Place(folder, kind, address)
    place.expected = place.digests()
    place.take_away()
    return place


@contextlib.contextmanager
def small_disk(place, spare):
    """Have the results on a disk with a few bytes left."""
    kept = place.folder / "kept"
    place.results.rename(kept)
    place.results.mkdir()
    used = sum(path.stat().st_size for path in kept.rglob("*") if path.is_file())
    size = f"size={used + 24 * 2**20}"
    mount = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", place.results]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root on Linux can make a small disk")
    try:
        shutil.copytree(kept, place.results, dirs_exist_ok=True)
        filler = place.results / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(65536))
        os.truncate(filler, filler.stat().st_size // 4096 * 4096 - spare)
        yield filler
        filler.unlink(missing_ok=True)
        shutil.copytree(place.results, kept, dirs_exist_ok=True)
        for path in kept.rglob("*"):
            if not (place.results / path.relative_to(kept)).exists() and path.is_file():
                path.unlink()
    finally:
        subprocess.run(["umount", "--lazy", place.results], check=True)
    place.results.rmdir()
    kept.rename(place.results)


def until_nothing_lives(place, seconds=90):
    """Wait for the end of all processes of the run: a job may have to import libraries first."""
    deadline = time.monotonic() + seconds
    while (alive := at_work(place.folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return alive


def at_work(folder):
    """Processes in a folder, also workers."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.cwd() == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


# Faults --------------------------------------------------------------------------------
# Each returns "same", or "error" if there was a clear error first. The next run has to give the
# same bytes in both cases.


def kill_the_job(place):
    run = place.start()
    job = place.job(run)
    assert job is not None, place.output.read_text()[-3000:]
    with contextlib.suppress(Exception):
        job.kill()
    run.wait(timeout=900)
    return "same"


def kill_snakemake(place):
    run = place.start()
    assert place.job(run) is not None, place.output.read_text()[-3000:]
    run.kill()
    run.wait()
    assert until_nothing_lives(place) == []
    unlock = [sys.executable, ROOT / "tools/unlock.py"]
    subprocess.run(unlock, cwd=place.folder, check=True, capture_output=True)
    return "same"


def end_the_job(place):
    run = place.start()
    job = place.job(run)
    assert job is not None, place.output.read_text()[-3000:]
    with contextlib.suppress(Exception):
        job.terminate()
    run.wait(timeout=900)
    return "same"


def end_snakemake(place):
    run = place.start()
    assert place.job(run) is not None, place.output.read_text()[-3000:]
    run.send_signal(signal.SIGTERM)
    run.wait(timeout=300)
    assert until_nothing_lives(place) == []
    return "same"


def fill_the_disk(place):
    with small_disk(place, spare=8192):
        status, text = place.run()
        if status == 0:
            # What is small enough had space.
            return "same"
        assert FULL.search(text), text[-3000:]
    return "error"


def make_read_only(place):
    with small_disk(place, spare=0) as filler:
        filler.unlink()
        subprocess.run(["mount", "-o", "remount,ro", place.results], check=True)
        try:
            status, text = place.run()
        finally:
            subprocess.run(["mount", "-o", "remount,rw", place.results], check=True)
        assert status != 0
        # Snakemake looks first whether earlier outputs can be written.
        assert re.search("Read-only file system|Write-protected output", text), text[-3000:]
    return "error"


def damaged(place, change):
    """Outcome of a run with another input, whose time is the old one."""
    path = place.results / place.kind.input
    content, stat = path.read_bytes(), path.stat()
    path.write_bytes(change(content))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    status, text = place.run()
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert status != 0, f"{path.name} is not read, or its damage is not noticed"
    assert re.search(rf"Error: .*{re.escape(path.name)} {BROKEN}", text), text[-3000:]
    # It can only fail: no further attempt is made.
    assert text.count("Error: results/") <= 1
    place.take_away()
    return "error"


def cut_the_input(place):
    return damaged(place, lambda content: content[: len(content) // 2])


def flip_a_bit(place):
    """In the largest data set of a file of HDF5, or anywhere in another file."""
    path = place.results / place.kind.input
    first, size = 0, path.stat().st_size
    if h5py.is_hdf5(path):
        with h5py.File(path) as file:
            found = []
            file.visititems(lambda _, item: found.append(item) if hasattr(item, "chunks") else None)
            largest = max((d for d in found if d.chunks), key=lambda item: item.nbytes)
            chunk = largest.id.get_chunk_info(largest.id.get_num_chunks() // 2)
            first, size = chunk.byte_offset, chunk.size
    at = first + random.Random(time.monotonic_ns()).randrange(size)

    def change(content):
        flipped = bytearray(content)
        flipped[at] ^= 1 << random.Random(at).randrange(8)
        return bytes(flipped)

    return damaged(place, change)


def set_the_clock_back(place):
    """All files are from tomorrow."""
    tomorrow = time.time() + 86400
    for path in place.folder.rglob("*"):
        if path.is_file():
            os.utime(path, (tomorrow, tomorrow))
    status, text = place.run()
    if status == 0:
        return "same"
    # Snakemake takes no output that is older than its input. The remedy is to correct the times.
    assert "clock skew" in text, text[-3000:]
    now = time.time()
    for path in place.folder.rglob("*"):
        if path.is_file():
            os.utime(path, (now, now))
    return "error"


def start_two_runs(place):
    first = place.start()
    output = place.output
    while first.poll() is None and "Building DAG" not in output.read_text():
        time.sleep(0.05)
    second, text = place.run()
    assert first.wait(timeout=900) == 0, output.read_text()[-3000:]
    assert second == 0 or "cannot be locked" in text, text[-3000:]
    return "same"


def start_two_runs_without_locks(place):
    """Snakemake may fail, as one takes away what the other has made; files are not mixed."""
    first = place.start("--nolock")
    second, _ = place.run("--nolock")
    first.wait(timeout=900)
    for name, digest in place.digests().items():
        assert digest == place.expected[name], name
    return "same"


FAULTS = {
    "job killed (-9)": kill_the_job,
    "Snakemake killed (-9)": kill_snakemake,
    "job ended (SIGTERM)": end_the_job,
    "Snakemake ended (SIGTERM)": end_snakemake,
    "disk full": fill_the_disk,
    "read-only disk": make_read_only,
    "input cut": cut_the_input,
    "one bit of the input": flip_a_bit,
    "clock set back": set_the_clock_back,
    "two runs at once": start_two_runs,
    "two runs without locks": start_two_runs_without_locks,
}


def has_token(folder):
    """Files below a folder that have the token."""
    return [p for p in folder.rglob("*") if p.is_file() and TOKEN.encode() in p.read_bytes()]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", KINDS)
def test_after_a_fault_the_results_are_the_same(place, kind, fault):
    if KINDS[kind].input is None and fault in ("input cut", "one bit of the input"):
        pytest.skip("it has no input")
    outcome = FAULTS[fault](place)
    # Without the fault, with nothing but the same command.
    status, text = place.run()
    assert status == 0, text[-3000:]
    assert place.digests() == place.expected
    # Nothing that was not completed is left.
    assert [p.name for p in place.results.rglob("*.partial*")] == []
    assert has_token(place.folder) == []
    recorded("faults", ("kind", "fault"), {(kind, fault): Counter({outcome: 1})})
