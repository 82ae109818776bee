"""Minifies the tracker script: rjsmin removes comments and white space, the script's own names become short, and
constants that are numbers, or are used only once, give way to their values.

Every page of every advertiser loads the script, and readable names would be a fifth of its size. No scopes have to be
resolved, because the script keeps to three rules: its outermost statements are indented by two spaces, no name of its
own is a property's as well (`{detail: data}`, never `{detail}`), and only constants have names in capitals.
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
PARAMETERS = re.compile(r"(?:\bfunction \w*|^ +(?:async )?\w+)\(([\w, ]+)\) {$", re.MULTILINE)
# The only parameter of an arrow function. After a word, such as `return`, it keeps its parentheses.
ONLY_PARAMETER = re.compile(r"(?<!\w)\((\w+)\)=>")
CONSTANT = re.compile(r'^ *const ([A-Z_]+) = (\d+|"[^"\\]*");$', re.MULTILINE)
DECLARATION = re.compile(r"( *)(?:const|let) ")
ACCESSOR = re.compile(r"\b[gs]et (\w+)\(")
SHORTEST_CHANGED = 3


def minified(source: str) -> str:
    """Return a script that does the same in fewer bytes."""
    script = str(jsmin(_joined(_inlined(source))))
    tokens = Counter(TOKEN.findall(script))
    properties = {token.strip(".:") for token in tokens if token[0] == "." or token[-1] == ":"}
    own = _declared(source) - properties - set(ACCESSOR.findall(source))
    statements = [(_declared(text.partition("\n")[0]), set(TOKEN.findall(text))) for text in STATEMENT.split(source)]
    outermost = own & set().union(*(declared for declared, _ in statements))
    kept = "".join(token for token in tokens.elements() if token not in own)
    free = [letters for letters in _letters(kept) if letters not in tokens]
    # It has been checked already, by whatever ran the source, that no constant is assigned to.
    short = {"const": "let", "true": "!0", "false": "!1"}
    for name in sorted(own, key=lambda name: (-tokens[name], name)):
        # Two functions may use the same letter for names of their own.
        near = outermost.union(*(used for _, used in statements if name in used))
        taken = {short[other] for other in (short if name in outermost else near) if other in short}
        short[name] = next(letters for letters in free if letters not in taken)
    # Each statement of the source ends with a semicolon, which the last of a block can do without.
    script = TOKEN.sub(lambda token: short.get(token[0], token[0]), script).replace(";}", "}").replace("}\n", "}")
    return ONLY_PARAMETER.sub(r"\1=>", script)


def _inlined(source: str) -> str:
    """Replace the names of constants that are numbers, or are used only once, with their values."""
    for name, value in CONSTANT.findall(source):
        uses = re.compile(rf"\b{name}\b")
        if value.isdigit() or len(uses.findall(source)) == 2:
            source = uses.sub(value, re.sub(rf"^ *const {name} = .*\n", "", source, flags=re.MULTILINE))
    return source


def _joined(source: str) -> str:
    """Merge declarations of one line each with the one that follows them."""
    lines: list[str] = []
    joinable = None
    for line in source.splitlines():
        if not line.strip() or line.lstrip().startswith("//"):
            continue
        declaration = DECLARATION.match(line)
        indent = declaration and declaration[1]
        if declaration and indent == joinable:
            lines[-1] = lines[-1].removesuffix(";") + ","
            line = line[declaration.end() :]
        lines.append(line)
        joinable = indent if line.endswith(";") else None
    return "\n".join(lines)


def _declared(source: str) -> set[str]:
    lists = [*PARAMETERS.findall(source), *(names for found in VARIABLES.findall(source) for names in found)]
    return {name for names in lists for name in names.split(", ") if len(name) >= SHORTEST_CHANGED}


def _letters(kept: str) -> list[str]:
    """Return short names. Letters that are frequent in the rest of the script come first: they compress better."""
    letters = sorted(ascii_letters, key=lambda letter: -kept.count(letter))
    return [*letters, *map("".join, product(letters, repeat=2))]
