"""What a simulated link does to packets: the pure parts."""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import pytest
from click.testing import CliRunner

from fieldbox.cli import main
from fieldbox.config import Config
from fieldbox.services.poorlink import options_from
from fieldbox.simulate.link import Count, Fate, LinkOptions, Outages, Uptime, Way
from fieldbox.simulate.nat import Nat
from fieldbox.simulate.packets import ICMP, SYN, TCP, UDP, Head

BOX, CARRIER, HUB, OTHER = (bytes([10, 98, *ends]) for ends in ((1, 2), (2, 2), (2, 1), (2, 7)))
CALM = LinkOptions(loss=0.0)


def test_packets_leave_at_the_rate_and_arrive_after_the_delay() -> None:
    way = Way(20_000, CALM, 1)
    arrivals = [way.offer(1000, 0.0) for _ in range(10)]
    assert arrivals == pytest.approx([0.6 + 0.4 * (number + 1) for number in range(10)])
    assert way.offer(1000, 100.0) == pytest.approx(101.0)


def test_what_finds_the_queue_full_is_lost_until_there_is_room() -> None:
    way = Way(20_000, LinkOptions(loss=0.0, queue_bytes=2_500), 1)
    assert [way.offer(1000, 0.0) is Fate.QUEUE for _ in range(4)] == [False, False, True, True]
    assert way.offer(1000, 0.41) is not Fate.QUEUE


def test_one_packet_always_finds_room() -> None:
    way = Way(20_000, LinkOptions(loss=0.0, queue_bytes=0), 1)
    assert way.offer(1400, 0.0) is not Fate.QUEUE
    assert way.offer(1400, 0.0) is Fate.QUEUE


def test_the_told_share_is_lost_and_used_its_air_time() -> None:
    way = Way(8_000, LinkOptions(loss=0.05, rtt_s=0.0, queue_bytes=10**9), 3)
    fates = [way.offer(100, 0.0) for _ in range(20_000)]
    lost = fates.count(Fate.AIR)
    # Three standard deviations of a count of 20,000 draws are 92.
    assert abs(lost - 1000) < 95
    assert max(one for one in fates if not isinstance(one, Fate)) > 1990


def test_jitter_never_lets_one_overtake_another() -> None:
    way = Way(1e6, LinkOptions(loss=0.0, jitter_s=0.5), 1)
    arrivals = [way.offer(50, number * 0.01) for number in range(200)]
    assert arrivals == sorted(arrivals, key=float)
    assert len(set(arrivals)) > 3


def test_outages_begin_as_often_and_last_as_long_as_told() -> None:
    times = list(islice(Outages(40, (60, 120)).times(1), 1000))
    begins = [begin for begin, _end in times]
    gaps = [after - before for before, after in zip([0.0, *begins], begins, strict=False)]
    assert min(gaps) >= 60
    assert max(gaps) <= 120
    assert sum(gaps) / len(gaps) == pytest.approx(90, abs=2)
    assert {round(end - begin, 6) for begin, end in times} == {40}


def test_up_time_leaves_out_what_is_scheduled_and_what_is_cut_by_hand() -> None:
    uptime = Uptime(Outages(40, (100, 100)), 1000.0)
    assert [uptime.is_up(1000.0 + at) for at in (0, 99, 100, 139, 140, 199, 200)] == [1, 1, 0, 0, 1, 1, 0]
    assert uptime.up_s(1250.0) == pytest.approx(250 - 80)
    uptime.cut(1250.0)
    assert not uptime.is_up(1260.0)
    uptime.mend(1270.0)
    assert uptime.is_up(1275.0)
    assert uptime.up_s(1280.0) == pytest.approx(280 - 80 - 20)


def test_outages_can_be_scheduled_anew() -> None:
    uptime = Uptime(Outages(40, (100, 100)), 1000.0)
    assert not uptime.is_up(1110.0)
    uptime.schedule(Outages(10, (20, 20)), 1200.0, 1)
    assert [uptime.is_up(1200.0 + at) for at in (19, 20, 29, 30)] == [True, False, False, True]
    uptime.schedule(None, 1235.0, 1)
    assert uptime.is_up(1245.0)
    assert uptime.up_s(1250.0) == pytest.approx(250 - 40 - 10)


