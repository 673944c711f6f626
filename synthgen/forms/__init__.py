"""How cells are written down: numbers, dates, durations, intervals, identifiers, missing cells."""
