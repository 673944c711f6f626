"""The default generator: columns one after the other, warm-started by likelihood, with a critic."""