def test_what_came_since_is_what_was_not_there_before() -> None:
    count = Count()
    count.offer(60)
    count.lose(60, Fate.AIR)
    before = count.since(Count())
    count.offer(40)
    count.deliver(40)
    count.offer(30)
    count.lose(30, Fate.AIR)
    told = count.since(before)
    assert (told.offered, told.packets, told.delivered, told.delivered_packets) == (70, 2, 40, 1)
    assert (told.lost[Fate.AIR], told.lost_packets[Fate.AIR]) == (30, 1)


def test_a_link_that_is_cut_twice_is_mended_once() -> None:
    uptime = Uptime(None, 0.0)
    uptime.cut(1.0)
    uptime.cut(2.0)
    assert uptime.up_s(5.0) == 1.0
    uptime.mend(5.0)
    uptime.mend(6.0)
    assert uptime.up_s(7.0) == 3.0


@pytest.mark.parametrize("protocol", [TCP, UDP, ICMP])
def test_what_a_nat_rewrites_has_right_checksums(protocol: int) -> None:
    draw = random.Random(protocol)  # noqa: S311  no secret
    nat = Nat(BOX, CARRIER, None)
    for number in range(200):
        body = draw.randbytes(draw.randrange(40))
        out = nat.outward(packet(protocol, (BOX, 1000 + number), (HUB, 443), SYN, body), 0.0)
        assert out is not None
        assert check(out), number
        seen = Head.of(out)
        assert seen is not None
        assert (seen.source, seen.target) == (CARRIER, HUB)
        port = seen.source_port
        back = nat.inward(packet(protocol, (HUB, 443), (CARRIER, port), 0x10, body), 0.0)
        assert back is not None
        assert check(back)
        told = Head.of(back)
        assert told is not None
        assert (told.target, told.target_port) == (BOX, 1000 + number)


def test_a_udp_checksum_that_is_none_stays_none() -> None:
    sent = bytearray(packet(UDP, (BOX, 9), (HUB, 53), 0, b"x"))
    sent[26:28] = bytes(2)
    out = Nat(BOX, CARRIER, None).outward(bytes(sent), 0.0)
    assert out is not None
    assert out[26:28] == bytes(2)


def test_nobody_else_gets_in() -> None:
    nat = Nat(BOX, CARRIER, None)
    out = nat.outward(packet(UDP, (BOX, 9), (HUB, 53), 0), 0.0)
    port = ports(out)[0]
    assert nat.inward(packet(UDP, (OTHER, 53), (CARRIER, port), 0), 0.0) is None
    assert nat.inward(packet(UDP, (HUB, 54), (CARRIER, port), 0), 0.0) is None
    assert nat.inward(packet(TCP, (HUB, 53), (CARRIER, port), SYN), 0.0) is None
    assert nat.outward(packet(UDP, (OTHER, 9), (HUB, 53), 0), 0.0) is None
    assert nat.inward(packet(UDP, (HUB, 53), (CARRIER, port), 0), 0.0) is not None


def test_a_forgotten_connection_is_dropped_silently() -> None:
    nat = Nat(BOX, CARRIER, 30.0)
    first = nat.outward(packet(TCP, (BOX, 9), (HUB, 443), SYN), 0.0)
    port = ports(first)[0]
    assert nat.outward(packet(TCP, (BOX, 9), (HUB, 443), 0x10), 29.0) is not None
    assert nat.inward(packet(TCP, (HUB, 443), (CARRIER, port), 0x10), 58.0) is not None
    assert nat.inward(packet(TCP, (HUB, 443), (CARRIER, port), 0x10), 88.0) is None
    assert nat.outward(packet(TCP, (BOX, 9), (HUB, 443), 0x10), 89.0) is None
    again = nat.outward(packet(TCP, (BOX, 9), (HUB, 443), SYN), 90.0)
    assert ports(again)[0] != port


@pytest.mark.parametrize(("protocol", "remaps"), [(TCP, True), (UDP, False), (ICMP, False)])
def test_what_is_remapped_comes_from_a_stranger(protocol: int, remaps: bool) -> None:
    nat = Nat(BOX, CARRIER, 30.0, remaps=remaps)
    first = nat.outward(packet(protocol, (BOX, 9), (HUB, 443), 0x10), 0.0)
    second = nat.outward(packet(protocol, (BOX, 9), (HUB, 443), 0x10), 31.0)
    assert ports(first)[0] != ports(second)[0]


