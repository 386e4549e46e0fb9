"""Readers of trained networks and of pictures, and tricks for them, for `test_hostile.py`."""

import io
import json
import random
import zipfile
from functools import cache

import h5py
import numpy as np
from deblend.files import read_json, write_json
from deblend.reiman2019.images import build_frames
from PIL import Image

#: Description of a separator.
SEPARATOR = {
    "generator": "copy_gate",
    "filters": 2,
    "levels": 2,
    "precision": "float32",
    "perturbation": {"crop_px": 16, "reduce_by": 1},
    "pixel_scale_arcsec": 0.06,
    "bands": ["f775w"],
}
#: Description of a network of Boucaud et al.
MASKS = {
    "architecture": "unet",
    "stamp_size": 16,
    "pixel_scale_arcsec": 0.06,
    "zero_point": 25.96,
    "options": {"filters": 2, "depth": 2},
}
#: Side of the pictures.
SIDE = 16


@cache
def keras_networks():
    """The modules that read networks on Keras."""
    from deblend.training import keras_backend

    keras_backend.configure("tensorflow", 2, 0)
    from deblend.boucaud2020 import networks, predict

    return networks, predict


def files_of(path, suffix):
    """Weights and description, of which a path is one."""
    if path.suffix == ".json":
        return path.with_name(f"network{suffix}"), path
    return path, path.with_name("network.json")


def write_separator(path):
    """Weights and description of a separator, of which the path is one."""
    import torch
    from deblend.reiman2019.networks import CopyGateGenerator
    from deblend.training.torch_checkpoint import write_weights

    torch.manual_seed(0)
    weights, description = files_of(path, ".h5")
    write_weights(weights, CopyGateGenerator(2, 2))
    write_json(description, SEPARATOR)


def read_separator(path):
    """All weights of a separator, and what else its description decides."""
    from deblend.reiman2019.predict import load_generator

    generator, precision = load_generator(*files_of(path, ".h5"))
    values = b"".join(value.numpy().tobytes() for value in generator.state_dict().values())
    return precision.encode() + values


def write_masks(path):
    """Weights and description of a U-Net, of which the path is one."""
    networks, predict = keras_networks()
    weights, description = files_of(path, ".weights.h5")
    model = networks.build("unet", SIDE, MASKS["options"])
    predict.save_network(weights, description, model, MASKS)


def read_masks(path):
    """All weights of a U-Net."""
    _, predict = keras_networks()
    model, record = predict.load_network(*files_of(path, ".weights.h5"))
    values = b"".join(np.asarray(value).tobytes() for value in model.get_weights())
    return str(record["zero_point"]).encode() + values


def picture(kind):
    """A picture as a file of some format."""
    pixels = np.random.default_rng(3).integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def frames_of(source):
    """Bytes of the frames that are made of a source."""
    folder = source.parent / "made"
    folder.mkdir(exist_ok=True)
    outputs = [folder / name for name in ("frames.npy", "index.csv", "excluded.csv")]
    shares = {"train": 1.0, "validation": 0.0, "test": 0.0}
    size = {"frame_px": SIDE, "crop_px": SIDE, "reduce_by": 1}
    build_frames([source], *outputs, seed=0, split=shares, **size)
    return np.load(outputs[0]).tobytes()


def write_zip(path, content=None, name="images/1.jpg", **options):
    """A zip archive with one JPEG."""
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr(name, picture("JPEG") if content is None else content)


def write_jpeg(path):
    """A JPEG in a folder of its own."""
    path.write_bytes(picture("JPEG"))


def read_picture(path):
    """Pixels that a separator is given."""
    from deblend.reiman2019.own_images import read_image

    return read_image(path).tobytes()


