"""Galaxies from archives, catalogues, files and priors."""
