"""`fieldbox intake`, whose test flights are small: a browser waits for one."""

from __future__ import annotations

from dataclasses import replace

from fieldbox.config import Config, load_config
from fieldbox.services import doors, flying, testflight


def fly(config: Config) -> None:
    """A test flight of two photos: in the child."""
    flying.FIELD = replace(flying.FIELD, size_m=(10.0, 7.0))  # type: ignore[misc]
    flying.fly(config)


if __name__ == "__main__":
    testflight.TASK = "tests.browser.smallintake:fly"  # type: ignore[misc]
    doors.serve(load_config())
