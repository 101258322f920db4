"""What the settings pages ask, in their order and their words. The set-up asks some of it too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from werkzeug.datastructures import MultiDict

from fieldbox.dashboard import units
from fieldbox.dashboard.language import languages, say
from fieldbox.domain import SettingValue
from fieldbox.i18n import N_


class Kind(StrEnum):
    """How something is asked."""

    TEXT = "text"
    PHONE = "tel"
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Asked:
    """A setting on a page. All words are message ids."""

    name: str
    """`section.key`."""
    label: str
    kind: Kind = Kind.TEXT
    help: str = ""
    unit: str = ""
    example: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)

    @property
    def options(self) -> Mapping[str, str]:
        """What can be chosen, in the reader's language."""
        if self.name == "locale.language":
            return languages()
        if self.name == "locale.area_unit":
            return units.known()
        return {value: say(words) for value, words in self.choices.items()}


@dataclass(frozen=True, slots=True)
class Group:
    """A page of settings."""

    slug: str
    title: str
    lead: str
    asked: tuple[Asked, ...]
    more: tuple[Asked, ...] = ()
    """What few people need: folded away."""

    @property
    def every(self) -> tuple[Asked, ...]:
        """All that it asks."""
        return (*self.asked, *self.more)


TEXT_LANGUAGES: Final = {
    "en": "English",
    "hi": "हिन्दी",
    "mr": "मराठी",
    "ta": "தமிழ்",
    "te": "తెలుగు",
    "kn": "ಕನ್ನಡ",
}
LANGUAGE: Final = Asked(
    "locale.language",
    N_("Language of the box"),
    Kind.CHOICE,
    N_("For readers who have not chosen one on their own phone."),
)
AREA: Final = Asked("locale.area_unit", N_("Areas in"), Kind.CHOICE)
FARM_NAME: Final = Asked(
    "box.name",
    N_("Name of the farm"),
    help=N_("It stands on every page. It does not leave the farm."),
    example=N_("Hill farm"),
)
SHARE_NAME: Final = Asked(
    "summary.share_name",
    N_("Names of fields may leave the farm"),
    Kind.SWITCH,
    N_(
        "Off: the hub and the agronomist read a code such as F07. On: they read the name that you gave the field."
    ),
)
SHARE_POSITION: Final = Asked(
    "summary.share_position",
    N_("Positions of the worst spots may leave the farm"),
    Kind.SWITCH,
    N_(
        "Off: nobody outside can tell where the field is. On: whoever reads the message can find the spots, and so your"
        " land, on any map."
    ),
)
PICTURES: Final = Asked(
    "sync.pictures",
    N_("The hub may ask for small pictures of spots"),
    Kind.SWITCH,
    N_(
        "Off: no picture ever leaves the farm. On: when the hub asks, a picture of a few square metres of ground goes to it,"
        " some 10 KB each."
    ),
)
NUMBERS: Final = Asked(
    "sms.numbers",
    N_("Telephone numbers"),
    Kind.PHONE,
    N_("With the number of the country; several are parted by commas. Nobody else is texted or listened to."),
    example="+919812345678",
)
SEND: Final = Asked(
    "sms.send",
    N_("What is texted"),
    Kind.CHOICE,
    choices={
        "never": N_("Nothing"),
        "alerts": N_("Alerts: much more weeds than at the last flight"),
        "surveys": N_("Every survey, and alerts"),
    },
)
TEXT_LANGUAGE: Final = Asked("sms.language", N_("Language of texts"), Kind.CHOICE, choices=TEXT_LANGUAGES)
SCRIPT: Final = Asked(
    "sms.script",
    N_("Letters of texts"),
    Kind.CHOICE,
    N_("In Latin letters a text is half as long, and costs half as much."),
    choices={"script": N_("Those of the language"), "latin": N_("Latin letters")},
)

