"""The link: what it cost, how the box stands with its hub, and what the hub told it to do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from fieldbox.domain import LinkDay, LinkKind, LinkPast, LinkState, Outgoing
from fieldbox.storage import accounts, commands, outbox, traffic
from fieldbox.storage.parts.part import Part
from fieldbox.storage.rows import Command


class LinkPart(Part):
    """The link to the hub."""

    def add_traffic(
        self, day: date, kind: LinkKind, *, sent: int = 0, received: int = 0, connections: int = 0
    ) -> None:
        """Count IP bytes over a link; negative ones give back what was counted too much."""
        with self._database.write() as connection:
            traffic.add(connection, day, kind, sent, received, connections)

    def traffic_since(self, day: date) -> list[LinkDay]:
        """What links cost from `day` on, oldest first."""
        with self._database.read() as connection:
            return traffic.since(connection, day)

    def link_pasts(self) -> dict[LinkKind, LinkPast]:
        """What came of the connections over each kind of link."""
        with self._database.read() as connection:
            return traffic.pasts(connection)

    def keep_link_pasts(self, pasts: Mapping[LinkKind, LinkPast]) -> None:
        """Keep them in place of what was kept."""
        with self._database.write() as connection:
            traffic.keep_pasts(connection, pasts)

    def link_state(self) -> LinkState | None:
        """How the box stands with its hub, as the sending process told it last; None: it never did."""
        with self._database.read() as connection:
            return traffic.state(connection)

    def keep_link_state(self, state: LinkState) -> None:
        """Tell how the box stands with its hub."""
        with self._database.write() as connection:
            traffic.keep_state(connection, state)

    def is_followed(self, command_id: str) -> bool:
        """Whether a command of the hub came before."""
        with self._database.read() as connection:
            return commands.is_known(connection, command_id)

    def follow(
        self,
        command: Command,
        outgoing: Sequence[Outgoing] = (),
        *,
        again: Collection[str] = (),
        settings: Mapping[str, str] | None = None,
    ) -> bool:
        """Keep what came of a command with all that it changes: messages that go again, settings, answers. False: it came
        before, and nothing changes."""
        with self._database.write() as connection:
            if commands.is_known(connection, command.id):
                return False
            outbox.send_again(connection, again)
            for key, value in (settings or {}).items():
                accounts.set_setting(connection, key, value)
            for one in outgoing:
                outbox.add(connection, one, None, self._now())
            commands.add(connection, command)
            return True

    def commands(self, limit: int = 100) -> list[Command]:
        """What the hub told the box to do, newest first."""
        with self._database.read() as connection:
            return commands.listed(connection, limit)
