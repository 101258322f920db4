"""How answers are written."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fieldbox.dashboard.api.operations import encode


def test_numbers_that_were_worked_out_with_numpy_are_told_as_numbers() -> None:
    told = {
        "area_m2": np.float64(2.5),
        "weeds": np.int64(7),
        "treat": np.bool_(True),
        "nothing": np.float64("nan"),
    }
    assert json.loads(encode(told)) == {"area_m2": 2.5, "weeds": 7, "treat": True, "nothing": None}


def test_what_is_no_value_of_json_is_not_told() -> None:
    with pytest.raises(TypeError):
        encode({"what": object()})
