"""A carrier's NAT: one box behind one address of the carrier, with mappings that are forgotten.

Addresses, ports and checksums of IPv4 are rewritten (RFC 3022, checksums as RFC 1624 has it). A mapping belongs to one connection
(both ends' addresses and ports), as in most carriers' NATs, and is forgotten after some idle time. From then on

- what comes from outside for it is silently dropped;
- what the box sends of a TCP connection that it thinks open is silently dropped as well (`remaps` false). This is what firewalls
  and NATs that follow TCP's states do with a packet that begins no connection, and the worst for the box: nobody tells it. With
  `remaps` such a packet gets a mapping with a new port, as a NAT that follows no states does: the far end sees a stranger and
  answers with a reset, which the box hears;
- UDP and ICMP echo, and TCP that begins a connection, always get a new mapping with a port that was not used before.

Anything else (fragments, ICMP errors, other protocols) is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fieldbox.simulate.packets import ICMP, SYN, TCP, UDP, Head

FIRST_PORT: Final = 20_000
LAST_PORT: Final = 60_000
_CARRIED: Final = frozenset({TCP, UDP, ICMP})


@dataclass(frozen=True, slots=True)
class _Flow:
    """A connection, as one side of the NAT sees it."""

    protocol: int
    port: int
    """Ours: the box's inside, the carrier's outside."""
    far: bytes
    far_port: int


@dataclass(slots=True)
class _Mapping:
    inside: _Flow
    outside: _Flow
    used_at: float


class Nat:
    """Between the link and the internet. Addresses are 4 bytes each."""

    def __init__(self, inside: bytes, outside: bytes, idle_s: float | None, *, remaps: bool = False) -> None:
        self._inside, self._outside, self._idle, self._remaps = inside, outside, idle_s, remaps
        self._by_inside: dict[_Flow, _Mapping] = {}
        self._by_outside: dict[_Flow, _Mapping] = {}
        self._port = FIRST_PORT - 1

    def outward(self, packet: bytes, now: float) -> bytes | None:
        """A packet of the box as the internet sees it; None: it is dropped."""
        head = Head.of(packet)
        if head is None or head.protocol not in _CARRIED or head.source != self._inside:
            return None
        flow = _Flow(head.protocol, head.source_port, head.target, head.far_port(head.target_port))
        mapping = self._alive(self._by_inside.get(flow), now) or self._new(flow, head, now)
        return head.with_source(self._outside, mapping.outside.port) if mapping else None

    def inward(self, packet: bytes, now: float) -> bytes | None:
        """A packet of the internet as the box sees it; None: it is dropped."""
        head = Head.of(packet)
        if head is None or head.protocol not in _CARRIED or head.target != self._outside:
            return None
        flow = _Flow(head.protocol, head.target_port, head.source, head.far_port(head.source_port))
        mapping = self._alive(self._by_outside.get(flow), now)
        return head.with_target(self._inside, mapping.inside.port) if mapping else None

    def _alive(self, mapping: _Mapping | None, now: float) -> _Mapping | None:
        if mapping is None:
            return None
        if self._idle is not None and now - mapping.used_at >= self._idle:
            del self._by_inside[mapping.inside], self._by_outside[mapping.outside]
            return None
        mapping.used_at = now
        return mapping

    def _new(self, flow: _Flow, head: Head, now: float) -> _Mapping | None:
        if flow.protocol == TCP and not (head.flags & SYN or self._remaps):
            return None
        self._port = FIRST_PORT + (self._port + 1 - FIRST_PORT) % (LAST_PORT - FIRST_PORT)
        mapping = _Mapping(flow, _Flow(flow.protocol, self._port, flow.far, flow.far_port), now)
        self._by_inside[flow] = self._by_outside[mapping.outside] = mapping
        return mapping
