"""What treating a field comes to, made up."""

from __future__ import annotations

from fieldbox.domain import Interval, Needs, Prescription, Spraying, Strategy, Treated, Zone, ZoneKind

ZONE = Zone(
    rank=1,
    kind=ZoneKind.WEEDS,
    patch=(((0, 0), (0, 1), (1, 1)),),
    area_m2=2100,
    lat=0.5,
    lon=0.5,
    certainty=0.9,
)


def prescription(how: Spraying, *, treated: bool = True) -> Prescription:
    """Of a fifth of a hectare, or of none."""
    needs = Needs(0.21, Interval(0.2, 0.23), 42, Interval(40, 46), 3, 4, 80, Interval(78, 82), ())
    return Prescription(
        survey_id="0123456789abcdef0123",
        kind=ZoneKind.WEEDS,
        spraying=how,
        direction_deg=0,
        strategy=Strategy.SWATHS,
        treated=(Treated(ZONE, 200),) if treated else (),
        left=(),
        field_m2=12000,
        coverage=0.9,
        assured=0.8,
        threshold=None,
        never_pays=False,
        needs=needs,
        laid=(),
    )
