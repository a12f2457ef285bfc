"""A process tool on this machine: a WSDL of five operations, and a server that does as it is told."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lxml import etree

from tests.recordings.delivery.receivers import Handler, Receiver, receiving

NAMESPACE = "urn:process-tool"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
OPERATIONS = {
    "login": (("user", "string"), ("password", "string")),
    "getProcess": (("session", "string"), ("name", "string")),
    "getObjectdef": (("session", "string"), ("process", "string"), ("name", "string")),
    "createObjectref": (
        ("session", "string"),
        ("objectdef", "string"),
        ("title", "string"),
        ("started", "dateTime"),
        ("seconds", "int"),
    ),
    "addFile": (
        ("session", "string"),
        ("objectref", "string"),
        ("name", "string"),
        ("content", "base64Binary"),
    ),
}
SECRET = "owl & <feather>"
SIGN_IN = {
    "operation": "login",
    "arguments": {"user": "ccportal", "password": "{secret.password}"},
}
STEPS = [
    {
        "name": "process",
        "operation": "getProcess",
        "arguments": {"session": "{session}", "name": "Calls"},
    },
    {
        "name": "kind",
        "operation": "getObjectdef",
        "arguments": {"session": "{session}", "process": "{result.process}", "name": "Incident"},
    },
    {
        "name": "incident",
        "operation": "createObjectref",
        "arguments": {
            "session": "{session}",
            "objectdef": "{result.kind}",
            "title": "{caller_number} {contact_name} to {destination}: {outcome}",
            "started": "{started}",
            "seconds": "{talk_seconds}",
        },
        "once": True,
    },
    {
        "name": "file",
        "operation": "addFile",
        "arguments": {
            "session": "{session}",
            "objectref": "{result.incident}",
            "name": "{file_name}",
            "content": "{file}",
        },
    },
]


def wsdl(address: str, more: str = "") -> bytes:
    elements = "".join(element(name, arguments) for name, arguments in OPERATIONS.items())
    messages = "".join(
        f'<message name="{name}In"><part name="p" element="t:{name}"/></message>'
        f'<message name="{name}Out"><part name="p" element="t:{name}Response"/></message>'
        for name in OPERATIONS
    )
    ports = "".join(
        f'<operation name="{name}"><input message="t:{name}In"/><output message="t:{name}Out"/></operation>'
        for name in OPERATIONS
    )
    body = '<s:body use="literal"/>'
    bound = "".join(
        f'<operation name="{name}"><s:operation soapAction="{name}"/><input>{body}</input>'
        f"<output>{body}</output></operation>"
        for name in OPERATIONS
    )
    return f"""<definitions name="Tool" targetNamespace="{NAMESPACE}" xmlns:t="{NAMESPACE}"
      xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
      xmlns:x="http://www.w3.org/2001/XMLSchema">{more}
      <types><x:schema targetNamespace="{NAMESPACE}" elementFormDefault="qualified">
        {elements}</x:schema></types>
      {messages}<portType name="Port">{ports}</portType>
      <binding name="Binding" type="t:Port">
        <s:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>{bound}</binding>
      <service name="Service"><port name="Port" binding="t:Binding">
        <s:address location="{address}/soap"/></port></service></definitions>""".encode()


def element(name: str, arguments: tuple[tuple[str, str], ...]) -> str:
    parts = "".join(f'<x:element name="{each}" type="x:{kind}"/>' for each, kind in arguments)
    answer = '<x:element name="result" type="x:string"/>'
    return typed(name, parts) + typed(f"{name}Response", answer)


def typed(name: str, parts: str) -> str:
    inside = f"<x:complexType><x:sequence>{parts}</x:sequence></x:complexType>"
    return f'<x:element name="{name}">{inside}</x:element>'


class Tool:
    """Sessions, incidents and files; ``on`` has what an operation does instead, each once, in turn."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.sessions: set[str] = set()
        self.incidents: list[dict[str, str]] = []
        self.files: dict[str, dict[str, str]] = {}
        self.on: dict[str, list[Callable[[Handler, Callable[[], None]], None]]] = {}
        self.document: Callable[[Handler], None] | None = None

    def get(self, handler: Handler) -> None:
        if self.document:
            self.document(handler)
        else:
            handler.answer(200, wsdl(self.url), Content_Type="text/xml")

    def post(self, handler: Handler) -> None:
        handler.take()
        operation, arguments = self.read(handler.server.taken[-1].body)
        self.asked.append(operation)
        told = self.on.get(operation)

        def usual() -> None:
            self.answer(handler, operation, arguments)

        (told.pop(0) if told else lambda _, do: do())(handler, usual)

    def read(self, body: bytes) -> tuple[str, dict[str, str]]:
        request = etree.fromstring(body).find(f"{{{SOAP}}}Body")[0]
        return etree.QName(request).localname, {
            etree.QName(part).localname: part.text or "" for part in request
        }

    def answer(self, handler: Handler, operation: str, arguments: dict[str, str]) -> None:
        if operation != "login" and arguments["session"] not in self.sessions:
            fault(handler, f"no session {arguments['session']}")
            return
        result = getattr(self, operation)(arguments)
        say(handler, operation, result) if result else fault(handler, f"bad password {arguments['password']}")

    def login(self, arguments: dict[str, str]) -> str:
        if arguments["password"] != SECRET:
            return ""
        session = f"session-{len(self.asked)}"
        self.sessions.add(session)
        return session

    def getProcess(self, arguments: dict[str, str]) -> str:  # noqa: N802
        return f"process {arguments['name']}"

    def getObjectdef(self, arguments: dict[str, str]) -> str:  # noqa: N802
        return f"{arguments['process']}, {arguments['name']}"

    def createObjectref(self, arguments: dict[str, str]) -> str:  # noqa: N802
        self.incidents.append(arguments)
        return f"incident {len(self.incidents)}"

    def addFile(self, arguments: dict[str, str]) -> str:  # noqa: N802
        self.files[arguments["objectref"]] = arguments
        return "ok"


