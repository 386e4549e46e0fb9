"""What of an address with a password or a signature may be recorded."""

import json
import re

import pytest
import yaml
from deblend.data.addresses import hidden, looked_up, public_text, restored, shown
from deblend.data.config import FileOrAddress
from deblend.data.web import check_url
from deblend.errors import DeblendError
from deblend.files import public_url
from deblend.hemmati2022.cutout_config import TableOrAddress
from pydantic import TypeAdapter, ValidationError

WHOLE = "https://me:PASSWORD@a.org:8443/folder/b.fits?key=TOKEN#part"


@pytest.mark.parametrize(
    "value",
    [
        "https://a.org:8443/folder/b.fits",
        "http://127.0.0.1:80/b.fits",
        "folder/b?c=d.fits",
        "vizier:J/ApJS/207/24",
        "Hemmati et al. 2014; https://a.org/b?c",
        None,
        3,
        2.5,
        True,
        {"url": None, "bands": [{"psf": "psf_b", "n": 1}]},
    ],
)
def test_what_has_no_secret_is_recorded_as_it_is(value):
    """A download that is there already is not made again."""
    assert (shown(value), hidden(value)) == (value, {})


@pytest.mark.parametrize(
    "address",
    [
        WHOLE,
        "https://me:PASSWORD@a.org/b.fits",
        "https://TOKEN@a.org/b.fits",
        "https://a.org/b.fits?TOKEN",
        "https://me:PASS WORD@a.org/b.fits",
        "HTTPS://me:PASSWORD@a.org/b.fits",
    ],
)
def test_secrets_are_not_shown(address):
    assert re.fullmatch(r"https://a\.org(:8443)?(/folder)?/b\.fits#[0-9a-f]{8}", shown(address))
    assert hidden([address]) == {shown(address): address}


@pytest.mark.parametrize("character", ["/", "?", "#", "//"])
def test_a_password_with_characters_that_end_it_is_not_shown(character):
    """The configuration refuses it, in words without it; other messages have none of it."""
    address = f"https://me:PASS{character}WORD@a.org/b.fits"
    messages = [shown(address), public_url(address), public_text(f"'{address}' is wrong")]
    with pytest.raises(DeblendError) as caught:
        check_url(address.replace("https", "ftp"))
    messages.append(str(caught.value))
    for kind in (FileOrAddress, TableOrAddress):
        with pytest.raises(ValidationError, match="with %40 for each @ behind the host") as refused:
            TypeAdapter(kind).validate_python(address)
        messages.append(public_text(str(refused.value.errors()[0]["ctx"]["error"])))
    assert not [text for text in messages if "PASS" in text or "WORD" in text]


@pytest.mark.parametrize("kind", [FileOrAddress, TableOrAddress])
@pytest.mark.parametrize(
    "address", [WHOLE, "https://me:a%2Fb@a.org/c%40d.fits", "data/a@b.fits", "https://a.org/b"]
)
def test_other_addresses_are_taken(kind, address):
    assert TypeAdapter(kind).validate_python(address) == address


def test_another_secret_is_another_address():
    assert shown(WHOLE) != shown(WHOLE.replace("TOKEN", "other"))


def test_all_of_a_configuration_comes_back():
    config = {
        "images": [{"mosaic": WHOLE, "weight": None}, {"mosaic": WHOLE.replace("TOKEN", "other")}],
        "max_bytes": 5,
        "catalog": "https://a.org/catalog.csv",
    }
    text = str(shown(config))
    assert "PASSWORD" not in text
    assert "TOKEN" not in text
    assert len(hidden(config)) == 2
    assert restored(shown(config), hidden(config)) == config


def test_addresses_are_looked_up_in_the_files_of_the_configuration(tmp_path):
    paths = [tmp_path / name for name in ("config.yaml", "overlay.json")]
    other = WHOLE.replace("TOKEN", "other")
    paths[0].write_text(yaml.safe_dump({"fields": [{"mosaic": WHOLE}]}))
    paths[1].write_text(json.dumps({"catalog": other}))
    entry = {"url": WHOLE, "weight": other, "max_bytes": 5, "doi": "10.1/a"}
    assert looked_up(shown(entry), paths) == entry


def test_an_address_whose_secret_is_in_no_file_is_an_error(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"mosaic": "https://a.org/public.fits"}))
    assert looked_up("https://a.org/public.fits", [path]) == "https://a.org/public.fits"
    with pytest.raises(DeblendError, match=r"b\.fits#.* stands in no file .*~/\.netrc") as caught:
        looked_up(shown({"url": WHOLE}), [path])
    assert "TOKEN" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"'{WHOLE}' is not a path", "'https://a.org:8443/folder/b.fits' is not a path"),
        ("'https://me:PASSW... is too long", "'https://... is too long"),
        ("https://a.org/b?TOKEN or https://c.org/d@e?", "https://a.org/b or https://e"),
        ("'https://me:PASS/WORD@a.org/b' is", "'https://a.org/b' is"),
        ("'https://me:PASS?WORD@a.org/b' is", "'https://' is"),
        ("'https://a.org/b?key=a@TOKEN' is", "'https://' is"),
        ("'https://me:PASS/WOR... is too long", "'https://... is too long"),
        ("is this a@b? No: c://d", "is this a@b? No: c://d"),
    ],
)
def test_messages_have_no_secrets(text, expected):
    assert public_text(text) == expected
