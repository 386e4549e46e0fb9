"""Copy trained networks of a finished run into `evidence/weights/`, for scenes and the benchmark.

    python tools/collect_weights.py results/small
    python tools/collect_weights.py results/small --network sr_content sr_multi_content
    python tools/collect_weights.py results/benchmark --to evidence/benchmark/weights \
        --network joint_text separator blend2posterior

The last are networks that only the benchmark takes. `evidence/weights/NAME` then has
`network.json` and the weights, in the layout that `weights` of a set of scenes reads (see
docs/scenes.md), and `evidence/weights/README.md` says of each network its scale, data, licence and
commit. A network that is there already is replaced.

Left out, with a word: networks that neither can use, that have not learnt or that know only
blends with an edge in their noise, and BlendHunter's heads, since the weights of VGG-16 beside them
are too large. States of optimisers are not copied.
"""

import argparse
import logging
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import h5py

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))
from deblend.errors import DeblendError  # noqa: E402
from deblend.files import read_json, write_json  # noqa: E402
from deblend.scenes.weights import Network, benchmark_kind, find_networks  # noqa: E402

#: Limits of a file and of a folder: 30 MB in both folders of the repository.
MAX_FILE_BYTES = 8_000_000
MAX_TOTAL_BYTES = 15_000_000
#: Licence of networks that have seen simulated galaxies only.
OWN_LICENCE = "BSD-3-Clause"
#: What Keras keeps beside the weights, to go on with a training.
OPTIMISER = "optimizer"
#: What each paper's networks give.
GIVES = {
    "boucaud2020": {
        "blend2flux": "fluxes of two galaxies",
        "unet": "masks of two galaxies",
        "blend2mask2flux": "fluxes and masks of two galaxies",
    },
    "hemmati2022": {"super_resolution": "super-resolution: peaks, fluxes at them"},
    "benchmark": {
        "blend2posterior": "the joint density of two fluxes, the number of galaxies",
        "separator": "images of two galaxies",
    },
}
IMAGES = "images of two galaxies of a picture"
PAPERS = {
    "boucaud2020": "Boucaud et al. 2020",
    "hemmati2022": "Hemmati et al. 2022",
    "reiman2019": "Reiman & Göhre 2019",
    "benchmark": "ours, for the benchmark",
}
#: Of the page of the weights.
HEAD = """\
# Trained networks

<!-- Written by tools/collect_weights.py. -->

For images of your own, without a training: `weights: evidence/weights` in an entry under `scenes`,
see [your own images](../../docs/scenes.md). Networks for other bands, PSFs or pixels are left out;
`network.json` says what each was trained on. At small and toy scale networks are smaller, and are
trained for less time, than in the papers: `inject` shows how well they do on your images.
BlendHunter is not here, since it needs the weights of VGG-16; `make small` trains it.
The benchmark takes what is here too, by `benchmark > weights`: see
[its page](../../docs/benchmark.md).
"""
#: The same of those that only the benchmark takes.
HEAD_BENCHMARK = """\
# Trained networks of the benchmark

<!-- Written by tools/collect_weights.py. -->

`benchmark > weights` names this folder, and [that of the scenes](../../weights/README.md), so that
these networks are not trained again: see [the benchmark](../../../docs/benchmark.md).
"""
COLUMNS = """
| network | paper | gives | bands | scale | galaxies | licence | commit | size |
|---|---|---|---|---|---|---|---|---|"""
FOOT = """
The project's licence is that of networks that have seen simulated galaxies only. The commit is that
of the training, or, where the training did not record it, that of the end of the run.
"""


def source_of(network: Network, config: dict[str, Any]) -> str:
    """Where the galaxies of a network's training are from, by the run's configuration.

    Returns
    -------
    str
        `source` of its data set: simulated, archive, ...
    """
    sets = {
        "boucaud2020": config["datasets"],
        "hemmati2022": config["hemmati2022"]["cutouts"],
        "reiman2019": config["reiman2019"]["image_sets"],
        "benchmark": config["datasets"],
    }[network.kind]
    return str(sets[network.record["dataset"]]["source"])


def copy_weights(source: Path, target: Path) -> None:
    """Copy a file of weights without the state of the optimiser."""
    with h5py.File(source) as before, h5py.File(target, "w") as after:
        for name in before:
            if name != OPTIMISER:
                before.copy(name, after)
        after.attrs.update(before.attrs)


def why_not(network: Network, *, asked: bool) -> str | None:
    """Why a network is not copied, or None; `asked`: whether it was named."""
    if network.kind == "benchmark" and not asked:
        return "scenes do not use it: name it, and the folder of the benchmark"
    if network.kind == "farrens2022":
        return "it needs the weights of VGG-16, which are too large"
    if network.record.get("problem"):
        return f"it has not learnt: {network.record['problem']}"
    if (
        network.kind == "boucaud2020"
        and network.record.get("blending", {}).get("companion_edge") == "zero"
    ):
        return "companion_edge was zero, so that it is biased on images of one's own: take noise"
    return None


