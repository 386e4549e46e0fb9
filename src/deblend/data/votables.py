"""VOTables that refer to other files or hosts, or expand: refused before they are read."""

from typing import IO
from xml.parsers import expat

from deblend.files import public_url


def refuse_references(file: IO[bytes]) -> None:
    """Refuse a VOTable that refers to other files or hosts.

    Its data can be at an address, which astropy would open. Values that are declared as entities of
    XML, in another file for example, would be left out.

    Parameters
    ----------
    file : file
        Open at its beginning; it is read to its end.

    Raises
    ------
    ValueError, xml.parsers.expat.ExpatError
    """
    addresses: list[str] = []

    def look(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2].upper() == "STREAM" and "href" in attributes:
            addresses.append(attributes["href"])

    def refuse(*declared: object) -> None:
        raise ValueError("it declares entities of XML: write the values themselves in the table")

    parser = expat.ParserCreate()
    parser.StartElementHandler = look
    parser.EntityDeclHandler = refuse
    # What is no XML is an error here: where astropy read on, an address could follow.
    parser.ParseFile(file)
    if addresses:
        raise ValueError(
            f"its data are elsewhere, at {public_url(addresses[0])}: save them in the table itself"
        )
