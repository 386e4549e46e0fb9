"""Run Snakemake as a user would."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOY = ("--cores", 2, "--configfile", ROOT / "config/toy.yaml")


def snakemake(*arguments, directory, project=ROOT, env=None, check=True):
    """Run Snakemake as a user would, in a folder of its own."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(Path(project) / "Snakefile")]
    command += ["--directory", str(directory), *map(str, arguments)]
    result = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **(env or {})}, cwd=directory
    )
    result.text = result.stdout + result.stderr
    if check and result.returncode:
        raise AssertionError(f"{' '.join(command)}\n{result.text[-6000:]}")
    return result
