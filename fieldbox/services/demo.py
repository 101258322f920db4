"""`make run`: a flight in, a field map out, the dashboard answering."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import click

from fieldbox.config import Config
from fieldbox.errors import Unavailable
from fieldbox.i18n import N_, _
from fieldbox.services import accounts, intake, results, simulation

Progress = Callable[[str, int, int], None]

START_SECONDS = 30.0
FAILED = 1


def run(config: Config, flight: Path | None, *, serve: bool, shown: Progress) -> int:
    """Map `flight`, or a simulated one; print the summary; serve until stopped. Returns the exit code."""
    folder = flight or simulation.demo_flight(config.storage.root / "demo-flight", shown)
    outcome = intake.ingest(config, folder, field_name=None, wait=True, shown=shown)
    click.echo("\n" + outcome.to_text() + "\n")
    for survey in outcome.surveys:
        text = results.summary(config, survey.id)
        told = _("Summary for the agronomist, {count} bytes, waiting for a link:").format(
            count=len(text.encode())
        )
        click.echo(f"{told}\n{text}\n")
    if outcome.exit_code == FAILED or not serve:
        return outcome.exit_code
    return _serve(config)


def _serve(config: Config) -> int:
    """Run the dashboard, the worker and the intake as processes of their own until the first ends or Ctrl-C."""
    names = ("web", "worker", "intake")
    processes = [subprocess.Popen([sys.executable, "-m", "fieldbox", name]) for name in names]  # noqa: S603
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, signal.default_int_handler)
    try:
        _wait_until_it_answers(config, processes[0])
        click.echo(_("The dashboard answers at {url}").format(url=_url(config)))
        click.echo(
            _("Log in the first time with this link: {link}").format(
                link=accounts.login_link(config, "owner")
            )
        )
        click.echo(
            _("Photos that are put into {folder} come in by themselves.").format(folder=config.drop_folder)
        )
        click.echo(_("Stop with Ctrl-C."))
        return processes[0].wait()
    except KeyboardInterrupt:
        return 0
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=30)


def _wait_until_it_answers(config: Config, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(_url(config) + "/healthz", timeout=2):  # noqa: S310  our own address
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise Unavailable(N_("The dashboard did not start: its reason stands above."))


def _url(config: Config) -> str:
    return f"http://{accounts.shown_host(config)}:{config.web.port}"
