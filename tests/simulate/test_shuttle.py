"""A simulated link under the kernel's own network: needs root and TUN."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from fieldbox.cli import main
from fieldbox.config import Config
from fieldbox.simulate.link import Fate, LinkOptions
from fieldbox.simulate.shuttle import Link, running
from fieldbox.simulate.tunnels import End
from tests.namespaces import needs_tunnels

QUICK = LinkOptions(up_bps=1e6, down_bps=1e6, rtt_s=0.1, loss=0.0, queue_bytes=10**6)
_HUB = "('10.98.2.1', 5000)"


pytestmark = needs_tunnels


def test_the_rate_is_what_was_asked_for() -> None:
    options = replace(QUICK, up_bps=200_000)
    # Arrivals are taken with the clock of a machine that may be busy: one good try of three is enough.
    assert any(abs(_rate(options) / 200_000 - 1) < 0.05 for _ in range(3))


def _rate(options: LinkOptions) -> float:
    """Bits a second, headers and all, of packets of 1,000 bytes."""
    count = 30
    with running(options) as link, _python(link.hub, _RECEIVING) as hub:
        _send(link, count, 972)
        times = _told(hub)
    assert len(times) == count
    return (count - 1) * 8000 / (times[-1] - times[0])


def test_the_round_trip_is_what_was_asked_for() -> None:
    with running(replace(QUICK, rtt_s=0.4)) as link, _python(link.hub, _ECHOING):
        told = _run(link.box, _PINGING)
    assert 0.4 <= min(told) < 0.45


def test_the_loss_is_what_was_asked_for_and_counters_agree_with_the_kernel() -> None:
    with running(replace(QUICK, loss=0.2)) as link, _python(link.hub, _RECEIVING) as hub:
        _send(link, 500, 72)
        arrived = len(_told(hub))
        report = link.report()
        kernel = {
            name: (link.box.counter(name), link.hub.counter(name))
            for name in ("tx_bytes", "rx_bytes", "rx_packets")
        }
    assert report.up.packets == 500
    assert report.up.offered == 500 * 100 == kernel["tx_bytes"][0]
    assert report.up.delivered_packets == arrived == kernel["rx_packets"][1]
    assert report.up.delivered == kernel["rx_bytes"][1]
    assert report.up.lost[Fate.AIR] == report.up.offered - report.up.delivered
    # Three standard deviations of 500 draws at 20 % are 27.
    assert abs(report.up.lost_packets[Fate.AIR] - 100) < 30
    assert (report.down.offered, report.down.delivered) == (kernel["tx_bytes"][1], kernel["rx_bytes"][0])


def test_tcp_crosses_a_bad_link_whole_with_the_plain_congestion_control() -> None:
    with running(replace(QUICK, rtt_s=0.05, loss=0.05)) as link, _python(link.hub, _TAKING) as hub:
        (control,) = _run(link.box, _GIVING)
        assert _told(hub) == [200_000]
        _await(lambda: link.report().up.delivered == link.hub.counter("rx_bytes"))
        _await(lambda: link.report().down.delivered == link.box.counter("rx_bytes"))
        report = link.report()
    assert control == "cubic"
    assert report.up.offered > 200_000


def test_a_forgotten_connection_dies_without_a_word_and_a_new_one_works() -> None:
    assert _after_silence(replace(QUICK, nat_idle_s=0.5)) == ["silence", "a new one works"]


def test_a_forgotten_connection_that_is_remapped_is_reset() -> None:
    assert _after_silence(replace(QUICK, nat_idle_s=0.5, nat_remaps=True)) == ["reset", "a new one works"]


def test_a_connection_that_was_not_silent_for_long_lives() -> None:
    assert _after_silence(replace(QUICK, nat_idle_s=10.0)) == ["answer", "a new one works"]


def _after_silence(options: LinkOptions) -> list[Any]:
    with running(options) as link, _python(link.hub, _ANSWERING):
        return _run(link.box, _SILENT)


def test_nothing_passes_during_an_outage() -> None:
    with running(QUICK) as link, _python(link.hub, _RECEIVING) as hub:
        link.cut()
        _send(link, 5, 72)
        link.mend()
        _send(link, 2, 72)
        assert len(_told(hub)) == 2
        report = link.report()
    assert report.up.lost_packets[Fate.OUTAGE] == 5
    assert report.up_seconds < report.seconds


def test_what_a_killed_link_left_is_removed_by_the_next() -> None:
    script = (
        "import time; from fieldbox.simulate.shuttle import *; from fieldbox.simulate.link import LinkOptions\n"
        "with running(LinkOptions()) as link: print(link.box.namespace, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    name = process.stdout.readline().strip()
    process.kill()
    process.wait()
    assert Path("/run/netns", name).exists()
    with running(QUICK):
        assert not Path("/run/netns", name).exists()


def test_a_command_runs_behind_the_link() -> None:
    words = ["--rate", "1M", "--rtt", "0.05", "--loss", "0", "--json"]
    sending = f"import socket; socket.socket(type=2).sendto(bytes(72), {_HUB}); raise SystemExit(4)"
    done = CliRunner().invoke(
        main, ["simulate", "link", *words, "--", sys.executable, "-c", sending], obj=Config()
    )
    told = json.loads(done.stdout)
    assert (done.exit_code, told["exit"]) == (4, 4)
    assert told["up"]["offered_bytes"] == 100


@contextmanager
def _python(end: End, script: str) -> Iterator[subprocess.Popen[str]]:
    """A script at an end that has said that it is ready; ended with the block."""
    command = end.command([sys.executable, "-c", script])
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()


def _run(end: End, script: str) -> list[Any]:
    done = subprocess.run(
        end.command([sys.executable, "-c", script]), capture_output=True, text=True, timeout=30, check=True
    )
    return list(json.loads(done.stdout))


def _told(process: subprocess.Popen[str]) -> list[Any]:
    assert process.stdout is not None
    return list(json.loads(process.stdout.readline()))


def _send(link: Link, count: int, size: int) -> None:
    script = f"import socket; s = socket.socket(type=2); [s.sendto(bytes({size}), {_HUB}) for _ in range({count})]; print([])"
    before = link.report().up.packets
    _run(link.box, script)
    _await(lambda: link.report().up.packets == before + count)


def _await(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


_RECEIVING = """
import json, socket, time
s = socket.socket(type=2); s.bind(('0.0.0.0', 5000)); print('ready', flush=True)
times = []
while True:
    try:
        s.recv(2000)
    except TimeoutError:
        break
    times.append(time.monotonic()); s.settimeout(1.0)
