"""IPv4 packets: whose they are, and the same with another address and port."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, Self

ICMP, TCP, UDP = 1, 6, 17
SYN: Final = 0x02
_VERSION: Final = 4
_HEAD_BYTES: Final = 20
_LEAST: Final = {ICMP: 8, UDP: 8, TCP: 20}
_CHECKSUM_AT: Final = {ICMP: 2, UDP: 6, TCP: 16}
_FRAGMENT: Final = 0x3FFF
"""More fragments, or an offset."""
_ECHO: Final = (0, 8)
"""ICMP: the answer to an echo, and the asking."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a NAT reads of a packet. Of an ICMP echo its identifier stands for the port of the one who asks."""

    packet: bytes
    at: int
    """Where what IP carries begins."""
    protocol: int
    source: bytes
    target: bytes
    source_port: int
    target_port: int
    flags: int = 0
    """TCP's."""

    @classmethod
    def of(cls, packet: bytes) -> Self | None:
        """Read it; None: no IPv4, a fragment, cut short, or neither TCP, UDP nor ICMP echo."""
        if len(packet) < _HEAD_BYTES or packet[0] >> 4 != _VERSION:
            return None
        at, protocol = (packet[0] & 15) * 4, packet[9]
        whole = not struct.unpack_from(">H", packet, 6)[0] & _FRAGMENT
        if not whole or len(packet) < at + _LEAST.get(protocol, len(packet)):
            return None
        if protocol == ICMP and packet[at] not in _ECHO:
            return None
        first, second = struct.unpack_from(">HH", packet, at + (4 if protocol == ICMP else 0))
        ports = (first, first) if protocol == ICMP else (first, second)
        flags = packet[at + 13] if protocol == TCP else 0
        return cls(packet, at, protocol, packet[12:16], packet[16:20], *ports, flags)

    def far_port(self, port: int) -> int:
        """`port` of the other end; an ICMP echo has only one."""
        return 0 if self.protocol == ICMP else port

    def with_source(self, address: bytes, port: int) -> bytes:
        """The packet as if it came from there."""
        return self._with(12, address, 4 if self.protocol == ICMP else 0, port)

    def with_target(self, address: bytes, port: int) -> bytes:
        """The packet as if it went there."""
        return self._with(16, address, 4 if self.protocol == ICMP else 2, port)

    def _with(self, address_at: int, address: bytes, port_at: int, port: int) -> bytes:
        changed = bytearray(self.packet)
        changed[address_at : address_at + 4] = address
        struct.pack_into(">H", changed, self.at + port_at, port)
        addresses = _difference(self.packet, changed, address_at, 4)
        ports = _difference(self.packet, changed, self.at + port_at, 2)
        _correct(changed, 10, addresses)
        checksum = self.at + _CHECKSUM_AT[self.protocol]
        if self.protocol == ICMP:
            _correct(changed, checksum, ports)
        elif self.protocol == TCP or any(changed[checksum : checksum + 2]):
            _correct(changed, checksum, addresses + ports)
        return bytes(changed)


def _difference(before: bytes, after: bytearray, at: int, size: int) -> int:
    """What RFC 1624 adds to the complement of a checksum: the complement of the old words, and the new words."""
    pairs = zip(
        struct.iter_unpack(">H", before[at : at + size]),
        struct.iter_unpack(">H", after[at : at + size]),
        strict=True,
    )
    return sum((~old & 0xFFFF) + new for (old,), (new,) in pairs)


def _correct(packet: bytearray, at: int, difference: int) -> None:
    (old,) = struct.unpack_from(">H", packet, at)
    total = (~old & 0xFFFF) + difference
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    struct.pack_into(">H", packet, at, ~total & 0xFFFF)
