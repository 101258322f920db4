"""Store what each shipped model says of the golden tiles: `python -m models.golden`, after `models.pin`.

Run it when a model file has changed, and look at what it prints before the result is committed.
"""

from __future__ import annotations

from fieldbox.golden import ASK
from fieldbox.inference.runtime import description_of
from fieldbox.modelops.files import shipped_files, trust_shipped
from fieldbox.modelops.golden import FILE, Reference, write_references


def main() -> None:
    """Ask every pinned model and write the reference."""
    references = {}
    for path in shipped_files():
        file = trust_shipped(path)
        references[path.name] = Reference(file.sha256, ASK[description_of(path).get("kind", "weeds")](file))
        for number, answer in enumerate(references[path.name].answers, start=1):
            print(f"{path.name} tile {number}: {len(answer.plants)} plants, {dict(answer.shares)}")
    write_references(references)
    print(f"wrote {FILE}")


if __name__ == "__main__":
    main()
