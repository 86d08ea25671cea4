"""Faults as surfaces and sticks, from the fault task's fields.

::

    from mtl_seismic.interpret.faults.extract import extract_faults
    from mtl_seismic.interpret.faults.options import ExtractOptions

    faults = extract_faults(fields, ExtractOptions(threshold=0.4, dip=(30, 90)))

``fields`` are arrays (depth first) or volumes by output name; see extract.py.
"""
