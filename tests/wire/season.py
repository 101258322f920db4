"""What a box tells of a season, made up: figures in the ranges of real surveys, to count bytes with.

`python -m tests.wire.season` prints what the messages of such a season take.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import mean

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldbox.domain import (
    Field,
    Flight,
    Interval,
    LayerLabel,
    Message,
    MessageKind,
    MessageState,
    Survey,
    WeedBasis,
)
from fieldbox.i18n import Sentence
from fieldbox.simulate.season import spot
from fieldbox.summary.short import dump
from fieldbox.summary.v1 import Allowed, summarise
from fieldbox.wire import compact, frame
from fieldbox.wire.ids import key_of, message_id
from fieldbox.wire.layouts import SUMMARY
from fieldbox.wire.parts import Around

START = datetime(2027, 6, 10, 5, tzinfo=UTC)
BOX = "bq3k7xm2a"
SOMETIMES = (
    ("Photos that could not be placed and are not on the map: {count}; the flight's page says why.", 0.3),
    ("Positions are only good to {error} m: look around each spot, or fly with RTK.", 0.15),
    (
        "The weed model is unsure of {share} % of the plants: it may not know this crop. Name the crop of the field.",
        0.1,
    ),
    (
        "Beside their neighbours {stunted} crop plants look stunted and {yellowing} yellow; {missing} are missing in "
        "the rows. Relative, learnt from painted symptoms: no diagnosis, go and look.",
        0.5,
    ),
    (
        "The photos do not state their height above the ground: it was found from the photos themselves, {height} m, "
        "good to {error} m.",
        0.1,
    ),
)
"""What surveys say beside their figures, and how often here."""


def _around(chance: random.Random, value: float, spread: float) -> Interval:
    return Interval(
        value * (1 - spread * chance.uniform(0.5, 1)), value * (1 + spread * chance.uniform(0.5, 1))
    )


def _warnings(chance: random.Random) -> tuple[Sentence, ...]:
    numbers = {name: chance.randint(1, 60) for name in ("count", "share", "stunted", "yellowing", "missing")}
    told = {**numbers, "error": round(chance.uniform(1, 9), 1), "height": round(chance.uniform(8, 40), 1)}
    return tuple(Sentence(template, told) for template, often in SOMETIMES if chance.random() < often)


def survey(chance: random.Random, number: int) -> tuple[Survey, Field, Flight]:
    """One survey of some field, with a calibration only now and then."""
    made = START + timedelta(hours=56 * number, seconds=chance.randint(0, 20_000))
    field = Field(
        number % 12 + 1, f"F{number % 12 + 1:02d}", "Kothrud east", ((0, 0), (0, 1), (1, 1)), drawn=True
    )
    area = chance.uniform(0.2, 3.5)
    weeds, crops = int(area * chance.lognormvariate(7, 1)), int(area * chance.uniform(2e4, 8e4))
    weed_pct, crop_pct = chance.lognormvariate(0.7, 0.8), chance.uniform(5, 80)
    health, unsure, unseen = chance.uniform(35, 75), chance.uniform(0.2, 9), chance.uniform(0, 6)
    counted = chance.random() < 0.85
    return (
        Survey(
            id=key_of("survey", str(number)),
            flight_id=key_of("flight", str(number)),
            field_id=field.id,
            release="weeds@3",
            made_at=made,
            area_ha=area,
            area_ha_interval95=_around(chance, area, 0.03),
            gsd_cm=chance.uniform(0.25, 0.9),
            gsd_cm_interval95=None,
            weed_cover_pct=weed_pct,
            weed_cover_pct_interval95=_around(chance, weed_pct, 0.3),
            weed_count=weeds if counted else None,
            weed_count_interval95=_around(chance, weeds, 0.25) if counted else None,
            crop_cover_pct=crop_pct,
            crop_cover_pct_interval95=_around(chance, crop_pct, 0.1),
            crop_count=crops if counted else None,
            crop_count_interval95=_around(chance, crops, 0.08) if counted else None,
            health_index=health,
            health_index_interval95=_around(chance, health, 0.03),
            unsure_pct=unsure,
            unsure_pct_interval95=_around(chance, unsure, 0.15),
            unseen_pct=unseen,
            unseen_pct_interval95=_around(chance, unseen, 0.4),
            position_error_m=chance.uniform(0.4, 6),
            layer_label=LayerLabel.RGB_ONLY if chance.random() < 0.8 else LayerLabel.RELATIVE,
            warnings=_warnings(chance),
            hotspots=tuple(spot(chance, rank + 1) for rank in range(chance.randint(0, 12))),
            photos_used=chance.randint(40, 400),
            photos_unplaced=chance.choice((0, 0, 0, 2)),
            weed_basis=WeedBasis.PLANTS if counted else WeedBasis.ROWS,
        ),
        field,
        Flight(
            "fedcba9876543210",
            field.id,
            (made - timedelta(hours=chance.uniform(1, 30))).replace(tzinfo=None),
            None,
            (),
        ),
    )


def message(body: str, made: datetime, key: str, kind: MessageKind = MessageKind.SUMMARY) -> Message:
    """A message of the outbox, some seconds after what it tells was made."""
    identity = message_id(made + timedelta(seconds=17.3), key, None)
    return Message(identity, kind, body, MessageState.WAITING, 0, made)


def season(count: int = 500, *, share_position: bool = False, seed: int = 7) -> list[Message]:
    """The summaries of a season."""
    chance = random.Random(seed)  # noqa: S311  no secret
    found = []
    for number in range(count):
        told, field, flight = survey(chance, number)
        found.append(
            message(summarise(told, field, flight, Allowed(position=share_position)), told.made_at, told.id)
        )
    return found


def bytes_each(messages: Sequence[Message], batch: int) -> float:
    """Bytes of frames for each message, everything of a frame counted."""
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    frames = [frame.pack(BOX, messages[at : at + batch], key) for at in range(0, len(messages), batch)]
    return sum(map(len, frames)) / len(messages)


def told_of(messages: Sequence[Message]) -> str:
    """What messages take, in lines."""
    short = [len(compact.pack(one.kind, one.body, one.id)) for one in messages]
    whole = mean(len(one.body.encode()) for one in messages)
    lines = [f"  JSON {whole:.0f} B, compact {mean(short):.1f} B (most {max(short)})"]
    lines += [
        f"  in frames of {batch}: {bytes_each(messages, batch):.1f} B each" for batch in (1, 5, 15, 20, 50)
    ]
    return "\n".join(lines)


def by_part(messages: Sequence[Message]) -> dict[str, tuple[float, float]]:
    """Bytes of each part of summaries, where it is there: in the JSON with its name, and in the short form."""
    found: dict[str, list[tuple[int, int]]] = {}
    for one in messages:
        body = json.loads(one.body)
        for part in SUMMARY.parts:
            told = {name: body[name] for name in part.names if name in body}
            if told:
                sizes = len(dump(told)) - 1, len(part.put(told, Around.of(one.id)))
                found.setdefault(", ".join(part.names), []).append(sizes)
    return {
        name: (mean(one for one, _ in sizes), mean(one for _, one in sizes)) for name, sizes in found.items()
    }


def main() -> None:
    """Print what a season's summaries take."""
    for name, (long, brief) in by_part(season(share_position=True)).items():
        print(f"{name}: {long:.1f} B in JSON, {brief:.1f} B short")  # noqa: T201
    for positions in (False, True):
        shown = "with" if positions else "without"
        print(f"500 summaries {shown} positions\n{told_of(season(share_position=positions))}")  # noqa: T201


if __name__ == "__main__":
    main()
