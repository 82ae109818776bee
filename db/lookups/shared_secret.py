"""Secrets that all gateways of a database share, made by the first that needs one."""

import secrets

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from db.engine.store import Store
from db.schema.secrets import Secret

SECRET_BYTES = 32


async def shared_secret(store: Store, name: str) -> str:
    """Return a secret of 64 hexadecimal digits, which is made and stored if there is none of this name. Raises
    `DatabaseUnavailable`."""
    known = select(Secret.value).where(Secret.name == name)
    async with store.read() as connection:
        if (value := await connection.scalar(known)) is not None:
            return str(value)
    async with store.write() as connection:
        try:
            async with connection.begin_nested():
                await connection.execute(insert(Secret).values(name=name, value=secrets.token_hex(SECRET_BYTES)))
        except IntegrityError:
            pass  # another gateway made it in the meantime
        return str(await connection.scalar(known))
