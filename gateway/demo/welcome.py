"""Gives access to the demo: a token for each role, links that lead to the shop, and a text on what to try."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from db.lookups.tokens import NewToken
from db.schema.links import ReferralLink
from db.schema.tokens import ApiToken
from gateway.configuration.settings import Settings
from gateway.demo.visitors import PARTNERS
from gateway.services import now, offline_services
from graph.domain import links, tokens
from graph.domain.context import Context
from graph.domain.permissions import ADMINISTRATOR

LABEL = "Demonstration"
# The tokens are printed on a terminal, so they expire.
VALID = timedelta(days=7)
SHOP = "/demo/shop"


@dataclass(frozen=True, slots=True)
class SignIn:
    """A role's token for the dashboard."""

    role: str
    secret: str


async def prepare_access(settings: Settings) -> Sequence[SignIn]:
    """Issue a token for each role, revoke the tokens of earlier runs, and point the links at this run's shop."""
    async with offline_services(settings) as services:
        context = Context(services, viewer=ADMINISTRATOR)
        async with services.store.read() as connection:
            live = select(ApiToken.id).where(ApiToken.label == LABEL, ApiToken.revoked_at.is_(None))
            earlier = (await connection.scalars(live)).all()
            columns = select(ReferralLink.id, ReferralLink.code, ReferralLink.program_id, ReferralLink.partner_id)
            rows = {row.code: row for row in await connection.execute(columns)}
        for token_id in earlier:
            await tokens.revoke(context, token_id)
        for partner in PARTNERS:
            await links.change(context, rows[partner.code].id, {"destination_url": _url(settings) + SHOP})
        first, until = rows[PARTNERS[0].code], now() + VALID
        wanted = {
            "a partner": NewToken("partner", partner_id=first.partner_id, label=LABEL, expires_at=until),
            "the program": NewToken("program", program_id=first.program_id, label=LABEL, expires_at=until),
            "an administrator": NewToken("admin", label=LABEL, expires_at=until),
        }
        return [SignIn(role, (await tokens.issue(context, new))[0]) for role, new in wanted.items()]


def welcome(settings: Settings, sign_ins: Sequence[SignIn]) -> str:
    """Return the text that the command prints: where the gateway runs and what to try."""
    url = _url(settings)
    roles = "\n\n".join(
        f"    As {each.role}, with the token {each.secret}:\n      {url}/dashboard#token={each.secret}"
        for each in sign_ins
    )
    return f"""
clickgate is running at {url} with sample data: ninety days of a small shop's clicks and sales.

  Visit the shop through a partner's link, sign up and buy something, and see what is tracked:
    {url}{SHOP}

  See the clicks and sales on the dashboard:
{roles}

    A browser is signed in as one of them at a time. The tokens are valid for {VALID.days} days, or until the demo is
    started again.

  Record a click by hand:
    curl -X POST {url}/api/v1/track/click -H 'Content-Type: application/json' \\
      -d '{{"affiliate_url": "https://yoursite.com/pricing?aff={PARTNERS[0].code}"}}'

  For machines:
    {url}/openapi.json   the API's description
    {url}/readyz         whether clicks can be recorded
    {url}/metrics        metrics for Prometheus
"""


def _url(settings: Settings) -> str:
    return f"http://{settings.host}:{settings.port}{settings.root_path}"
