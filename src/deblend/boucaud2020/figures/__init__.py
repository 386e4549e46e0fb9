"""Figures of Boucaud et al. 2020."""
