"""The naive peer: a click endpoint that is correct and durable, written in an afternoon, with one transaction per
click.

It uses FastAPI, SQLAlchemy's async ORM and `user_agents.parse`. On start it creates its tables and the links `CODE0000`
to `CODE0099`. `NAIVE_DATABASE_URL` names the database with the driver's scheme; `NAIVE_GEOIP_DB` optionally names a
city database.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import maxminddb
import user_agents
from fastapi import FastAPI, HTTPException, Request  # type: ignore[import-not-found,unused-ignore]  # requirements.txt
from pydantic import BaseModel
from sqlalchemy import BigInteger, DateTime, ForeignKey, Integer, String, event, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

URL = os.environ.get("NAIVE_DATABASE_URL", "sqlite+aiosqlite:///naive.db")
GEOIP_DB = os.environ.get("NAIVE_GEOIP_DB")
IS_SQLITE = URL.startswith("sqlite")
PROGRAM_ID, WINDOW_DAYS, LINKS, PARTNERS = 1, 60, 100, 10
RowId = BigInteger().with_variant(Integer, "sqlite")
Timestamp = DateTime(timezone=True)


class Base(DeclarativeBase):
    pass


class Link(Base):
    __tablename__ = "links"
    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    partner_id: Mapped[int]
    clicks: Mapped[int] = mapped_column(BigInteger, default=0)
    last_clicked: Mapped[datetime | None] = mapped_column(Timestamp)


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    link_id: Mapped[int] = mapped_column(ForeignKey(Link.id))
    created_at: Mapped[datetime] = mapped_column(Timestamp)

    @property
    def click_id(self) -> str:
        return f"cust_{self.id}_{int(self.created_at.timestamp() * 1000)}"


class Landing(BaseModel):
    """The request's body."""

    affiliate_url: str
    page_url: str | None = None
    page_title: str | None = None
    referrer_url: str | None = None
    session_id: str | None = None
    screen_resolution: str | None = None
    viewport_size: str | None = None
    language: str | None = None
    timezone: str | None = None
    event_id: str | None = None


class Event(Base):
    __tablename__ = "events"
    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey(Customer.id))
    link_id: Mapped[int] = mapped_column(ForeignKey(Link.id), index=True)
    occurred_at: Mapped[datetime] = mapped_column(Timestamp)
    affiliate_url: Mapped[str]
    page_url: Mapped[str | None]
    page_title: Mapped[str | None]
    referrer_url: Mapped[str | None]
    session_id: Mapped[str | None]
    screen_resolution: Mapped[str | None]
    viewport_size: Mapped[str | None]
    language: Mapped[str | None]
    timezone: Mapped[str | None]
    event_id: Mapped[str | None] = mapped_column(unique=True)
    user_agent: Mapped[str | None]
    browser: Mapped[str | None]
    os: Mapped[str | None]
    device: Mapped[str | None]
    is_bot: Mapped[bool]
    country: Mapped[str | None]
    city: Mapped[str | None]


class PartnerMetrics(Base):
    __tablename__ = "partner_metrics"
    program_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    partner_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    clicks: Mapped[int] = mapped_column(BigInteger)


# With a second connection to a SQLite file, transactions that start with a read would fail.
engine = create_async_engine(URL, pool_size=1 if IS_SQLITE else 20, max_overflow=0)
session = async_sessionmaker(engine, expire_on_commit=False)
upsert = (sqlite if IS_SQLITE else postgresql).insert
cities = maxminddb.open_database(GEOIP_DB) if GEOIP_DB else None


@event.listens_for(engine.sync_engine, "connect")
def _durable(connection: DBAPIConnection, _record: object) -> None:
    if IS_SQLITE:
        cursor = connection.cursor()
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with session.begin() as transaction:
        if await transaction.scalar(select(Link.id).limit(1)) is None:
            transaction.add_all(Link(code=f"CODE{n:04d}", partner_id=n % PARTNERS + 1) for n in range(LINKS))
    yield
    await engine.dispose()


async def click(landing: Landing, request: Request) -> dict[str, Any]:
    code = parse_qs(urlsplit(landing.affiliate_url).query).get("aff", [""])[0]
    now = datetime.now(UTC)
    async with session.begin() as transaction:
        link = await transaction.scalar(select(Link).where(Link.code == code))
        if link is None:
            raise HTTPException(400, "Referral link not found")
        customer = Customer(link_id=link.id, created_at=now)
        transaction.add(customer)
        await transaction.flush()
        found = seen(request.headers) | landing.model_dump()
        transaction.add(Event(customer_id=customer.id, link_id=link.id, occurred_at=now, **found))
        await count(transaction, link, now)
    return {
        "success": True,
        "click_id": customer.click_id,
        "partner_code": link.code,
        "cookie_window_days": WINDOW_DAYS,
    }


def seen(headers: Any) -> dict[str, Any]:
    """Return the columns derived from the request's headers: device and location."""
    agent = user_agents.parse(headers.get("user-agent", ""))
    address = headers.get("x-forwarded-for")
    place: Any = cities.get(address) if cities and address else None
    place = place if isinstance(place, dict) else {}
    return {
        "user_agent": agent.ua_string,
        "browser": agent.browser.family,
        "os": agent.os.family,
        "device": agent.device.family,
        "is_bot": agent.is_bot,
        "country": place.get("country_code") or place.get("country", {}).get("iso_code"),
        "city": name(place.get("city")),
    }


def name(city: Any) -> Any:
    return city.get("names", {}).get("en") if isinstance(city, dict) else city


async def count(transaction: AsyncSession, link: Link, now: datetime) -> None:
    """Add one click to the link's and the partner's counters."""
    await transaction.execute(
        update(Link)
        .where(Link.id == link.id)
        .values(clicks=Link.clicks + 1, last_clicked=now)
        .execution_options(synchronize_session=False)
    )
    metrics = upsert(PartnerMetrics).values(program_id=PROGRAM_ID, partner_id=link.partner_id, clicks=1)
    await transaction.execute(
        metrics.on_conflict_do_update(
            index_elements=["program_id", "partner_id"], set_={"clicks": PartnerMetrics.clicks + 1}
        )
    )


app = FastAPI(lifespan=lifespan)
app.add_api_route("/api/v1/track/click", click, methods=["POST"])
