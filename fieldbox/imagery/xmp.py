"""The XMP properties of a photo (ISO 16684-1), in attribute or element form.

Properties are looked up as ("drone-dji", "gimbalyawdegree"): the maker's short name, whatever prefix
or version the file uses, and the name in lower case, since firmware versions spell it differently. The parts of a structure
are ("maker", "structure.part").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from fieldbox.imagery.numbers import number

MAX_BYTES = 1_000_000
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_MAKERS = {
    "http://www.dji.com/drone-dji/1.0": "drone-dji",
    "http://ns.sensefly.com/sensefly/1.0": "sensefly",
    "http://pix4d.com/camera/1.0": "camera",
    "http://ns.pix4d.com/camera/1.0": "camera",
    "http://www.pix4d.com/camera/1.0": "camera",
}


@dataclass(frozen=True, slots=True)
class Xmp:
    """Properties by (maker, name in lower case)."""

    properties: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def text(self, maker: str, *names: str) -> str:
        """The first of `names` that is there, or ""."""
        for name in names:
            value = self.properties.get((maker, name))
            if value:
                return value
        return ""

    def number(self, maker: str, *names: str) -> float | None:
        """The first of `names` that is a finite number."""
        for name in names:
            value = number(self.properties.get((maker, name), ""))
            if value is not None:
                return value
        return None

    def maker_of(self, name: str) -> str:
        """Whoever states the property `name`, or ""."""
        return next((maker for maker, each in self.properties if each == name), "")

    def speaks(self, maker: str) -> bool:
        """Whether any property of `maker` is there."""
        return any(key[0] == maker for key in self.properties)


def read_xmp(packet: bytes) -> Xmp:
    """Read an XMP packet. Never fails: a damaged or oversized packet has no properties."""
    if not packet or len(packet) > MAX_BYTES:
        return Xmp()
    start, end = packet.find(b"<rdf:RDF"), packet.rfind(b"</rdf:RDF>")
    try:
        # Padding, packet marks and stray bytes around the RDF are of no use and often malformed.
        root = fromstring(packet[start : end + 10] if 0 <= start < end else packet, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return Xmp()
    properties: dict[tuple[str, str], str] = {}
    for description in root.iter(f"{_RDF}Description"):
        for name, value in description.attrib.items():
            _put(properties, name, value)
        for child in description:
            _put(properties, child.tag, _text(child))
            for part in (child, *child.findall(f"{_RDF}Description")):
                for name, value in (*part.attrib.items(), *((one.tag, one.text or "") for one in part)):
                    _put(properties, name, value, inside=child.tag)
    return Xmp(properties)


def _put(properties: dict[tuple[str, str], str], name: object, value: str, inside: object = "}") -> None:
    if not isinstance(name, str) or not isinstance(inside, str) or not name.startswith("{"):
        return
    namespace, _, local = name[1:].partition("}")
    outer = inside.partition("}")[2].lower()
    properties.setdefault((_maker(namespace), f"{outer}.{local.lower()}".lstrip(".")), value.strip())


def _maker(namespace: str) -> str:
    plain = namespace.lower().rstrip("/")
    return "fieldbox" if "fieldbox" in plain else _MAKERS.get(plain, plain)


def _text(element: Element) -> str:
    """The text of a simple property, or the items of a list, parted by commas."""
    if element.text and element.text.strip():
        return element.text
    # Of its own list alone: descriptions may be nested, and each one's items would be read again for all around it.
    return ",".join(item.text or "" for item in element.iterfind(f"*/{_RDF}li"))
