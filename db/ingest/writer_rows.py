"""How rows of writers are removed. The row with id 0, which belongs to no writer, keeps the latest watermark."""

REMOVE_FOUND = """
    gone AS (
        DELETE FROM click_writers USING found WHERE click_writers.id = found.id RETURNING click_writers.occurred_from
    )
    UPDATE click_writers
    SET occurred_from = greatest(occurred_from, (SELECT max(occurred_from) FROM gone), :moment)
    WHERE id = 0 AND EXISTS (SELECT FROM gone) RETURNING id
"""
"""The end of a statement that begins with a CTE `found` of their ids. `:moment` may be a later watermark, or null."""