READERS = {
    "JSON of jobs": {
        "kind": "json",
        "suffix": ".json",
        "write": lambda path: write_json(path, {"a": 1.5, "b": ["x", None]}),
        "read": lambda path: repr(read_json(path)).encode(),
    },
    "descriptions of networks (PyTorch)": {
        "kind": "description",
        "suffix": ".json",
        "write": write_separator,
        "read": read_separator,
    },
    "descriptions of networks (Keras)": {
        "kind": "description",
        "suffix": ".json",
        "write": write_masks,
        "read": read_masks,
    },
    "weights of networks (PyTorch)": {
        "kind": "weights",
        "suffix": ".h5",
        "write": write_separator,
        "read": read_separator,
        "is_checked": True,
    },
    "weights of networks (Keras)": {
        "kind": "weights",
        "suffix": ".weights.h5",
        "write": write_masks,
        "read": read_masks,
        "is_checked": True,
    },
    "JPEGs (folder)": {
        "kind": "jpeg",
        "suffix": ".jpg",
        "write": write_jpeg,
        "read": lambda path: frames_of(path.parent),
    },
    "JPEGs (zip)": {
        "kind": "zip",
        "suffix": ".zip",
        "write": write_zip,
        "read": frames_of,
        "is_checked": True,
    },
    "pictures (JPEG)": {
        "kind": "picture",
        "suffix": ".jpg",
        "write": write_jpeg,
        "read": read_picture,
    },
    "pictures (PNG)": {
        "kind": "png",
        "suffix": ".png",
        "write": lambda path: path.write_bytes(picture("PNG")),
        "read": read_picture,
        "is_checked": True,
    },
}


# Tricks --------------------------------------------------------------------------------


def broken_json(path, plot):
    """No JSON, or one that parsers understand in several ways."""
    for text in ("[" * 100_000, '{"a":' * 100_000, "nul", "{} {}", '{"a": 1, "a": 2}', "[1,]"):
        yield path.write_text(text)
    yield path.write_bytes(b'{"a": "\xff\xfe"}')
    yield path.write_bytes('{"a": 1}'.encode("utf-16"))
    yield path.write_text('{"a": ' + "1" * 10_000 + "}")
    yield path.write_text("[" + "{}," * 20_000_000 + "{}]")


def wrong_values(path, plot):
    """Values that a description of a network cannot have."""
    whole = json.loads(path.read_text())
    is_unet = "architecture" in whole
    numbers = ("12", None, [], {}, True, -1, 0, 2.5, 10**9, 10**30, float("nan"), float("inf"))
    for name in ("filters", "depth" if is_unet else "levels"):
        for value in numbers:
            record = json.loads(json.dumps(whole))
            (record["options"] if is_unet else record)[name] = value
            yield path.write_text(json.dumps(record))
    for name in ("pixel_scale_arcsec", "psf_fwhm_arcsec"):
        for value in ("12", [], {}, -1, 0, float("nan"), float("inf")):
            yield path.write_text(json.dumps(whole | {name: value}))
    sides = ("stamp_size",) if is_unet else ("perturbation",)
    for name in (*sides, "bands"):
        for value in ("16", {"crop_px": "x"}, [1], {"crop_px": 10**12}, -16, 10**12, float("nan")):
            yield path.write_text(json.dumps(whole | {name: value}))
    for text in ("[]", "null", '"unet"', "3", "{}"):
        yield path.write_text(text)


def missing_keys(path, plot):
    """Descriptions that lack what the network is built from."""
    whole = json.loads(path.read_text())
    needed = ("architecture", "stamp_size", "options")
    for name in needed if "architecture" in whole else ("precision",):
        yield path.write_text(json.dumps({k: v for k, v in whole.items() if k != name}))
    yield path.write_text(json.dumps(whole | {"options": {"unknown": 1}, "generator": "other"}))


def _arrays(path):
    """Names and arrays of a file."""
    found = {}
    with h5py.File(path, "r") as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return found


def _with(path, arrays, changed):
    """A file with other arrays, without checksums, as other programs write it."""
    # Keras may have the file open still, after an error.
    path.unlink()
    with h5py.File(path, "w") as file:
        for name, value in arrays.items():
            changed(file, name, value)


def other_arrays(path, plot):
    """Arrays of other shapes and types, or with values that are not finite."""
    arrays = _arrays(path)
    floats = [name for name, value in arrays.items() if value.dtype.kind == "f" and value.size > 1]
    random.Random(0).shuffle(floats)
    for chosen in floats[:3]:
        for make in (
            lambda value: value.ravel()[:-1],
            lambda value: value[None],
            lambda value: np.float32(1),
            lambda value: np.full_like(value, np.nan),
            lambda value: np.full_like(value, -np.inf),
            lambda value: value.astype(complex),
            lambda value: np.full(value.shape, b"text"),
            lambda value: np.full(value.shape, "1.0", dtype=object),
            lambda value: None,
        ):

            def changed(file, name, value, chosen=chosen, make=make):
                value = make(value) if name == chosen else value
                if value is not None:
                    file[name] = value

            yield _with(path, arrays, changed)
    _with(path, arrays, lambda file, name, value: file.create_group(name))
    yield
    _with(path, {}, None)
    yield