def say(handler: Handler, operation: str, result: str) -> None:
    root = etree.Element(f"{{{SOAP}}}Envelope")
    answer = etree.SubElement(
        etree.SubElement(root, f"{{{SOAP}}}Body"), f"{{{NAMESPACE}}}{operation}Response"
    )
    etree.SubElement(answer, f"{{{NAMESPACE}}}result").text = result
    handler.answer(200, etree.tostring(root), Content_Type="text/xml; charset=utf-8")


def fault(handler: Handler, words: str) -> None:
    root = etree.Element(f"{{{SOAP}}}Envelope")
    found = etree.SubElement(etree.SubElement(root, f"{{{SOAP}}}Body"), f"{{{SOAP}}}Fault")
    etree.SubElement(found, "faultcode").text = "Server"
    etree.SubElement(found, "faultstring").text = words
    handler.answer(500, etree.tostring(root), Content_Type="text/xml; charset=utf-8")


def hang_up(handler: Handler, do: Callable[[], None]) -> None:
    """Close without an answer; nobody knows whether it was done."""
    del do
    handler.close_connection = True
    handler.connection.close()


def done_and_hang_up(handler: Handler, do: Callable[[], None]) -> None:
    """Do it, and break the connection before the answer is out."""
    with contextlib.suppress(OSError):
        answer, handler.answer = handler.answer, lambda *_, **__: None  # type: ignore[method-assign]
        do()
        handler.answer = answer  # type: ignore[method-assign]
    hang_up(handler, do)


def replying(body: bytes, status: int = 200) -> Callable[[Handler, Callable[[], None]], None]:
    return lambda handler, _: handler.answer(status, body, Content_Type="text/xml")


def refusing(handler: Handler, do: Callable[[], None]) -> None:
    del do
    fault(handler, "the disk is full")


@contextmanager
def tool_running() -> Iterator[tuple[Tool, Receiver]]:
    tool = Tool()

    def behave(handler: Handler) -> None:
        tool.get(handler) if handler.command == "GET" else tool.post(handler)

    with receiving(behave) as server:
        tool.url = server.url
        yield tool, server
