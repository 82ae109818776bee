"""The table of id blocks."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import Text32
from db.schema.declarative_base import Base


class IdBlock(Base):
    """Where the next block of ids of one kind begins. A gateway takes a block at a time; skipped ids stay unused."""

    __tablename__ = "id_blocks"

    name: Mapped[Text32] = mapped_column(primary_key=True)
    next_id: Mapped[int] = mapped_column(BigInteger, server_default="1")
