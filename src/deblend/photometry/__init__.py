"""Photometry by SEP, and by Gaussian mixtures."""
