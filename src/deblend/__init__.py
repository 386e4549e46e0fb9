"""Deblending of galaxies with deep learning: the library behind the workflow.

Pure functions: nothing here knows of Snakemake. The scripts one folder up unpack
a rule's inputs, call one function of this package and write its result.
"""
