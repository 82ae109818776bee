"""The shop's pages: HTML files that share a layout and take values when they are served."""

from html import escape
from pathlib import Path
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse

from gateway.demo.visitors import PARTNERS
from gateway.demo.welcome import SHOP
from graph.domain.context import Services

FOLDER = Path(__file__).parent / "pages"
ASSETS = f"{SHOP}/assets"
HEADERS = {
    # No inline scripts or styles: a real shop's policy may be as strict, and the tracker has to work under it.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class Page:
    """A page of the shop, from the file of that name. Links in it include the root path."""

    def __init__(self, name: str, title: str, root_path: str) -> None:
        content = (FOLDER / f"{name}.html").read_text()
        layout = (FOLDER / "layout.html").read_text().replace("$content", content)
        names = {"title": title, "root": root_path, "shop": root_path + SHOP, "assets": root_path + ASSETS}
        self._template = Template(Template(layout).safe_substitute(names))

    async def answer(self, request: Request) -> HTMLResponse:
        """Answer with the page, which takes no values."""
        return await self.response(request)

    async def response(self, request: Request, status: int = 200, **values: str) -> HTMLResponse:
        """Return the page with values, which are escaped, and with the program's id in its script tag."""
        program = await program_id(request.state.services)
        escaped = {name: escape(value) for name, value in values.items()}
        return HTMLResponse(self._template.substitute(escaped, program_id=program or ""), status, headers=HEADERS)


async def program_id(services: Services) -> int | None:
    """Return the id of the demo's program, or None if someone has deleted its links."""
    link = await services.directory.find(PARTNERS[0].code)
    return link.program_id if link else None
