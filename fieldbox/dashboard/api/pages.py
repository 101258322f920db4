"""What of the API stands for each deed of a page: what a page does a program does too, but for the few named here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

OF_DEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "keys.make": ("make_key",),
    "keys.revoke": ("revoke_key",),
    "folk.add": ("add_person",),
    "folk.link": ("link_person",),
    "folk.change_role": ("change_person",),
    "folk.shut_out": ("change_person",),
    "folk.let_in": ("change_person",),
    "folk.end_sessions": ("end_sessions",),
    "tongues.add": ("add_language",),
    "tongues.read": ("note_reader",),
    "flights.pin": ("change_flight",),
    "flights.again": ("map_again",),
    "flights.stop": ("stop_work",),
    "flights.delete": ("delete_flight",),
    "fields.rename": ("change_field",),
    "fields.name_crop": ("change_field",),
    "drawing.keep_boundary": ("draw_boundary", "forget_boundary"),
    "drawing.tell_rows": ("change_field",),
    "marking.add": ("add_control_point",),
    "marking.mark": ("mark_control_point", "unmark_control_point"),
    "marking.remove": ("remove_control_point",),
    "marking.hand_over": ("hand_over_marks",),
    "deciding.spray": ("set_spraying",),
    "deciding.keep_off": ("set_spraying",),
    "deciding.give_free": ("set_spraying",),
    "review.judge": ("give_verdict", "skip_plant"),
    "review.undo": ("take_verdict_back",),
    "review.unskip": ("unskip_plants",),
    "review.judge_survey": ("judge_survey",),
    "sending.send_now": ("send_now",),
    "sending.pack": ("pack_messages",),
    "sending.unpack": ("unpack_messages",),
    "start.save": ("choose_settings",),
    "start.hub_welcome": ("read_welcome",),
    "start.hub_join": ("join_hub",),
    "trial.fly": ("make_test_flight",),
    "trial.forget": ("forget_test_flight",),
    "settings.save": ("choose_settings", "reset_setting"),
    "settings.try_text": ("send_test_text",),
    "settings.hub_welcome": ("read_welcome",),
    "settings.hub_join": ("join_hub",),
    "settings.hub_leave": ("leave_hub",),
    "machine.check": ("check_box",),
    "machine.make_room": ("make_room",),
    "machine.support": ("make_support_file",),
}
"""By endpoints of pages that change something: the operations that do the same, for whoever may do it on the page."""

FOR_BROWSERS: Final[Mapping[str, str]] = {
    "people.check_in": "A log-in gives a browser its session; a program has its key.",
    "people.enter": "A one-time link gives a browser its session.",
    "people.leave": "It ends the session of a browser; a program makes its key void.",
    "people.end_sessions": "It ends sessions of browsers but for the one that asks, and a program has none. An owner's "
    "`end-sessions` ends those of anybody.",
    "people.change_password": "A key that somebody found must not become an account: who has it could lock out its owner.",
    "people.choose_language": "It is a cookie of a browser; a program sends Accept-Language.",
    "people.choose_area_unit": "It is a cookie of a browser; the API tells square metres and hectares.",
    "face.choose_theme": "It is a cookie of a browser.",
    "start.give_code": "The code of a new box gives a browser its session; there are no keys yet.",
}
"""Deeds of pages that the API has not, and why."""
