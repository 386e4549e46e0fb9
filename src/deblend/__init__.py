"""Deblending of galaxies with deep learning: the library behind the workflow.

Nothing here knows of Snakemake: the scripts in `workflow/scripts` unpack a rule's inputs, call
functions of this package and write their results. `docs/architecture.md` says what is where.
"""

__version__ = "0.2.0.dev0"
