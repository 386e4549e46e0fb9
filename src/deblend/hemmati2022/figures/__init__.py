"""Figures of Hemmati et al. 2022."""
