"""Parses documents within limits on lines, tokens, nesting and the length of numbers.

Each limit replaces work that the parser would otherwise do without bound.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property

from graphql import DocumentNode, GraphQLError, GraphQLSyntaxError, Source, SourceLocation, TokenKind, parse
from graphql.language.parser import MAX_NESTING_DEPTH

from graph.domain.errors import TooComplex
from graph.execution.limits import check

# For errors with several locations, the library searches line by line. Honest documents have fewer lines than tokens.
MOST_LINES = 3000
# No type has more digits, and Python refuses to parse several thousand.
MOST_DIGITS = 400
LONG_NUMBER = re.compile(rf"\d{{{MOST_DIGITS + 1}}}")
LINE_BREAK = re.compile(r"\r\n|[\n\r]")
# The endings of the parser's messages when it gives up; nothing else distinguishes them from syntax errors.
ABORTED = {
    "tokens. Parsing aborted.": "tokens",
    "comments. Parsing aborted.": "comments",
    "nested too deeply. Parsing aborted.": "nesting",
}


class IndexedSource(Source):
    """A source that finds locations by binary search rather than line by line: there may be hundreds of errors, with a
    location each."""

    def get_location(self, position: int) -> SourceLocation:
        starts, ends = self._breaks
        line = bisect_left(starts, position)
        return SourceLocation(line + 1, position + 1 - (ends[line - 1] if line else 0))

    @cached_property
    def _breaks(self) -> tuple[Sequence[int], Sequence[int]]:
        """The start and the end of each line break."""
        found = [match.span() for match in LINE_BREAK.finditer(self.body)]
        return [start for start, _ in found], [end for _, end in found]


def parse_document(text: str, most_tokens: int) -> DocumentNode:
    """Parse a document, with as many comments as tokens allowed. Raises `TooComplex`, and `GraphQLError` for a syntax
    error."""
    check("lines", text.count("\n") + text.count("\r"), MOST_LINES)
    source = IndexedSource(text)
    try:
        document = parse(source, max_lexical_tokens=most_tokens, max_comments=most_tokens)
    except GraphQLError as error:
        for ending, limit in ABORTED.items():
            if error.message.endswith(ending):
                maximum = MAX_NESTING_DEPTH if limit == "nesting" else most_tokens
                raise TooComplex(limit, maximum + 1, maximum) from None
        raise
    if LONG_NUMBER.search(text):
        _check_numbers(source, document)
    return document


def _check_numbers(source: Source, document: DocumentNode) -> None:
    token = document.loc.start_token if document.loc is not None else None
    while token is not None:
        if token.kind in (TokenKind.INT, TokenKind.FLOAT) and len(token.value or "") > MOST_DIGITS:
            raise GraphQLSyntaxError(source, token.start, f"A number has more than {MOST_DIGITS} digits.")
        token = token.next