def lying_arrays(path, plot):
    """Arrays that are far larger than the file."""
    arrays = _arrays(path)
    first = next(name for name, value in arrays.items() if value.dtype.kind == "f" and value.size)

    def huge(file, name, value):
        if name == first:
            file.create_dataset(name, (2**36,), "f4", chunks=(64,))
        else:
            file[name] = value

    yield _with(path, arrays, huge)

    def packed(file, name, value):
        if name == first:
            options = {"chunks": tuple(2**25 if i == 0 else 1 for i in range(value.ndim))}
            limits = (None,) * value.ndim
            file.create_dataset(name, data=value, maxshape=limits, compression="gzip", **options)
        else:
            file[name] = value

    yield _with(path, arrays, packed)


def linked_weights(path, plot):
    """Weights that are in another file."""
    other = plot.secret.with_suffix(".h5")
    arrays = _arrays(path)
    other.write_bytes(path.read_bytes())

    def linked(file, name, value):
        file[name] = h5py.ExternalLink(str(other), name)

    yield _with(path, arrays, linked)

    def virtual(file, name, value):
        if not value.ndim:
            file[name] = value
            return
        layout = h5py.VirtualLayout(value.shape, value.dtype)
        layout[:] = h5py.VirtualSource(str(other), name, shape=value.shape)
        file.create_virtual_dataset(name, layout)

    yield _with(path, arrays, virtual)


def lying_jpeg(path, plot):
    """JPEGs whose header tells another size, colours or format."""
    content = path.read_bytes()
    # SOF0: marker, length, precision, height, width.
    at = content.index(b"\xff\xc0") + 5
    # What is missing of a size that is a little too large is grey: JPEGs have no checksums.
    for size in (b"\xff\xff\xff\xff", b"\x00\x00\x00\x00"):
        yield path.write_bytes(content[:at] + size + content[at + 4 :])
    for kind, mode in (("JPEG", "CMYK"), ("JPEG", "L"), ("PNG", "P"), ("GIF", "P"), ("BMP", "RGB")):
        stream = io.BytesIO()
        Image.open(io.BytesIO(content)).convert(mode).save(stream, kind)
        yield path.write_bytes(stream.getvalue())
    # PostScript, which Pillow would have Ghostscript run.
    yield path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 16\n%%EndComments\n")


def lying_png(path, plot):
    """PNGs of a size that memory does not have, or whose texts unpack to it."""
    stream = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(stream, "PNG")
    yield path.write_bytes(stream.getvalue())
    stream = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(stream, "PNG")
    yield path.write_bytes(stream.getvalue())


def lying_zip(path, plot):
    """Archives with members that are bombs, encrypted, links, or of other kinds."""
    packed = {"compression": zipfile.ZIP_DEFLATED}
    yield write_zip(path, picture("JPEG") + bytes(300_000_000), **packed)
    whole = picture("JPEG")
    write_zip(path, whole)
    plain = path.read_bytes()
    for offset, value in ((8, 14), (8, 99), (6, 1), (4, 90)):
        broken = bytearray(plain)
        for head, shift in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
            broken[broken.index(head) + offset + shift] = value
        yield path.write_bytes(broken)
    # A name that says that it is UTF-8, and is not.
    broken = bytearray(plain)
    for head, shift, name in ((b"PK\x03\x04", 0, 30), (b"PK\x01\x02", 2, 46)):
        at = broken.index(head)
        broken[at + 7 + shift] |= 8
        broken[at + name] = 0xFF
    yield path.write_bytes(broken)
    info = zipfile.ZipInfo("1.jpg")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, str(plot.secret))
    yield
    target = plot.folder.parent / "outside" / "1.jpg"
    plot.outside.append(target)
    for name in ("../outside/1.jpg", str(target)):
        yield write_zip(path, name=name)


#: For each trick: what it does to a file, and the formats that it exists for.
TRICKS = {
    "no JSON": (broken_json, ("json", "description")),
    "wrong values": (wrong_values, ("description",)),
    "missing keys": (missing_keys, ("description",)),
    "other arrays": (other_arrays, ("weights",)),
    "sizes that lie, weights": (lying_arrays, ("weights",)),
    "links and arrays elsewhere, weights": (linked_weights, ("weights",)),
    "sizes and formats that lie, JPEG": (lying_jpeg, ("jpeg", "picture")),
    "bomb, PNG": (lying_png, ("png",)),
    "bomb, links and kinds, zip": (lying_zip, ("zip",)),
}
#: Formats without checksums.
UNCHECKED = ("json", "description", "jpeg", "picture")
