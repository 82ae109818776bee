"""The table of secrets that gateways share."""

from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import CreatedAt, Text32, Text64
from db.schema.declarative_base import Base


class Secret(Base):
    """A random secret that the first gateway that needed it made."""

    __tablename__ = "secrets"

    name: Mapped[Text32] = mapped_column(primary_key=True)
    value: Mapped[Text64]
    created_at: Mapped[CreatedAt]
