"""The analysis of statements finds those that do not name a program."""

import pytest

from tests.support.distributed_sql import mentions, unnamed

BOTH = "affiliate_sales AS s JOIN customers AS c ON s.customer_id = c.id"
NAMED = {
    "parameter": "SELECT * FROM customers WHERE program_id = $1 AND id = $2",
    "constant": "SELECT * FROM customers WHERE customers.program_id = 7",
    "list": "SELECT * FROM customers WHERE program_id IN ($1,$2)",
    "array": "SELECT * FROM customers WHERE program_id = ANY($1::bigint[])",
    "row": "SELECT * FROM customers WHERE (program_id, id) IN (($1,$2),($3,$4))",
    "programs": "SELECT * FROM affiliate_programs WHERE id = $1",
    "both arms": "SELECT * FROM customers WHERE program_id = $1 AND id = 3 OR program_id = $2",
    "join": f"SELECT * FROM {BOTH} AND s.program_id = c.program_id WHERE c.program_id = $1",
    "outer join": "SELECT * FROM customers c LEFT JOIN affiliate_sales s ON s.program_id = c.program_id "
    "WHERE c.program_id = $1",
    "reference": "SELECT * FROM referral_links l JOIN customers c ON c.program_id = l.program_id",
    "lateral": "SELECT * FROM unnest($1::bigint[]) AS p (program_id) CROSS JOIN LATERAL "
    "(SELECT id FROM customers AS c WHERE c.program_id = p.program_id LIMIT 3) AS found",
    "correlated": "SELECT * FROM referral_links l WHERE EXISTS (SELECT FROM customers WHERE program_id = l.program_id)",
    "cte": "WITH given AS (SELECT * FROM json_to_recordset($1) AS x (program_id bigint)) "
    "SELECT * FROM customers c JOIN given ON given.program_id = c.program_id",
    "insert": "INSERT INTO customers (program_id, id) VALUES ($1, $2)",
    "insert of rows": "INSERT INTO customers (id, program_id) "
    "SELECT a, b FROM unnest($1::bigint[],$2::bigint[]) AS t(a, b)",
    "update": "UPDATE customers SET is_bot = true FROM unnest($1::bigint[]) AS t (program_id) "
    "WHERE customers.program_id = t.program_id",
    "delete": "DELETE FROM customers WHERE program_id = $1",
    "changes in a cte": "WITH fence AS (SELECT id FROM click_writers), part AS (INSERT INTO customers (program_id) "
    "VALUES ($1)), other AS (UPDATE affiliate_sales SET amount = 1 WHERE program_id = $2) SELECT * FROM fence",
    "partition": "SELECT * FROM affiliate_click_events_2026_11 WHERE program_id = $1",
    "union": "SELECT id FROM customers WHERE program_id = 1 "
    "UNION ALL SELECT id FROM affiliate_sales WHERE program_id = 1",
    "lock": "SELECT id FROM customers WHERE program_id = $1 FOR NO KEY UPDATE OF customers",
    "not distributed": "SELECT * FROM referral_links JOIN click_writers ON true",
}
UNNAMED = {
    "nothing": ("SELECT * FROM customers", ["customers"]),
    "id": ("SELECT * FROM customers WHERE id = $1", ["customers"]),
    "one arm": ("SELECT * FROM customers WHERE program_id = $1 OR id = $2", ["customers"]),
    "inequality": ("SELECT * FROM customers WHERE program_id > $1", ["customers"]),
    "negation": ("SELECT * FROM customers WHERE NOT program_id = $1", ["customers"]),
    "negated list": ("SELECT * FROM customers WHERE program_id NOT IN (1, 2)", ["customers"]),
    "one of two": (f"SELECT * FROM {BOTH} WHERE c.program_id = $1", ["affiliate_sales"]),
    "each other": (f"SELECT * FROM {BOTH} AND s.program_id = c.program_id", ["affiliate_sales", "customers"]),
    "outer join": (
        "SELECT * FROM customers c LEFT JOIN affiliate_sales s ON s.program_id = c.program_id AND c.program_id = $1",
        ["customers", "affiliate_sales"],
    ),
    "full join": (
        "SELECT * FROM customers c FULL JOIN affiliate_sales s ON s.program_id = 1 AND c.program_id = 1",
        ["customers", "affiliate_sales"],
    ),
    "other column": (f"SELECT * FROM {BOTH} AND s.program_id = c.id WHERE c.program_id = $1", ["affiliate_sales"]),
    "reference": ("SELECT * FROM referral_links l JOIN customers c ON c.program_id = l.id", ["customers"]),
    "programs": ("SELECT * FROM affiliate_programs WHERE name = $1", ["affiliate_programs"]),
    "lateral": (
        "SELECT * FROM customers c JOIN LATERAL (SELECT FROM affiliate_sales s WHERE s.customer_id = c.id) x ON true "
        "WHERE c.program_id = 1",
        ["affiliate_sales"],
    ),
    "cte": ("WITH given AS (SELECT id FROM customers) SELECT * FROM given WHERE id = 1", ["customers"]),
    "insert": ("INSERT INTO customers (id) VALUES ($1)", ["customers"]),
    "insert without columns": ("INSERT INTO customers VALUES ($1)", ["customers"]),
    "update": ("UPDATE customers SET program_id = $1 WHERE id = $2", ["customers"]),
    "delete": ("DELETE FROM customers USING affiliate_sales s WHERE s.program_id = 1", ["customers"]),
    "change in a cte": (
        "WITH part AS (UPDATE customers SET is_bot = true WHERE id = $1 RETURNING id) SELECT * FROM part",
        ["customers"],
    ),
    "partition": ("SELECT * FROM affiliate_click_events_older", ["affiliate_click_events_older"]),
    "union": (
        "SELECT id FROM customers WHERE program_id = 1 UNION ALL SELECT id FROM affiliate_sales",
        ["affiliate_sales"],
    ),
    "scalar": ("SELECT (SELECT count(*) FROM customers) FROM affiliate_programs WHERE id = 1", ["customers"]),
}


