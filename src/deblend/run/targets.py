"""Files that are asked for and that no rule makes: which names are meant."""

import difflib
import re
from collections.abc import Iterable, Sequence

from deblend.errors import DeblendError

#: A wildcard in the path of an output, with its constraint if it has one.
WILDCARD = re.compile(r"\{(\w+)(?:,([^{}]*))?\}")
#: A name in a constraint.
NAME = re.compile(r"[A-Za-z][\w.-]*")
SHOWN = 3


def candidates(
    target: str, outputs: Iterable[str], constraints: dict[str, str] | None = None
) -> list[str]:
    """Paths that rules make and that are like a target.

    Parameters
    ----------
    target : str
        A path.
    outputs : iterable of str
        Paths of rules' outputs, with wildcards as ``{name}`` or ``{name,constraint}``.
    constraints : dict of str, optional
        Constraints of wildcards that have none in the path.

    Returns
    -------
    list of str
        The outputs that are in as many folders as the target. A wildcard is the target's own name
        there, or the nearest one in its constraint where that excludes it.
    """
    parts, found = target.split("/"), []
    for output in outputs:
        pieces = WILDCARD.sub(lambda m: f"{{{m[1]}}}", output).split("/")
        if len(pieces) != len(parts):
            continue
        known = {m[1]: m[2] or (constraints or {}).get(m[1], "") for m in WILDCARD.finditer(output)}
        filled = [_filled(piece, part, known) for piece, part in zip(pieces, parts, strict=True)]
        if None not in filled:
            found.append("/".join(map(str, filled)))
    return [path for path in dict.fromkeys(found) if path != target]


def _filled(piece: str, part: str, known: dict[str, str]) -> str | None:
    """A part of an output's path with names for its wildcards; None if it cannot be like `part`."""
    names = WILDCARD.findall(piece)
    if not names:
        return piece
    pattern = re.sub(r"\\\{\w+\\\}", "(.+)", re.escape(piece))
    match = re.fullmatch(pattern, part)
    if match is None:
        return None
    out = piece
    for (name, _), value in zip(names, match.groups(), strict=True):
        allowed = not known[name] or re.fullmatch(known[name], value)
        choices = [value] if allowed else NAME.findall(known[name])
        near = difflib.get_close_matches(value, choices, n=1, cutoff=0)
        if not near:
            return None
        out = out.replace(f"{{{name}}}", near[0], 1)
    return out


def unknown_target(
    target: str,
    outputs: Sequence[str],
    constraints: dict[str, str] | None = None,
    figures: str = "results/figures",
) -> DeblendError:
    """The error for a file that no rule makes, with the nearest ones.

    Parameters
    ----------
    target, outputs, constraints
        See `candidates`.
    figures : str, optional
        The folder of the papers' figures, which also have the names that ``make figure`` takes.

    Returns
    -------
    DeblendError
        Its message names at most three files, or says where those that can be made are listed.
    """
    wanted = figure_name(target, figures)
    known = {name: path for path in outputs if (name := figure_name(path, figures))}
    if wanted:
        close = difflib.get_close_matches(wanted, known, n=SHOWN)
        meant = [f"{known[name]} (make figure F={name})" for name in close]
    else:
        meant = difflib.get_close_matches(target, candidates(target, outputs, constraints), n=SHOWN)
    if meant:
        return DeblendError(f"no rule makes {target}; did you mean {', or '.join(meant)}?")
    return DeblendError(
        f"no rule makes {target}; docs/results.md lists what can be made, and the configuration "
        "the names of networks, data sets and samples"
    )


def figure_name(path: str, figures: str) -> str | None:
    """A figure as ``make figure`` names it: paper and figure; None if the path is that of none.

    Figures of Boucaud et al. 2020 have no folder of their own.
    """
    name = path.removeprefix(f"{figures}/").removesuffix(".pdf")
    if path != f"{figures}/{name}.pdf" or "{" in name:
        return None
    return name if "/" in name else f"boucaud2020/{name}"


def unknown_rule(name: str, rules: Iterable[str]) -> DeblendError:
    """The error for a word that is no rule's name, with the nearest ones.

    Parameters
    ----------
    name : str
        The word.
    rules : iterable of str
        Names of all rules.
    """
    close = difflib.get_close_matches(name, [*rules], n=SHOWN)
    meant = f"did you mean {', or '.join(close)}? " if close else ""
    return DeblendError(
        f"there is no rule {name}; {meant}`snakemake --list-target-rules` lists what can be made "
        "by one word"
    )
