"""Farrens et al. 2022, BlendHunter: whether a stamp holds a blend."""
