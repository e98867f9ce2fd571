"""Reads what the benches measured, compares it with the budgets and shows both."""
