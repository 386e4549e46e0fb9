"""Train the networks of all papers at paper scale for a limited time, and keep what they learn.

    make paper_scale BUDGET=25m
    python tools/paper_scale.py 25m --cores 16 -- --config backend=jax

Networks are trained one after the other, the most telling first (`ORDER`), each for its share of
the time that is left. A training that is not finished goes on where it was when the command is
given again. Learning curves are written as the trainings go, to
`evidence/paper_scale/PAPER/budget/`, and the state of all of them to
`evidence/paper_scale/progress.csv`, so that nothing is lost if the machine is taken away. All data
are made first, on all cores: `0m` makes them alone, without a GPU. Options after `--` are those of
Snakemake.
"""

import argparse
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))
from deblend.files import atomic  # noqa: E402

CONFIGURATION = ("config/examples/paper_simulated.yaml", "config/examples/paper_scale.yaml")
#: Rules that train, whose inputs are the data.
TRAININGS = ("boucaud2020_train", "farrens2022_train", "reiman2019_train", "hemmati2022_train")
#: Names of the files of weights of these rules.
WEIGHTS = {
    "boucaud2020": "network.weights.h5",
    "farrens2022": "head.weights.h5",
    "reiman2019": "network.h5",
    "hemmati2022": "network.h5",
}
#: Seconds between looks at a training.
LOOK_S = 10.0


@dataclass(frozen=True)
class Training:
    """A network to be trained.

    Parameters
    ----------
    paper, network : str
        The network's name is that of its folder in `<results>/networks`.
    share : float
        Of the time, in relation to the other networks.
    """

    paper: str
    network: str
    share: float = 1.0

    def outputs(self, results: str | Path) -> tuple[Path, Path]:
        """Paths of its learning curve and its weights."""
        folder = Path(results) / "networks" / self.network
        return folder / "history.csv", folder / WEIGHTS[self.paper]


#: The networks in the order of their worth: first that of each paper's main claim. Heads of
#: BlendHunter have no checkpoint while features are computed, three minutes of a GPU.
ORDER = (
    Training("boucaud2020", "blend2flux", 3),
    Training("farrens2022", "blendhunter/sigma15_0", 3),
    Training("hemmati2022", "sr", 2),
    Training("reiman2019", "deblender_gan", 4),
    Training("boucaud2020", "unet", 2),
    Training("boucaud2020", "blend2mask2flux", 2),
    Training("reiman2019", "deblender_copy_gate", 2),
    Training("hemmati2022", "sr_multi", 1),
    Training("farrens2022", "blendhunter/sigma5_0", 3),
    Training("farrens2022", "blendhunter/sigma35_0", 3),
    Training("reiman2019", "deblender_mse", 2),
    Training("hemmati2022", "vanilla", 1),
    Training("boucaud2020", "joint_text", 2),
    Training("boucaud2020", "blend2flux_64", 1),
)


def seconds(text: str) -> float:
    """Seconds of a time such as 25m, 1.5h or 90s.

    Raises
    ------
    argparse.ArgumentTypeError
        It is none.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 25m, 1.5h or 90s")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


def time_of(trainings: Sequence[Training], left: float) -> float:
    """Seconds for the first of the trainings, of those that are left for all of them."""
    return left * trainings[0].share / sum(training.share for training in trainings)


def read_record(results: Path, network: str) -> dict[str, Any] | None:
    """Record of a training that is not finished, of its checkpoint; None: it has no checkpoint.

    Parameters
    ----------
    results : path
        Folder of the results.
    network : str
        Name of the network, such as `blendhunter/sigma5_0`.

    Returns
    -------
    dict or None
        `history` and `seconds`; empty if the checkpoint is broken.
    """
    for suffix in (".npz", ".pt"):
        path = results / "checkpoints" / f"{network.replace('/', '-')}{suffix}"
        try:
            return read_checkpoint(path, path.stat().st_mtime_ns)
        except FileNotFoundError:  # or it has just been removed
            continue
    return None


def read_history(
    results: Path, training: Training
) -> tuple[list[dict[str, Any]], float, bool] | None:
    """Rows of a training, its seconds, whether it is finished; None before the first checkpoint.

    A training writes its outputs, then removes its checkpoint: it is finished when it has no
    checkpoint, and has weights.

    Parameters
    ----------
    results : path
        Folder of the results.
    training : Training
    """
    record = read_record(results, training.network)
    if record is not None:
        return (record["history"], record["seconds"], False) if record else None
    history, weights = training.outputs(results)
    timing = results / f"benchmarks/training/{training.network}.json"
    if not all(path.is_file() for path in (history, weights, timing)):
        return None
    return pd.read_csv(history).to_dict("records"), json.loads(timing.read_text())["seconds"], True


@functools.lru_cache(maxsize=len(ORDER))
def read_checkpoint(path: Path, _written: int) -> dict[str, Any]:
    """Record of a training in its checkpoint, a large file that is read again when it is new.

    Returns
    -------
    dict
        Empty if the file is broken: the training then begins again.

    Raises
    ------
    FileNotFoundError
    """
    try:
        if path.suffix == ".npz":
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                text = str(arrays["state"])
        else:
            import torch

            text = torch.load(path, map_location="cpu", weights_only=True)["record"]
        record: dict[str, Any] = json.loads(text)["record"]
        return {"history": record["history"], "seconds": record["seconds"]}
    except FileNotFoundError:
        raise
    except Exception as error:  # a broken file can raise any error
        print(f"{path} cannot be read ({error}): the training begins again", file=sys.stderr)
        return {}


def flush(evidence: Path, results: Path, trainings: Sequence[Training]) -> list[dict[str, Any]]:
    """Write the learning curves of all trainings, and the table of their states.

    Returns
    -------
    list of dict
        Rows of the table.
    """
    table = []
    for training in trainings:
        known = read_history(results, training)
        rows, duration, finished = known or ([], 0.0, False)
        folder = evidence / training.paper / "budget" / "networks" / training.network
        last = rows[-1] if rows else {}
        unit = next((name for name in ("epoch", "iteration") if name in last), "")
        if rows:
            folder.mkdir(parents=True, exist_ok=True)
            write_table(folder / "history.csv", rows)
        description = results / "networks" / training.network / "network.json"
        if finished and description.is_file():
            shutil.copy(description, folder / "network.json")
        state = "finished" if finished else "begun" if rows else "not begun"
        values = (f"{key}={value:.5g}" for key, value in last.items() if is_number(value))
        table.append(
            {
                "paper": training.paper,
                "network": training.network,
                "state": state,
                "unit": unit,
                "done": last.get(unit, 0),
                "hours": round(duration / 3600, 4),
                "last_row": " ".join(values),
            }
        )
    evidence.mkdir(parents=True, exist_ok=True)
    write_table(evidence / "progress.csv", table)
    return table


def is_number(value: Any) -> bool:
    """Whether a value of a row is a finite number."""
    return isinstance(value, int | float) and bool(np.isfinite(value))


def write_table(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows as CSV, completely or not at all."""
    with atomic(path) as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False)


