"""Allow the next run after one was killed (kill -9, out of memory, power cut): make unlock.

A run that is killed cannot remove the locks that keep two runs from making the same files. They are
removed if no process of a run in this folder is alive on this machine, and none of its jobs is in
the queue of a cluster with Slurm.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import psutil

#: Seconds in which Slurm has to answer.
ANSWER_S = 60.0


def living_runs(folder: Path) -> list[psutil.Process]:
    """Processes of Snakemake and its jobs that work in a folder of this machine.

    Parameters
    ----------
    folder : path
        Their working directory.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if is_run(process.cmdline()) and Path(process.cwd()).resolve() == folder.resolve():
                found.append(process)
        except (psutil.Error, OSError):  # it has just ended, or is another user's
            continue
    return found


def is_run(command: list[str]) -> bool:
    """Whether a command is Snakemake or one of its jobs, which are copies of scripts."""
    return Path(command[0] if command else "").name.startswith("python") and any(
        Path(word).name == "snakemake" or "/.snakemake/scripts/" in word for word in command[1:4]
    )


def jobs_in_queue(folder: Path) -> list[str]:
    """Numbers of this user's jobs of Slurm that work in a folder; none where there is no Slurm.

    Parameters
    ----------
    folder : path
        Their working directory.
    """
    if shutil.which("squeue") is None:
        return []
    command = ["squeue", "--me", "--noheader", "--format=%A|%Z"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_S)
        problem = (done.stderr.strip() or "no reason") if done.returncode else ""
    except subprocess.TimeoutExpired:
        problem = f"no answer within {ANSWER_S:.0f} s"
    if problem:
        # Slurm may be installed where there is no cluster.
        print(
            f"squeue fails ({problem.splitlines()[-1]}): if jobs of the run are in a queue, cancel "
            "them before the next run",
            file=sys.stderr,
        )
        return []
    lines = [line.partition("|") for line in done.stdout.splitlines()]
    mine = {number for number, _, place in lines if Path(place).resolve() == folder.resolve()}
    return sorted(mine, key=int)


def main() -> None:
    """Remove the locks in the working directory; exit with 1 and say why if a run is alive."""
    folder = Path.cwd()
    runs = living_runs(folder)
    if runs:
        numbers = ", ".join(str(process.pid) for process in runs)
        sys.exit(
            f"a run is alive in {folder} (processes {numbers}): wait for it, or end it first; "
            "nothing was unlocked"
        )
    jobs = jobs_in_queue(folder)
    if jobs:
        sys.exit(
            f"jobs of a run in {folder} are in the queue, and would write the same files as the "
            f"next run: cancel them (scancel {' '.join(jobs)}), then unlock; nothing was unlocked"
        )
    snakefile = Path(__file__).parents[1] / "Snakefile"
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile), "--unlock"]
    sys.exit(subprocess.run(command).returncode)


if __name__ == "__main__":
    main()
