"""Reiman & Goehre 2019: a branched GAN that separates two galaxies."""
