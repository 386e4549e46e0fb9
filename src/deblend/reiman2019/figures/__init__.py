"""Figures of Reiman & Goehre 2019."""
