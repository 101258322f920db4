"""Figures for Prometheus at /metrics: what the box holds, how it does, how its answers are.

They are looked up when somebody asks, with a handful of small queries; what is counted over whole tables is kept for half a
minute. Labels are bounded: endpoints of this release, states, kinds of links.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from flask import Blueprint, Flask, Response, current_app, g, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fieldbox import __version__
from fieldbox.dashboard.ports import Box, Machine, Tally, box
from fieldbox.domain import LinkDoing, LinkState, Reading

metrics = Blueprint("metrics", __name__)
ENDPOINT: Final = "metrics.show"
MEDIA: Final = CONTENT_TYPE_LATEST
SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the classes of durations."""
KEPT_S: Final = 30.0
"""For how long counts of whole tables are told again."""
_EXTENSION: Final = "fieldbox.metrics"
_OPEN: Final = "fieldbox.metrics.open"
_BEGAN: Final = "asked_at"


class Answers:
    """What was asked of the dashboard since its start, and how long it took."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.asked = Counter(
            "fieldbox_http_requests",
            "Requests by what was asked for and what came of it.",
            ("endpoint", "method", "status"),
            registry=registry,
        )
        self.took = Histogram(
            "fieldbox_http_request_seconds",
            "Until the answer began.",
            ("endpoint",),
            buckets=SECONDS,
            registry=registry,
        )
        self.pictures = Counter(
            "fieldbox_pictures",
            "Tiles and other pictures: made anew, or kept by the browser that asked.",
            ("from",),
            registry=registry,
        )

    def note(self, answer: Response) -> Response:
        """Count an answer."""
        endpoint = request.endpoint or "none"
        method = request.method if request.method in _METHODS else "other"
        self.asked.labels(endpoint, method, str(answer.status_code)).inc()
        began = g.get(_BEGAN)
        if began is not None:
            self.took.labels(endpoint).observe(time.perf_counter() - began)
        if request.blueprint == "pictures" and answer.status_code in _PICTURES:
            self.pictures.labels(_PICTURES[answer.status_code]).inc()
        return answer


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PICTURES: Final[Mapping[int, str]] = {200: "made", 304: "kept"}


def measure(app: Flask) -> None:
    """Let `app` count what it answers. Before all else that looks at requests: what these refuse counts too."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_BoxFigures())
    answers = Answers(registry)
    app.extensions[_EXTENSION] = registry

    @app.before_request
    def begin() -> None:
        setattr(g, _BEGAN, time.perf_counter())

    app.after_request(answers.note)


def open_to_the_box(app: Flask) -> None:
    """Let programs on the box itself read the figures of `app` without a key."""
    app.extensions[_OPEN] = True


def is_open(app: Flask) -> bool:
    """Whether they may."""
    return bool(app.extensions.get(_OPEN, False))


@metrics.get("/metrics")
def show() -> Response:
    """The figures of the box, as Prometheus reads them.

    With a key, or without one from the box itself where `web.metrics_open` says so.
    """
    return Response(generate_latest(current_app.extensions[_EXTENSION]), content_type=MEDIA)


class _BoxFigures(Collector):
    """What the box holds and how it does, at the moment of asking."""

    def __init__(self) -> None:
        self._tally: Tally | None = None
        self._told_at = 0.0

    def describe(self) -> Iterable[Metric]:
        return ()  # not looked up at the start

    def collect(self) -> Iterator[Metric]:
        """All of them; what the box does not know is left out."""
        found = box()
        info = GaugeMetricFamily("fieldbox_build_info", "The release that runs.", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        yield from _held(self._counts(found))
        yield _by_label("fieldbox_messages", "Messages of the outbox.", "state", found.store.message_counts())
        link = found.store.link_state()
        if link is not None:
            yield from _link(link)
        if found.beyond.machine is not None:
            yield from _machine(found.beyond.machine)

    def _counts(self, found: Box) -> Tally:
        now = time.monotonic()
        if self._tally is None or now - self._told_at > KEPT_S:
            self._tally, self._told_at = found.store.tally(), now
        return self._tally


def _held(tally: Tally) -> Iterator[Metric]:
    yield _by_label("fieldbox_flights", "Flights by the state of their newest work.", "state", tally.flights)
    yield GaugeMetricFamily("fieldbox_photos", "Photos and other captures.", value=tally.photos)
    yield GaugeMetricFamily("fieldbox_surveys", "Surveys.", value=tally.surveys)
    yield GaugeMetricFamily("fieldbox_fields", "Fields.", value=tally.fields)


def _link(state: LinkState) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "fieldbox_link_connected",
        "1 while the hub is connected.",
        value=float(state.doing is LinkDoing.CONNECTED),
    )
    if state.last_success is not None:
        yield GaugeMetricFamily(
            "fieldbox_link_last_success_timestamp_seconds",
            "When the hub was last reached.",
            value=state.last_success.timestamp(),
        )
    yield _by_label("fieldbox_link_month_bytes", "IP bytes of this month.", "kind", state.used)
    yield _by_label("fieldbox_link_month_allowed_bytes", "Budget of a month.", "kind", state.allowed)


def _machine(machine: Machine) -> Iterator[Metric]:
    with suppress(OSError):  # the data folder is gone: there is nothing to tell of its disk
        yield from _reading(machine.reading())
    usage = machine.usage()
    if usage is not None:
        yield _by_label("fieldbox_disk_used_bytes", "What fills the disk.", "room", usage.bytes)
    runs = GaugeMetricFamily("fieldbox_service_up", "1 while a service runs.", labels=["service"])
    since = GaugeMetricFamily(
        "fieldbox_service_start_timestamp_seconds", "When a service was started.", labels=["service"]
    )
    for one in machine.services():
        runs.add_metric([one.name], float(one.runs))
        if one.since is not None and one.runs:
            since.add_metric([one.name], one.since.timestamp())
    yield from (runs, since)


def _reading(reading: Reading) -> Iterator[Metric]:
    vital = reading.vital
    told: tuple[tuple[str, str, float | None], ...] = (
        ("fieldbox_disk_free_bytes", "Free where the data is.", vital.disk_free),
        ("fieldbox_disk_total_bytes", "All of that disk.", vital.disk_total),
        ("fieldbox_memory_free_bytes", "That programs may still take.", vital.memory_free),
        ("fieldbox_memory_total_bytes", "Of the machine.", reading.memory_total),
        ("fieldbox_temperature_celsius", "Of the processor.", vital.temperature_c),
        ("fieldbox_load", "Processes that wanted to run, mean of 5 minutes, by core.", vital.load),
        ("fieldbox_slowed", "1 while heat or weak power slows it down.", _flag(vital.slowed)),
        ("fieldbox_weak_power", "1 while its voltage is too low.", _flag(vital.weak_power)),
        ("fieldbox_uptime_seconds", "Of the machine.", reading.up_s),
    )
    for name, about, value in told:
        if value is not None:
            yield GaugeMetricFamily(name, about, value=value)


def _flag(value: bool | None) -> float | None:
    return None if value is None else float(value)


def _by_label(name: str, about: str, label: str, values: Mapping[Any, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=[label])
    for key, value in values.items():
        family.add_metric([str(key)], value)
    return family
