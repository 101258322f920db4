from __future__ import annotations

from fieldbox.storage.rows import ViewKey
from fieldbox.storage.store import Store
from tests.storage.samples import add_captures, capture


def test_views_come_back_by_digest_in_portions(store: Store) -> None:
    captures = [capture(number) for number in range(70)]
    add_captures(store, captures)
    for each in reversed(captures):
        store.save_view(ViewKey(each.digest, "plan", "r1"), each.name.encode(), None)
    assert list(store.views("plan", "r1")) == [(each.digest, each.name.encode()) for each in captures]
    assert store.views_done("plan", "r1") == {each.digest for each in captures}


def test_a_view_belongs_to_its_plan_and_release(store: Store) -> None:
    add_captures(store, [capture(1)])
    digest = capture(1).digest
    store.save_view(ViewKey(digest, "plan", "r1"), b"one", "1.jpg")
    store.save_view(ViewKey(digest, "plan", "r2"), b"two", None)
    assert list(store.views("plan", "r2")) == [(digest, b"two")]
    assert store.views_done("another", "r1") == set()
    store.drop_views("plan", "r1")
    assert store.views_done("plan", "r1") == set()
    assert store.views_done("plan", "r2") == {digest}


def test_second_looks_go_with_their_plan(store: Store) -> None:
    add_captures(store, [capture(1)])
    digest = capture(1).digest
    for plan in ("plan", "plan+again", "plain"):
        store.save_view(ViewKey(digest, plan, "r1"), b"one", None)
    assert store.views_done("plan", "r1") == {digest}
    store.drop_views("plan", "r1")
    assert store.views_done("plan+again", "r1") == set()
    assert store.views_done("plain", "r1") == {digest}


def test_a_view_saved_again_is_replaced(store: Store) -> None:
    add_captures(store, [capture(1), capture(2)])
    key = ViewKey(capture(1).digest, "plan", "r1")
    store.save_view(key, b"old", "old.jpg")
    store.save_view(key, b"new", "new.jpg")
    store.save_view(ViewKey(capture(2).digest, "plan", "r1"), b"plain", None)
    assert list(store.views("plan", "r1")) == [(key.digest, b"new"), (capture(2).digest, b"plain")]
    assert store.patches("plan", "r1") == [(key.digest, "new.jpg")]


def test_writing_goes_on_while_views_are_read(store: Store) -> None:
    add_captures(store, [capture(1), capture(2)])
    store.save_view(ViewKey(capture(1).digest, "plan", "r1"), b"1", None)
    for digest, _payload in store.views("plan", "r1"):
        store.set_setting("seen", digest)
    assert store.setting("seen") == capture(1).digest
