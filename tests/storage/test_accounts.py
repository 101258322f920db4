from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest

from fieldbox.domain import AuditFilter, Role
from fieldbox.errors import Rejected
from fieldbox.storage.rows import User
from fieldbox.storage.store import Store
from tests.storage.samples import START, Clock


def test_users_are_found_by_id_and_by_name_in_any_case(store: Store) -> None:
    user = store.add_user("Asha", "hash", "owner")
    assert (user.name, user.password_hash, user.role) == ("Asha", "hash", "owner")
    assert store.user(user.id) == user
    assert store.user_by_name("ASHA") == user
    assert store.user_by_name("Ravi") is None
    assert store.user(99) is None
    with pytest.raises(Rejected, match="named asha already"):
        store.add_user("asha", "other", "viewer")
    assert store.users() == [user]


def test_a_password_is_changed_and_old_links_with_it(store: Store) -> None:
    user = store.add_user("Asha", "hash", "owner")
    store.add_login_token("token", user.id, START + timedelta(days=1))
    store.set_password_hash(user.id, "new")
    changed = store.user(user.id)
    assert changed is not None
    assert changed.password_hash == "new"  # noqa: S105
    assert store.use_login_token("token", START) is None
    with pytest.raises(Rejected, match="no user number 99"):
        store.set_password_hash(99, "x")


def test_a_login_token_serves_once_however_many_try(store: Store) -> None:
    user = store.add_user("Asha", "hash", "owner")
    store.add_login_token("token", user.id, START + timedelta(hours=1))
    with ThreadPoolExecutor(4) as threads:
        used = list(threads.map(lambda _: store.use_login_token("token", START), range(8)))
    assert sorted(used, key=str) == [user.id] + [None] * 7


def test_a_login_token_runs_out(store: Store, clock: Clock) -> None:
    user = store.add_user("Asha", "hash", "owner")
    store.add_login_token("old", user.id, START + timedelta(hours=1))
    assert store.use_login_token("old", START + timedelta(hours=2)) is None
    assert store.use_login_token("unknown", START) is None
    store.add_login_token("older", user.id, START + timedelta(hours=1))
    clock.now += timedelta(hours=3)
    store.add_login_token("new", user.id, clock.now + timedelta(hours=1))
    # Cleared away, so that not even a clock set back makes it good again.
    assert store.use_login_token("older", START) is None
    assert store.use_login_token("new", clock.now) == user.id


def test_an_instant_without_a_time_zone_is_refused(store: Store) -> None:
    user = store.add_user("Asha", "hash", "owner")
    with pytest.raises(Exception, match="needs a time zone"):
        store.add_login_token("token", user.id, START.replace(tzinfo=None))


def test_settings(store: Store) -> None:
    assert store.setting("language") is None
    store.set_setting("language", "hi")
    store.set_setting("language", "ta")
    assert store.setting("language") == "ta"


def test_the_audit_is_read_newest_first(store: Store) -> None:
    for number in range(3):
        store.audit("Asha", "rename field", str(number))
    entries = store.audits(limit=2)
    assert [(each.actor, each.action, each.detail) for each in entries] == [
        ("Asha", "rename field", "2"),
        ("Asha", "rename field", "1"),
    ]
    assert entries[0].at > entries[1].at


def fill_audit(store: Store, many: int, at: str) -> None:
    """Rows of one moment, faster than one commit for each."""
    with closing(sqlite3.connect(store.path)) as raw, raw:
        raw.executemany(
            "INSERT INTO audit (at, actor, action, detail) VALUES (?, 'x', 'y', '')", [(at,)] * many
        )


def test_the_audit_is_trimmed_by_age_and_number_but_never_to_nothing(store: Store, clock: Clock) -> None:
    fill_audit(store, 1500, "2020-01-01T00:00:00.000000Z")
    assert store.trim_audit() == 500  # the newest 1000 stay, however old: the clock may be wrong
    fill_audit(store, 1200, "2026-06-01T00:00:00.000000Z")
    assert store.trim_audit() == 1000
    assert store.trim_audit() == 0
    fill_audit(store, 100, "2026-06-01T00:00:00.000000Z")
    assert store.trim_audit(most=1100) == 200
    assert len(store.audits(5000)) == 1100


def test_the_audit_is_chosen_and_paged(store: Store) -> None:
    for actor, action in (("Asha", "a"), ("Ravi", "b"), ("Asha", "c")):
        store.audit(actor, action, "")
    assert store.audit_actors() == ["Asha", "Ravi"]
    newest = store.audits(1)[0]
    assert [one.action for one in store.audits(9, AuditFilter(before=newest.id))] == ["b", "a"]
    assert [one.action for one in store.audits(9, AuditFilter(actors=["Asha"]))] == ["c", "a"]
    assert [one.action for one in store.audits(9, AuditFilter(actions=["a", "b"]))] == ["b", "a"]
    assert [one.action for one in store.audits(9, AuditFilter(actions=["a"], other_than=True))] == ["c", "b"]


def test_sessions_end_with_another_password_and_go_on_with_another_hash_of_it(store: Store) -> None:
    user = store.add_user("Asha", "hash", "owner")
    store.renew_password_hash(user.id, "hash", "other parameters")
    store.renew_password_hash(user.id, "hash", "too late")
    again = store.user(user.id)
    assert again is not None
    assert (again.password_hash, again.sessions) == ("other parameters", 0)
    store.set_password_hash(user.id, "new")
    assert store.end_sessions(user.id).sessions == 2


@pytest.mark.parametrize("change", ["set_role", "shut_out"])
def test_an_owner_who_can_log_in_is_left(store: Store, change: str) -> None:
    def leave(user: User) -> None:
        store.shut_out(user.id) if change == "shut_out" else store.set_role(user.id, Role.VIEWER)

    first, second = store.add_user("first", "", "owner"), store.add_user("second", "", "owner")
    leave(second)  # none has a password: one of them is as good as the other
    with pytest.raises(Rejected, match="first is the last owner"):
        leave(first)
    third = store.add_user("third", "hash", "owner")
    leave(first)
    store.add_user("fourth", "", "owner")
    with pytest.raises(Rejected, match="third is the last owner"):
        leave(third)
    store.add_user("fifth", "hash", "owner")
    leave(third)


def test_a_role_and_shutting_out_are_one_change(store: Store) -> None:
    store.add_user("first", "", "owner")
    second = store.add_user("second", "hash", "viewer")
    # One after the other it would be half done: an owner with the only password is shut out no more.
    changed = store.change_person(second.id, Role.OWNER, active=False)
    assert (changed.role, changed.active) == (Role.OWNER, False)
    store.change_person(second.id, None, active=True)
    with pytest.raises(Rejected, match="second is the last owner"):
        store.change_person(second.id, Role.VIEWER, active=False)
    left = store.user(second.id)
    assert left is not None and (left.role, left.active) == (Role.OWNER, True)
