"""Measures of any two tables, as pure functions that return a `MetricResult`."""
