"""The table of id blocks, from which gateways reserve ids before they insert rows."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import Text32
from db.schema.declarative_base import Base


class IdBlock(Base):
    """The start of the next block of ids of one kind. A gateway reserves a whole block; ids it does not use are
    skipped."""

    __tablename__ = "id_blocks"

    name: Mapped[Text32] = mapped_column(primary_key=True)
    next_id: Mapped[int] = mapped_column(BigInteger, server_default="1")
