"""Boucaud et al. 2020: fluxes and masks of two blended galaxies."""