def test_what_is_no_whole_packet_of_a_known_kind_is_dropped() -> None:
    nat = Nat(BOX, CARRIER, None)
    good = packet(TCP, (BOX, 9), (HUB, 443), SYN)
    fragment = bytearray(good)
    fragment[6] = 0x20
    sctp = bytearray(good)
    sctp[9] = 132
    unreachable = bytearray(packet(ICMP, (BOX, 9), (HUB, 0), 0))
    unreachable[20] = 3
    for bad in (b"", good[:19], good[:30], b"\x60" + good[1:], fragment, sctp, unreachable):
        assert nat.outward(bytes(bad), 0.0) is None
        assert nat.inward(bytes(bad), 0.0) is None


def test_ports_are_used_again_only_after_all_others() -> None:
    nat = Nat(BOX, CARRIER, 1.0)
    seen = [
        ports(nat.outward(packet(UDP, (BOX, 1 + number), (HUB, 53), 0), 2.0 * number))[0]
        for number in range(5000)
    ]
    assert len(set(seen)) == 5000


def ports(seen: bytes | None) -> tuple[int, int]:
    assert seen is not None
    head = Head.of(seen)
    assert head is not None
    return head.source_port, head.target_port


def packet(
    protocol: int, source: tuple[bytes, int], target: tuple[bytes, int], flags: int, body: bytes = b""
) -> bytes:
    """A packet with right checksums."""
    if protocol == TCP:
        content = struct.pack(">HHIIBBHHH", source[1], target[1], 1, 2, 5 << 4, flags, 500, 0, 0) + body
    elif protocol == UDP:
        content = struct.pack(">HHHH", source[1], target[1], 8 + len(body), 0) + body
    else:
        inside = source[0] == BOX
        content = (
            struct.pack(">BBHHH", 8 if inside else 0, 0, 0, source[1] if inside else target[1], 1) + body
        )
    head = struct.pack(
        ">BBHHHBBH4s4s", 0x45, 0, 20 + len(content), 7, 0x4000, 64, protocol, 0, source[0], target[0]
    )
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    at = {ICMP: 2, UDP: 6, TCP: 16}[protocol]
    content = content[:at] + struct.pack(">H", checksum(pseudo(head, content) + content)) + content[at + 2 :]
    return head + content


def check(whole: bytes) -> bool:
    """Whether its checksums are right: summed up with what they stand for they give nothing."""
    head, content = whole[:20], whole[20:]
    return checksum(head) == 0 and checksum(pseudo(head, content) + content) == 0


def pseudo(head: bytes, content: bytes) -> bytes:
    return b"" if head[9] == ICMP else head[12:20] + struct.pack(">BBH", 0, head[9], len(content))


def checksum(content: bytes) -> int:
    total = sum(word for (word,) in struct.iter_unpack(">H", content + bytes(len(content) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@pytest.mark.parametrize(
    "words", [["--rate", "fast"], ["--up", "9"], ["--outage", "40"], ["--outage", "60/40"], ["--loss", "2"]]
)
def test_a_link_that_cannot_be_is_wrong_usage(words: list[str]) -> None:
    done = CliRunner().invoke(main, ["simulate", "link", *words, "true"], obj=Config())
    assert done.exit_code == 2


def test_a_link_is_told_in_bits_seconds_and_shares() -> None:
    given: dict[str, Any] = {
        "up": 15_000.0,
        "down": None,
        "rate": 30_000.0,
        "rtt": 0.7,
        "jitter": 0.1,
        "loss": 0.03,
    }
    given |= {"queue": 9, "outage": (40.0, 60.0, 120.0), "nat_idle": 30.0, "nat_remaps": True, "seed": 7}
    outages = Outages(40.0, (60.0, 120.0))
    assert options_from(given) == LinkOptions(15_000, 30_000, 0.7, 0.1, 0.03, 9, outages, 30.0, True, 7)


def test_without_root_a_sentence_says_so() -> None:
    with _nobody():
        done = CliRunner().invoke(main, ["simulate", "link", "true"], obj=Config())
    assert done.exit_code == 1
    assert "sudo" in done.stderr


@contextmanager
def _nobody() -> Iterator[None]:
    """Without root's rights."""
    before = os.geteuid()
    os.seteuid(65_534 if before == 0 else before)
    try:
        yield
    finally:
        os.seteuid(before)
