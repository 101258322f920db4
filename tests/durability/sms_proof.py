"""Kill -9 a box that is texting, at random moments, with the real ModemManager on a simulated modem in a network.

    python -m tests.durability.sms_proof --kills 200

Every survey must be on the phone once; or twice, and the second text says that it may be the second. (`make proof-sms`)
"""

from __future__ import annotations

import argparse
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from fieldbox.config import Config, SmsConfig
from fieldbox.domain import TextState
from fieldbox.services.texting import Parts, Texting
from fieldbox.storage.store import Store
from fieldbox.sync.sms.modemmanager import ModemManager
from tests.modems import modem_manager
from tests.services.test_texting import SMS, Farm

STEP = timedelta(minutes=35)
"""By so much the clock is on when the box is started again: longer than a report is waited for."""
LONGEST_S = 0.12
"""Of a life: some texts long."""
START = datetime(2026, 6, 1, tzinfo=UTC)


def main() -> int:
    """Run the proof, or be the box."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--box", nargs=3, metavar=("DATABASE", "ADDRESS", "STEPS"))
    told = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    if told.box:
        return be_the_box(Path(told.box[0]), told.box[1], int(told.box[2]))
    with tempfile.TemporaryDirectory() as folder:
        return prove(Path(folder), told.kills, random.Random(told.seed))  # noqa: S311  no secret


def be_the_box(database: Path, address: str, steps: int) -> int:
    """Text until killed."""
    clock = START + steps * STEP
    with Store.open(database, clock=lambda: clock) as store, closing(ModemManager(address)) as modem:
        texting = Texting(Config(sms=SMS), store, Parts(modem))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            texting.step(clock)


def prove(folder: Path, kills: int, chance: random.Random) -> int:
    """Kill the box `kills` times, let it finish, and count."""
    database = folder / "fieldbox.db"
    surveys = kills // 2
    farm = Farm(database, SmsConfig(send="surveys", numbers=SMS.numbers, script="latin"))
    with modem_manager(folder) as managed:
        for number in range(surveys):
            farm.survey(flight=f"flight {number}")
        farm.store.close()
        began = time.monotonic()
        amid = 0
        for number in range(kills):
            live_and_die(database, managed.address, number, chance.uniform(0, LONGEST_S))
            amid += is_amid(database)
        open_texts = finish(database, managed.address, kills)
        arrived = [one.text for one in managed.network.arrived]
    said = Counter(text.split(": ")[0] for text in arrived)
    firsts = Counter(text.split(": ")[0] for text in arrived if "Maybe sent twice." not in text)
    lost = surveys - len(said)
    unsaid = [name for name, count in firsts.items() if count > 1]
    thrice = [name for name, count in said.items() if count > 2]
    twice = sum(count == 2 for count in said.values())
    sys.stdout.write(
        f"{kills} kills in {time.monotonic() - began:.0f} s, {amid} of them while a text was handed over; {surveys} surveys:"
        f" {lost} lost, {twice} arrived twice and said so, {len(unsaid)} arrived twice and did not,"
        f" {len(thrice)} arrived more often, {open_texts} still open\n"
    )
    return 1 if lost or unsaid or thrice or open_texts else 0


def live_and_die(database: Path, address: str, steps: int, seconds: float) -> None:
    """Start the box, and kill it so long after it began to text."""
    command = [
        sys.executable,
        "-m",
        "tests.durability.sms_proof",
        "--box",
        str(database),
        address,
        str(steps),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as box:
        assert box.stdout is not None
        box.stdout.readline()
        time.sleep(seconds)
        box.send_signal(signal.SIGKILL)


def is_amid(database: Path) -> bool:
    """Whether a text was being handed over."""
    with closing(sqlite3.connect(database)) as connection:
        return bool(connection.execute("SELECT 1 FROM texts WHERE state = 'sending'").fetchone())


def finish(database: Path, address: str, steps: int) -> int:
    """Let the box live on; how many texts are not done with."""
    done = {TextState.SENT, TextState.DELIVERED}
    with Store.open(database) as store, closing(ModemManager(address)) as modem:
        for more in range(400):
            clock = START + (steps + more) * STEP
            Texting(Config(sms=SMS), store, Parts(modem)).step(clock)
            left = sum(one.state not in done for one in store.texts())
            if not left and more > 2:
                break
        return left


if __name__ == "__main__":
    sys.exit(main())
