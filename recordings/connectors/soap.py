"""A SOAP client that goes through our network alone: checked addresses, bounded answers, one deadline."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree
from zeep import Client, Settings
from zeep.exceptions import Error, Fault
from zeep.helpers import serialize_object
from zeep.transports import Transport
from zeep.wsdl.utils import etree_to_string

from recordings.delivery import http
from recordings.delivery.errors import DeliveryFailed
from recordings.delivery.network import Deadline, Network

MOST_DOCUMENTS = 50
MOST_DOCUMENT_BYTES = 4 * 1024 * 1024
MOST_ANSWER_BYTES = 4 * 1024 * 1024
SETTINGS = Settings(strict=True, forbid_dtd=True, forbid_entities=True, xml_huge_tree=False)

# What zeep and lxml raise at a document that is none of what it should be.
BROKEN = (Error, etree.LxmlError, ValueError, TypeError, AttributeError, LookupError, RecursionError)

# zeep writes whole messages, passwords and files too, into its log when it is asked to tell everything.
logging.getLogger("zeep").setLevel(logging.WARNING)


@dataclass
class Response:
    """An answer as zeep reads one."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes
    encoding: str = "utf-8"


class CheckedTransport(Transport):
    """Loads and posts through the network that everything else is delivered through."""

    def __init__(self, network: Network, deadline: Deadline) -> None:
        self.network = network
        self.deadline = deadline
        self.documents = 0
        self.secure = False
        self.cache = None
        self.session = None
        self._close_session = False
        self.logger = logging.getLogger("zeep.transports")

    def load(self, url: str) -> bytes:
        """A WSDL or schema, or what one of them includes."""
        self.documents += 1
        if self.documents > MOST_DOCUMENTS:
            raise DeliveryFailed(f"The WSDL has more than {MOST_DOCUMENTS} parts.", permanent=True)
        self.secure = self.secure or url.startswith("https:")
        message = http.Message("GET", {"Accept": "*/*"}, http.body_of(b""), 0, MOST_DOCUMENT_BYTES)
        answer = http.ask(url, message, self.network, self.deadline)
        if not 200 <= answer.status < 300:
            raise DeliveryFailed(f"The WSDL, or a part of it: status {answer.status}.")
        return answer.body

    def post(self, address: str, message: bytes, headers: Mapping[str, str]) -> Response:
        """An operation, to where the WSDL says that it goes, and to no other host from there."""
        if self.secure and not address.startswith("https:"):
            raise DeliveryFailed("Refused: the WSDL leads from https to http.", permanent=True)
        sent = http.Message(
            "POST", dict(headers), http.body_of(message), len(message), MOST_ANSWER_BYTES, stays=True
        )
        answer = http.ask(address, sent, self.network, self.deadline)
        if answer.status not in (200, 202, 500):
            raise DeliveryFailed(
                f"The receiver answered with status {answer.status}.", retry_after=answer.retry_after
            )
        return Response(answer.status, answer.headers, answer.body)

    def post_xml(self, address: str, envelope: Any, headers: Mapping[str, str]) -> Response:
        return self.post(address, etree_to_string(envelope), headers)

    def get(self, address: str, params: Any, headers: Any) -> Response:
        raise DeliveryFailed("The WSDL's first service is none of SOAP.", permanent=True)


class Refused(DeliveryFailed):
    """The receiver answered with a fault: it did not do it."""


class Service:
    """The operations of a WSDL; everything that goes wrong is a DeliveryFailed in words."""

    def __init__(self, wsdl: str, network: Network) -> None:
        self.transport = CheckedTransport(network, Deadline(network.whole_seconds))
        try:
            self.client = Client(wsdl, transport=self.transport, settings=SETTINGS)
        except DeliveryFailed as failed:
            raise DeliveryFailed(f"WSDL: {failed.reason}", permanent=failed.permanent) from None
        except BROKEN as error:
            raise DeliveryFailed(f"The WSDL cannot be read ({type(error).__name__}).") from None

    def call(self, operation: str, arguments: Mapping[str, Any]) -> Any:
        """Do it, and return the answer as plain values."""
        self.check(operation, arguments)
        try:
            answer = self.client.service[operation](**arguments)
        except Fault as fault:
            raise Refused(f"{operation}: the receiver refused: {fault.message or fault.code}"[:255]) from None
        except DeliveryFailed as failed:
            failed.reason = f"{operation}: {failed.reason}"[:255]
            raise
        except BROKEN as error:
            words = f"{operation}: the answer cannot be read ({type(error).__name__})."
            raise DeliveryFailed(words, unsure=True) from None
        return plain(answer)

    def check(self, operation: str, arguments: Mapping[str, Any]) -> None:
        """Refuse arguments that the operation does not take, before anything is sent."""
        try:
            self.client.create_message(self.client.service, operation, **arguments)
        except AttributeError:
            raise DeliveryFailed(f"The WSDL has no operation {operation}.", permanent=True) from None
        except BROKEN as error:
            # zeep names the element; what else could be raised may tell the values.
            words = str(error) if isinstance(error, Error | TypeError) else type(error).__name__
            reason = f"{operation}: arguments do not fit: {words}"
            raise DeliveryFailed(reason[:255], permanent=True) from None


def plain(value: Any) -> Any:
    """An answer as JSON can keep it."""
    found = serialize_object(value, dict)
    return simplified(found)


def simplified(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): simplified(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [simplified(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
