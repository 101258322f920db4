"""Names in lists against the flight's photos."""

import pytest

from fieldbox.georef.photonames import Missing, PhotoNames

NAMES = PhotoNames(
    [
        "DCIM/100MEDIA/DJI_0001.JPG",
        "DCIM/101MEDIA/DJI_0001.JPG",
        "DCIM/101MEDIA/DJI_0002.JPG",
        "b.JPG",
        "b.jpeg",
    ]
)


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        ("DJI_0002.JPG", "DCIM/101MEDIA/DJI_0002.JPG"),
        ("dji_0002.jpg", "DCIM/101MEDIA/DJI_0002.JPG"),
        ("dji_0002", "DCIM/101MEDIA/DJI_0002.JPG"),
        ("D:\\Jobs\\Field\\DJI_0002.JPG", "DCIM/101MEDIA/DJI_0002.JPG"),
        ("101MEDIA/DJI_0001.JPG", "DCIM/101MEDIA/DJI_0001.JPG"),
        ("./100media\\dji_0001", "DCIM/100MEDIA/DJI_0001.JPG"),
        ("DJI_0001.JPG", Missing.AMBIGUOUS),
        ("102MEDIA/DJI_0001.JPG", Missing.AMBIGUOUS),
        ("b.jpg", "b.JPG"),
        ("b", Missing.AMBIGUOUS),
        ("DJI_0003.JPG", Missing.ABSENT),
        ("", Missing.ABSENT),
        ("/", Missing.ABSENT),
    ],
)
def test_find(stated: str, found: str | Missing) -> None:
    assert NAMES.find(stated) == found


def test_case_alone_can_tell_and_the_same_name_twice_is_one_photo() -> None:
    assert PhotoNames(["a.jpg", "A.JPG"]).find("A.JPG") == "A.JPG"
    assert PhotoNames(["a.jpg", "A.JPG"]).find("a.jpg") == "a.jpg"
    assert PhotoNames(["a.jpg", "A.JPG"]).find("a.JPG") is Missing.AMBIGUOUS
    assert PhotoNames(["a.jpg", "a.jpg"]).find("A.JPG") == "a.jpg"


def test_many_folders_with_the_same_files_are_told_apart_in_good_time() -> None:
    names = PhotoNames(f"DCIM/{folder}MEDIA/DJI_0001.JPG" for folder in range(5_000))
    assert [names.find(f"{n}media/dji_0001.jpg") for n in range(5_000)] == [
        f"DCIM/{n}MEDIA/DJI_0001.JPG" for n in range(5_000)
    ]
