"""Keeps alerts on the car's disk until the operator has stored them, and for a time what was sent.

It may import `errors`, `data` and `disk`. `outputs`, `fleet`, `doctor` and `cli` use it. Use the class `Spool`:

    spool = Spool(folder, SpoolLimits(size=64_000_000, days=60, sent_days=30))
    spool.put(entry)  # safe on disk when it returns True
    for entry in spool.waiting(100, without=in_flight):  # the worst first
        ...  # publish entry.body
    spool.confirm(ids)  # the operator has stored these
    spool.counts()  # for the status
    spool.close()
"""
