"""The page of a call and its player in a real browser: by keys alone, with what the telephone may send."""

# ruff: noqa: F811 - fixtures of the shared browser

from __future__ import annotations

import io
import re
import wave
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account, User
from cdr.models import Call
from recordings.models import Listening
from reviews.models import Comment
from tests import factories
from tests.portal.tenant import HOSTILE_NAMES, Tenant, conversation, make_comments, make_transferred_call
from tests.portal.test_browser import Visit, browser, pytestmark, visit  # noqa: F401 - the same browser

PATIENCE = 20_000
EMAIL = "admin@hanbit.example"
SOUGHT = """() => new Promise(done => {
    document.querySelector("audio").addEventListener("seeked", () => done(true), { once: true });
})"""


@pytest.fixture
def account(transactional_db: None) -> Account:
    return factories.make_account("Hanbit Care", time_zone="Asia/Seoul", country="KR")


@pytest.fixture
def person(account: Account) -> User:
    return factories.make_user(account, email=EMAIL, name="Sora Oh")


@pytest.fixture
def talked(account: Account) -> Call:
    return make_transferred_call(account, factories.make_switch(), timezone.now() - timedelta(minutes=12))


def recorded(account: Account, audio: bytes) -> Call:
    call = factories.make_call(account, started_at=timezone.now() - timedelta(minutes=5))
    recording = factories.make_recording(call, started_at=call.started_at)
    factories.make_media(recording, audio)
    return call


def with_a_pause(seconds: int) -> bytes:
    """Two seconds of sound, so many of none, and two of sound."""
    with wave.open(io.BytesIO(factories.tone(2.0)), "rb") as sound:
        frames, rate = sound.readframes(sound.getnframes()), sound.getframerate()
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setnchannels(2)
        audio.setsampwidth(2)
        audio.setframerate(rate)
        audio.writeframes(frames + bytes(4 * rate * seconds) + frames)
    return file.getvalue()


def open_call(visit: Visit, call: Call) -> Page:
    visit.sign_in(EMAIL)
    visit.go(f"/calls/{call.pk.hex}/")
    visit.page.wait_for_selector("call-player[data-drawn]", timeout=PATIENCE)
    return visit.page


def shows(page: Page, time: str) -> None:
    expect(page.locator("[data-now]")).to_have_text(re.compile(time), timeout=PATIENCE)


def loop_button(page: Page) -> Locator:
    return page.locator("button[data-loop]")


def test_a_call_is_heard_and_commented_on_by_keys_alone(visit: Visit, talked: Call, person: User) -> None:
    page = open_call(visit, talked)
    for key, time in (("a", "^5:58"), ("a", "^1:52"), ("]", "^2:02")):
        page.keyboard.press(key)
        shows(page, time)
    page.keyboard.press("l")
    page.keyboard.press("[")
    page.keyboard.press("l")
    expect(loop_button(page)).to_have_attribute("title", re.compile("^1:52 to 2:02"))
    page.keyboard.press("l")
    expect(loop_button(page)).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("]")
    page.keyboard.press("c")
    page.keyboard.type("Hold was announced")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".comment")).to_have_text(
        re.compile("2:02.*Hold was announced", re.DOTALL), timeout=PATIENCE
    )
    expect(page.locator("#h-comments")).to_be_focused()
    page.keyboard.press("]")
    page.keyboard.press(",")
    shows(page, "^2:02")
    for key in ("Tab", "Tab", "Enter", "Tab", "End"):
        page.keyboard.press(key)
    page.keyboard.type(", good")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".comment p").first).to_have_text("Hold was announced, good", timeout=PATIENCE)
    assert Comment.objects.get().at == talked.started_at + timedelta(seconds=122)
    page.keyboard.press("Space")
    expect(page.locator("[data-play]")).to_have_attribute("aria-label", "Pause")
    page.keyboard.press("?")
    expect(page.get_by_text("Loop from here, to here, no more")).to_be_visible()
    assert visit.complaints == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_has_nothing_against_a_call_with_everything(
    browser: Browser,
    live_server: LiveServer,
    talked: Call,
    person: User,
    theme: str,
    width: int,
) -> None:
    make_comments(Tenant(person_account(person), {"reviewer": person}, talked), timezone.now())
    listened(talked, person, 134_000)
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)  # type: ignore[arg-type]
    seen = Visit(context.new_page(), live_server.url)
    page = open_call(seen, talked)
    page.locator(".comment-acts > summary").first.focus()
    page.keyboard.press("Enter")
    assert seen.objections() == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    context.close()
    assert seen.complaints == []


def person_account(person: User) -> Account:
    assert person.account
    return person.account


def listened(call: Call, person: User, stopped_ms: int) -> None:
    Listening.objects.create(
        recording=call.recordings.get(),
        session="a" * 32,
        actor=person.email,
        user=person,
        spans=[[0, stopped_ms]],
        heard_ms=stopped_ms,
        stopped_ms=stopped_ms,
    )


def test_silence_is_skipped_and_that_is_remembered(visit: Visit, account: Account, person: User) -> None:
    page = open_call(visit, recorded(account, with_a_pause(60)))
    button = page.locator("[data-silence]")
    expect(button).to_be_enabled()
    page.keyboard.press("s")
    expect(button).to_have_attribute("aria-pressed", "true")
    page.click("[data-play]")
    shows(page, "^1:0[1-4]")
    page.reload()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert visit.complaints == []


