"""Every operation of the API asked with made-up input, right and wrong: what it answers is what the description says.

python -m tests.dashboard.api.contract --examples 300
"""

from __future__ import annotations

import argparse
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, CheckContext, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    status_code_conformance,
)

from fieldbox.config import Config, StorageConfig, load_config
from fieldbox.dashboard.api.description import description
from fieldbox.dashboard.app import create_app
from fieldbox.dashboard.guard import pace
from fieldbox.dashboard.ports import Beyond, Intake
from fieldbox.domain import MarkedPoint, Offer, Right
from fieldbox.services.chosen import Choices
from fieldbox.services.examples import Examples
from fieldbox.services.hubdesk import HubDesk
from fieldbox.services.offering import Offering
from fieldbox.services.sendingdesk import SendingDesk
from fieldbox.services.support import Support
from fieldbox.services.testflight import TestFlights
from fieldbox.services.watching import Watch
from fieldbox.services.web import intake_of
from tests.dashboard.api.asking import give_key, hold
from tests.dashboard.conftest import KEY
from tests.dashboard.demo_box import NORTH, SURVEY, WEST, DemoBox, lat_lon, make_box


def as_described(_ctx: CheckContext, response: Response, case: Case) -> None:
    """The body is what the schema says. (The check that Schemathesis brings turns `prefixItems` into what no validator of
    2020-12 reads.)"""
    media = (response.headers.get("content-type") or [""])[0].partition(";")[0]
    told = description()["paths"][case.operation.path][case.method.lower()]
    hold(told, response.status_code, media, response.content)


schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
DELETES = "DELETE /api/v1/flights/{flight_id}"
OWN_KEYS = (1, 2)
"""Ids of the keys that are asked with: they are not made void."""
HASH = "no password has it"
ALWAYS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    as_described,
]


@dataclass(frozen=True)
class Trial:
    """A throw-away box and its description."""

    box: DemoBox
    app: Flask
    schema: schemathesis.schemas.BaseSchema
    full: dict[str, str]
    reader: dict[str, str]
    intake: Intake

    def operations(self) -> Iterator[APIOperation]:
        """All that are described; the one that leaves little to ask for is the last."""
        yield from sorted(
            (found.ok() for found in self.schema.get_all_operations()),
            key=lambda one: one.label == DELETES,
        )

    def real(self, path: str) -> dict[str, object]:
        """Parts of a path that lead to something."""
        return {
            "survey_id": SURVEY,
            "flight_id": self.box.flight_id,
            "field_id": self.box.field_id,
            "digest": self.box.photo,
            "key": "zones" if "/files/" in path else "weed-cover",
            "message_id": self.box.store.message_page(1)[0].id,
            "name": "storage.keep_days",
            "code": "hi",
            **({"point_id": self._point()} if "{point_id}" in path else {}),
            **({"z": 3, "x": 5, "y": 3} if "{z}" in path else {}),
            **(self._upload() if "{upload_id}" in path else {}),
            **({"person_id": self._person()} if "{person_id}" in path else {}),
            **({"key_id": self._key()} if "{key_id}" in path else {}),
        }

    def _person(self) -> int:
        """Somebody who is not asha."""
        found = self.box.store.user_by_name("ravi")
        return (found or self.box.store.add_user("ravi", HASH, "viewer")).id

    def _point(self) -> int:
        """A control point that is there still."""
        there = self.box.store.control_points(self.box.field_id)
        if there:
            return there[0].id
        lat, lon = lat_lon(WEST + 30, NORTH - 20)
        new = MarkedPoint(0, self.box.field_id, "gate", lat, lon, None, 0.05, "asha")
        return self.box.store.add_control_point(new).id

    def _key(self) -> int:
        """A key that is good still."""
        asha = self.box.store.user_by_name("asha")
        assert asha
        return self.box.store.add_token(secrets.token_hex(32), "to be revoked", asha.id, [Right.READ]).id

    def _upload(self) -> dict[str, object]:
        """An upload of asha's that is open, with a file that is expected; as many as a box allows are made."""
        found = next((one for one in self.intake.uploads.sessions() if one.state == "open"), None)
        if found is None:
            found = self.intake.uploads.create("asha", None)
        self.intake.uploads.offer(found, [Offer("a.jpg", 5, 5)])
        return {"upload_id": found.id, "number": 0}

    def ask(self, operation: APIOperation, examples: int, *, mode: GenerationMode) -> None:
        """Ask one operation so many times, of right (or wrong) input, with a key for all and with one that reads."""
        strategy = operation.as_strategy(generation_mode=mode)
        header = st.sampled_from([self.full, self.full, self.reader])

        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy, real=st.booleans(), header=header)
        def one(case: Case, real: bool, header: dict[str, str]) -> None:
            self._hold(case, real=real, header=header, wrong=mode.is_negative)

        one()

    def _hold(self, case: Case, *, real: bool, header: dict[str, str], wrong: bool) -> None:
        if real:
            known = self.real(case.operation.path)
            case.path_parameters.update({name: known[name] for name in case.path_parameters if name in known})
        if case.path_parameters.get("key_id") in OWN_KEYS:
            case.path_parameters["key_id"] = max(OWN_KEYS) + 1
        answer = case.call(headers={**header, "Accept-Encoding": "identity"})
        assert answer.status_code != 401
        if wrong and answer.status_code == 405:
            return  # a part of the path that is none makes another path of it
        checks = [*ALWAYS, negative_data_rejection] if wrong and not real else ALWAYS
        case.validate_response(answer, checks=checks)


@contextmanager
def trial(root: Path, password_hash: str = HASH) -> Iterator[Trial]:
    """A filled box in `root`, and two keys of its owner."""
    box = make_box(root)
    box.store.add_user("asha", password_hash, "owner")
    intake = intake_of(Config(storage=StorageConfig(root=root, reserve_mb=0)))
    config = load_config({"FIELDBOX_STORAGE__ROOT": str(root)})
    offering = Offering(config, box.store)
    watch = Watch(config, box.store)
    beyond = Beyond(
        intake=intake,
        decisions=offering,
        machine=watch,
        settings=Choices(config, box.store),
        release=lambda: "ab" * 32,
        sending=SendingDesk(config, box.store),
        support=Support(config, box.store, watch),
        views=offering.views,
        examples=Examples(config, box.store),
        hub=HubDesk(config),
        test_flights=TestFlights(box.store),
    )
    app = create_app(box.store, root, secret_key=KEY, beyond=beyond)
    pace(app, "1000000 per minute")
    full = give_key(box.store, *Right)
    reader = give_key(box.store, Right.READ, key="fbx_a-key-that-reads")
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app, headers=full)
    try:
        yield Trial(box, app, schema, full, reader, intake)
    finally:
        offering.close()
        box.store.close()


def main() -> None:
    """Ask each operation `--examples` times of right and of wrong input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=300)
    parser.add_argument("--only", default="")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, trial(Path(folder)) as found:
        for operation in found.operations():
            if told.only not in operation.label:
                continue
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                _report(
                    operation.label,
                    mode,
                    lambda one=operation, how=mode: found.ask(one, told.examples, mode=how),
                )


def _report(label: str, mode: GenerationMode, ask: Callable[[], None]) -> None:
    ask()
    print(f"{label}: {mode.value} as described", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
