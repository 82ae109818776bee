"""Documents parsed, validated and planned once, kept for the next request that sends the same text.

Both what is accepted and what is refused is kept. Whatever a document contains, reading it takes some tens of
milliseconds at most: its tokens are counted while it is parsed, its form is measured before it is validated, and
validation gives up after its first errors or too many steps.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

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

# Steps of the rules that compare fields with fields, and follow operations into fragments. A step takes some
# microseconds, and an honest query, whose fragments overlap here and there, some hundreds. The library's own bound of
# half a million is meant for JavaScript.
VALIDATION_STEPS = 20_000
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = VALIDATION_STEPS
validation_context.MAX_FRAGMENT_WORK = VALIDATION_STEPS
# What the library says when it gives up there.
VALIDATION_ABORTED = "Validation aborted."
MOST_ERRORS = 10
RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
# A few hundred different queries of a large application.
CACHE_BYTES = 32 * 1024 * 1024
# What a parsed document takes in memory besides its text, measured.
BYTES_PER_TOKEN = 450
BYTES_PER_DOCUMENT = 4096
# An operation's few lists, with and without a cursor; together they take about as much as the document.
MOST_DERIVED = 16
T = TypeVar("T")


class DerivedValues:
    """What was made of a document for earlier requests; dropped with it, and cleared when there is too much."""

    def __init__(self) -> None:
        self._made: dict[object, Any] = {}

    def get(self, key: object, make: Callable[[], T]) -> T:
        """Return what was made for a key, or make it."""
        if key not in self._made:
            if len(self._made) >= MOST_DERIVED:
                self._made.clear()
            self._made[key] = make()
        return cast(T, self._made[key])


@dataclass(frozen=True, slots=True)
class Document:
    """A text that was read. With any `errors` it must not be executed; without `ast` it could not even be parsed."""

    ast: DocumentNode | None
    errors: tuple[GraphQLError, ...] = ()
    plan: CostPlan | None = None
    tokens: int = 0
    fragments: Mapping[str, FragmentDefinitionNode] = field(default_factory=dict)
    derived: DerivedValues = field(default_factory=DerivedValues)

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """Return the operation of this name, or the only one. Raises `GraphQLError`."""
        definitions = () if self.ast is None else self.ast.definitions
        operations = [node for node in definitions if isinstance(node, OperationDefinitionNode)]
        if name is None and len(operations) > 1:
            raise GraphQLError("operationName is required if a document has several operations")
        for operation in operations:
            if name is None or (operation.name and operation.name.value == name):
                return operation
        raise GraphQLError("The document has no operation with this name" if name else "The document has no operation")


class Documents:
    """The documents of one schema. Those that were not asked for the longest are forgotten first."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, *, cache_bytes: int = CACHE_BYTES) -> None:
        self.limits = limits
        self.schema = schema
        self.cached_bytes = 0
        self._cache_bytes = cache_bytes
        self._cache: OrderedDict[str, tuple[Document, int]] = OrderedDict()

    def read(self, text: str) -> Document:
        """Return the document that a text is."""
        cached = self._cache.get(text)
        if cached is not None:
            self._cache.move_to_end(text)
            return cached[0]
        document = self._read(text)
        size = BYTES_PER_DOCUMENT + len(text) + BYTES_PER_TOKEN * document.tokens
        self._cache[text] = document, size
        self.cached_bytes += size
        while self.cached_bytes > self._cache_bytes:
            _, (_, freed) = self._cache.popitem(last=False)
            self.cached_bytes -= freed
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
    """Count a document's tokens, comments included: they are linked to each other."""
    count = 0
    token = ast.loc.start_token if ast is not None and ast.loc is not None else None
    while token is not None:
        count += 1
        token = token.next
    return count
