"""What Snakemake gives to a script, for editors and type checkers. Nothing imports this file."""

from typing import Any

class Snakemake:
    input: Any
    output: Any
    params: Any
    wildcards: Any
    log: Any
    threads: int
    resources: Any
    config: dict[str, Any]

snakemake: Snakemake
