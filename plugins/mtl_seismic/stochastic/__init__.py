"""Random draws, smooth random fields and straight faults: what the generator and degraded labels both draw from."""