print(json.dumps(times), flush=True)
"""
_ECHOING = """
import socket
s = socket.socket(type=2); s.bind(('0.0.0.0', 5000)); print('ready', flush=True)
while True:
    s.sendto(*s.recvfrom(2000))
"""
_PINGING = f"""
import json, socket, time
s = socket.socket(type=2); told = []
for _ in range(5):
    begun = time.monotonic(); s.sendto(b'x', {_HUB}); s.recv(10); told.append(time.monotonic() - begun)
print(json.dumps(told))
"""
_TAKING = """
import json, socket
s = socket.create_server(('0.0.0.0', 5000)); print('ready', flush=True)
c, _ = s.accept(); total = 0
while part := c.recv(65536):
    total += len(part)
print(json.dumps([total]), flush=True)
"""
_GIVING = f"""
import json, socket
s = socket.create_connection({_HUB}); s.sendall(bytes(200_000))
print(json.dumps([s.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(bytes(1)).decode()]))
"""
_ANSWERING = """
import socket, threading
s = socket.create_server(('0.0.0.0', 5000)); print('ready', flush=True)
def answer(c):
    while part := c.recv(10):
        c.sendall(part)
while True:
    threading.Thread(target=answer, args=s.accept()[:1], daemon=True).start()
"""
_SILENT = f"""
import json, socket, time
def asked(s):
    s.sendall(b'x')
    try:
        return 'answer' if s.recv(10) else 'closed'
    except TimeoutError:
        return 'silence'
    except ConnectionResetError:
        return 'reset'
s = socket.create_connection({_HUB}); s.settimeout(2)
assert asked(s) == 'answer'
time.sleep(1)
first = asked(s)
with socket.create_connection({_HUB}) as new:
    assert asked(new) == 'answer'
print(json.dumps([first, 'a new one works']))
"""
