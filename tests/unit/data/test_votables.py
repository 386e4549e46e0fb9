"""VOTables that refer to something else, in the encodings that parsers of XML know."""

import io
from xml.parsers.expat import ExpatError

import pytest
from deblend.data.votables import refuse_references

PLAIN = '<?xml version="1.0"?><VOTABLE><STREAM encoding="base64">AAAA</STREAM></VOTABLE>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "<STREAM ",
            '<STREAM href="file:///etc/secret" ',
            "its data are elsewhere, at file:///etc",
        ),
        ("<STREAM ", '<STREAM href="https://me:pw@a.org/t?key=1" ', r"at https://a\.org/t: save"),
        ("STREAM", "v:STREAM", None),
        ("<VOTABLE>", '<!DOCTYPE V [<!ENTITY x "y">]><VOTABLE>', "it declares entities"),
        (
            "<VOTABLE>",
            '<!DOCTYPE V [<!ENTITY x SYSTEM "file:///a">]><VOTABLE>',
            "declares entities",
        ),
    ],
)
def test_references_are_refused(old, new, message, encoding):
    file = io.BytesIO(PLAIN.replace(old, new).encode(encoding))
    if message is None:
        refuse_references(file)
        return
    with pytest.raises(ValueError, match=message) as caught:
        refuse_references(file)
    assert "pw" not in str(caught.value)


def test_what_is_no_whole_document_is_refused():
    refuse_references(io.BytesIO(PLAIN.encode()))
    with pytest.raises(ExpatError):
        refuse_references(io.BytesIO(PLAIN[:-3].encode()))