@pytest.mark.parametrize("sql", NAMED.values(), ids=NAMED)
def test_a_statement_that_names_its_programs_is_told_so(sql: str) -> None:
    assert not unnamed(sql)


@pytest.mark.parametrize(("sql", "tables"), UNNAMED.values(), ids=UNNAMED)
def test_a_table_whose_program_is_not_named_is_found(sql: str, tables: list[str]) -> None:
    assert sorted(unnamed(sql)) == sorted(tables)


@pytest.mark.parametrize(
    "sql",
    [
        "LOCK TABLE customers",
        "DO $$ BEGIN ANALYZE customers; END $$",
        "MERGE INTO customers c USING x ON c.program_id = x.program_id WHEN MATCHED THEN DELETE",
    ],
)
def test_a_statement_that_cannot_be_judged_names_nothing(sql: str) -> None:
    assert unnamed(sql) == ["customers"]


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        (f"SELECT * FROM {BOTH} AND s.program_id = c.program_id", []),
        (f"SELECT * FROM {BOTH}", ["affiliate_sales", "customers"]),
        ("SELECT * FROM customers", ["customers"]),
        ("SELECT * FROM customers c LEFT JOIN affiliate_sales s ON s.program_id = c.program_id", ["customers"]),
        (
            "SELECT * FROM affiliate_programs p JOIN LATERAL (SELECT FROM customers WHERE program_id = p.id) x ON true",
            ["affiliate_programs"],
        ),
    ],
)
def test_a_statement_of_many_programs_joins_each_with_its_own(sql: str, tables: list[str]) -> None:
    assert unnamed(sql, is_of_many=True) == tables


def test_statements_without_distributed_tables_need_not_be_parsed() -> None:
    assert mentions("LOCK TABLE customers")
    assert mentions("SELECT FROM affiliate_click_events_2026_11")
    assert not mentions("LOCK TABLE click_writers")
    assert not mentions("SELECT customers_found FROM pg_class")