GROUPS: Final = (
    Group(
        "farm",
        N_("Farm and language"),
        N_("What this box is called, and how it speaks."),
        (FARM_NAME, LANGUAGE, AREA),
    ),
    Group(
        "leaving",
        N_("What leaves the farm"),
        N_(
            "Figures of each survey go to the hub and to those who are texted. Photos stay on this box. You decide on the rest."
        ),
        (SHARE_NAME, SHARE_POSITION, PICTURES),
    ),
    Group(
        "texts",
        N_("Agronomist"),
        N_(
            "Who is texted through the modem, when, and in what words. They can text back OK, NO, MORE and STOP."
        ),
        (
            NUMBERS,
            SEND,
            TEXT_LANGUAGE,
            SCRIPT,
            Asked(
                "sms.quiet_hours",
                N_("Quiet hours"),
                help=N_("Only alerts are texted then. Empty: at any hour."),
                example="21:00-06:00",
            ),
        ),
        (
            Asked(
                "sms.daily_parts",
                N_("Texts a day at most"),
                Kind.NUMBER,
                N_("Counted in parts: a long text has two."),
            ),
            Asked(
                "sms.cost_per_part", N_("What one part costs"), Kind.NUMBER, N_("To be shown; 0: not known.")
            ),
            Asked("sms.currency", N_("Currency"), example="INR"),
            Asked(
                "sync.cost_per_mb",
                N_("What a MB of data costs, by kind of link"),
                help=N_("To be shown on the page Sending."),
                example="modem 0.35, phone 0",
            ),
            Asked(
                "sms.hub_number",
                N_("Number of the hub's SIM"),
                Kind.PHONE,
                N_("Empty: the one that the hub told when the box joined it."),
                example="+919812345678",
            ),
            Asked(
                "sms.hub_after_hours",
                N_("Without data, texts go to the hub after"),
                Kind.NUMBER,
                N_("0: never."),
                N_("hours"),
            ),
        ),
    ),
    Group(
        "links",
        N_("Links and budget"),
        N_("Over what the box sends, how much of it may cost, and when it keeps silent."),
        (
            Asked("sync.month_starts", N_("The month of the budget begins on day"), Kind.NUMBER),
            Asked(
                "sync.alert_reserve_pct",
                N_("Share of the budget that is kept for alerts"),
                Kind.NUMBER,
                unit="%",
            ),
            Asked(
                "sync.alerts_in_quiet_hours",
                N_("Alerts go in quiet hours too"),
                Kind.SWITCH,
            ),
        ),
        (
            Asked(
                "sync.gather_hours",
                N_("Summaries wait for each other, where bytes cost"),
                Kind.NUMBER,
                N_("One connection for several costs less."),
                N_("hours"),
            ),
            Asked(
                "sync.listen_hours",
                N_("The box calls the hub at least every"),
                Kind.NUMBER,
                N_("To hear what it wants, even if nothing waits. 0: never."),
                N_("hours"),
            ),
        ),
    ),
    Group(
        "hub",
        N_("Hub"),
        N_(
            "A hub is where the messages of many boxes arrive: at a co-operative, say. The box works as well without one."
        ),
        (),
        (
            Asked(
                "sync.hub_settings",
                N_("The hub may change when and how much is sent, and the language of texts"),
                Kind.SWITCH,
                N_("What you choose on these pages it never changes."),
            ),
        ),
    ),
    Group(
        "photos",
        N_("Photos"),
        N_(
            "Maps and figures stay for ever. Photos may go when they are mapped, so that there is room for new ones."
        ),
        (
            Asked(
                "storage.keep_days",
                N_("Photos are removed after"),
                Kind.NUMBER,
                N_("0: they stay until their room is needed. Flights that you keep are never removed."),
                N_("days"),
            ),
        ),
    ),
)
BY_SLUG: Final[Mapping[str, Group]] = {group.slug: group for group in GROUPS}


def told_in(form: MultiDict[str, str], asked: tuple[Asked, ...]) -> dict[str, SettingValue]:
    """What somebody filled in, as the settings want it; a place that the form has not is left out."""
    told: dict[str, SettingValue] = {}
    for one in asked:
        if one.kind is Kind.SWITCH:
            told[one.name] = one.name in form
        elif one.name in form:
            text = " ".join(form[one.name].split())
            told[one.name] = text.replace(",", ".") if one.kind is Kind.NUMBER else text
    return told
