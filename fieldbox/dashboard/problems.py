"""What programs are told when something goes wrong: one shape, whatever it was."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

from flask import Response, request
from msgspec import UNSET, Meta, Struct, UnsetType, json
from werkzeug.exceptions import HTTPException

_FOR_PROGRAMS: Final = ("/api/", "/tiles/", "/legend/", "/photo/")
RETRY_AFTER_S: Final = 60
"""When something of the box is short."""


class Code(StrEnum):
    """What went wrong, for a program to tell apart."""

    INVALID = "invalid"
    LOGIN_NEEDED = "login_needed"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CONFLICT = "conflict"
    GONE = "gone"
    TOO_LARGE = "too_large"
    WRONG_TYPE = "wrong_type"
    REFUSED = "refused"
    TOO_MANY = "too_many"
    BROKEN = "broken"
    UNAVAILABLE = "unavailable"


CODES: Final[Mapping[int, Code]] = {
    400: Code.INVALID,
    401: Code.LOGIN_NEEDED,
    403: Code.FORBIDDEN,
    404: Code.NOT_FOUND,
    405: Code.METHOD_NOT_ALLOWED,
    409: Code.CONFLICT,
    410: Code.GONE,
    413: Code.TOO_LARGE,
    415: Code.WRONG_TYPE,
    422: Code.REFUSED,
    429: Code.TOO_MANY,
    500: Code.BROKEN,
    503: Code.UNAVAILABLE,
}


class Problem(Struct, kw_only=True):
    """What went wrong."""

    error: Annotated[str, Meta(description="A sentence for a person, in the language of Accept-Language.")]
    code: Annotated[Code, Meta(description="A word for a program.")]
    parameter: Annotated[
        str | UnsetType, Meta(description="Which parameter, or which place of the body, it is about.")
    ] = UNSET


class Unfit(HTTPException):
    """A parameter, or a place in a body, that is not as the description has it."""

    code = 400

    def __init__(self, parameter: str, sentence: str) -> None:
        super().__init__(sentence)
        self.parameter, self.sentence = parameter, sentence


def takes_keys() -> bool:
    """Whether what is asked for opens to the keys of programs: the API, tiles, pictures and figures, no page."""
    return request.blueprint in ("pictures", "api", "metrics") or request.path.startswith(_FOR_PROGRAMS)


def is_for_a_program() -> bool:
    """Whether a script, a program or an `img` asks, and no person."""
    return takes_keys() or request.authorization is not None


def problem(
    sentence: str, status: int, *, parameter: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer to a program."""
    code = CODES.get(status, Code.INVALID if status < 500 else Code.BROKEN)
    told = Problem(error=sentence, code=code, parameter=UNSET if parameter is None else parameter)
    answer = Response(json.encode(told), status, headers, mimetype="application/json")
    if status == 503:
        answer.headers.setdefault("Retry-After", str(RETRY_AFTER_S))
    return answer