def collect(
    results: Path,
    target: Path,
    *,
    names: list[str] | None = None,
    licence: str | None = None,
    allow_dirty: bool = False,
) -> list[str]:
    """Copy the networks of a run.

    Parameters
    ----------
    results : path
        Folder of the results of a finished run.
    target : path
        Folder of weights.
    names : list of str, optional
        Networks to copy; by default all that scenes can use.
    licence : str, optional
        Of networks whose galaxies are not simulated: the licence of the data has to allow it.
    allow_dirty : bool
        Collect from a run whose code is not that of a commit.

    Returns
    -------
    list of str
        Names of the networks that were copied.

    Raises
    ------
    DeblendError
        The run is not finished, a network is not there or of data without a licence, or files
        are too large.
    """
    record_file = results / "provenance.json"
    if not record_file.is_file():
        raise DeblendError(f"there is no {record_file}: finish the run first")
    run = read_json(record_file)
    if run["git"]["modified"] and not allow_dirty:
        raise DeblendError(
            f"{results} was made with code that is in no commit: commit and run again, or give "
            "--allow-dirty"
        )
    folders = [results / "networks", results / "benchmark/networks"]
    # The benchmark's folder has only a calibration where a network was given.
    trained = [folder for folder in folders if any(folder.rglob("network.json"))] or folders[:1]
    networks = [n for folder in trained for n in find_networks(folder, of_benchmark=True)]
    found = {network.name: network for network in networks}
    unknown = sorted(set(names or ()) - set(found))
    if unknown:
        raise DeblendError(
            f"{results} has no network {', '.join(unknown)} that can be used; there are "
            f"{', '.join(found)}"
        )
    copied = []
    target = target.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    # All is made beside the folder, so that it stays as it is where something is refused.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".weights") as beside:
        made = Path(beside) / target.name
        if target.is_dir():
            shutil.copytree(target, made)
        for name, network in found.items():
            reason = why_not(network, asked=names is not None)
            if names is not None and name not in names:
                reason = "it is not asked for"
            if reason:
                print(f"{name} is left out: {reason}")
                continue
            copy(network, made / name, run, licence)
            copied.append(name)
        check_sizes(made)
        (made / "README.md").write_text(page(made, of_benchmark=is_of_benchmark(target)))
        if target.is_dir():
            shutil.rmtree(target)
        made.rename(target)
    return copied


def copy(network: Network, folder: Path, run: dict[str, Any], licence: str | None) -> None:
    """Copy one network, with what its description lacks about the run."""
    source = source_of(network, run["config"])
    if source != "simulated" and licence is None:
        raise DeblendError(
            f"{network.name} was trained on {network.record['dataset']} ({source}): say with "
            "--licence under which licence it can be passed on"
        )
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    copy_weights(network.weights, folder / network.weights.name)
    own = {
        "commit": network.record.get("commit") or run["git"]["commit"],
        "modified": run["git"]["modified"],
        "galaxies": source,
        "licence": OWN_LICENCE if source == "simulated" else licence,
    }
    if network.kind == "benchmark":
        own["band"] = run["config"]["datasets"][network.record["dataset"]]["band"]
    write_json(folder / "network.json", network.record | own)


def check_sizes(folder: Path) -> None:
    """Refuse files that are too large for the repository."""
    sizes = {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    for path, size in sizes.items():
        if size > MAX_FILE_BYTES:
            raise DeblendError(
                f"{path.relative_to(folder)} has {size / 1e6:.1f} MB, more than "
                f"{MAX_FILE_BYTES / 1e6:g}: name the others with --network"
            )
    if sum(sizes.values()) > MAX_TOTAL_BYTES:
        raise DeblendError(
            f"{folder} has {sum(sizes.values()) / 1e6:.1f} MB, more than "
            f"{MAX_TOTAL_BYTES / 1e6:g}: remove some networks"
        )


def gives(network: Network) -> str:
    """What a network gives."""
    what = network.record.get("architecture") or network.record.get("kind")
    what = what or benchmark_kind(network.record)
    return GIVES.get(network.kind, {}).get(str(what), IMAGES)


def is_of_benchmark(folder: Path) -> bool:
    """Whether a folder of weights is that of the benchmark, by its name."""
    return folder.parent.name == "benchmark"


def page(folder: Path, *, of_benchmark: bool) -> str:
    """README.md of a folder of weights."""
    lines = [(HEAD_BENCHMARK if of_benchmark else HEAD) + COLUMNS]
    for network in find_networks(folder, of_benchmark=True):
        record = network.record
        bands = record.get("bands") or [record.get("band", "red, green, blue")]
        changed = ", with changed files" if record["modified"] else ""
        size = sum(path.stat().st_size for path in network.description.parent.iterdir())
        cells = [
            f"`{network.name}`",
            PAPERS[network.kind],
            gives(network),
            ", ".join(bands),
            record["scale"],
            f"{record['galaxies']} (`{record['dataset']}`)",
            record["licence"],
            f"`{record['commit'][:10]}`{changed}",
            f"{size / 1e6:.1f} MB",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, FOOT])


def main() -> None:
    """Collect weights as the command line says."""
    logging.basicConfig(format="%(message)s")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path, help="folder of the results of a finished run")
    parser.add_argument("--network", nargs="+", help="networks to copy; default: all")
    parser.add_argument("--to", type=Path, default=ROOT / "evidence/weights")
    parser.add_argument("--licence", help="of networks that were trained on real galaxies")
    parser.add_argument("--allow-dirty", action="store_true", help="even if files have changed")
    options = parser.parse_args()
    try:
        copied = collect(
            options.results,
            options.to,
            names=options.network,
            licence=options.licence,
            allow_dirty=options.allow_dirty,
        )
    except DeblendError as error:
        sys.exit(str(error))
    size = sum(path.stat().st_size for path in options.to.rglob("*") if path.is_file())
    print(f"{options.to}: {', '.join(copied)}; all together {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
