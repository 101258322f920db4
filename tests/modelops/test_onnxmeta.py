"""What a model file says of itself is read without the runtime, and what is no model file is refused."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from fieldbox.inference.runtime import description_of
from fieldbox.modelops.files import shipped_files
from fieldbox.modelops.onnxmeta import metadata_of


@pytest.mark.parametrize("path", shipped_files(), ids=lambda path: path.name)
def test_it_is_what_the_runtime_reads(path: Path) -> None:
    assert metadata_of(path.read_bytes()) == dict(description_of(path))


def test_what_is_no_model_file_is_refused_or_empty() -> None:
    draw = random.Random(3)  # noqa: S311  no secret
    assert metadata_of(b"") == {}
    for _one in range(2000):
        noise = draw.randbytes(draw.randrange(1, 200))
        try:
            metadata_of(noise)
        except ValueError:
            continue


def test_a_file_that_was_cut_is_refused() -> None:
    whole = shipped_files()[0].read_bytes()
    with pytest.raises(ValueError, match="no model file"):
        metadata_of(whole[:-5])
