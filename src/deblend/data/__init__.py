"""Galaxies from archives, mosaics and files, and the priors of simulated ones."""
