"""A switch that plays captured calls: an ESL server for tests, demonstrations and trying things out."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from switch.esl import frames
from switch.esl.captures import MICROSECONDS, CapturedEvent, label_event, offsets
from switch.esl.filters import EventFilter
from switch.esl.replay_api import ApiAnswers, LiveLegs, heartbeat_fields, own_event

FULL_BUFFER = 1024 * 1024
BREATH_EVERY = 64
LONGEST_LINE = 128 * 1024
PAUSE_BETWEEN_CALLS = 0.5
HEARTBEAT_SECONDS = 20
FIRST_OWN_SEQUENCE = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Played:
    """One event of a tape: when it is due, in seconds since the tape began, and what is done before it."""

    due: float
    event: CapturedEvent
    before: Callable[[], object] | None = None


Tape = Iterator[Played]


def captured_tape(calls: Iterator[list[CapturedEvent]]) -> Tape:
    """Yield captured calls one after another, each with its own spacing."""
    begin = 0.0
    for events in calls:
        due = begin
        for event, offset in zip(events, offsets(events), strict=True):
            due = begin + offset / MICROSECONDS
            yield Played(due, event)
        begin = due + PAUSE_BETWEEN_CALLS


@dataclass(frozen=True, slots=True)
class Terms:
    """How a replay is done.

    Speed 0 is as fast as it goes; playing begins when `wait_for` clients have subscribed. Commands take
    effect and are answered after `reply_delay` seconds.
    """

    host: str = "127.0.0.1"
    port: int = 0
    password: str = "ClueCon"  # noqa: S105 - FreeSWITCH's own default
    speed: float = 1.0
    wait_for: int = 1
    forever: bool = False
    heartbeats: bool = False
    reply_delay: float = 0.0
    core: str = field(default_factory=lambda: str(uuid.uuid4()))


class ReplaySwitch:
    """Plays a tape to every client that subscribes; `commands` keeps what clients sent but passwords."""

    def __init__(self, tape: Tape, terms: Terms | None = None) -> None:
        self.tape = tape
        self.terms = terms or Terms()
        self.live = LiveLegs()
        self.commands: list[str] = []
        self.played = 0
        self.port = 0
        self.answers = ApiAnswers(self.live)
        self._own_sequence = FIRST_OWN_SEQUENCE
        self._clients: set[_Client] = set()
        self._subscribed: asyncio.Event
        self._enough: asyncio.Event
        self._over: asyncio.Event

    async def run(self, listening: Callable[[int], object] = lambda port: None) -> None:
        """Serve until the tape is over, or for ever; `listening` is told the port."""
        self._enough, self._over = asyncio.Event(), asyncio.Event()
        server = await asyncio.start_server(self._serve, self.terms.host, self.terms.port, limit=LONGEST_LINE)
        self.port = server.sockets[0].getsockname()[1]
        listening(self.port)
        beating = asyncio.create_task(self._beat())
        try:
            await self._play()
            if self.terms.forever:
                await self._over.wait()
        finally:
            beating.cancel()
            server.close()
            await asyncio.gather(*(client.end(frames.SHUT_DOWN) for client in list(self._clients)))

    def count_subscribers(self) -> None:
        """Begin to play when enough clients have subscribed."""
        if sum(client.filter.enabled for client in self._clients) >= self.terms.wait_for:
            self._enough.set()

    async def send(self, event: CapturedEvent) -> None:
        """Send an event to all who want it; a client that reads slowly slows the tape down."""
        made: dict[str, bytes] = {}
        for client in list(self._clients):
            if client.filter.enabled and client.filter.wants(event):
                await client.write(_frame(client.filter.format, event.body, made))

    async def tell_consequences(self) -> None:
        """Send the events that commands brought about."""
        for event in self.live.taken():
            at = datetime.fromtimestamp(event.at / MICROSECONDS, UTC)
            await self.send_own(event.name, event.fields, at)

    async def send_own(self, name: str, fields: dict[str, str], at: datetime | None = None) -> None:
        """Send an event that is not on the tape."""
        self._own_sequence += 1
        body = own_event(name, self.terms.core, self._own_sequence, at or datetime.now(UTC), fields)
        await self.send(label_event(body))

    async def _play(self) -> None:
        await self._enough.wait()
        began = asyncio.get_running_loop().time()
        for played in self.tape:
            await self._wait_until(began, played.due)
            if played.before is not None:
                await asyncio.to_thread(played.before)
            self.live.follow(played.event)
            self.answers.queues.follow(played.event)
            over = played.event.name == "CHANNEL_HANGUP_COMPLETE"
            if over:
                await self.tell_consequences()
            await self.send(played.event)
            await self.tell_consequences()
            self.played += 1

    async def _wait_until(self, began: float, due: float) -> None:
        left = 0.0
        if self.terms.speed:
            left = began + due / self.terms.speed - asyncio.get_running_loop().time()
        if left > 0 or self.played % BREATH_EVERY == 0:
            await asyncio.sleep(max(left, 0.0))

    async def _beat(self) -> None:
        while self.terms.heartbeats:
            await self.send_own("HEARTBEAT", heartbeat_fields(len(self.live.legs), time.monotonic()))
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = _Client(self, reader, writer)
        self._clients.add(client)
        try:
            await client.run()
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            writer.close()
        finally:
            self._clients.discard(client)


def _frame(form: str, body: bytes, made: dict[str, bytes]) -> bytes:
    if form not in made:
        made[form] = frames.json_frame(body) if form == "json" else frames.plain_frame(body)
    return made[form]


class _Client:
    """One client's connection."""

    def __init__(
        self, switch: ReplaySwitch, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.filter = EventFilter()
        self._switch = switch
        self._reader = reader
        self._writer = writer
        self._signed_in = False

    async def run(self) -> None:
        self._writer.write(frames.AUTH_REQUEST)
        going_on = True
        while going_on:
            line = await self._read_command()
            if line is None:
                break
            going_on = await self._obey(line)
        await self.end(frames.GOODBYE)

    async def write(self, data: bytes) -> None:
        if self._writer.is_closing():
            return
        self._writer.write(data)
        if self._writer.transport.get_write_buffer_size() > FULL_BUFFER:
            try:
                await self._writer.drain()
            except ConnectionError:
                self._writer.close()

    async def end(self, notice: bytes) -> None:
        if self._writer.is_closing():
            return
        self._writer.write(frames.notice_frame(notice))
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            return

    async def _read_command(self) -> str | None:
        """Return the command's line; the headers and body behind it are read and left."""
        first, length = "", 0
        while line := await self._reader.readline():
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            name, _, value = text.partition(":")
            if name.lower() == "content-length" and value.strip().isdigit():
                length = int(value)
            if not text and first:
                await self._reader.readexactly(min(length, LONGEST_LINE))
                return first
            first = first or text
        return None

    async def _obey(self, line: str) -> bool:
        """Answer one command; False when the connection ends with it."""
        word, _, rest = line.partition(" ")
        verb = word.lower()
        self._switch.commands.append("auth" if verb == "auth" else line)
        if verb == "exit":
            return await self._reply("+OK bye", going_on=False)
        if not self._signed_in:
            return await self._sign_in(verb, rest)
        if verb == "api":
            await asyncio.sleep(self._switch.terms.reply_delay)
            await self.write(frames.api_frame(self._switch.answers.answer(rest)))
            await self._switch.tell_consequences()
            return True
        if verb == "bgapi":
            await self._run_in_background(rest)
            return True
        return await self._reply(self._change(verb, rest.split()))

    async def _sign_in(self, verb: str, password: str) -> bool:
        self._signed_in = verb == "auth" and password == self._switch.terms.password
        return await self._reply(
            "+OK accepted" if self._signed_in else "-ERR invalid", going_on=self._signed_in
        )

    def _change(self, verb: str, words: list[str]) -> str:
        if verb == "event":
            reply = self.filter.subscribe(words)
            self._switch.count_subscribers()
            return reply
        if verb == "nixevent":
            return self.filter.nix(words)
        if verb == "noevents":
            return self.filter.stop()
        if verb in ("linger", "nolinger"):
            return "-ERR not controlling a session"
        return "-ERR command not found"

    async def _reply(self, text: str, *, going_on: bool = True) -> bool:
        await self.write(frames.reply_frame(text))
        return going_on

    async def _run_in_background(self, command: str) -> None:
        job = str(uuid.uuid4())
        await self.write(frames.reply_frame(f"+OK Job-UUID: {job}", f"Job-UUID: {job}\n"))
        name, _, arguments = command.partition(" ")
        reply = self._switch.answers.answer(command)
        fields = {"Job-UUID": job, "Job-Command": name, "Job-Command-Arg": arguments, "_body": reply}
        await self._switch.send_own("BACKGROUND_JOB", fields)


class BackgroundSwitch:
    """A replayed switch in a thread of its own, as a context: `address` is where it listens."""

    def __init__(self, switch: ReplaySwitch) -> None:
        self.switch = switch
        self._listening = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="replay-switch")

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening.wait(10)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._loop is not None and self._task is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(10)

    @property
    def port(self) -> int:
        return self.switch.port

    def join(self, timeout: float) -> bool:
        """Wait until the tape is over; True when it is."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.ensure_future(self.switch.run(lambda port: self._listening.set()))
        await asyncio.gather(self._task, return_exceptions=True)
