"""Routes as the kernel tells them: rtnetlink(7), netlink(7), RFC 3549. Bytes in, bytes out."""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

GROUPS: Final = 0x1 | 0x40 | 0x400
"""Changes of interfaces, of IPv4 routes and of IPv6 routes (RTMGRP_LINK, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_ROUTE)."""
FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)
_MESSAGE = struct.Struct("=IHHII")
_ROUTE = struct.Struct("=8BI")
_ATTRIBUTE = struct.Struct("=HH")
_HOP = struct.Struct("=HBBi")
_ERROR, _DONE, _NEW_ROUTE, _GET_ROUTE = 2, 3, 24, 26
_REQUEST_DUMP = 0x1 | 0x300
_OIF, _PRIORITY, _MULTIPATH, _TABLE = 4, 6, 9, 15
_UNICAST, _MAIN = 1, 254
_UNUSABLE = 0x1 | 0x10
"""RTNH_F_DEAD, RTNH_F_LINKDOWN."""


@dataclass(frozen=True, slots=True, order=True)
class DefaultRoute:
    """A way to everywhere. The kernel takes the one of the least metric."""

    metric: int
    interface: int
    """Its index."""


class Refused(OSError):
    """The kernel did not answer a request."""


def request(family: int) -> bytes:
    """Ask for all routes of an address family."""
    body = _ROUTE.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)
    return _MESSAGE.pack(_MESSAGE.size + len(body), _GET_ROUTE, _REQUEST_DUMP, 1, 0) + body


def default_routes(answer: bytes) -> tuple[list[DefaultRoute], bool]:
    """The default routes in a part of the answer to `request`, and whether it was the last part. Raises Refused."""
    found: list[DefaultRoute] = []
    for kind, body in _messages(answer):
        if kind == _DONE:
            return found, True
        if kind == _ERROR:
            raise Refused(-int.from_bytes(body[:4], sys.byteorder, signed=True), "routes")
        if kind == _NEW_ROUTE:
            found += _routes(body)
    return found, False


def _messages(answer: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _MESSAGE.size <= len(answer):
        length, kind, *_rest = _MESSAGE.unpack_from(answer, at)
        if length < _MESSAGE.size:
            return
        yield kind, answer[at + _MESSAGE.size : at + length]
        at += _aligned(length)


def _routes(body: bytes) -> Iterator[DefaultRoute]:
    if len(body) < _ROUTE.size:
        return
    _family, to_bits, _from, _tos, table, _protocol, _scope, kind, flags = _ROUTE.unpack_from(body)
    told = dict(_attributes(body[_ROUTE.size :]))
    table = _number(told.get(_TABLE), table)
    if to_bits or kind != _UNICAST or table != _MAIN or flags & _UNUSABLE:
        return
    metric = _number(told.get(_PRIORITY), 0)
    if _OIF in told:
        yield DefaultRoute(metric, _number(told[_OIF], 0))
    for interface in _hops(told.get(_MULTIPATH, b"")):
        yield DefaultRoute(metric, interface)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            return
        yield kind, data[at + _ATTRIBUTE.size : at + length]
        at += _aligned(length)


def _hops(data: bytes) -> Iterator[int]:
    """Interfaces of a route that has several ways."""
    at = 0
    while at + _HOP.size <= len(data):
        length, flags, _weight, interface = _HOP.unpack_from(data, at)
        if length < _HOP.size:
            return
        if not flags & _UNUSABLE:
            yield interface
        at += _aligned(length)


def _number(data: bytes | None, otherwise: int) -> int:
    return otherwise if data is None else int.from_bytes(data[:4], sys.byteorder)


def _aligned(length: int) -> int:
    return (length + 3) & ~3
