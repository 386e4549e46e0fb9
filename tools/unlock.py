"""Allow the next run after one was killed (kill -9, out of memory, power cut): make unlock.

A run that is killed cannot remove the locks that keep two runs from making the same files. They are
removed if no process of a run in this folder is alive on this machine.
"""

import subprocess
import sys
from pathlib import Path

import psutil


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
    snakefile = Path(__file__).parents[1] / "Snakefile"
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile), "--unlock"]
    sys.exit(subprocess.run(command).returncode)


if __name__ == "__main__":
    main()
