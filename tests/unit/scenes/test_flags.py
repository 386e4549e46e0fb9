import numpy as np
from deblend.scenes.flags import FLAGS, bit, flagged, names_of


def test_each_flag_has_a_bit_of_its_own():
    bits = [value for value, _ in FLAGS.values()]
    assert bits == [2**k for k in range(len(bits))]


def test_flags_are_added_and_named():
    flags = flagged("single", np.array([True, False])) | flagged("size", np.array([True, True]))
    assert flags.tolist() == [bit("single") + bit("size"), bit("size")]
    assert names_of(int(flags[0])) == ["single", "size"]
