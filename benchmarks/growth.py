"""How memory and dry runs grow with the samples: python benchmarks/growth.py benchmarks/results.md.

Each stage runs at two sizes, each time in a process of its own, which reports by how much its peak
memory is above that before the work: libraries do not count. The exponent is that of a power law
through both: 0 if memory does not grow, 1 if it grows in proportion. Files are made beforehand, in
another process. Limits of what stays in memory are lowered, so that they are reached at these sizes
as they are in a run at larger ones.
"""

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))

#: What rows in memory may take here, bytes.
KEPT = 2**22
BANDS = 2
#: Stages: their two sizes, and of what.
STAGES = {
    "assemble": ((1_000, 10_000), "galaxies"),
    "assemble_cutouts": ((100, 1_000), "galaxies"),
    "pairs": ((512, 1_000), "galaxies, and blends"),
    "detect": ((512, 2_560), "test blends"),
    "sep": ((512, 2_000), "galaxies, and blends"),
    "head": ((3_000, 12_000), "stamps, trained on and labelled"),
}
#: A run at paper scale of simulated samples, ten times as large as the paper's.
TEN_TIMES = {
    "boucaud2020": {"dataset": "simulated"},
    "datasets": {"simulated": {"n_galaxies": 26180}},
    "networks": {
        name: {"dataset": "simulated"}
        for name in ("blend2flux", "unet", "blend2mask2flux", "joint_text")
    },
    "farrens2022": {
        "samples": {
            "parametric": {"n_stamps": {"train": 360000, "validation": 360000, "test": 80000}},
            "realistic": {"n_stamps": {"train": 0, "validation": 0, "test": 800000}},
        }
    },
    "reiman2019": {
        "image_sets": {"galaxyzoo": {"source": "simulated", "archives": None, "n_images": 1415530}}
    },
    "hemmati2022": {
        "cutouts_set": "simulated_bands",
        "cutouts": {"simulated_bands": {"n_galaxies": 200000}},
    },
}
#: Rows of the table.
TITLES = {
    "assemble": "Boucaud: chunks joined to a data set",
    "assemble_cutouts": "Hemmati: chunks joined to a set of cut-outs",
    "pairs": "Hemmati: pairs of a training",
    "detect": "Hemmati: peaks of test blends",
    "sep": "Boucaud: SEP",
    "head": "Farrens: features written, training of a head",
}


