"""Files of faults for interpretation systems and viewers, one format a module.

Each format is a frozen dataclass; its fields are what readers are known or suspected to disagree on.
"""
