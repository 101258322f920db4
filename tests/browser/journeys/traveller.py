"""Somebody with a browser: reads one language, sees what goes wrong, and finds things by what they are called."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Response,
    StorageState,
    expect,
)

from fieldbox.i18n import translator
from tests.browser.conftest import PASSWORD, PATIENCE_MS
from tests.browser.test_access import STICKS_OUT

SIZES = {"phone": (360, 740), "desk": (1440, 900)}
NO_WORDS = "Failed to load resource"
"""How Chromium tells in the console that an answer was 4xx; the answers themselves are looked at."""

LETTERS_ARE_THERE = """() => Promise.all(
    ["400", "700"].map((weight) => document.fonts.load(`${weight} 16px "Box Devanagari"`, "अ")))
  .then(() => new Promise((done) => setTimeout(done, 300))).then(() => true)"""
"""And drawn: Chromium shapes words anew one after the other once their letters have come."""


def t(message: str, language: str, **params: object) -> str:
    """A message of the dashboard as a reader of `language` sees it; in English where it is not translated."""
    found = translator(language)(message)
    return found % params if params else found.replace("%%", "%")


def told(message: str, language: str) -> re.Pattern[str]:
    """What a message with any values in it looks like to a reader of `language`."""
    parts = re.split(r"%\(\w+\)s", translator(language)(message).replace("%%", "%"))
    return re.compile(".+".join(re.escape(one) for one in parts))


@dataclass
class Traveller:
    """A person on their way through the dashboard."""

    page: Page
    address: str
    language: str
    size: str
    shots: Path
    trouble: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """See from now on what goes wrong."""
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.trouble.append(f"page error: {error}"))
        self.page.on("request", self._see)
        self.page.on("response", self._read)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and NO_WORDS not in message.text:
            self.trouble.append(f"{message.type}: {message.text} ({self.page.url})")

    def _see(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.trouble.append(f"asked elsewhere: {request.url}")

    def _read(self, response: Response) -> None:
        if response.status >= 500:
            self.trouble.append(f"{response.status} {response.url}")

    @property
    def touches(self) -> bool:
        """Whether there is a finger, and not a mouse."""
        return self.size == "phone"

    def t(self, message: str, **params: object) -> str:
        """A message in the reader's language."""
        return t(message, self.language, **params)

    def told(self, message: str) -> re.Pattern[str]:
        """A message in the reader's language with any values."""
        return told(message, self.language)

    def go(self, path: str) -> None:
        """Open a page of the box that is there."""
        answer = self.page.goto(self.address + path)
        assert answer is not None and answer.status < 400, f"{path}: {answer and answer.status}"

    def look(self, name: str) -> None:
        """The page is in the reader's language and nothing sticks out; a picture is kept."""
        expect(self.page.locator("html")).to_have_attribute("lang", self.language)
        self.page.evaluate(LETTERS_ARE_THERE)
        assert self.page.evaluate(STICKS_OUT) == [], self.page.url
        self.page.screenshot(path=self.shots / f"journey-{name}-{self.language}-{self.size}.png")

    def heading(self, message: str, **params: object) -> Locator:
        return self.page.get_by_role("heading", name=self.t(message, **params), exact=True)

    def link(self, message: str, **params: object) -> Locator:
        """A link, with or without an arrow before or after its words."""
        words = re.escape(self.t(message, **params))
        return self.page.get_by_role("link", name=re.compile(rf"^[‹← ]*{words}[ ›→]*$"))

    def button(self, message: str, **params: object) -> Locator:
        return self.page.get_by_role("button", name=self.t(message, **params), exact=True)

    def says(self, message: str, **params: object) -> None:
        """The page says so."""
        expect(self.page.get_by_text(self.t(message, **params)).first).to_be_visible()

    def press(self, what: Locator) -> None:
        """With a finger or with a mouse."""
        what.scroll_into_view_if_needed()
        if self.touches:
            what.tap()
        else:
            what.click()

    def place(self, name: str) -> None:
        """Go to a part of the dashboard by the navigation."""
        navigation = self.page.get_by_role("navigation", name=self.t("Pages"), exact=True)
        self.press(navigation.get_by_role("link", name=self.t(name), exact=True))

    def log_in(self, who: str, password: str = PASSWORD) -> None:
        """Through the page for that."""
        self.go("/login")
        self.page.get_by_label(self.t("Name"), exact=True).fill(who)
        self.page.get_by_label(self.t("Password"), exact=True).fill(password)
        self.press(self.page.locator("main").get_by_role("button", name=self.t("Log in"), exact=True))


@dataclass(frozen=True)
class Way:
    """With what somebody comes: the language that they read, and a phone or a desk."""

    language: str
    size: str


def arrive(
    browser: Browser,
    address: str,
    way: Way,
    shots: Path,
    *,
    state: StorageState | None = None,
    script: bool = True,
) -> Traveller:
    """Somebody with a browser of their own, logged in as `state` tells."""
    width, height = SIZES[way.size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        has_touch=way.size == "phone",
        is_mobile=way.size == "phone",
        locale=way.language,
        java_script_enabled=script,
        storage_state=state,
        accept_downloads=True,
    )
    one = Traveller(context.new_page(), address, way.language, way.size, shots)
    one.watch()
    return one
