"""The runs behind the book's tables: plan, execution, records, statistics."""
