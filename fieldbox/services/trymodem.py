"""A simulated modem that a person tries things with."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import click

from fieldbox.errors import Rejected
from fieldbox.i18n import N_, _
from fieldbox.simulate.modem import AtModem, Fault, Network, serve_socket, serve_terminal

_LOOK_S = 0.2


def serve(name: str | None, link: Path | None) -> None:
    """Be a modem behind the abstract socket `name`, or at a terminal, until Ctrl-C."""
    if link is not None and link.exists() and not link.is_symlink():
        raise Rejected(N_("{file} is there already and no link; choose another name."), file=str(link))
    network, stop = Network(), threading.Event()
    modem = AtModem(network)

    def ready(path: str) -> None:
        if link is not None:
            link.unlink(missing_ok=True)
            link.symlink_to(path)
        click.echo(_("The modem is at {path}.").format(path=path), err=True)

    if name is not None:
        ready(f"@{name}")
        work = threading.Thread(target=serve_socket, args=(modem, name, stop))
    else:
        work = threading.Thread(target=serve_terminal, args=(modem, stop, ready))
    printing = threading.Thread(target=_print, args=(network, stop))
    for one in (work, printing):
        one.start()
    try:
        for line in sys.stdin:
            heard(network, line)
        stop.wait()
    except KeyboardInterrupt:
        click.echo("", err=True)
    finally:
        stop.set()
        for one in (work, printing):
            one.join()
        if link is not None:
            link.unlink(missing_ok=True)


def heard(network: Network, line: str) -> None:
    """Do what somebody typed: a text that comes in, or what happens to the next part."""
    first, _blank, text = line.strip().partition(" ")
    if first in {fault.value for fault in Fault}:
        network.faults.append(Fault(first))
    elif text:
        network.text_in(first, text)


def _print(network: Network, stop: threading.Event) -> None:
    shown = 0
    while not stop.wait(_LOOK_S):
        for one in network.arrived[shown:]:
            click.echo(f"> {one.number}  ({one.parts})  {one.text}")
            shown += 1
