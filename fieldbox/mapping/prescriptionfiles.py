"""Every form in which a prescription leaves the box: one writer each, all called alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from fieldbox.domain import Patch, Prescription
from fieldbox.i18n import Sentence
from fieldbox.mapping.export import export_vector
from fieldbox.mapping.isoxml import write_isoxml
from fieldbox.mapping.ratefiles import write_dji, write_rates
from fieldbox.mapping.sprayplan import write_plan, write_waypoints
from fieldbox.mapping.zonefeatures import prescription_features
from fieldbox.mapping.zonekml import write_zone_kml


class PrescriptionWriter(Protocol):
    """Writes a prescription for the field `name` with the boundary `boundary` to `path`. Returns what somebody has to know
    of the file."""

    def __call__(
        self, prescription: Prescription, boundary: Patch, name: str, path: Path
    ) -> Sentence | None: ...


def write_geojson(prescription: Prescription, boundary: Patch, name: str, path: Path) -> None:  # noqa: ARG001
    """Polygons as RFC 7946 has them."""
    export_vector(prescription_features(prescription), path, "geojson")


def write_shapefile(prescription: Prescription, boundary: Patch, name: str, path: Path) -> None:  # noqa: ARG001
    """With one column of rates, `RATE_LHA`, as terminals ask which column to use; a path ending in .zip holds all files, flat."""
    export_vector(prescription_features(prescription, doses=False), path, "shp")


def write_kml(prescription: Prescription, boundary: Patch, name: str, path: Path) -> None:  # noqa: ARG001
    """Red is treated, green is left."""
    write_zone_kml(prescription_features(prescription), name, path)


def write_geopackage(prescription: Prescription, boundary: Patch, name: str, path: Path) -> None:  # noqa: ARG001
    """One layer, named as the file."""
    export_vector(prescription_features(prescription), path, "gpkg")


def write_csv(prescription: Prescription, boundary: Patch, name: str, path: Path) -> None:  # noqa: ARG001
    """A line for each piece, with a place inside it but without its outline."""
    export_vector(prescription_features(prescription), path, "csv")


PRESCRIPTION_WRITERS: Mapping[str, PrescriptionWriter] = MappingProxyType(
    {
        "geojson": write_geojson,
        "shp": write_shapefile,
        "kml": write_kml,
        "gpkg": write_geopackage,
        "csv": write_csv,
        "cog": write_rates,
        "dji": write_dji,
        "plan": write_plan,
        "waypoints": write_waypoints,
        "isoxml": write_isoxml,
    }
)
