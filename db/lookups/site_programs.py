"""Finds the programs whose site a host belongs to."""

from collections.abc import Collection, Iterator, Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.schema.programs import Program


async def programs_of(connection: AsyncConnection, hosts: Collection[str]) -> Mapping[str, list[tuple[int, str]]]:
    """Return the id and the domain of each program that a host is a site of, by host. Of several domains, the most
    specific one counts: whoever has `example.com` is told nothing of the host `shop.example.com` of another program."""
    domains = {domain for host in hosts for domain in domains_of(host)}
    named = select(Program.id, Program.domain).where(Program.domain.in_(sorted(domains))).order_by(Program.id)
    found = [(id, domain or "") for id, domain in await connection.execute(named)]
    by_domain: dict[str, list[tuple[int, str]]] = {}
    for id, domain in found:
        by_domain.setdefault(domain, []).append((id, domain))
    by_host = {host: next(filter(None, map(by_domain.get, domains_of(host))), None) for host in hosts}
    return {host: programs for host, programs in by_host.items() if programs}


def domains_of(host: str) -> Iterator[str]:
    """Yield the domains whose site a host can be: itself, without its port, and those that it is a subdomain of."""
    yield host
    name, _, port = host.rpartition(":")
    if port.isdigit() and name:
        yield name
    else:
        name = host
    labels = name.split(".")
    if not labels[-1].isdigit():  # an address has no subdomains
        yield from (".".join(labels[at:]) for at in range(1, len(labels) - 1))
