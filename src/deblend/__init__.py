"""Deblending of galaxies with deep learning: the library behind the workflow.

Nothing here depends on Snakemake. The scripts in `workflow/scripts` take a rule's inputs, call
functions of this package and write the results. `docs/architecture.md` says what is where.
"""

__version__ = "0.2.0"
