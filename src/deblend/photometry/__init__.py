"""Photometry with SEP, and with fits of Gaussian mixtures."""
