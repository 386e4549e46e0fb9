"""The Slurm profile with the names of a site filled in, as its comments say."""

import re

from tests.rules import ROOT


def with_site(**names):
    """Text of `slurm/config.yaml` with the block of the site uncommented.

    Parameters
    ----------
    **names
        Replacements: ``my_account``, ``cpu_partition`` and ``gpu_partition``.
    """
    text = (ROOT / "slurm/config.yaml").read_text()
    text = re.sub(r"(?m)^( *)#: ", r"\1", text)
    for name, value in names.items():
        text = text.replace(name, value)
    return text
