"""Reads times as clients send them, to REST and GraphQL: RFC 3339 with a UTC offset, and no other form of ISO 8601.

A time without an offset could be any of 26 hours, and few people read week dates and ordinal dates alike.
"""

import re
from datetime import UTC, datetime, timedelta

import msgspec

# The parts that msgspec does not insist on: an offset, with its colon. It knows no leap seconds, and would round a
# fraction to the next second, day or year.
TIME = re.compile(r"[^:]+:\d\d:(?P<second>\d\d)(\.\d{1,6}(?P<finer>\d*))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def parsed_time(text: str) -> datetime | None:
    """Return an RFC 3339 time in UTC, or None if the text is not one. What is finer than a microsecond is cut off. A
    leap second is the first second of the next day."""
    form = TIME.fullmatch(text)
    if form is None:
        return None
    is_leap = form["second"] == "60"
    if form["finer"]:
        text = text[: form.start("finer")] + text[form.end("finer") :]
    if is_leap:
        text = f"{text[: form.start('second')]}59{text[form.end('second') :]}"
    try:
        time = msgspec.convert(text, datetime).astimezone(UTC)
        # Leap seconds are at the end of a day in UTC.
        return None if is_leap and (time.hour, time.minute) != (23, 59) else time + timedelta(seconds=is_leap)
    except (msgspec.ValidationError, OverflowError):
        return None
