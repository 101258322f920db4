"""The API under /api/v1: what the pages do, for programs. A module per subject; `description` tells of all of it.

A handler is thin: it is declared with `operation`, gets what was asked already read and checked, calls the store or a deed,
and returns what is to be told. Its declaration makes the description too, so that the two cannot differ.

Conventions: things are plural nouns with ids (`/fields/3`); attributes are changed by PATCH or, where one is set as a whole,
by PUT; what happens to a thing is a POST to a verb under it (`/uploads/ID/finish`). What is not known is null. Places are
WGS 84, longitude first; instants are ISO 8601 with their zone, times by a camera's clock have none.
"""

from fieldbox.dashboard.api import (
    features,
    fields,
    flights,
    flown,
    joining,
    languages,
    logs,
    machine,
    outlines,
    people,
    points,
    review,
    sending,
    surveys,
    uploads,
    walks,
    work,
)
from fieldbox.dashboard.api.operations import OPERATIONS, Operation, api

__all__ = [
    "OPERATIONS",
    "Operation",
    "api",
    "features",
    "fields",
    "flights",
    "flown",
    "joining",
    "languages",
    "logs",
    "machine",
    "outlines",
    "people",
    "points",
    "review",
    "sending",
    "surveys",
    "uploads",
    "walks",
    "work",
]
