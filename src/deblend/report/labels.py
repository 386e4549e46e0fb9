"""Labels of results in Snakemake's report, which sorts them as text."""

#: A space as wide as a digit, which stands before digits in the order of text.
FIGURE_SPACE = "\u2007"


def figure_label(number: int | str, what: str) -> str:
    """Label of a figure, so that 2 comes before 10, and a supplement after its figure.

    Parameters
    ----------
    number : int or str
        Number in the paper; one with a name behind it (``8_predicted``) is a supplement to that
        figure, and a name alone is one to the paper.
    what : str
        What the figure shows.

    Returns
    -------
    str
        Such as "Figure 12: IoU", "Figure  8: supplement, bias", "Supplement: ROC".
    """
    digits, _, name = str(number).partition("_")
    if not digits.isdigit():
        return f"Supplement: {what}"
    supplement = "supplement, " if name else ""
    return f"Figure {digits.rjust(2, FIGURE_SPACE)}: {supplement}{what}"
