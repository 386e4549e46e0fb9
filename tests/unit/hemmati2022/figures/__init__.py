"""Tests of the figures of Hemmati et al. 2022."""

from tests.figures import texts

LABEL = "toy scale, cut-outs made_up"
#: Widths of the journal's columns, inches.
WIDTHS = (3.3, 6.9)


def stands_in_a_column(figure, *after):
    """Whether a figure has an allowed width, and one label line with these parts after the data."""
    # Long lines are broken, also at hyphens.
    lines = ["".join(text.split()) for text in texts(figure) if text.startswith("toy scale")]
    expected = "".join(", ".join([LABEL, *after]).split())
    return figure.get_figwidth() in WIDTHS and lines == [expected]
