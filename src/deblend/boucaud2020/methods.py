"""The methods whose fluxes are compared: networks, SExtractor, and further baselines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from deblend.errors import DeblendError

#: Range of errors that figures show for networks and for other methods, as in the paper, mag.
SHOWN_MAG = {True: 0.7, False: 3.2}


@dataclass(frozen=True)
class Method:
    """A method that recovers the fluxes of both galaxies of a blend.

    Attributes
    ----------
    name : str
        What tables and the titles of figures call it.
    suffix : str
        Of its columns in a catalogue of test blends: `g1_flux_SUFFIX`, `g2_flux_SUFFIX`.
    colour : str
        Of its lines.
    label : str
        What figures with room for it call the method; default: `name`.
    is_network : bool
        Whether it is a network. Its fluxes have the zero point of the data set then, else that of
        SExtractor, and it has fluxes of every blend.
    """

    name: str
    suffix: str
    colour: str
    label: str = ""
    is_network: bool = True

    @property
    def title(self) -> str:
        """What figures call the method."""
        return self.label or self.name

    @property
    def shown_mag(self) -> float:
        """Largest error that is shown in Figure 7, mag."""
        return SHOWN_MAG[self.is_network]


SEXTRACTOR = Method("SExtractor", "sex", "#0072B2", is_network=False)


#: Fluxes of SExtractor that a catalogue can have: their names in long-form predictions, and what
#: figures call the method then. Those of the paper are isophotal.
SEXTRACTOR_FLUXES = {"isophotal": ("sep_iso", ""), "auto": ("sep_auto", "SExtractor (AUTO)")}


#: Methods of the published catalogue, in the order of the figures' columns; colours are similar to
#: those of the paper's Fig. 8: blue, black and red.
PAPER_METHODS = (
    Method("blend2flux", "b2f", "#000000"),
    Method("blend2mask2flux", "b2m2f", "#D55E00"),
    SEXTRACTOR,
)


#: Baselines in long-form predictions: names there, and what figures call them.
BASELINE_LABELS = {
    "sep_iso": "SEP isophotal",
    "sep_auto": "SEP AUTO",
    "sep_iso_self": "SEP isophotal vs itself",
    "sep_auto_self": "SEP AUTO vs itself",
    "forced_true": "fit, true positions",
    "forced_sep": "fit, SEP's positions",
}


#: Colours of further methods (those of Okabe & Ito that the paper's methods leave).
COLOURS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#0072B2", "#D55E00")


def network_method(name: str, number: int = 0) -> Method:
    """A network under its own name, which is also the suffix of its columns.

    Parameters
    ----------
    name : str
    number : int
        Of the network among the further ones, for its colour; the paper's have their own.
    """
    colours = {method.name: method.colour for method in PAPER_METHODS}
    return Method(name, name, colours.get(name, COLOURS[number % len(COLOURS)]))


def baseline_methods(names: Iterable[str]) -> tuple[Method, ...]:
    """Methods of long-form predictions, which are no networks, for figures of baselines."""
    return tuple(
        Method(name, name, COLOURS[i % len(COLOURS)], BASELINE_LABELS.get(name, ""), False)
        for i, name in enumerate(names)
    )


def run_methods(networks: Sequence[str], of_paper: bool) -> tuple[Method, ...]:
    """Methods whose columns the catalogue of a run has, beside SExtractor's.

    Parameters
    ----------
    networks : sequence of str
    of_paper : bool
        Whether they stand for those of the paper, which have its names and columns then, also
        where one of the paper's is missing.
    """
    return PAPER_METHODS if of_paper else tuple(network_method(name) for name in networks)


def catalog_methods(
    columns: Iterable[str], sextractor_flux: str = "isophotal"
) -> tuple[Method, ...]:
    """Methods of a catalogue of test blends, found by its columns.

    Parameters
    ----------
    columns : iterable of str
        Names of columns. A pair `g1_flux_SUFFIX`, `g2_flux_SUFFIX` belongs to a method: b2f, b2m2f
        and sex are those of the published catalogue, any other suffix is a network's name.
    sextractor_flux : str
        Which fluxes of SExtractor it has: a key of `SEXTRACTOR_FLUXES`.

    Returns
    -------
    tuple of Method
        In the order of the figures' columns: the paper's networks, further networks in the order
        of their columns, SExtractor, which every catalogue has.

    Raises
    ------
    DeblendError
        Two pairs of columns are of the same method.
    """
    suffixes = dict.fromkeys(c.removeprefix("g1_flux_") for c in columns if c[:8] == "g1_flux_")
    paper = [m for m in PAPER_METHODS if m.suffix in suffixes and m.is_network]
    further = [s for s in suffixes if s not in {m.suffix for m in PAPER_METHODS}]
    sextractor = replace(SEXTRACTOR, label=SEXTRACTOR_FLUXES[sextractor_flux][1])
    methods = (*paper, *(network_method(s, i) for i, s in enumerate(further)), sextractor)
    names = [method.name for method in methods]
    for method in methods:
        if names.count(method.name) > 1:
            pairs = ", ".join(f"g?_flux_{m.suffix}" for m in methods if m.name == method.name)
            raise DeblendError(
                f"the columns {pairs} are all fluxes of {method.name}: leave one pair of them"
            )
    return methods
