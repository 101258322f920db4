"""What texts say: fixed wording in each language, in its script and in Latin letters, with at most two variables.

Indian networks drop commercial texts whose wording is not registered (DLT), take two variables to a template of at most 30
letters each, and want the sender's brand in it. Hence the shape: a name with the reply code, and the figures in one row whose
order the fixed words tell. The wording is no gettext catalogue: a registered text may not change with a translation.

No native speaker has read them yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fieldbox.wire import gsm

VARIABLE: Final = "{#alphanumeric#}"
"""How a variable is tagged for registration."""
MOST_LETTERS: Final = 30
"""Of a variable."""
LANGUAGES: Final = {
    "en": "English",
    "hi": "हिन्दी",
    "mr": "मराठी",
    "ta": "தமிழ்",
    "te": "తెలుగు",
    "kn": "ಕನ್ನಡ",
}


class Script(StrEnum):
    """In which letters a text is written."""

    SCRIPT = "script"
    LATIN = "latin"


MOST_PARTS: Final = {Script.LATIN: 1, Script.SCRIPT: 2}
"""Of a text of each."""


class Kind(StrEnum):
    """What a text is for."""

    SURVEY = "survey"
    SURVEY_AGAIN = "survey again"
    """It may be the second time."""
    ALERT = "alert"
    ALERT_AGAIN = "alert again"
    WITHDRAWN = "withdrawn"
    """What the alert said is not so."""
    WITHDRAWN_AGAIN = "withdrawn again"
    SPOTS = "spots"
    """The answer to MORE."""
    SPOTS_AGAIN = "spots again"
    TEST = "test"


AGAIN: Final = {
    Kind.SURVEY: Kind.SURVEY_AGAIN,
    Kind.ALERT: Kind.ALERT_AGAIN,
    Kind.WITHDRAWN: Kind.WITHDRAWN_AGAIN,
    Kind.SPOTS: Kind.SPOTS_AGAIN,
}
"""What says the same and that it may be the second time."""


@dataclass(frozen=True, slots=True)
class Template:
    """One wording. `{0}` and `{1}` are its variables."""

    language: str
    script: Script
    kind: Kind
    wording: str

    @property
    def registered(self) -> str:
        """As it is handed in for registration."""
        return self.wording.format(VARIABLE, VARIABLE)

    def text(self, *variables: str) -> str:
        """With its variables."""
        return self.wording.format(*variables)


@dataclass(frozen=True, slots=True)
class _Words:
    """One language in one script."""

    row: str
    """The order of the figures: weeds in percent, spots, crop health, litres to spray."""
    reply: str
    alert: str
    again: str
    withdrawn: str
    spots: str
    test: str


_WORDS: Final = {
    ("en", Script.LATIN): _Words(
        row="weeds%/spots/health/spray L",
        reply="Reply OK, NO or MORE and #code; STOP ends",
        alert="ALERT",
        again="Maybe sent twice.",
        withdrawn="the alert on this field no longer stands",
        spots="worst spots, m2/weeds%",
        test="this is a test",
    ),
    ("hi", Script.SCRIPT): _Words(
        row="खरपतवार%/जगह/सेहत/दवा L",
        reply="जवाब OK/NO/MORE + कोड, बंद STOP",
        alert="चेतावनी",
        again="शायद दो बार आया।",
        withdrawn="इस खेत की चेतावनी अब लागू नहीं",
        spots="सबसे खराब जगहें, m2/खरपतवार%",
        test="यह जाँच है",
    ),
    ("hi", Script.LATIN): _Words(
        row="kharpatvar%/jagah/sehat/dawa L",
        reply="Jawab OK, NO ya MORE aur #code; band: STOP",
        alert="CHETAVNI",
        again="Shayad do baar aaya.",
        withdrawn="is khet ki chetavni ab lagu nahin",
        spots="sabse kharab jagah, m2/kharpatvar%",
        test="yah jaanch hai",
    ),
    ("mr", Script.SCRIPT): _Words(
        row="तण%/जागा/आरोग्य/औषध L",
        reply="उत्तर OK/NO/MORE + कोड, बंद STOP",
        alert="इशारा",
        again="कदाचित दोनदा आले.",
        withdrawn="या शेताचा इशारा आता लागू नाही",
        spots="सर्वात वाईट जागा, m2/तण%",
        test="ही चाचणी आहे",
    ),
    ("mr", Script.LATIN): _Words(
        row="tan%/jaga/aarogya/aushadh L",
        reply="Uttar OK, NO kinva MORE ani #code; band: STOP",
        alert="ISHARA",
        again="Kadachit donda aale.",
        withdrawn="ya shetacha ishara aata lagu nahi",
        spots="sarvat vait jaga, m2/tan%",
        test="hi chachni aahe",
    ),
    ("ta", Script.SCRIPT): _Words(
        row="களை%/இடம்/நலம்/மருந்து L",
        reply="பதில் OK/NO/MORE + குறியீடு, STOP",
        alert="அவசரம்",
        again="இருமுறை வந்திருக்கலாம்.",
        withdrawn="இந்த வயலின் எச்சரிக்கை இப்போது இல்லை",
        spots="மோசமான இடங்கள், m2/களை%",
        test="இது சோதனை",
    ),
    ("ta", Script.LATIN): _Words(
        row="kalai%/idam/nalam/marundhu L",
        reply="Badhil OK, NO, MORE + #code; niruththa: STOP",
        alert="AVASARAM",
        again="Irumurai vandhirukkalam.",
        withdrawn="indha vayalin echarikkai ippodhu illai",
        spots="mosamana idangal, m2/kalai%",
        test="idhu sodhanai",
    ),
    ("te", Script.SCRIPT): _Words(
        row="కలుపు%/చోట్లు/ఆరోగ్యం/మందు L",
        reply="జవాబు OK/NO/MORE + కోడ్, STOP",
        alert="హెచ్చరిక",
        again="బహుశా రెండుసార్లు వచ్చింది.",
        withdrawn="ఈ పొలం హెచ్చరిక ఇప్పుడు లేదు",
        spots="చెడు చోట్లు, m2/కలుపు%",
        test="ఇది పరీక్ష",
    ),
    ("te", Script.LATIN): _Words(
        row="kalupu%/chotlu/arogyam/mandu L",
        reply="Javabu OK, NO, MORE + #code; aapadaniki: STOP",
        alert="HECHARIKA",
        again="Bahusha rendusarlu vachindi.",
        withdrawn="ee polam hecharika ippudu ledu",
        spots="chedu chotlu, m2/kalupu%",
        test="idi pariksha",
    ),
    ("kn", Script.SCRIPT): _Words(
        row="ಕಳೆ%/ಜಾಗ/ಆರೋಗ್ಯ/ಔಷಧ L",
        reply="ಉತ್ತರ OK/NO/MORE + ಕೋಡ್, STOP",
        alert="ಎಚ್ಚರಿಕೆ",
        again="ಬಹುಶಃ ಎರಡು ಬಾರಿ ಬಂದಿದೆ.",
        withdrawn="ಈ ಹೊಲದ ಎಚ್ಚರಿಕೆ ಈಗ ಇಲ್ಲ",
        spots="ಕೆಟ್ಟ ಜಾಗಗಳು, m2/ಕಳೆ%",
        test="ಇದು ಪರೀಕ್ಷೆ",
    ),
    ("kn", Script.LATIN): _Words(
        row="kale%/jaaga/arogya/aushadha L",
        reply="Uttara OK, NO, MORE + #code; nillisalu: STOP",
        alert="ECHARIKE",
        again="Bahusha eradu bari bandide.",
        withdrawn="ee holada echarike eega illa",
        spots="ketta jaagagalu, m2/kale%",
        test="idu parikshe",
    ),
}

_BRAND: Final = "Fieldbox"


def template(language: str, script: Script, kind: Kind) -> Template:
    """A wording; what there is not in a language or script is English."""
    key = (language, script) if (language, script) in _WORDS else ("en", Script.LATIN)
    return Template(*key, kind, _wording(_WORDS[key], kind))


def templates() -> Iterator[Template]:
    """Every wording, for registration."""
    for language, script in _WORDS:
        for kind in Kind:
            yield template(language, script, kind)


def fits(text: str, script: Script) -> bool:
    """Whether a text goes in as many parts as it may: in Latin letters one of GSM-7, in a script two of UCS-2."""
    length = gsm.length_of(text)
    right = script is Script.SCRIPT or length.coding is gsm.Coding.GSM7
    return right and length.parts <= MOST_PARTS[script]


def _wording(words: _Words, kind: Kind) -> str:
    figures = f"{words.row} = {{1}}."
    return {
        Kind.SURVEY: f"{_BRAND} {{0}}: {figures} {words.reply}",
        Kind.SURVEY_AGAIN: f"{_BRAND} {{0}}: {figures} {words.again}",
        Kind.ALERT: f"{_BRAND} {words.alert} {{0}}: {figures} {words.reply}",
        Kind.ALERT_AGAIN: f"{_BRAND} {words.alert} {{0}}: {figures} {words.again}",
        Kind.WITHDRAWN: f"{_BRAND} {{0}}: {words.withdrawn}",
        Kind.WITHDRAWN_AGAIN: f"{_BRAND} {{0}}: {words.withdrawn}. {words.again}",
        Kind.SPOTS: f"{_BRAND} {{0}}: {words.spots}: {{1}}",
        Kind.SPOTS_AGAIN: f"{_BRAND} {{0}}: {words.spots}: {{1}}. {words.again}",
        Kind.TEST: f"{_BRAND} {{0}}: {words.test}",
    }[kind]