def test_a_stretch_that_is_dragged_over_with_shift_is_played_over_and_over(
    visit: Visit,
    account: Account,
    person: User,
) -> None:
    page = open_call(visit, recorded(account, conversation(60)))
    box = page.locator("[data-wave-box]").bounding_box()
    assert box
    at = [(box["x"] + box["width"] * share, box["y"] + 40) for share in (0.5, 0.52)]
    page.keyboard.down("Shift")
    page.mouse.move(*at[0])
    page.mouse.down()
    page.mouse.move(*at[1], steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    expect(loop_button(page)).to_have_attribute("aria-pressed", "true")
    page.click("[data-play]")
    page.evaluate(SOUGHT)
    played = page.evaluate("document.querySelector('audio').currentTime")
    total = page.evaluate("Number(document.querySelector('call-player').dataset.total)") / 1000
    assert 0.49 * total < played < 0.54 * total
    page.keyboard.press("l")
    expect(loop_button(page)).to_have_text("Loop")
    assert visit.complaints == []


def test_one_goes_on_where_one_stopped(visit: Visit, talked: Call, person: User) -> None:
    page = open_call(visit, talked)
    expect(page.locator("[data-resume]")).to_have_count(0)
    page.locator("[data-position]").evaluate(
        "slider => { slider.value = 246000; slider.dispatchEvent(new Event('input')) }"
    )
    page.click("[data-play]")
    shows(page, "^4:0[789]")
    with page.expect_response("**/listening") as told:
        page.click("[data-play]")
    assert told.value.status == 204
    page.reload()
    expect(page.locator("[data-resume]")).to_have_text(re.compile(r"Resume at 4:0[6-9]"))
    page.keyboard.press("r")
    expect(page.locator("[data-play]")).to_have_attribute("aria-label", "Pause")
    expect(page.locator("[data-resume]")).to_have_count(0)
    shows(page, "^4:")
    assert visit.complaints == []


def test_the_timeline_and_its_pins_lead_to_the_sound(visit: Visit, talked: Call, person: User) -> None:
    make_comments(Tenant(person_account(person), {"reviewer": person}, talked), timezone.now())
    page = open_call(visit, talked)
    row = page.locator(".tl-row > svg[role=img]").first.bounding_box()
    assert row
    page.mouse.click(row["x"] + row["width"] / 2, row["y"] + 4)
    shows(page, "^4:3[567]")
    page.get_by_label("Comment 3 at 8:18").click()
    shows(page, "^8:18")
    expect(page.locator(".comment[aria-current]")).to_contain_text("Refund 20-4471")
    wave_box, mask = (page.locator(each).bounding_box() for each in ("[data-wave-box]", ".wave-box .w-mask"))
    assert wave_box
    assert mask
    assert (mask["x"] - wave_box["x"]) / wave_box["width"] == pytest.approx(424 / 552, abs=0.01)
    assert mask["width"] / wave_box["width"] == pytest.approx(27 / 552, abs=0.01)
    assert visit.complaints == []


def test_a_comment_that_is_not_taken_stays_in_its_form(visit: Visit, talked: Call, person: User) -> None:
    page = open_call(visit, talked)
    page.route("**/comments", lambda route: route.fulfill(status=503))
    page.keyboard.press("c")
    page.keyboard.type("Not lost")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-comment-failed]")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#text-new")).to_have_value("Not lost")


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_hostile_names_and_words_stay_words(
    visit: Visit,
    account: Account,
    talked: Call,
    person: User,
    name: str,
) -> None:
    Call.objects.update(caller_name=name)
    talked.switch.name = name[:60]
    talked.switch.save()
    factories.make_agent(account, "1001", label=name[:60])
    factories.make_queue(account, "3000@default", label=name[:60])
    User.objects.filter(pk=person.pk).update(name=name[:60])
    make_comments(Tenant(account, {"reviewer": person}, talked), timezone.now())
    Comment.objects.update(text=name, author_name=name)
    listened(talked, person, 9_000)
    page = open_call(visit, talked)
    shown = " ".join(re.sub(r"[\n\r\u202c\u202e]", " ", name).split())
    assert page.title().startswith(shown[:80])
    assert page.locator("h1").inner_text()[:60] == shown[:60]
    assert shown[:60] in str(page.locator("#pins-row a").first.get_attribute("aria-label"))
    assert page.locator(".comment p").first.inner_text().split() == name.split()
    page.click("[data-play]")
    expect(page.locator("[data-play]")).to_have_attribute("aria-label", "Pause")
    assert page.evaluate("navigator.mediaSession.metadata.title").startswith(shown[:80])
    page.keyboard.press("l")
    assert page.locator("script:not([src]), img[src=x]").count() == 0
    assert visit.complaints == []


def test_without_script_comments_are_written_and_lead_to_the_sound(
    browser: Browser,
    live_server: LiveServer,
    talked: Call,
    person: User,
) -> None:
    listened(talked, person, 134_000)
    context = browser.new_context(java_script_enabled=False)
    seen = Visit(context.new_page(), live_server.url)
    seen.sign_in(EMAIL)
    seen.go(f"/calls/{talked.pk.hex}/")
    page = seen.page
    page.fill("#text-new", "Hold was announced")
    page.fill("#at-new", "3:18")
    page.get_by_role("button", name="Comment").click()
    page.wait_for_url("**#comments")
    key = talked.recordings.get().pk.hex
    place = f"/recordings/{key}/media?format=wav#t="
    assert page.get_by_label("Play from 3:18").get_attribute("href") == f"{place}86.0"
    assert page.locator("[data-resume] a").get_attribute("href") == f"{place}134.0"
    context.close()
