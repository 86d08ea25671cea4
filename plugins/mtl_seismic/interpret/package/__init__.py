"""One zip of horizons and faults for each interpretation program."""