def run_for(
    command: Sequence[str | Path], limit: float, look: Callable[[], object], every: float = LOOK_S
) -> int | None:
    """Run a command for at most so many seconds, then kill it with all that it has started.

    Parameters
    ----------
    command : sequence of str
    limit : float
        Seconds; infinite for as long as it takes.
    look : callable
        Called now and then, and after the end. Its errors are printed, and end nothing.

    Returns
    -------
    int or None
        Exit status; None if the time was over. Trainings are killed without a word: their
        checkpoints are complete or not there.
    """
    end, status = time.monotonic() + limit, None
    process = subprocess.Popen(list(map(str, command)), cwd=ROOT, start_new_session=True)
    try:
        while status is None and time.monotonic() < end:
            try:
                status = process.wait(max(0.0, min(every, end - time.monotonic())))
            except subprocess.TimeoutExpired:
                _try(look)
    finally:
        if status is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    _try(look)
    return status


def _try(look: Callable[[], object]) -> None:
    """Call a function; hours of training do not depend on it."""
    try:
        look()
    except Exception as error:
        print(f"the learning curves could not be written: {error}", file=sys.stderr)


def main(arguments: list[str] | None = None) -> None:
    """Make the data and train; exit with 1 if anything failed."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("budget", type=seconds, help="25m, 1.5h or 90s")
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--configfile", nargs="+", default=CONFIGURATION)
    parser.add_argument("--networks", nargs="+", choices=[t.network for t in ORDER])
    parser.add_argument("--evidence", type=Path, default=ROOT / "evidence/paper_scale")
    own = list(sys.argv[1:] if arguments is None else arguments)
    cut = own.index("--") if "--" in own else len(own)
    options, more_options = parser.parse_args(own[:cut]), own[cut + 1 :]
    end = time.monotonic() + options.budget
    overlays = [yaml.safe_load((ROOT / path).read_text()) for path in options.configfile]
    folders = [o["pathvars"]["results"] for o in overlays if "results" in o.get("pathvars", {})]
    folder = (folders or ["results"])[-1]
    results = ROOT / folder
    trainings = [t for t in ORDER if options.networks is None or t.network in options.networks]
    # So that what was started is killed too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    def snakemake(networks: Sequence[Training], *more: str) -> list[str]:
        targets = [str(path) for training in networks for path in training.outputs(folder)]
        command = [sys.executable, "-m", "snakemake", *targets]
        # A run that was killed leaves a lock. Nothing else is at work in this folder.
        command += ["--nolock", "--rerun-incomplete", "--cores", str(options.cores), *more]
        return [*command, "--configfile", *options.configfile, *more_options]

    def look() -> None:
        flush(options.evidence, results, trainings)

    data = snakemake(trainings, "--keep-going", "--omit-from", *TRAININGS)
    status = run_for(data, options.budget or float("inf"), look)
    if status:
        raise SystemExit(f"Error: the data could not be made: see above, and {folder}/logs")
    if status is None:
        print("The time was over before the data were complete: the same command goes on with them")
    failed = []
    waiting = list(trainings)
    while waiting and (left := end - time.monotonic()) > 0:
        known = read_history(results, waiting[0])
        if known is None or not known[2]:
            limit = time_of(waiting, left)
            print(f"\n{waiting[0].network}: {limit / 60:.1f} minutes at most", flush=True)
            if run_for(snakemake(waiting[:1]), limit, look):
                failed.append(waiting[0].network)
        waiting.pop(0)
    table = flush(options.evidence, results, trainings)
    print(pd.DataFrame(table).to_string(index=False))
    if failed:
        raise SystemExit(f"Error: {', '.join(failed)} failed: see above")


if __name__ == "__main__":
    main()