def _stamps(n: int, side: int, bands: int, start: int = 0):
    """Stamps of noise and a bright pixel; the numbers of the galaxies begin at `start`."""
    from deblend.data.stamps import GALAXY_COLUMNS, Stamps, band_table
    from deblend.hemmati2022.degrade import psf_image

    rng = np.random.default_rng(start)
    images = rng.normal(0, 0.005, (n, bands, side, side)).astype(np.float32)
    images[:, :, side // 2, side // 2] += 5
    columns = dict.fromkeys(GALAXY_COLUMNS, np.ones(n))
    texts = {"morphology": "disk", "origin": "benchmark", "split": "test"}
    galaxies = pd.DataFrame({**columns, **texts}).assign(id=[f"g{start + i}" for i in range(n)])
    galaxies["mag"] = rng.uniform(21, 22, n)
    galaxies["half_light_radius_px"] = 3.0
    parts = [band_table(f"b{k}", 0.06, 25.9, 0.005) for k in range(bands)]
    psf = np.stack([psf_image(0.08, 3.0, 0.06, 31)] * bands).astype(np.float32)
    segmaps = np.zeros((n, side, side), np.int16)
    segmaps[:, side // 2, side // 2] = 1
    return Stamps(images, segmaps, galaxies, pd.concat(parts, ignore_index=True), psf)


def _write_chunks(folder: Path, n: int, side: int, bands: int, size: int = 100) -> None:
    """Write a data set of n galaxies, and its chunks."""
    from deblend.data.stamps import concatenate, open_stamps, write_stamps

    paths = []
    for start in range(0, n, size):
        paths.append(folder / f"{start:06d}.h5")
        write_stamps(paths[-1], _stamps(size, side, bands, start))
    write_stamps(folder / "all.hdf5", concatenate([open_stamps(path) for path in paths]))


def _prepare(stage: str, n: int, folder: Path) -> None:
    """Write what a stage reads."""
    shapes = {"assemble": (32, 1), "assemble_cutouts": (152, BANDS), "pairs": (152, BANDS)}
    shapes |= {"sep": (64, 1), "detect": (152, 1)}
    if stage in shapes:
        _write_chunks(folder, 100 if stage == "detect" else n, *shapes[stage])


def _assemble(n: int, folder: Path) -> None:
    from deblend.boucaud2020.dataset import assemble
    from deblend.data.stamps import open_stamps, write_stamps

    empty = pd.DataFrame({name: [] for name in ("id", "reason", "morphology", "failed")}, dtype=str)
    kept, *_ = assemble(
        [open_stamps(path, kept_bytes=0) for path in sorted(folder.glob("*.h5"))],
        empty,
        fractions={"train": 0.6, "validation": 0.2, "test": 0.2},
        delta_mag_max=2.0,
        seed=1,
    )
    write_stamps(folder / "stamps.hdf5", kept)


def _assemble_cutouts(n: int, folder: Path) -> None:
    from deblend.data.stamps import read_stamps, write_parts

    write_parts(folder / "stamps.hdf5", map(read_stamps, sorted(folder.glob("*.h5"))))


def _maker(folder: Path, bands: int):
    from deblend.data.stamps import open_stamps
    from deblend.hemmati2022.config import LowConfig
    from deblend.hemmati2022.pairs import PairMaker

    low = {"psf_fwhm_arcsec": 0.6, "psf_beta": 3.0, "depth_mag": 26.2, "sky_mag_arcsec2": None}
    stamps = open_stamps(folder / "all.hdf5", segmaps=False, kept_bytes=KEPT)
    names = [f"b{k}" for k in range(bands)]
    options = {"seed": 1, "train_rows": np.arange(len(stamps)), "name": "benchmark"}
    return PairMaker(stamps, names, LowConfig(**low, softening_sigma=10.0), **options)


def _blending():
    from deblend.hemmati2022.config import HemmatiBlendConfig

    return HemmatiBlendConfig(separation_sigma_px=6.5, max_shift_px=15, any_angle=False)


def _pairs(n: int, folder: Path) -> None:
    maker = _maker(folder, BANDS)
    for start in range(0, n, 32):
        stop = min(start + 32, n)
        blends = maker.draw(np.arange(len(maker.images)), start, stop, "train", _blending())
        maker.scaled(blends, "train")


def _detect(n: int, folder: Path) -> None:
    import torch
    from deblend.hemmati2022.config import Detection, SrConfig
    from deblend.hemmati2022.detection import all_peaks
    from deblend.hemmati2022.networks import build_generator
    from deblend.hemmati2022.predict import Network
    from deblend.hemmati2022.resolutions import make_resolutions

    torch.set_num_threads(1)
    maker = _maker(folder, 1)
    config = SrConfig(kind="super_resolution", filters=4, blocks=1, discriminator_filters=2)
    networks = {"gan": Network(build_generator(config, 1).eval(), maker, 0)}
    detection = Detection(richardson_lucy_iterations=0, sep_contrasts=())
    resolutions = {"low": make_resolutions(networks, detection)["low"]}
    blends = maker.draw(np.arange(100), 0, n, "test", _blending())
    all_peaks(networks, resolutions, blends, "test", torch.device("cpu"))


def _sep(n: int, folder: Path) -> None:
    from deblend.boucaud2020.blends import draw_blends
    from deblend.boucaud2020.config import BlendConfig
    from deblend.boucaud2020.sep import measure_blends
    from deblend.data.stamps import open_stamps
    from deblend.photometry.config import Detection

    stamps = open_stamps(folder / "all.hdf5", segmaps=False, kept_bytes=KEPT)
    detection = Detection(threshold=5.0, min_area=4, contrast=0.01, n_thresholds=32)
    rules = BlendConfig(delta_mag_max=2.0, shift_rule="authors", orientations=False)
    draw = {"stamp_size": 64, "seed": 1, "split": "test", "config": rules}
    blends = draw_blends(stamps.galaxies, np.arange(n), 0, n, **draw)
    measure_blends(stamps, blends, detection, detection, "zero")


def _write_features(n: int, folder: Path):
    from deblend.farrens2022.training import cached_features

    def compute():
        for number in range(n // 1000):
            values = np.random.default_rng(number).random((1000, 2048), np.float32)
            yield np.where(values > 0.9, values, 0).astype(np.float16)

    return cached_features(folder / "features.hdf5", "benchmark", n, compute, kept_bytes=KEPT)[0]


def _head(n: int, folder: Path) -> None:
    from deblend.farrens2022.training import train_head
    from deblend.training.config import SteeringConfig
    from deblend.training.keras_checkpoint import Checkpoint

    features = _write_features(n, folder)
    labels = (np.arange(n) % 2).astype(np.float32)
    train_head(
        (features, labels),
        (features, labels),
        seed=1,
        batch_size=250,
        dropout=0.1,
        adam_epsilon=1e-8,
        steering_config=SteeringConfig(epochs=1, learning_rate=1e-3, min_delta=0.001),
        checkpoint=Checkpoint(folder / "head.npz", {}),
    )


WORK: dict[str, Callable[[int, Path], None]] = {
    "assemble": _assemble,
    "assemble_cutouts": _assemble_cutouts,
    "pairs": _pairs,
    "detect": _detect,
    "sep": _sep,
    "head": _head,
}


def _memory(name: str) -> float:
    """VmRSS or VmHWM of this process, MiB."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


def measured(stage: str, n: int, folder: Path) -> float:
    """Peak memory of the work of a stage above that before it, MiB; for a process of its own."""
    smallest = folder / "smallest"
    smallest.mkdir()
    first = 512 if stage == "detect" else 1000 if stage == "head" else 100
    # Imports, and what libraries set up when they are first used.
    _prepare(stage, first, smallest)
    WORK[stage](first, smallest)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
    before = _memory("VmRSS")
    WORK[stage](n, folder)
    return _memory("VmHWM") - before


def _child(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, __file__, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"},
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.split()[-1] if done.stdout else ""


def exponent(sizes: tuple[int, int], peaks: tuple[float, float], least: float = 8.0) -> float:
    """That of a power law through two peaks (MiB); what is below `least` is that of the machine."""
    small, large = (max(peak, least) for peak in peaks)
    return float(np.log(large / small) / np.log(sizes[1] / sizes[0]))


def growth() -> pd.DataFrame:
    """Measure all stages."""
    rows = []
    for stage, (sizes, what) in STAGES.items():
        peaks = []
        for n in sizes:
            with tempfile.TemporaryDirectory() as folder:
                if stage != "head":  # it writes its own features
                    _child("prepare", stage, str(n), folder)
                peaks.append(float(_child("measure", stage, str(n), folder)))
        rows.append(
            {
                "stage": TITLES[stage],
                "of": what,
                "smaller": sizes[0],
                "MiB": round(peaks[0]),
                "larger": sizes[1],
                "MiB ": round(peaks[1]),
                "ratio": round(peaks[1] / max(peaks[0], 1), 2),
                "exponent": round(exponent(sizes, (peaks[0], peaks[1])), 2) + 0.0,
            }
        )
        print(rows[-1], file=sys.stderr, flush=True)
    return pd.DataFrame(rows)


def _cpu_seconds(command: list[str], folder: Path) -> tuple[float, str]:
    """Seconds of processors that a command takes, and what it writes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, done.stdout + done.stderr


def dry_runs() -> pd.DataFrame:
    """How long Snakemake takes to read the rules and to find all jobs."""
    snakemake = [sys.executable, "-m", "snakemake"]
    dry = [*snakemake, "-n", "-q", "all", "--snakefile", str(ROOT / "Snakefile")]
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ten.yaml").write_text(json.dumps(TEN_TIMES))
        for what, command in {
            "baseline: Snakemake's own start": [*snakemake, "--version"],
            "dry run at paper scale": dry,
            "with ten times the samples, simulated": [*dry, "--configfile", "ten.yaml"],
        }.items():
            seconds, text = _cpu_seconds(command, folder)
            jobs = re.findall(r"^total +(\d+)$", text, re.MULTILINE)
            row = {"what": what, "jobs": jobs[-1] if jobs else "", "CPU s": round(seconds, 1)}
            first = rows[0]["CPU s"] if rows else row["CPU s"]
            row["without the start"] = round(row["CPU s"] - first, 1)
            rows.append({**row, "ratio": round(seconds / first, 1)})
            print(rows[-1], file=sys.stderr, flush=True)
    return pd.DataFrame(rows)


def table(rows: pd.DataFrame) -> str:
    """A table in Markdown."""
    lines = [list(map(str, rows)), ["---"] * rows.shape[1], *rows.astype(str).to_numpy().tolist()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


PAGE = """# How memory grows

`python benchmarks/growth.py benchmarks/results.md` runs each stage at two sizes in processes of
their own, with images on disk. Peak memory is that above the memory before the work, after a run at
a small size: libraries do not count. The ratio is that of the larger size to the smaller one, the
baseline. The exponent is that of a power law through both: 0 if memory does not grow, 1 if it grows
in proportion; peaks below 8 MiB count as 8. SEP gets blends in chunks of 2,000 at most, the larger
size here.

{table}

# How a dry run grows

Seconds of one processor for reading the rules, finding all jobs and listing them. Each begins with
Snakemake's own start, the baseline, which needs no workflow; ratios are those to it.

{dry}
"""


def main(arguments: list[str]) -> None:
    """Measure all stages, or, in a child process, prepare or measure one."""
    if not Path("/proc/self/clear_refs").exists():
        raise SystemExit("growth.py reads memory as Linux tells it: run it there")
    if len(arguments) == 1:
        Path(arguments[0]).write_text(PAGE.format(dry=table(dry_runs()), table=table(growth())))
        return
    what, stage, n, folder = arguments
    if stage == "head":
        from deblend.training import keras_backend

        keras_backend.configure("tensorflow", 1, 1)
    if what == "prepare":
        _prepare(stage, int(n), Path(folder))
    else:
        print(measured(stage, int(n), Path(folder)))


if __name__ == "__main__":
    main(sys.argv[1:])
