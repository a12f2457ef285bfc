"""Which events a client gets: the `event`, `nixevent` and `noevents` commands as FreeSWITCH takes them."""

from __future__ import annotations

from switch.esl.captures import CapturedEvent

EVENT_NAMES = frozenset(
    {
        "ADD_SCHEDULE",
        "ALL",
        "API",
        "BACKGROUND_JOB",
        "CALL_DETAIL",
        "CALL_SECURE",
        "CALL_SETUP_REQ",
        "CALL_SETUP_RESULT",
        "CALL_UPDATE",
        "CERT_RELOAD",
        "CHANNEL_ANSWER",
        "CHANNEL_APPLICATION",
        "CHANNEL_BRIDGE",
        "CHANNEL_CALLSTATE",
        "CHANNEL_CREATE",
        "CHANNEL_DATA",
        "CHANNEL_DESTROY",
        "CHANNEL_EXECUTE",
        "CHANNEL_EXECUTE_COMPLETE",
        "CHANNEL_HANGUP",
        "CHANNEL_HANGUP_COMPLETE",
        "CHANNEL_HOLD",
        "CHANNEL_ORIGINATE",
        "CHANNEL_OUTGOING",
        "CHANNEL_PARK",
        "CHANNEL_PROGRESS",
        "CHANNEL_PROGRESS_MEDIA",
        "CHANNEL_STATE",
        "CHANNEL_UNBRIDGE",
        "CHANNEL_UNHOLD",
        "CHANNEL_UNPARK",
        "CHANNEL_UUID",
        "CLIENT_DISCONNECTED",
        "CLONE",
        "CODEC",
        "COMMAND",
        "CONFERENCE_DATA",
        "CONFERENCE_DATA_QUERY",
        "CUSTOM",
        "DEL_SCHEDULE",
        "DETECTED_SPEECH",
        "DETECTED_TONE",
        "DEVICE_STATE",
        "DTMF",
        "EXE_SCHEDULE",
        "FAILURE",
        "GENERAL",
        "HEARTBEAT",
        "INBOUND_CHAN",
        "LOG",
        "MEDIA_BUG_START",
        "MEDIA_BUG_STOP",
        "MESSAGE",
        "MESSAGE_QUERY",
        "MESSAGE_WAITING",
        "MODULE_LOAD",
        "MODULE_UNLOAD",
        "NAT",
        "NOTALK",
        "NOTIFY",
        "NOTIFY_IN",
        "OUTBOUND_CHAN",
        "PHONE_FEATURE",
        "PHONE_FEATURE_SUBSCRIBE",
        "PLAYBACK_START",
        "PLAYBACK_STOP",
        "PRESENCE_IN",
        "PRESENCE_OUT",
        "PRESENCE_PROBE",
        "PRIVATE_COMMAND",
        "PUBLISH",
        "RECORD_START",
        "RECORD_STOP",
        "RECV_INFO",
        "RECV_MESSAGE",
        "RECV_RTCP_MESSAGE",
        "RELOADXML",
        "REQUEST_PARAMS",
        "RE_SCHEDULE",
        "ROSTER",
        "SEND_INFO",
        "SEND_MESSAGE",
        "SEND_RTCP_MESSAGE",
        "SERVER_DISCONNECTED",
        "SESSION_CRASH",
        "SESSION_HEARTBEAT",
        "SHUTDOWN",
        "SHUTDOWN_REQUESTED",
        "SOCKET_DATA",
        "STARTUP",
        "TALK",
        "TEXT",
        "TRAP",
        "UNPUBLISH",
    }
)
FORMATS = frozenset({"json", "plain", "xml"})


class EventFilter:
    """One client's subscription; words behind CUSTOM are subclasses, words of no meaning are passed over."""

    def __init__(self) -> None:
        self.format = "plain"
        self.enabled = False
        self._names: set[str] = set()
        self._subclasses: set[str] = set()

    def wants(self, event: CapturedEvent) -> bool:
        """Tell whether the client gets an event."""
        if "ALL" in self._names:
            return True
        if event.name != "CUSTOM":
            return event.name in self._names
        return "CUSTOM" in self._names and event.subclass in self._subclasses

    def subscribe(self, words: list[str]) -> str:
        """Take the words behind `event` and return the reply."""
        if words and words[0].lower() in FORMATS:
            self.format = words.pop(0).lower()
        names, subclasses = split_words(words)
        if not names:
            return "-ERR no keywords supplied"
        self.enabled = True
        self._names |= names
        self._subclasses |= subclasses
        return f"+OK event listener enabled {self.format}"

    def nix(self, words: list[str]) -> str:
        """Take the words behind `nixevent` and return the reply."""
        names, subclasses = split_words(words)
        if not names:
            return "-ERR no keywords supplied"
        self._subclasses -= subclasses
        if "ALL" in names:
            self._names.clear()
        elif "ALL" in self._names:
            self._names = set(EVENT_NAMES - names - {"ALL"})
        else:
            self._names -= names - {"CUSTOM"}
        return "+OK events nixed"

    def stop(self) -> str:
        """Take `noevents` and return the reply."""
        if not self.enabled:
            return "-ERR not listening for events"
        self.enabled = False
        self._names.clear()
        self._subclasses.clear()
        return "+OK no longer listening for events"


def split_words(words: list[str]) -> tuple[set[str], set[str]]:
    """Return the event names, and the subclasses behind CUSTOM."""
    names: set[str] = set()
    for place, word in enumerate(words):
        name = word.upper().removeprefix("SWITCH_EVENT_")
        if name == "CUSTOM":
            return names | {name}, set(words[place + 1 :])
        if name in EVENT_NAMES:
            names.add(name)
    return names, set()
