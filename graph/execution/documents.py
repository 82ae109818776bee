"""Parses, validates and plans documents, and caches them for later requests with the same text.

Both accepted and rejected documents are cached. Whatever a document contains, reading it takes a few dozen milliseconds
at most: tokens are counted while parsing, the form is checked before validation, and validation stops after its first
errors or too many steps.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, TypeVar, cast

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    specified_rules,
    validate,
)
from graphql.validation import validation_context
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from graph.domain.errors import TooComplex
from graph.execution.cost_plan import CostPlan
from graph.execution.limits import Limits, check_size
from graph.execution.parsing import parse_document

# Steps of the rules that compare fields with each other and follow operations into fragments. A step takes a few
# microseconds; an honest query, with a few overlapping fragments, takes some hundreds. The library's own limit of half
# a million is meant for JavaScript.
VALIDATION_STEPS = 20_000
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = VALIDATION_STEPS
validation_context.MAX_FRAGMENT_WORK = VALIDATION_STEPS
# The message with which the library gives up.
VALIDATION_ABORTED = "Validation aborted."
MOST_ERRORS = 10
RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
# Enough for a few hundred queries of a large application.
CACHE_BYTES = 32 * 1024 * 1024
# The memory that a parsed document takes besides its text, as measured.
BYTES_PER_TOKEN = 450
BYTES_PER_DOCUMENT = 4096
# Enough for an operation with a few lists, with and without cursors. Together they take about as much memory as the
# document.
MOST_DERIVED = 16
T = TypeVar("T")


class DerivedValues:
    """A cache of what was derived from a document. It is dropped with the document, and cleared when it grows too
    large."""

    def __init__(self) -> None:
        self._made: dict[object, Any] = {}

    def get(self, key: object, make: Callable[[], T]) -> T:
        """Return the value for a key, computing it if needed."""
        if key not in self._made:
            if len(self._made) >= MOST_DERIVED:
                self._made.clear()
            self._made[key] = make()
        return cast(T, self._made[key])


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was read. If it has `errors`, it must not be executed; if `ast` is None, it could not be
    parsed."""

    ast: DocumentNode | None
    errors: tuple[GraphQLError, ...] = ()
    plan: CostPlan | None = None
    tokens: int = 0
    fragments: Mapping[str, FragmentDefinitionNode] = field(default_factory=dict)
    derived: DerivedValues = field(default_factory=DerivedValues)

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """Return the operation with this name, or the only one. Raises `GraphQLError`."""
        definitions = () if self.ast is None else self.ast.definitions
        operations = [node for node in definitions if isinstance(node, OperationDefinitionNode)]
        if name is None and len(operations) > 1:
            raise GraphQLError("operationName is required if a document has several operations")
        for operation in operations:
            if name is None or (operation.name and operation.name.value == name):
                return operation
        raise GraphQLError("The document has no operation with this name" if name else "The document has no operation")


class Documents:
    """The documents of one schema. The least recently used are evicted first."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, *, cache_bytes: int = CACHE_BYTES) -> None:
        self.limits = limits
        self.schema = schema
        # Each with its size.
        self._cache: LRUCache[str, tuple[Document, int]] = LRUCache(cache_bytes, getsizeof=itemgetter(1))

    @property
    def cached_bytes(self) -> int:
        return int(self._cache.currsize)

    def read(self, text: str) -> Document:
        """Return the document with this text."""
        cached = self._cache.get(text)
        if cached is not None:
            return cached[0]
        document = self._read(text)
        size = BYTES_PER_DOCUMENT + len(text) + BYTES_PER_TOKEN * document.tokens
        with suppress(ValueError):  # larger than the cache
            self._cache[text] = document, size
        return document

    def _read(self, text: str) -> Document:
        ast = None
        try:
            ast = parse_document(text, self.limits.tokens)
            check_size(ast, self.limits)
            errors = validate(self.schema, ast, RULES, max_errors=MOST_ERRORS - 1)
            if any(error.message == VALIDATION_ABORTED for error in errors):
                raise TooComplex("validationSteps", VALIDATION_STEPS + 1, VALIDATION_STEPS)
        except TooComplex as refusal:
            error = GraphQLError(str(refusal), original_error=refusal.with_traceback(None))
            return Document(ast, (error,), tokens=_tokens(ast))
        except GraphQLError as error:
            return Document(ast, (error.with_traceback(None),), tokens=_tokens(ast))
        if errors:
            return Document(ast, tuple(errors), tokens=_tokens(ast))
        fragments = {node.name.value: node for node in ast.definitions if isinstance(node, FragmentDefinitionNode)}
        return Document(ast, plan=CostPlan(self.schema, ast), tokens=_tokens(ast), fragments=fragments)


def _tokens(ast: DocumentNode | None) -> int:
    """Count a document's tokens, including comments, by following the links between them."""
    count = 0
    token = ast.loc.start_token if ast is not None and ast.loc is not None else None
    while token is not None:
        count += 1
        token = token.next
    return count
