"""Run the migrations: each in a transaction of its own, one runner at a time, on SQLite and PostgreSQL.

Called by `marketplace.migrating`, which passes the connection; there is no alembic.ini.
"""

from alembic import context
from sqlalchemy import Connection

from marketplace import tables  # noqa: F401 - imported so that the metadata is whole
from marketplace.database import Base

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=True,
    # pysqlite's own transactions commit before DDL; the engine sends BEGIN itself, so DDL rolls back too.
    transactional_ddl=True,
    compare_type=True,
    include_object=lambda _object, name, kind, _reflected, _other: (
        not (kind == "index" and str(name).startswith("pgvector_"))
    ),
)
with context.begin_transaction():
    context.run_migrations()
