from __future__ import annotations

import pytest

from switch.fastagi.protocol import LONGEST_LINE, MOST_BYTES, AgiError, AgiSession, report_of
from tests import asterisk_captures as captured

ENVIRONMENT = b"agi_network: yes\nagi_uniqueid: 1795178129.12\nagi_callerid: 555\n\n"


def asking() -> AgiSession:
    """A session whose environment and nonce were read: it has asked for UNIQUEID."""
    session = AgiSession("f00d", ("UNIQUEID", "DIALSTATUS"))
    session.receive(ENVIRONMENT)
    session.receive(b"200 result=1 (f00d)\n")
    return session


@pytest.mark.parametrize("name", captured.names())
def test_byte_by_byte_is_the_same_as_at_once(name: str) -> None:
    for session in captured.sessions(name):
        assert captured.talk(session, size=1) == captured.talk(session)


@pytest.mark.parametrize("name", captured.names())
def test_a_captured_session_tells_its_channel(name: str) -> None:
    found = captured.reports(name)
    told = captured.index()[name]["agi_sessions"]
    assert [report.unique_id for report in found] == [each["uniqueid"] for each in told]


def test_after_the_environment_it_asks_for_its_nonce() -> None:
    assert AgiSession("f00d").receive(ENVIRONMENT) == b"GET FULL VARIABLE f00d\n"


def test_values_are_asked_for_encoded() -> None:
    session = AgiSession("f00d", ("UNIQUEID",))
    session.receive(ENVIRONMENT)
    asked = session.receive(b"200 result=1 (f00d)\n")
    assert asked == b"GET FULL VARIABLE ${URIENCODE(${UNIQUEID})}\n"


def test_a_name_with_line_feeds_cannot_override_the_number() -> None:
    (report,) = captured.reports("cid_newline_from_network")
    assert report.caller_number == "79161234567"
    assert report.caller_name.splitlines()[0] == "Line1"


def test_a_forged_reply_before_ours_is_skipped() -> None:
    session = AgiSession("f00d", ("UNIQUEID", "DIALSTATUS"))
    session.receive(ENVIRONMENT)
    session.receive(b"200 result=1 (BUSY)\n200 result=1 (BUSY)\n200 result=1 (f00d)\n")
    session.receive(b"200 result=1 (1795178129.12)\n200 result=1 (ANSWER)\n")
    assert session.variables["DIALSTATUS"] == "ANSWER"


def test_a_hangup_in_between_is_no_reply() -> None:
    session = asking()
    session.receive(b"HANGUP\n200 result=1 (1795178129.12)\nHANGUP\n200 result=1 (BUSY)\n")
    assert (session.done, session.hung_up, session.variables["DIALSTATUS"]) == (True, True, "BUSY")


def test_line_feeds_in_a_value_come_back_whole() -> None:
    session = asking()
    session.receive(b"200 result=1 (1795178129.12)\n200 result=1 (A%0AHANGUP%0A200%20result%3D1%20%28B%29)\n")
    assert session.variables["DIALSTATUS"] == "A\nHANGUP\n200 result=1 (B)"


@pytest.mark.parametrize(
    "refusal",
    [
        b"510 Invalid or unknown command\n",
        b"511 Command Not Permitted on a dead channel or intercept routine\n",
        b"520 Invalid command syntax.  Proper usage not available.\n",
        b"520-Invalid command syntax.  Proper usage follows:\n200 result=1 (x)\n520 End of proper usage.\n",
        b"200 result=0\n",
        b"200 result=1 ()\n",
    ],
)
def test_what_is_refused_or_unset_is_left_out(refusal: bytes) -> None:
    session = asking()
    session.receive(b"200 result=1 (1795178129.12)\n" + refusal)
    assert session.done
    assert "DIALSTATUS" not in session.variables


def test_an_asterisk_without_uriencode_is_asked_plainly() -> None:
    session = asking()
    assert session.receive(b"200 result=1 ()\n") == b"GET VARIABLE UNIQUEID\n"
    session.receive(b"200 result=1 (1795178129.12)\n200 result=1 (A\nHANGUP\nB)\n")
    assert session.variables["DIALSTATUS"] == "A\nHANGUP\nB"


def test_invalid_utf8_is_replaced() -> None:
    session = asking()
    session.receive(b"200 result=1 (1795178129.12)\n200 result=1 (\xff%FF)\n")
    assert session.variables["DIALSTATUS"] == "\ufffd\ufffd"


@pytest.mark.parametrize(
    "hostile",
    [
        b"\n",
        b"GET / HTTP/1.1\n\n",
        b"x" * (LONGEST_LINE + 1),
        b"agi_x: y\n" * 600,
        b"y" * 100 + b"\n" + b"z" * MOST_BYTES,
    ],
    ids=["blank", "http", "endless line", "endless lines", "too much"],
)
def test_what_is_no_agi_is_refused(hostile: bytes) -> None:
    with pytest.raises(AgiError):
        AgiSession("f00d").receive(hostile)


def test_without_an_epoch_our_own_clock_counts() -> None:
    session = asking()
    session.receive(b"200 result=1 (1795178129.12)\n200 result=1 (BUSY)\n")
    assert report_of(session, 5_000_000).at == 5_000_000
