"""Minifies the tracker script: rjsmin removes comments and white space, and the script's own names become short.

Every page of every advertiser loads the script, and readable names would be a fifth of its size. No scopes have to be
resolved, because the script keeps to two rules: its outermost statements are indented by two spaces, and no name of its
own is a property's as well (`{detail: data}`, never `{detail}`).
"""

import re
from collections import Counter
from itertools import product
from string import ascii_letters

from rjsmin import jsmin

# Strings and regular expressions, whose words stay; words after a dot or before a colon, which are properties; words.
TOKEN = re.compile(r'"[^"\n]*"|(?:(?<=[(=|&!])|(?<=\breturn))/(?:\\.|[^/\\\n])+/|(?:(?<!\.)\.)?\b[A-Za-z]\w*\b:?')
STATEMENT = re.compile(r"^  (?=[a-z])", re.MULTILINE)
VARIABLES = re.compile(r"\b(?:const|let|function) (\w+(?:, \w+)*)|\(([\w, ]+)\) =>")
PARAMETERS = re.compile(r"\bfunction \w*\(([\w, ]+)\)")
ACCESSOR = re.compile(r"\b[gs]et (\w+)\(")
SHORTEST_CHANGED = 3


def minified(source: str) -> str:
    """Return a script that does the same in fewer bytes."""
    script = str(jsmin(source))
    tokens = Counter(TOKEN.findall(script))
    properties = {token.strip(".:") for token in tokens if token[0] == "." or token[-1] == ":"}
    own = _declared(source) - properties - set(ACCESSOR.findall(source))
    statements = [(_declared(text.partition("\n")[0]), set(TOKEN.findall(text))) for text in STATEMENT.split(source)]
    outermost = own & set().union(*(declared for declared, _ in statements))
    free = [letters for letters in _letters() if letters not in tokens]
    # It has been checked already, by whatever ran the source, that no constant is assigned to.
    short = {"const": "let"}
    for name in sorted(own, key=lambda name: (-tokens[name], name)):
        # Two functions may use the same letter for names of their own.
        near = outermost.union(*(used for _, used in statements if name in used))
        taken = {short[other] for other in (short if name in outermost else near) if other in short}
        short[name] = next(letters for letters in free if letters not in taken)
    # Each statement of the source ends with a semicolon, which the last of a block can do without.
    return TOKEN.sub(lambda token: short.get(token[0], token[0]), script).replace(";}", "}").replace("}\n", "}")


def _declared(source: str) -> set[str]:
    lists = [*PARAMETERS.findall(source), *(names for found in VARIABLES.findall(source) for names in found)]
    return {name for names in lists for name in names.split(", ") if len(name) >= SHORTEST_CHANGED}


def _letters() -> list[str]:
    return [*ascii_letters, *map("".join, product(ascii_letters, repeat=2))]
