"""Hangup causes: Q.850's numbers, which Asterisk tells, by the names that switches give them."""

from __future__ import annotations

CAUSES = {
    1: "UNALLOCATED_NUMBER",
    2: "NO_ROUTE_TRANSIT_NET",
    3: "NO_ROUTE_DESTINATION",
    6: "CHANNEL_UNACCEPTABLE",
    7: "CALL_AWARDED_DELIVERED",
    16: "NORMAL_CLEARING",
    17: "USER_BUSY",
    18: "NO_USER_RESPONSE",
    19: "NO_ANSWER",
    20: "SUBSCRIBER_ABSENT",
    21: "CALL_REJECTED",
    22: "NUMBER_CHANGED",
    26: "ANSWERED_ELSEWHERE",
    27: "DESTINATION_OUT_OF_ORDER",
    28: "INVALID_NUMBER_FORMAT",
    29: "FACILITY_REJECTED",
    31: "NORMAL_UNSPECIFIED",
    34: "NORMAL_CIRCUIT_CONGESTION",
    38: "NETWORK_OUT_OF_ORDER",
    41: "NORMAL_TEMPORARY_FAILURE",
    42: "SWITCH_CONGESTION",
    44: "REQUESTED_CHAN_UNAVAIL",
    50: "FACILITY_NOT_SUBSCRIBED",
    57: "BEARERCAPABILITY_NOTAUTH",
    58: "BEARERCAPABILITY_NOTAVAIL",
    88: "INCOMPATIBLE_DESTINATION",
    102: "RECOVERY_ON_TIMER_EXPIRE",
    111: "PROTOCOL_ERROR",
    127: "INTERWORKING",
}
OF_DISPOSITION = {
    "ANSWERED": "NORMAL_CLEARING",
    "BUSY": "USER_BUSY",
    "NO ANSWER": "NO_ANSWER",
    "CANCEL": "ORIGINATOR_CANCEL",
    "CONGESTION": "NORMAL_CIRCUIT_CONGESTION",
}


def cause_of(code: str, disposition: str = "") -> str:
    """Return the cause's name from its number, else what the CDR's disposition comes to, else ""."""
    number = int(code) if code.isascii() and code.isdigit() and len(code) < 4 else 0
    return CAUSES.get(number) or OF_DISPOSITION.get(disposition, "")
