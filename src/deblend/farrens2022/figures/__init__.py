"""Figures of Farrens et al. 2022."""
