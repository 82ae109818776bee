"""What the OpenAPI document says of the exports: their parameters are the filters of the lists in GraphQL."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rest.exports.endpoint import NAMES, PATH
from rest.exports.formats import FORMATS

if TYPE_CHECKING:  # slow to import
    from graph.exports.parameters import Parameter

# Returns the response with a status and a description, whose body is a problem.
DescribeProblem = Callable[[str, str], Mapping[str, Any]]
AFTER = {
    "name": "after",
    "in": "query",
    "required": False,
    "description": "The cursor of the last row that you have: the export continues after it. Only valid with the same "
    "filters.",
    "schema": {"type": "string"},
}
PROBLEMS = {
    "400": "A parameter is unknown or invalid; do not retry",
    "401": "The token is missing, unknown, expired or revoked",
    "429": "The token has too many exports in progress, or the client has exceeded the rate limit",
    "500": "Unexpected error; the log entry has the id in `Clickgate-Fault`",
    "503": "The gateway has too many exports in progress, or the database is unavailable",
}
SUMS = {
    "description": "An amount for each currency, in major units.",
    "type": "array",
    "items": {
        "type": "object",
        "required": ["amount", "currency"],
        "properties": {"amount": {"type": "string"}, "currency": {"type": "string"}},
    },
}
SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "id": {"type": "string"},
    "text": {"type": "string"},
    "flag": {"type": "boolean"},
    "time": {"type": "string", "format": "date-time"},
}


def export_paths(problem: DescribeProblem, security: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the paths of the exports."""
    return {
        PATH.format(name, format): {"get": _operation(name, format, problem) | {"security": security}}
        for name in NAMES
        for format in FORMATS
    }


def _operation(name: str, format: str, problem: DescribeProblem) -> dict[str, Any]:
    media_type, _, _ = FORMATS[format].media_type.partition(";")
    return {
        "operationId": f"export{name.title()}As{format.title()}",
        "summary": f"Export every row of the list of {name}",
        "description": "The rows that the token can see, newest first. Each ends with its cursor, from which a broken "
        "export continues. An export that fails in the middle is never completed: the connection is closed.",
        "parameters": [*_parameters(name), AFTER],
        "responses": {
            "200": {"description": "The whole list", "content": {media_type: {"schema": _row(name, format)}}},
            **{status: problem(status, description) for status, description in PROBLEMS.items()},
        },
    }


def _parameters(name: str) -> list[dict[str, Any]]:
    # Imported late, as in `rest.exports.endpoint`.
    from graph.exports.parameters import parameters

    return [_parameter(each) for each in parameters(name).values()]


def _parameter(parameter: "Parameter") -> dict[str, Any]:
    described = {
        "name": parameter.name,
        "in": "query",
        "required": False,
        "description": parameter.description,
    }
    if parameter.kind == "conditions":
        return described | {"content": {"application/json": {"schema": _conditions()}}}
    return described | {"schema": {"enum": list(parameter.choices)} if parameter.choices else SCHEMAS[parameter.kind]}


def _conditions() -> dict[str, Any]:
    """Return the schema of conditions on dimensions."""
    # Imported late, as above.
    from graph.exports.conditions import DIMENSIONS, MOST_CONDITIONS, MOST_VALUES

    values = {"type": "array", "maxItems": MOST_VALUES, "items": {"type": "string"}}
    kinds = {"in": values, "notIn": values, "prefix": {"type": "string"}, "isKnown": {"type": "boolean"}}
    condition = {
        "description": "A condition with exactly one of `in`, `notIn`, `prefix` and `isKnown`.",
        "type": "object",
        "required": ["dimension"],
        "properties": {"dimension": {"enum": list(DIMENSIONS)}, **kinds},
        "oneOf": [{"required": [kind]} for kind in kinds],
    }
    return {"type": "array", "maxItems": MOST_CONDITIONS, "items": condition}


def _row(name: str, format: str) -> dict[str, Any]:
    # Imported late, as above.
    from graph.exports.columns import has_sums
    from graph.exports.export_lists import EXPORT_LISTS

    entity, columns = EXPORT_LISTS[name]
    names = [*(column.name for column in columns), "cursor"]
    sums = {column.name for column in columns if has_sums(entity, column)}
    if FORMATS[format].is_flat:
        spelled = ", ".join(f"{column}_…" if column in sums else column for column in names)
        each = " Those with … are one for each currency, such as revenue_eur." if sums else ""
        return {"type": "string", "description": f"The columns are: {spelled}.{each}"}
    described = "An object for each line. A token does not see all of these."
    properties = {column: SUMS if column in sums else {} for column in names}
    return {"type": "object", "description": described, "properties": properties}
